"""Positions and times as vectors."""

import math

import torch
from torch import Tensor


def sinusoids(x: Tensor, dim: int, *, scale: float = 1000.0, longest: float = 10000.0) -> Tensor:
    """Cosines and sines of geometrically falling frequencies (Vaswani et al. 2017, 3.5).  b -> b dim, float32."""
    half = dim // 2
    frequencies = torch.exp(torch.arange(half, device=x.device) * (-math.log(longest) / half))
    angles = x.float()[:, None] * scale * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)
