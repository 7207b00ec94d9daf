"""What a window of a film continues from, in generating and in teaching."""

import pytest
import torch

from kineograph.condition import Condition
from kineograph.systems._windows import Past, with_beginning


def test_batches_are_whole_short_or_continued():
    torch.manual_seed(0)
    x, cond = torch.randn(3, 8, 4, 4, 4), Condition(vector=torch.zeros(3, 2))
    layout = torch.arange(1, 25).view(3, 8, 1).float()
    kinds = set()
    for _ in range(200):
        rest, told = with_beginning(x, cond, 4, layout)
        known = told.frames
        assert told.layout.shape[1] == rest.shape[1] + (0 if known is None else 4)
        if known is None:
            assert torch.equal(rest, x[:, : rest.shape[1]])
            kinds.add(("from noise", rest.shape[1]))
        elif torch.equal(known, x[:, :4]):
            assert torch.equal(rest, x[:, 4:])
            assert torch.equal(told.layout, layout)
            kinds.add("its own beginning")
        elif torch.equal(known[1:], x[:-1, :4]):
            assert torch.equal(rest, x[:, :4])
            assert torch.equal(told.layout[1:, :4], layout[:-1, :4])
            assert torch.equal(told.layout[:, 4:], layout[:, :4])
            kinds.add("a cut")
        else:
            assert torch.equal(known, x[:, 3:4].expand(-1, 4, -1, -1, -1))
            assert torch.equal(rest, x[:, 4:])
            assert not told.layout[:, :4].any()
            assert torch.equal(told.layout[:, 4:], layout[:, 4:])
            kinds.add("a picture")
    assert kinds == {("from noise", 4), ("from noise", 8), "its own beginning", "a cut", "a picture"}


@pytest.mark.parametrize("frames", [1, 3, 4, 6])
def test_the_past_is_the_newest_frames_and_their_layout(frames: int):
    latents, layout = torch.randn(1, frames, 2, 1, 1), torch.rand(1, frames, 3) + 1
    past = Past().on(latents, layout, 4)
    assert torch.equal(past.latents[:, -min(frames, 4) :], latents[:, -4:])
    assert past.frames == 4
    assert (past.layout is None) == (frames < 4)
    assert frames < 4 or torch.equal(past.layout, layout[:, -4:])
    later = past.on(latents[:, :2], torch.cat([torch.ones(1, 4, 3), layout[:, :2]], 1), 4)
    assert later.frames == 4
    assert torch.equal(later.latents[:, -min(frames, 2) :], latents[:, :2])
    if frames >= 2:
        assert torch.equal(later.layout, torch.cat([torch.ones(1, 2, 3), layout[:, :2]], 1))
