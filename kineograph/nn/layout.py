"""Layouts as maps: each place of a picture learns how far it is from the actors, in the actors' own measure."""

import torch
from torch import Tensor

ACTORS = 2
ACTOR = 6  # columns of an actor: x, y, size, stretch, sine and cosine of its turn
MAPS = 6  # channels, three of each actor
UNIT = 0.4  # an actor of size 1 against half the picture's width
SMALLEST = 0.2  # no smaller actor is there
FARTHEST = 3.0


def places(layout: Tensor, actor: int, size: int) -> tuple[Tensor, Tensor]:
    """Where the places of a picture lie, seen by an actor (0 or 1): across and down, in a frame that moves, grows,
    turns and mirrors with it.  b t l, the columns of `Batch.layout` -> twice b t size size.
    """
    at = (torch.arange(size, device=layout.device, dtype=layout.dtype) + 0.5) / size * 2 - 1
    first = 1 + ACTOR * actor
    x, y, scale, stretch, sine, cosine = layout[..., first : first + ACTOR, None, None].unbind(2)  # b t 1 1
    unit = UNIT * scale.clamp(min=SMALLEST)
    dx, dy = (at - x) / unit, (at[:, None] - y) / unit  # b t 1 w, b t h 1
    return (cosine * dx + sine * dy) * torch.where(stretch < 0, -1.0, 1.0), cosine * dy - sine * dx


def pictured(layout: Tensor, actor: int, across: Tensor, down: Tensor) -> Tensor:
    """The way back: where in a picture, from -1 to 1, lie the places that an actor sees.

    n l, and h w (or what becomes that) of places across and down -> n h w 2: x and y.
    """
    first = 1 + ACTOR * actor
    x, y, scale, stretch, sine, cosine = layout[..., first : first + ACTOR, None, None].unbind(1)  # n 1 1
    across = across * torch.where(stretch < 0, -1.0, 1.0)
    unit = UNIT * scale.clamp(min=SMALLEST)
    return torch.stack([x + unit * (cosine * across - sine * down), y + unit * (sine * across + cosine * down)], dim=-1)


def there(layout: Tensor, actor: int) -> Tensor:
    """1 where the layout is known and has this actor, 0 elsewhere.  b t l -> b t."""
    return layout[..., 0] * (layout[..., 3 + ACTOR * actor] > SMALLEST)


def maps(layout: Tensor, size: int) -> Tensor:
    """b t l, the columns of `Batch.layout` -> b t 6 size size: of two actors, the place seen by the actor, and how near
    it is. Zero where an actor is not there or nothing is known.

    A figure drawn in such coordinates is the same wherever it stands (after the templates of GAN-based animation,
    Siarohin et al. 2019, and the grounding boxes of GLIGEN, Li et al. 2023).
    """
    channels = []
    for actor in range(ACTORS):
        across, down = places(layout, actor, size)
        near = torch.exp(-(across.square() + (down + 1).square()) / 4)
        seen, present = (across.clamp(-FARTHEST, FARTHEST), down.clamp(-FARTHEST, FARTHEST), near), there(layout, actor)
        channels += [present[..., None, None] * x for x in seen]
    return torch.stack(channels, dim=2)
