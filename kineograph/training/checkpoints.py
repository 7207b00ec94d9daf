"""Checkpoints of a run: folders that appear whole or not at all, and are checked before they are trusted."""

import hashlib
import json
import os
import shutil
import warnings
from pathlib import Path

import safetensors.torch
from torch import Tensor

TENSORS, NUMBERS = "state.safetensors", "state.json"


def write(folder: Path, tensors: dict[str, Tensor], numbers: dict, *, keep: int = 2) -> Path:
    """Saves folder/step-00001234 and drops all but it and the `keep` - 1 before it."""
    folder.mkdir(parents=True, exist_ok=True)
    final, partial = folder / f"step-{numbers['steps']:08d}", folder / ".partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    safetensors.torch.save_file({k: x.detach().cpu().contiguous() for k, x in tensors.items()}, str(partial / TENSORS))
    head = numbers | {"sha256": digest(partial / TENSORS)}
    (partial / NUMBERS).write_text(json.dumps(head) + "\n")
    for path in (partial / TENSORS, partial / NUMBERS, partial):
        sync(path)
    if final.exists():
        shutil.rmtree(final)
    os.replace(partial, final)
    sync(folder)
    paths = found(folder)
    here = paths.index(final)  # those after it are damaged, or of a future that was given up
    for path in paths[: max(0, here + 1 - keep)] + paths[here + 1 :]:
        shutil.rmtree(path)
    return final


def read(path: Path) -> tuple[dict[str, Tensor], dict]:
    """One checkpoint's tensors and numbers; ValueError if it is damaged."""
    try:
        numbers = json.loads((path / NUMBERS).read_text())
        if digest(path / TENSORS) != numbers.pop("sha256"):
            raise ValueError("its tensors are not the ones that were written")
        return safetensors.torch.load_file(str(path / TENSORS)), numbers
    except (OSError, ValueError, KeyError, TypeError, AttributeError, safetensors.SafetensorError) as error:
        raise ValueError(f"the checkpoint {path} cannot be used: {error}") from error


def latest(folder: Path) -> tuple[dict[str, Tensor], dict] | None:
    """The newest checkpoint that can be used, with a warning for each that cannot; None where there is none."""
    paths = found(folder)
    for path in reversed(paths):
        try:
            return read(path)
        except ValueError as error:
            warnings.warn(f"{error}; trying the one before", stacklevel=2)
    if paths:
        raise ValueError(f"none of the {len(paths)} checkpoints in {folder} can be used")
    return None


def found(folder: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    return sorted(folder.glob("step-*"))


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Waits until a file or folder is on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
