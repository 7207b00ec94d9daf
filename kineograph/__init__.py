"""kineograph turns a prompt, or a story told in several prompts, into a video."""

__version__ = "0.1.0"
__all__ = ["Clip", "__version__", "load"]


def __getattr__(name: str) -> object:
    """`kineograph.load` and `kineograph.Clip`, imported when first asked for: the package itself costs no torch."""
    if name == "load":
        from kineograph.system import load

        return load
    if name == "Clip":
        from kineograph.clip import Clip

        return Clip
    raise AttributeError(f"module 'kineograph' has no attribute {name!r}")
