"""What a window of a film continues from, in generating and in teaching."""

import pytest
import torch

from kineograph.clip import Batch
from kineograph.condition import Condition
from kineograph.systems._windows import Past, begun, one_frame, spliced, with_beginning


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


def test_one_frame_is_of_any_moment_and_keeps_its_own_scenery():
    torch.manual_seed(0)
    video = torch.arange(5.0)[None, :, None, None, None].expand(2, 5, 1, 2, 2)
    batch, seen = Batch(video, ("a", "b"), torch.full((2,), 8.0), scenery=-video), set()
    for _ in range(50):
        one = one_frame(batch)
        assert one.video.shape == (2, 1, 1, 2, 2)
        assert torch.equal(one.scenery, -one.video)
        seen.add(one.video.unique().item())
    assert seen == set(range(5))
    assert one_frame(Batch(video, ("a", "b"), batch.fps)).scenery is None


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


def test_some_films_begin_with_known_steps():
    torch.manual_seed(0)
    known = begun(torch.zeros(400, 5, 4, 4), 0.4).view(400, 5, 16)
    assert torch.equal(known.any(2), known.all(2))
    steps = known.all(2).sum(1)
    assert (steps > 0).float().mean().item() == pytest.approx(0.4, abs=0.08)
    assert set(steps.tolist()) == {0, 1, 2, 3, 4}
    assert (known[..., 0].int().diff(dim=1) <= 0).all()  # from the first step on
    assert not begun(torch.zeros(50, 1, 4, 4), 1.0).any()


def test_what_some_films_know_is_another_films_and_what_they_learn_their_own():
    torch.manual_seed(0)
    tokens = torch.arange(400)[:, None].expand(-1, 80)
    known = begun(tokens.view(400, 5, 4, 4), 0.5)
    seen = spliced(tokens, known, 0.25)
    assert torch.equal(seen[~known], tokens[~known])
    foreign = (seen != tokens).any(1)
    assert torch.equal((seen != tokens)[foreign], known[foreign])
    assert torch.equal(seen[foreign, 0], tokens[foreign, 0].sub(1) % 400)
    assert (foreign.sum() / known.any(1).sum()).item() == pytest.approx(0.25, abs=0.08)
