"""Layouts as maps: each place of a picture learns how far it is from the actors, in the actors' own measure."""

import torch
from torch import Tensor

ACTOR = 6  # columns of an actor: x, y, size, stretch, sine and cosine of its turn
MAPS = 6  # channels, three of each of two actors
UNIT = 0.4  # an actor of size 1 against half the picture's width
FARTHEST = 3.0


def maps(layout: Tensor, size: int) -> Tensor:
    """b t l, the columns of `Batch.layout` -> b t 6 size size: of two actors, the place in a frame that moves, grows,
    turns and mirrors with the actor, and how near it is. Zero where an actor is not there or nothing is known.

    A figure drawn in such coordinates is the same wherever it stands (after the templates of GAN-based animation,
    Siarohin et al. 2019, and the grounding boxes of GLIGEN, Li et al. 2023).
    """
    at = (torch.arange(size, device=layout.device, dtype=layout.dtype) + 0.5) / size * 2 - 1
    channels = []
    for k in (1, 1 + ACTOR):
        x, y, scale, stretch, sine, cosine = layout[..., k : k + ACTOR, None, None].unbind(2)  # b t 1 1
        there = layout[..., :1, None] * (scale > 0.2)
        unit = UNIT * scale.clamp(min=0.2)
        dx, dy = (at - x) / unit, (at[:, None] - y) / unit  # b t 1 w, b t h 1
        across = (cosine * dx + sine * dy) * torch.where(stretch < 0, -1.0, 1.0)
        down = cosine * dy - sine * dx
        near = torch.exp(-(across.square() + (down + 1).square()) / 4)
        channels += [there * across.clamp(-FARTHEST, FARTHEST), there * down.clamp(-FARTHEST, FARTHEST), there * near]
    return torch.stack(channels, dim=2)


def about_actors(layout: Tensor, free: int) -> Tensor:
    """The first row and column, from 0 to `free`, of squares of half a picture's side: one for each clip, about its
    actor; by lot in every fourth clip and where no layout is known.  b t l -> b 2, int64.
    """
    x, y, size = layout.mean(1)[:, 1:4].unbind(1)
    middle = torch.stack([y - UNIT * size, x], dim=1) + 0.25 * torch.randn(len(x), 2, device=x.device)
    lot = (torch.rand(len(x), 1, device=x.device) < 0.25) | (layout[:, :1, 0] == 0)
    place = torch.where(lot, torch.rand_like(middle), (middle + 0.5).clamp(0, 1))  # middles of -0.5 to 0.5 fit
    return (place * free).round().long()
