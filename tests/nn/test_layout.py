"""Layouts as maps: places in an actor's own measure."""

import torch

from kineograph.nn.layout import maps, pictured, places, there

HERE = (1.0, 0.25, 0.5, 1.0, 1.0, 0.0, 1.0)  # known, x, y, size, stretch, sine, cosine


def layout(**changes: float) -> torch.Tensor:
    row = dict(zip(("known", "x", "y", "size", "stretch", "sine", "cosine"), HERE, strict=True)) | changes
    return torch.tensor([*row.values(), *[0.0] * 6, 0.3])[None, None]


def test_an_actor_is_the_zero_of_its_own_map():
    across, down, near, *other = maps(layout(), 8)[0, 0]  # it stands where rows 5 and 6 and columns 4 and 5 meet
    assert torch.allclose(across[:, 4], -across[:, 5])
    assert (across[:, :5] < 0).all()
    assert (across[:, 5:] > 0).all()
    assert (down[:6] < 0).all()
    assert (down[6:] > 0).all()
    assert near.argmax() // 8 in (3, 4)  # about its middle, which is over its feet
    assert near.argmax() % 8 in (4, 5)
    assert not torch.stack(other).any(), "nobody else is there"


def test_maps_move_with_the_actor():
    there = maps(layout(x=-0.25), 8)[0, 0]
    assert torch.allclose(there[:3, :, :6], maps(layout(), 8)[0, 0][:3, :, 2:], atol=1e-6)


def test_maps_grow_turn_and_mirror_with_the_actor():
    plain = maps(layout(), 8)[0, 0]
    assert torch.allclose(maps(layout(size=2.0), 8)[0, 0][:2, 2:], plain[:2, 2:] / 2)
    assert torch.allclose(maps(layout(stretch=-0.5), 8)[0, 0][0], -plain[0])
    turned = maps(layout(sine=1.0, cosine=0.0), 8)[0, 0]
    assert torch.allclose(turned[1], -plain[0], atol=1e-6), "what was to its right is now above it"


def test_nothing_is_told_of_what_is_not_known():
    assert not maps(layout(known=0.0), 8).any()
    assert not maps(layout(size=0.0), 8).any()
    assert not maps(torch.zeros(2, 3, 14), 4).any()
    assert maps(torch.zeros(2, 3, 14), 4).shape == (2, 3, 6, 4, 4)


def test_the_way_to_an_actor_and_back_again():
    given = layout(size=0.7, stretch=-1.0, sine=0.6, cosine=0.8)
    across, down = torch.tensor([[-1.0, 0.5]]), torch.tensor([[0.25], [-2.0]])
    x, y = pictured(given[0], 0, across, down)[0].unbind(-1)
    size = 512
    columns, rows = (((at + 1) / 2 * size - 0.5).round().long() for at in (x, y))
    back = [seen[0, 0][rows, columns] for seen in places(given, 0, size)]
    assert torch.allclose(back[0], across.expand(2, 2), atol=0.02)
    assert torch.allclose(back[1], down.expand(2, 2), atol=0.02)


def test_who_is_there():
    assert there(layout(), 0).item() == 1
    assert there(layout(), 1).item() == 0
    assert there(layout(known=0.0), 0).item() == 0
