"""Which systems there are, read from their files without importing them: `kineograph systems` needs no torch."""

import ast
import difflib
from pathlib import Path

from kineograph import systems

CHECKPOINTS = Path(__file__).parent / "checkpoints"
DEFAULT = "kineograph"


def catalogue() -> dict[str, str]:
    """Every system by name, with the first line of its file's docstring."""
    return {name: docstring(name).partition("\n")[0] for name in names()}


def names() -> list[str]:
    """The systems' names: the stems of the files in the package `systems`."""
    return sorted(files())


def bundled() -> list[str]:
    """The systems whose weights ship with the package, or which need none but a bundled system's."""
    return [name for name in names() if (CHECKPOINTS / name).is_dir()]


def files() -> dict[str, Path]:
    """The file of each system, from wherever Python finds the package's modules."""
    found = (path for folder in systems.__path__ for path in Path(folder).glob("*.py"))
    return {path.stem: path for path in found if not path.stem.startswith("_")}


def docstring(name: str) -> str:
    """The whole docstring of a system's file."""
    return ast.get_docstring(ast.parse(files()[name].read_text(encoding="utf-8"))) or ""


def unknown(what: str, name: str, known: list[str]) -> str:
    """The sentence for a name that is not known: offers the nearest ones."""
    if near := difflib.get_close_matches(name, known, n=3, cutoff=0.5):
        return f"no {what} {name!r}; did you mean {' or '.join(near)}?"
    return f"no {what} {name!r}; there is {', '.join(known) if known else 'none'}"
