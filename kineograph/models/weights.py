"""Folders of published weights: config.json beside safetensors files, whole or in shards. Pickles are never opened."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, TypeVar

import safetensors.torch
import torch
from torch import Tensor, nn

from kineograph.tensors import check, read

Part = TypeVar("Part", bound=nn.Module)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; ValueError where there is none."""
    if not path.is_file():
        raise ValueError(f"{path} is missing")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"{path} is damaged: it holds no JSON object")
    return value


def write_json(path: Path, value: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_tensors(folder: Path, stem: str, variant: str = "") -> dict[str, Tensor]:
    """The tensors of stem.safetensors or of the shards its index names; for variant fp16, of stem.fp16.safetensors."""
    dotted = f".{variant}" if variant else ""
    index, single = folder / f"{stem}.safetensors.index{dotted}.json", folder / f"{stem}{dotted}.safetensors"
    names = [single.name]
    if index.is_file():
        shards = read_json(index).get("weight_map")
        if not isinstance(shards, dict) or not all(isinstance(n, str) and Path(n).name == n for n in shards.values()):
            raise ValueError(f"{index} is damaged: it does not name files beside it")
        names = sorted(set(shards.values()))
    tensors: dict[str, Tensor] = {}
    for name in names:
        tensors |= read(folder / name)
    return tensors


def filled(build: Callable[[], Part], tensors: dict[str, Tensor], source: Path, dtype: torch.dtype) -> Part:
    """The module that `build` makes, without drawing weights first, filled with tensors as dtype."""
    with torch.device("meta"):
        part = build()
    check(tensors, part.state_dict(), source)
    part.load_state_dict({name: x.to(dtype) for name, x in tensors.items()}, assign=True)
    return part.eval()


def write_part(folder: Path, stem: str, config: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """config.json and one safetensors file."""
    write_json(folder / "config.json", config)
    tensors = {name: x.detach().to("cpu", copy=True).contiguous() for name, x in tensors.items()}
    safetensors.torch.save_file(tensors, str(folder / f"{stem}.safetensors"), metadata={"format": "pt"})


@contextmanager
def building(folder: str | Path) -> Iterator[Path]:
    """A place to build a folder in, which takes its name when all is there; ValueError if there is one already."""
    folder = Path(folder)
    if folder.exists():
        raise ValueError(f"{folder} is there already")
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = Path(mkdtemp(prefix=".partial-", dir=folder.parent))
    try:
        yield place
        place.chmod(0o755)
        place.replace(folder)
    finally:
        rmtree(place, ignore_errors=True)
