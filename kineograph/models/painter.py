"""Paints figures: who it is, in which pose and style, becomes a transparent picture, laid over the scenery.

    labels, layout of a frame ──> a small grid ──> convolutions, each scaled and shifted by what is told ──> colours and
                                                                                   opacity, as the actor sees itself
    placed, sized, turned and mirrored by the layout (a spatial transformer) ──────────────> laid over the scenery

A figure is the same wherever it stands, so it is learnt in coordinates of its own (Jaderberg et al. 2015; Siarohin et
al. 2019), and a clip is layers, one over the other (Wang & Adelson 1994). It holds still from frame to frame but for
what its pose moves. Taught on frames with and without their actors.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.nn.attention import unscaled_norm
from kineograph.nn.convolution import Residual, ToSpace
from kineograph.nn.labels import certain
from kineograph.nn.layout import ACTORS, pictured, places, there

MIDDLE, REACH = (0.0, -0.7), (1.95, 2.6)  # of a figure's picture, in its own units across and down
CLEAR = -3.0  # opacity before anything is learnt
CRISP = 0.6  # how much more the squares of coarse pictures differ from those around them
DIFFERENT = 0.1  # of two pictures' values: so much, and one surely shows a figure


@dataclass(frozen=True)
class PainterConfig:
    """What is told: how many values each label has, and columns of the layout. grid: rows and columns of the smallest
    picture, which doubles from one width to the next and once more at the end.

    second: who the second actor is, as (from, to, values): where label `from` has value i, its label `to` is values[i];
    -1: as it was. grain: (label, value, pixels): where that label has that value, a picture is so many squares across,
    as pixel art is, which neither scenery that was enlarged nor figures in coordinates of their own keep to.
    """

    classes: tuple[int, ...] = (4, 3)
    layout_dim: int = 14
    dim: int = 32
    grid: tuple[int, int] = (4, 3)
    widths: tuple[int, ...] = (16, 8)
    seed: int = 8  # channels of the smallest picture
    second: tuple[tuple[int, int, tuple[int, ...]], ...] = ()
    grain: tuple[int, int, int] = (0, -1, 1)


class Painter(nn.Module):
    """labels b k, the place of each label's value among those that it can have, layout b t l -> figures laid over
    scenery, b t 3 h h in [-1, 1].
    """

    def __init__(self, config: PainterConfig):
        super().__init__()
        self.config, dim, widths = config, config.dim, config.widths
        rows, columns = config.grid
        said = sum(config.classes) + config.layout_dim + ACTORS
        self.hear = nn.Sequential(nn.Linear(said, dim), nn.SiLU(), nn.Linear(dim, dim), nn.SiLU())
        self.start = nn.Linear(dim, config.seed * rows * columns)
        self.enter = nn.Conv2d(config.seed, widths[0], 3, 1, 1)
        self.blocks = nn.ModuleList(Residual(width) for width in widths)
        self.told = nn.ModuleList(nn.Linear(dim, 2 * width) for width in widths)
        self.grow = nn.ModuleList(ToSpace(*pair) for pair in pairwise(widths))
        self.leave = nn.Conv2d(widths[-1], 16, 3, 1, 1)
        for layer in (self.hear[0], *self.told):
            layer.weight.muon = False
        with torch.no_grad():
            self.leave.bias.view(4, 4)[3] = CLEAR
        self.to(memory_format=torch.channels_last)

    def forward(self, scenery: Tensor, labels: Tensor, layout: Tensor) -> Tensor:
        """Who is farther away is painted first."""
        picture = scenery
        for actor in reversed(range(ACTORS)):
            present = there(layout, actor)
            if present.any():
                figure = self.placed(self.figures(labels, layout, actor), layout, actor, scenery.shape[-1])
                colour, opacity = figure[:, :, :3], figure[:, :, 3:] * present[..., None, None, None]
                picture = picture + opacity * (colour - picture)
        return self.grained(picture, labels)

    def figures(self, labels: Tensor, layout: Tensor, actor: int) -> Tensor:
        """An actor as it sees itself in each frame, b t 4 h w: colours in [-1, 1], opacity in [0, 1]."""
        b, t = layout.shape[:2]
        labels = self.second(labels) if actor else labels
        said = certain(labels, self.config.classes)[:, None].expand(-1, t, -1)
        which = F.one_hot(torch.tensor(actor, device=layout.device), ACTORS).expand(b, t, -1)
        dtype = self.start.weight.dtype
        told = self.hear(torch.cat([said, which, layout], dim=2).flatten(0, 1).to(dtype))
        h = self.start(told).unflatten(1, (self.config.seed, *self.config.grid))
        h = self.enter(h.contiguous(memory_format=torch.channels_last))
        for i, (block, layer) in enumerate(zip(self.blocks, self.told, strict=True)):
            h = self.grow[i - 1](h) if i else h
            scale, shift = layer(told)[..., None, None].chunk(2, dim=1)
            h = block(torch.addcmul(shift, 1 + scale, unscaled_norm(h.movedim(1, -1)).movedim(-1, 1)))
        out = F.pixel_shuffle(self.leave(F.silu(h)).float(), 2).unflatten(0, (b, t))
        return torch.cat([out[:, :, :3].tanh(), out[:, :, 3:].sigmoid()], dim=2)

    def second(self, labels: Tensor) -> Tensor:
        """The labels of the second actor, as if it were the first."""
        own = labels.clone()
        for source, target, values in self.config.second:
            value = torch.tensor(values, device=labels.device)[labels[:, source]]
            own[:, target] = torch.where(value < 0, own[:, target], value)
        return own

    def placed(self, figures: Tensor, layout: Tensor, actor: int, size: int) -> Tensor:
        """b t 4 h w as the actor sees itself -> b t 4 size size, where it stands in the picture."""
        across, down = places(layout.float(), actor, size)
        grid = torch.stack([(across - MIDDLE[0]) / REACH[0], (down - MIDDLE[1]) / REACH[1]], dim=-1).flatten(0, 1)
        placed = F.grid_sample(figures.flatten(0, 1), grid, padding_mode="zeros", align_corners=False)
        return placed.unflatten(0, figures.shape[:2])

    def grained(self, pictures: Tensor, labels: Tensor) -> Tensor:
        """Pictures in squares where their pixels are to be large: each of one colour, as where drawing knows no
        antialiasing, and as crisp as before scenery was made small and large again.  b t 3 h h -> same.
        """
        label, value, pixels = self.config.grain
        coarse, size = labels[:, label] == value, pictures.shape[-1]
        if not coarse.any() or size % pixels:
            return pictures
        side = size // pixels
        squares = pictures[coarse].flatten(0, 1)[..., side // 2 :: side, side // 2 :: side]
        around = F.avg_pool2d(F.pad(squares, (1, 1, 1, 1), mode="replicate"), 3, 1)
        squares = (squares + CRISP * (squares - around)).clamp(-1, 1)
        squares = F.interpolate(squares, scale_factor=side)
        return pictures.index_put((coarse.nonzero()[:, 0],), squares.unflatten(0, (-1, pictures.shape[1])))

    def loss(self, whole: Tensor, scenery: Tensor, labels: Tensor, layout: Tensor) -> Tensor:
        """Against frames with their actors, b t 3 h h, of what each actor sees around itself, where no other stands:
        absolute errors of values and edges, of colours alone where there is a figure, and how well opacity tells where.

        Without the last two, painting nothing would be where learning ends: a pale figure is worse than none.
        """
        total, labels = whole.new_zeros(()), labels.repeat_interleave(whole.shape[1], 0)
        whole, scenery, layout = whole.flatten(0, 1), scenery.flatten(0, 1), layout.flatten(0, 1)
        for actor in range(ACTORS):
            who = there(layout, actor) > 0
            if not who.any():
                continue
            who = slice(None) if who.all() else who  # nothing is copied
            figure = self.figures(labels[who], layout[who, None], actor)[:, 0]
            other = covered(layout[who], ACTORS - 1 - actor, whole.shape[-1])
            seen = around(torch.cat([whole[who], scenery[who], other], dim=1), layout[who], actor, figure.shape[-2:])
            wanted, behind, free = seen[:, :3], seen[:, 3:6], 1 - seen[:, 6:]
            colour, opacity = figure[:, :3], figure[:, 3:]
            differs = ((wanted - behind).abs().amax(1, keepdim=True) / DIFFERENT).clamp(max=1)
            error = free * (behind + opacity * (colour - behind) - wanted)
            edges = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
            colours = (free * differs * (colour - wanted)).abs().mean()
            told = F.binary_cross_entropy(opacity.clamp(1e-5, 1 - 1e-5), differs, weight=free)
            total = total + (error.abs().mean() + edges + colours + 0.2 * told) * len(figure)
        return total / len(layout)


def around(pictures: Tensor, layout: Tensor, actor: int, size: tuple[int, int]) -> Tensor:
    """What an actor sees around itself, upright and at its own scale.  n c h h, n l -> n c height width."""
    rows, columns = (torch.linspace(-1 + 1 / n, 1 - 1 / n, n, device=pictures.device) for n in size)
    grid = pictured(layout, actor, MIDDLE[0] + REACH[0] * columns, MIDDLE[1] + REACH[1] * rows[:, None])
    return F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


def covered(layout: Tensor, actor: int, size: int) -> Tensor:
    """Which places of a picture an actor may cover.  n l -> n 1 size size."""
    across, down = places(layout[:, None], actor, size)
    inside = ((across - MIDDLE[0]).abs() < 0.75 * REACH[0]) & ((down - MIDDLE[1]).abs() < 0.9 * REACH[1])
    return inside * there(layout, actor)[:, None, None, None]
