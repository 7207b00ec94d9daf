"""Convolutional bricks without normalisation, for codecs and upsamplers."""

import torch.nn.functional as F
from torch import Tensor, nn


class Residual(nn.Module):
    """Two 3 x 3 convolutions around which the input passes; begins near the identity.  n c h w -> same."""

    def __init__(self, width: int):
        super().__init__()
        self.first, self.second = nn.Conv2d(width, width, 3, 1, 1), nn.Conv2d(width, width, 3, 1, 1)
        self.second.weight.data.mul_(0.3)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.silu(self.first(F.silu(x))))


class ToSpace(nn.Module):
    """Channels become space: n c h w -> n d 2h 2w."""

    def __init__(self, inner: int, outer: int):
        super().__init__()
        self.spread = nn.Conv2d(inner, 4 * outer, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(self.spread(x), 2)


def stack(width: int, depth: int) -> list[Residual]:
    return [Residual(width) for _ in range(depth)]
