"""A small convolutional network that redraws small frames several times larger, with sharp lines.

    small frames ───────────────────┐
    where each place lies, seen ────┴─> cells ──> convolutions ──> pixels, on top of a bilinear enlargement
    from the actors (layout)                        ^ scaled and shifted by who does what and how (told, layout)

One that is told the layout can draw figures from it: in an actor's own coordinates a face is always at the same place
(as in networks that paint a picture from coordinates: Stanley 2007; Tancik et al. 2020 for their sines).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.nn.attention import unscaled_norm
from kineograph.nn.convolution import stack
from kineograph.nn.layout import MAPS, maps

WAVES = (1.0, 2.0, 4.0)  # of an actor's coordinates, in half turns a unit
SEEN = MAPS + 8 * len(WAVES)  # channels: the maps, and sines and cosines of two coordinates of two actors


@dataclass(frozen=True)
class UpsamplerConfig:
    """cell: the side, in small pixels, of the cells in which all the work is done. told_dim: what is told of a clip,
    layout_dim: of each frame; 0: nothing.
    """

    width: int = 16
    depth: int = 1
    factor: int = 4
    cell: int = 1
    told_dim: int = 0
    layout_dim: int = 0


class Upsampler(nn.Module):
    """b t 3 h w -> b t 3 fh fw for factor f, both in [-1, 1]: bilinear enlargement and what the network draws on top.

    All the work is done at the small size; pixels are spread at the end (sub-pixel convolution, Shi et al. 2016). One
    that can be told the clip's vector b v and its layout b t l draws square frames.
    """

    def __init__(self, config: UpsamplerConfig):
        super().__init__()
        self.config, self.factor, cell, width = config, config.factor, config.cell, config.width
        self.first = nn.Conv2d(3 * cell**2 + (SEEN if config.layout_dim else 0), width, 5, 1, 2)
        self.blocks = nn.ModuleList(stack(width, config.depth))
        self.last = nn.Conv2d(width, 3 * (self.factor * cell) ** 2, 3, 1, 1)
        self.last.weight.data.mul_(0.1)
        self.told = None
        if said := config.told_dim + config.layout_dim:
            self.told = nn.Sequential(nn.Linear(said, 128), nn.SiLU(), nn.Linear(128, 2 * width * config.depth))
            nn.init.zeros_(self.told[-1].weight)
            nn.init.zeros_(self.told[-1].bias)
            self.told[0].weight.muon = self.told[-1].weight.muon = False
        self.to(memory_format=torch.channels_last)

    def forward(self, video: Tensor, told: Tensor | None = None, layout: Tensor | None = None) -> Tensor:
        said, seen = self.said(video, told, layout), self.seen(video, layout)
        frames, parts = video.flatten(0, 1), []
        for i in range(0, len(frames), 16):
            part = slice(i, i + 16)
            parts.append(
                self.enlarge(frames[part], None if said is None else said[part], None if seen is None else seen[part])
            )
        return torch.cat(parts).unflatten(0, video.shape[:2])

    def said(self, video: Tensor, told: Tensor | None, layout: Tensor | None) -> Tensor | None:
        """What is told of each frame, (b t) v+l; zeros for what is not."""
        if self.told is None:
            return None
        b, t = video.shape[:2]
        told = video.new_zeros(b, self.config.told_dim) if told is None else unscaled_norm(told.float())
        layout = video.new_zeros(b, t, self.config.layout_dim) if layout is None else layout.float()
        return torch.cat([told[:, None].expand(-1, t, -1), layout], dim=2).flatten(0, 1)

    def seen(self, video: Tensor, layout: Tensor | None) -> Tensor | None:
        """Where each cell of a frame lies, seen from the actors, (b t) c h w of cells."""
        if not self.config.layout_dim:
            return None
        b, t, _, height, width = video.shape
        if height != width:
            raise ValueError(f"frames drawn by a layout are square; these are {height} x {width}")
        side = width // self.config.cell
        layout = video.new_zeros(b, t, self.config.layout_dim) if layout is None else layout.float()
        at = maps(layout, side).unflatten(2, (2, 3))  # b t 2 3 h w: of each actor across, down, near
        near = at[:, :, :, 2:]
        turns = torch.cat([at[:, :, :, :2] * (torch.pi * wave) for wave in WAVES], dim=3)
        return torch.cat([at, near * turns.sin(), near * turns.cos()], dim=3).flatten(2, 3).flatten(0, 1)

    def enlarge(self, frames: Tensor, said: Tensor | None = None, seen: Tensor | None = None) -> Tensor:
        """n 3 h w, and of each frame what is told, n v, and where its cells lie, n c h w -> n 3 fh fw."""
        dtype, cell = self.first.weight.dtype, self.config.cell
        x = F.pixel_unshuffle(frames.to(dtype), cell)
        x = x if seen is None else torch.cat([x, seen.to(dtype)], dim=1)
        h = self.first(x.contiguous(memory_format=torch.channels_last))
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

    def loss(
        self, small: Tensor, large: Tensor, told: Tensor | None = None, layout: Tensor | None = None,
        corners: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """Absolute error of values and of edges, b t 3 h w against b t 3 fh fw.

        corners: b 2, of each clip the first row and column of a square of half its side, in cells: only that is drawn.
        """
        said, seen, frames = self.said(small, told, layout), self.seen(small, layout), small.flatten(0, 1)
        if corners is not None:
            side, cell = small.shape[-1] // 2 // self.config.cell, self.config.cell
            corners = corners.repeat_interleave(small.shape[1], 0)
            seen = None if seen is None else cut(seen, corners, side)
            frames = cut(frames, cell * corners, cell * side)
            large = cut(large.flatten(0, 1), self.factor * cell * corners, self.factor * cell * side)
        error = self.enlarge(frames, said, seen) - large.view(len(frames), *large.shape[-3:])
        edges = (error[..., 1:] - error[..., :-1]).abs().mean() + (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
        return error.abs().mean() + edges


def cut(x: Tensor, corners: Tensor, side: int) -> Tensor:
    """Of each picture the square of this side whose first row and column are given.  n c h w, n 2 -> n c side side."""
    rows = zip(x, corners.tolist(), strict=True)
    return torch.stack([picture[:, top : top + side, left : left + side] for picture, (top, left) in rows])


def fitted(frames: Tensor, height: int, width: int) -> Tensor:
    """t 3 h w square frames -> t 3 height width: resized to cover, the middle kept."""
    if frames.shape[-2:] == (height, width):
        return frames
    side = max(height, width)
    frames = F.interpolate(frames, size=(side, side), mode="bicubic", antialias=True)
    top, left = (side - height) // 2, (side - width) // 2
    return frames[..., top : top + height, left : left + width]
