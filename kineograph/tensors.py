"""Weights: in files, safetensors only, for pickles can run code; what does not fit a network is named."""

from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file; ValueError if it is missing, damaged or something else."""
    if path.suffix != ".safetensors" or not path.is_file():
        there = sorted(p.name for p in path.parent.glob("*") if p.suffix in (".safetensors", *PICKLES))
        refused = any(name.endswith(PICKLES) for name in there)
        raise ValueError(
            f"{path} is missing; there is {', '.join(there) or 'no file of weights'}"
            f"{'; pickles are not opened, for they can run code' if refused else ''}"
        )
    try:
        return safetensors.torch.load_file(str(path))
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is damaged or no safetensors file: {error}") from error


def check(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor], source: Path) -> None:
    """ValueError naming the first tensor that has not the name or shape that is wanted, or is not finite."""
    if wrong := sorted(set(wanted) ^ set(tensors)):
        verb = "lacks" if wrong[0] in wanted else "has a foreign"
        raise ValueError(f"{source} is of another network: it {verb} {wrong[0]}, and {len(wrong)} names differ in all")
    for name, x in tensors.items():
        if x.shape != wanted[name].shape:
            ours = tuple(wanted[name].shape)
            raise ValueError(f"{source} is of another network: {name} is {tuple(x.shape)} and should be {ours}")
        if not x.isfinite().all():
            raise ValueError(f"{source} is damaged: {name} holds numbers that are not finite")


def as_dtype(part: nn.Module, dtype: torch.dtype) -> None:
    """Weights as dtype; buffers keep their precision, for they are tables and statistics."""
    for weight in part.parameters():
        weight.data = weight.data.to(dtype)
