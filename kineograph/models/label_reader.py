"""A small network that watches a clip and says which value each label has.

Its convolutions see a part of their channels as they are in the frames before and after (temporal shift, Lin et al.
2019), so that motion is read at every scale at no cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.nn.convolution import Residual


@dataclass(frozen=True)
class LabelReaderConfig:
    """How many frames are looked at, and widths at 1/2, 1/4, 1/8 and 1/16 of their size."""

    frames: int = 4
    size: int = 64
    widths: tuple[int, ...] = (8, 16, 16, 16)
    depths: tuple[int, ...] = (1, 1, 1)  # shifted blocks at 1/4, 1/8, 1/16
    layout: int = 8  # channels that keep where in the picture a thing is
    dim: int = 32


class ShiftedResidual(Residual):
    """A residual block that sees an eighth of its channels as they are a frame before, and an eighth a frame after."""

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """(b t) c h w, channels-last -> same."""
        return x + self.second(F.silu(self.first(shifted(F.silu(x), frames))))


def shifted(x: Tensor, frames: int) -> Tensor:
    """Moves an eighth of the channels a frame on and an eighth a frame back; zeros come in.  (b t) c h w -> same.

    A picture is its own past and future, as a frame of a film that stands still is.
    """
    if frames == 1:
        return x
    x = x.permute(0, 2, 3, 1).unflatten(0, (-1, frames))  # b t h w c, as it lies in memory
    share = x.shape[-1] // 8
    past = F.pad(x[:, :-1, ..., :share], (0, 0) * 3 + (1, 0))
    future = F.pad(x[:, 1:, ..., share : 2 * share], (0, 0) * 3 + (0, 1))
    return torch.cat([past, future, x[..., 2 * share :]], -1).flatten(0, 1).permute(0, 3, 1, 2)  # (b t) c h w


class LabelReader(nn.Module):
    """b t 3 s s in [-1, 1] -> for each label, b classes of scores. It looks at some frames only, evenly in time."""

    def __init__(self, config: LabelReaderConfig, classes: Sequence[int]):
        super().__init__()
        if config.size % 16:
            raise ValueError(f"size must be divisible by 16; got {config.size}")
        self.config, self.classes = config, tuple(classes)
        widths, cells = config.widths, (config.size // 16) ** 2
        self.stem = nn.Conv2d(12, widths[0], 3, 1, 1)
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in pairwise(widths))
        self.blocks = nn.ModuleList(
            nn.ModuleList(ShiftedResidual(width) for _ in range(depth))
            for width, depth in zip(widths[1:], config.depths, strict=True)
        )
        self.layout = nn.Conv2d(widths[-1], config.layout, 1)
        self.flat = nn.Linear(config.layout * cells, config.dim)
        self.mixers = nn.ModuleList(nn.Conv1d(config.dim, config.dim, 3, 1, 1) for _ in range(2))
        self.heads = nn.Linear(2 * config.dim + widths[-1], sum(classes))
        self.heads.weight.muon = False
        nn.init.zeros_(self.heads.bias)
        self.to(memory_format=torch.channels_last)

    def looked_at(self, video: Tensor) -> Tensor:
        """b t c h w -> b frames c h w: every second of sixteen frames for a reader of eight."""
        if video.ndim != 5 or video.shape[2:] != (3, self.config.size, self.config.size):
            raise ValueError(f"clips to read are b t 3 {self.config.size} {self.config.size}; got {tuple(video.shape)}")
        count = self.config.frames
        return video[:, torch.arange(count) * video.shape[1] // count]

    def forward(self, video: Tensor) -> tuple[Tensor, ...]:
        frames = self.config.frames
        x = self.looked_at(video).flatten(0, 1)  # (b t) c h w
        x = F.pixel_unshuffle(x, 2).to(self.stem.weight.dtype).contiguous(memory_format=torch.channels_last)
        x = self.stem(x)
        for down, blocks in zip(self.downs, self.blocks, strict=True):
            x = down(F.silu(x))
            for block in blocks:
                x = block(x, frames)
        x = F.silu(x)
        seen = x.amax((2, 3)).unflatten(0, (-1, frames)).amax(1)  # b c: what is anywhere at any time
        h = self.flat(self.layout(x).flatten(1)).unflatten(0, (-1, frames)).transpose(1, 2)  # b d t
        for mixer in self.mixers:
            h = h + mixer(F.silu(h))
        h = F.silu(h)
        return self.heads(torch.cat([h.mean(2), h.amax(2), seen], 1)).float().split(self.classes, 1)
