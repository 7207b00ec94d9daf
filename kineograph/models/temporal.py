"""What makes an image UNet a video UNet: layers that mix frames, plans of where they stand, and whom a frame reads.

A temporal layer maps (b t) c h w -> same and is told t. A plan is asked for one at each place of the UNet, and every
layer it gives begins as the identity: a new video UNet says of each frame what its image UNet says, exactly.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.nn.blocks import Attention, GroupNorm, TransformerBlock


@dataclass(frozen=True)
class Place:
    """Where in a UNet a plan is asked for a layer; attends: whether this level attends to the text."""

    dim: int
    heads: int
    groups: int
    attends: bool = True
    middle: bool = False


class Still(nn.Module):
    """No layer here: every frame passes as it is."""

    def forward(self, x: Tensor, frames: int) -> Tensor:
        return x


@dataclass(frozen=True)
class Plan:
    """Where the temporal layers stand. This one has none: the UNet of an image system."""

    def at_input(self, place: Place) -> nn.Module:
        """After the first convolution."""
        return Still()

    def after_resnet(self, place: Place) -> nn.Module:
        """After each resnet, before the attention."""
        return Still()

    def after_attention(self, place: Place) -> nn.Module:
        """After each spatial transformer, or after the resnet of a level that has none."""
        return Still()

    def in_transformer(self, place: Place) -> nn.Module | None:
        """At the end of each block of a spatial transformer; a layer over n m c."""
        return None


@dataclass(frozen=True)
class ModelScopePlan(Plan):
    """Wang et al. 2023: a transformer at the input and after each attention, a convolution after each resnet."""

    def at_input(self, place: Place) -> nn.Module:
        return TemporalTransformer(place.dim, 8, place.groups, inner=8 * place.dim // place.heads)

    def after_resnet(self, place: Place) -> nn.Module:
        return TemporalConv(place.dim, place.groups)

    def after_attention(self, place: Place) -> nn.Module:
        return TemporalTransformer(place.dim, place.heads, place.groups) if place.attends else Still()


@dataclass(frozen=True)
class AnimateDiffPlan(Plan):
    """Guo et al. 2024: a transformer that knows the frames' positions after every resnet and attention, at every level.

    positions: the most frames at once; middle: whether there is one at the bottom, as in the second version.
    """

    heads: int = 8
    positions: int = 32
    middle: bool = True

    def after_attention(self, place: Place) -> nn.Module:
        if place.middle and not self.middle:
            return Still()
        return TemporalTransformer(place.dim, self.heads, place.groups, positions=self.positions)


@dataclass(frozen=True)
class TuneAVideoPlan(Plan):
    """Wu et al. 2023: attention along time at the end of each transformer block."""

    def in_transformer(self, place: Place) -> nn.Module | None:
        return TemporalAttention(place.dim, place.heads)


class TemporalConv(nn.Module):
    """Four convolutions along time, the last one zero at first.  (b t) c h w -> same."""

    def __init__(self, dim: int, groups: int):
        super().__init__()
        for i in range(1, 5):
            drop = [nn.Dropout(0.1)] if i > 1 else []
            conv = ConvAlongTime(dim, dim, (3, 1, 1), padding=(1, 0, 0))
            setattr(self, f"conv{i}", nn.Sequential(GroupNorm(groups, dim), nn.SiLU(), *drop, conv))
        zero(self.conv4[-1])

    def forward(self, x: Tensor, frames: int) -> Tensor:
        y = self.conv4(self.conv3(self.conv2(self.conv1(by_time(x, frames)))))
        return x + y.transpose(1, 2).unflatten(3, x.shape[2:]).flatten(0, 1)


class ConvAlongTime(nn.Conv3d):
    """A kernel t x 1 x 1, applied as one of t x 1 to frames by pixels.  b c t n -> same."""

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight[..., 0], self.bias, padding=self.padding[:2])


class TemporalTransformer(nn.Module):
    """A transformer over the frames of each pixel, whose output is zero at first.  (b t) c h w -> same.

    positions: how many frames it can tell apart; with 0 their order does not matter to it.
    """

    def __init__(self, dim: int, heads: int, groups: int, *, inner: int = 0, positions: int = 0):
        super().__init__()
        inner = inner or dim
        self.norm = GroupNorm(groups, dim, eps=1e-6)
        self.proj_in, self.proj_out = nn.Linear(dim, inner), nn.Linear(inner, dim)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(inner, heads)])
        self.placed = FramePositions(inner, positions) if positions else nn.Identity()
        zero(self.proj_out)

    def forward(self, x: Tensor, frames: int) -> Tensor:
        h, w = x.shape[-2:]
        y = self.norm(by_time(x, frames))
        y = self.proj_in(y.permute(0, 3, 2, 1).flatten(0, 1))  # (b h w) t c
        for block in self.transformer_blocks:
            y = block(y, placed=self.placed)
        y = self.proj_out(y).unflatten(0, (-1, h, w))  # b h w t c
        return x + y.permute(0, 3, 4, 1, 2).flatten(0, 1)


class TemporalAttention(nn.Module):
    """Attention over the frames of each token, whose output is zero at first.  (b t) n c -> same."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.norm, self.attn = nn.LayerNorm(dim), Attention(dim, heads)
        zero(self.attn.to_out[0])

    def forward(self, x: Tensor, frames: int) -> Tensor:
        y = x.unflatten(0, (-1, frames)).transpose(1, 2)  # b n t c
        y = self.attn(self.norm(y).flatten(0, 1)).unflatten(0, y.shape[:2])
        return x + y.transpose(1, 2).flatten(0, 1)


class FramePositions(nn.Module):
    """Adds sines and cosines of each frame's number, interleaved.  n t c -> same."""

    def __init__(self, dim: int, length: int):
        super().__init__()
        self.dim, self.length = dim, length

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] > self.length:
            raise ValueError(f"this motion module tells at most {self.length} frames apart; got {x.shape[1]}")
        falling = torch.exp(torch.arange(0, self.dim, 2, device=x.device) * (-math.log(10000.0) / self.dim))
        angles = torch.arange(x.shape[1], device=x.device)[:, None] * falling  # t c/2
        return x + torch.stack([angles.sin(), angles.cos()], -1).flatten(1).to(x.dtype)


def by_time(x: Tensor, frames: int) -> Tensor:
    """(b t) c h w -> b c t (h w), channels-last: where x is, nothing is copied."""
    x = x.flatten(2).unflatten(0, (-1, frames)).transpose(1, 2)
    return x.contiguous(memory_format=torch.channels_last)


def zero(layer: nn.Module) -> None:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)


# Frame attentions: whose tokens a frame's self-attention reads.  (b t) n c, t -> (b t) m c

FrameAttention = Callable[[Tensor, int], Tensor]


def itself(y: Tensor, frames: int) -> Tensor:
    """Its own: each frame is an image."""
    return y


def first(y: Tensor, frames: int) -> Tensor:
    """Those of the first frame (Khachatryan et al. 2023, eq. 7)."""
    return y.unflatten(0, (-1, frames))[:, :1].expand(-1, frames, -1, -1).flatten(0, 1)


def first_and_previous(y: Tensor, frames: int) -> Tensor:
    """Those of the first frame and of the one before (Wu et al. 2023, eq. 6)."""
    y = y.unflatten(0, (-1, frames))
    before = y[:, [max(i - 1, 0) for i in range(frames)]]
    return torch.cat([y[:, :1].expand_as(y), before], dim=2).flatten(0, 1)
