"""A small convolutional network that redraws small frames several times larger, with sharp lines.

small frames ──> cells ──> convolutions ──> pixels, on top of a bilinear enlargement
                              ^ scaled and shifted by what is told of the clip
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.nn.attention import unscaled_norm
from kineograph.nn.convolution import stack


@dataclass(frozen=True)
class UpsamplerConfig:
    """cell: the side, in small pixels, of the cells in which all the work is done. told_dim: what is told of a clip, 0:
    nothing.
    """

    width: int = 16
    depth: int = 1
    factor: int = 4
    cell: int = 1
    told_dim: int = 0


class Upsampler(nn.Module):
    """b t 3 h w -> b t 3 fh fw for factor f, both in [-1, 1]: bilinear enlargement and what the network draws on top.

    All the work is done at the small size; pixels are spread at the end (sub-pixel convolution, Shi et al. 2016).
    """

    def __init__(self, config: UpsamplerConfig):
        super().__init__()
        self.config, self.factor, cell, width = config, config.factor, config.cell, config.width
        self.first = nn.Conv2d(3 * cell**2, width, 5, 1, 2)
        self.blocks = nn.ModuleList(stack(width, config.depth))
        self.last = nn.Conv2d(width, 3 * (self.factor * cell) ** 2, 3, 1, 1)
        self.last.weight.data.mul_(0.1)
        self.told = None
        if config.told_dim:
            self.told = nn.Sequential(
                nn.Linear(config.told_dim, 128), nn.SiLU(), nn.Linear(128, 2 * width * config.depth)
            )
            nn.init.zeros_(self.told[-1].weight)
            nn.init.zeros_(self.told[-1].bias)
            self.told[0].weight.muon = self.told[-1].weight.muon = False
        self.to(memory_format=torch.channels_last)

    def forward(self, video: Tensor, told: Tensor | None = None) -> Tensor:
        """told: b v, zeros where nothing is."""
        said, frames, parts = self.said(video, told), video.flatten(0, 1), []
        for i in range(0, len(frames), 16):
            parts.append(self.enlarge(frames[i : i + 16], None if said is None else said[i : i + 16]))
        return torch.cat(parts).unflatten(0, video.shape[:2])

    def said(self, video: Tensor, told: Tensor | None) -> Tensor | None:
        """What is told of each frame, (b t) v."""
        if self.told is None:
            return None
        b, t = video.shape[:2]
        told = video.new_zeros(b, self.config.told_dim) if told is None else unscaled_norm(told.float())
        return told.repeat_interleave(t, 0)

    def enlarge(self, frames: Tensor, said: Tensor | None = None) -> Tensor:
        """n 3 h w, and what is told of each frame, n v -> n 3 fh fw."""
        dtype, cell = self.first.weight.dtype, self.config.cell
        h = self.first(F.pixel_unshuffle(frames.to(dtype), cell).contiguous(memory_format=torch.channels_last))
        if said is None:
            for block in self.blocks:
                h = block(h)
        else:
            changes = self.told(said.to(dtype))[..., None, None].chunk(2 * len(self.blocks), dim=1)
            for block, scale, shift in zip(self.blocks, changes[::2], changes[1::2], strict=True):
                h = block(torch.addcmul(shift, 1 + scale, h))
        detail = F.pixel_shuffle(self.last(F.silu(h)).float(), self.factor * cell)
        return detail + F.interpolate(frames.float(), scale_factor=self.factor, mode="bilinear")

    def shrunk(self, large: Tensor) -> Tensor:
        """b t 3 fh fw -> b t 3 h w by averaging, as antialiased drawing at the small size would."""
        return F.avg_pool2d(large.flatten(0, 1), self.factor).unflatten(0, large.shape[:2])

    def bicubic(self, small: Tensor) -> Tensor:
        """b t 3 h w -> b t 3 fh fw without any network, to compare with."""
        large = F.interpolate(small.flatten(0, 1), scale_factor=self.factor, mode="bicubic")
        return large.unflatten(0, small.shape[:2])

    def loss(self, small: Tensor, large: Tensor, told: Tensor | None = None, *, part: float = 1.0) -> Tensor:
        """Absolute error of values and of edges, b t 3 h w against b t 3 fh fw; of a square by lot whose side is `part`
        of a square picture's.
        """
        said, frames, large = self.said(small, told), small.flatten(0, 1), large.flatten(0, 1)
        if part < 1:
            cell = self.config.cell
            whole = frames.shape[-1] // cell
            side = round(part * whole)
            top, left = torch.randint(whole - side + 1, (2,)).tolist()
            frames = cut(frames, cell * top, cell * left, cell * side)
            large = cut(large, *(self.factor * cell * n for n in (top, left, side)))
        error = self.enlarge(frames, said) - large
        edges = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
        return error.abs().mean() + edges


def cut(pictures: Tensor, top: int, left: int, side: int) -> Tensor:
    """The square of this side whose first row and column are given."""
    return pictures[..., top : top + side, left : left + side]


def fitted(frames: Tensor, height: int, width: int) -> Tensor:
    """t 3 h w square frames -> t 3 height width: resized to cover, the middle kept."""
    if frames.shape[-2:] == (height, width):
        return frames
    side = max(height, width)
    frames = F.interpolate(frames, size=(side, side), mode="bicubic", antialias=True)
    top, left = (side - height) // 2, (side - width) // 2
    return frames[..., top : top + height, left : left + width]
