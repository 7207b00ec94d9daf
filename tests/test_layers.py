"""Who may import whom: the arrows of the architecture, read from the syntax trees."""

import ast
from pathlib import Path

import pytest

import kineograph

ROOT = Path(kineograph.__file__).parent
LEAVES = {"clip", "config", "story", "video", "geometry", "catalogue", "condition", "tensors"}
CORE = LEAVES | {"nn", "models", "processes", "system"}
BENCH = {"bench", "bench_roofs", "bench_against", "bench_peers", "bench_absent"}
SURFACES = {"cli", "server", "ui", "jobs", "__main__"} | BENCH

ALLOWED = {
    "__init__": {"clip", "system"},
    "clip": {"video"},
    "config": set(),
    "story": set(),
    "geometry": set(),
    "catalogue": {"systems"},
    "video": {"clip"},
    "condition": set(),
    "tensors": set(),
    "nn": {"condition"},
    "models": {"clip", "condition", "nn", "tensors"},
    "processes": {"condition"},
    "system": {"clip", "condition", "config", "story", "catalogue", "tensors"},
    "systems": CORE | {"hub"},
    "provenance": {"system", "video", "config", "clip"},
    "data": {"clip", "config", "video", "tensors"},
    "training": LEAVES | {"system", "data", "provenance"},
    "evaluation": LEAVES | {"system", "data", "models", "nn", "provenance", "training"},  # its judges are taught
    "hub": LEAVES | {"system", "models", "nn"},
}
HOMES = {  # outside libraries that only some files may import
    "av": {"video.py"},
    "transformers": {"models/text.py", "models/vision.py", "models/depth.py", "bench_peers.py"},
    "accelerate": {"training/"},
    "diffusers": {"bench_peers.py"},
    "phenaki_pytorch": {"bench_peers.py"},
    "make_a_video_pytorch": {"bench_peers.py"},
    "video_diffusion_pytorch": {"bench_peers.py"},
    "skia": {"data/world/"},
}
FILES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Every module a file names in an import, wherever it stands, with what it takes from it."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def layer(module: str) -> str:
    """`kineograph.nn.blocks.Block` -> nn."""
    return module.split(".")[1]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_imports_only_what_lies_below_it(path: Path):
    own = path.parts[0].removesuffix(".py")
    for module in imports(path):
        if module.startswith("kineograph.") and not module.startswith("kineograph.__version__"):
            other = layer(module)
            assert own in SURFACES or other == own or other in ALLOWED[own], f"{path} may not import {module}"
            assert other not in SURFACES or own in SURFACES, f"{path} imports the surface {other}"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_libraries_stay_in_their_homes(path: Path):
    for library in {module.split(".")[0] for module in imports(path)} & set(HOMES):
        homes = HOMES[library]
        assert any(str(path) == home or str(path).startswith(home) for home in homes if home), f"{path}: {library}"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_no_file_is_too_long(path: Path):
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= 350


def test_package_files_below_the_root_are_empty():
    assert all(not (ROOT / path).read_text() for path in FILES if path.name == "__init__.py" and len(path.parts) > 1)
