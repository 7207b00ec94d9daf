"""Text2Video-Zero: movement, attention to the first frame, backgrounds, and videos that are followed or edited."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from kineograph.clip import Clip
from kineograph.geometry import shifted
from kineograph.models.edges import edges
from kineograph.processes.diffusion import Schedule
from kineograph.systems import text2video_zero
from kineograph.systems.text2video_zero import (
    Text2VideoZero,
    Text2VideoZeroOptions,
    cells,
    chunks,
    foreground,
    led,
    moments,
    renoised,
    smoothed,
)


@pytest.fixture(scope="module")
def toy() -> Text2VideoZero:
    return Text2VideoZero.preset("toy")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A white square that moves over black for six frames."""
    frames = torch.zeros(6, 3, 32, 32, dtype=torch.uint8)
    for k in range(6):
        frames[k, :, 8:20, 2 + 3 * k : 12 + 3 * k] = 255
    return Clip(frames).save(tmp_path_factory.mktemp("films") / "film.mp4")


def asked(**changes: object) -> Text2VideoZeroOptions:
    given = {"prompt": "a bear walks", "height": 32, "width": 32, "num_inference_steps": 5, "num_frames": 4}
    return Text2VideoZeroOptions(**(given | changes))


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def spread(a: Tensor, b: Tensor) -> float:
    return (a.float() - b.float()).abs().mean().item()


def test_of_fifty_steps_of_stable_diffusion_the_moments_are_881_and_941():
    times = Schedule().times(50)
    late, early = moments(times, 1000, 0.88, 0.94)
    assert (times[late], times[early]) == (881, 941)


@pytest.mark.parametrize("steps", [3, 4, 7, 20, 50])
@pytest.mark.parametrize("shares", [(0.88, 0.94), (0.0, 0.0), (1.0, 1.0), (1.0, 0.0)])
def test_the_moments_are_in_order_and_between_the_ends(steps: int, shares: tuple[float, float]):
    late, early = moments(Schedule(spacing="trailing").times(steps), 1000, *shares)
    assert 1 <= early < late <= steps - 1


def test_noising_again_is_every_single_step_between_the_times():
    schedule, x, noise = Schedule(), normal(1, 1, 4, 8, 8), normal(1, 1, 4, 8, 8, seed=1)
    product = (1 - schedule.noise_added())[882:942].prod()
    wanted = product.sqrt() * x + (1 - product).sqrt() * noise
    torch.testing.assert_close(renoised(schedule, x, noise, 881, 941), wanted)
    assert torch.equal(renoised(schedule, x, noise, 881, 881), x)


def test_noised_data_noised_again_have_the_noise_of_the_later_time():
    schedule, many = Schedule(), 200_000
    alpha, sigma = schedule.levels(881)
    x = renoised(schedule, alpha * 3 + sigma * normal(many), normal(many, seed=1), 881, 941)
    alpha, sigma = schedule.levels(941)
    assert x.mean().item() == pytest.approx(3 * alpha, abs=0.01)
    assert x.std().item() == pytest.approx(sigma, abs=0.01)


def test_eight_pixels_of_512_are_a_cell_of_64_and_a_frame_moves_as_often_as_its_number():
    x = normal(1, 1, 4, 64, 64)
    options = asked(motion_field_strength_x=8.0, motion_field_strength_y=-16.0)
    assert [cells(k, x, options) for k in range(4)] == [(0, 0), (1, -2), (2, -4), (3, -6)]
    moved = shifted(x, *cells(2, x, options))
    assert torch.equal(moved[..., 4:, :62], x[..., :60, 2:])


def test_chunks_begin_with_the_first_frame_and_bring_every_frame_once():
    assert [*chunks(9, 4)] == [([], [0, 1, 2, 3]), ([0], [4, 5, 6]), ([0], [7, 8])]
    assert [*chunks(1, 8)] == [([], [0])]


@pytest.mark.parametrize("changes", [{}, {"smooth_background": 0.6}, {"follow": "edges"}, {"follow": "edit"}])
def test_a_film_does_not_depend_on_its_chunks(toy: Text2VideoZero, film: Path, changes: dict):
    options = asked(**changes, num_frames=5, motion=str(film) if "follow" in changes else "")
    whole, pieces = (toy.generate(replace(options, chunk_size=n)).frames for n in (8, 3))
    assert (whole.int() - pieces.int()).abs().max() <= 1


def starts(toy: Text2VideoZero, monkeypatch: pytest.MonkeyPatch, options: Text2VideoZeroOptions) -> Tensor:
    """What the last way down begins with: t c h w."""
    seen, real = [], text2video_zero.ddim

    def spy(denoise: Callable, x: Tensor, *rest: object, **more: object) -> Tensor:
        seen.append(x)
        return real(denoise, x, *rest, **more)

    monkeypatch.setattr(text2video_zero, "ddim", spy)
    toy.generate(options)
    return seen[-1][0]


def test_frames_differ_by_their_movement_and_the_noise_added_after_it(toy: Text2VideoZero, monkeypatch):
    x = starts(toy, monkeypatch, asked())
    assert x.shape == (4, 4, 4, 4)
    assert not torch.equal(x[1], x[2])
    monkeypatch.setattr(text2video_zero, "renoised", lambda schedule, x, noise, start, end: x)
    still = starts(toy, monkeypatch, asked(motion_field_strength_x=0.0, motion_field_strength_y=0.0))
    assert torch.equal(still[1:], still[1:2].expand(3, -1, -1, -1))
    moving = starts(toy, monkeypatch, asked(motion_field_strength_x=128.0, motion_field_strength_y=0.0))
    assert torch.equal(moving[1:], torch.stack([shifted(still[1], k, 0) for k in (1, 2, 3)]))


def test_the_first_frame_is_what_it_would_be_alone_and_the_others_look_at_it(toy: Text2VideoZero, monkeypatch):
    film = toy.generate(asked(num_frames=3)).frames
    assert (toy.generate(asked(num_frames=1)).frames[0].int() - film[0].int()).abs().max() <= 1
    monkeypatch.setattr(text2video_zero, "first", lambda y, frames: y)
    apart = toy.generate(asked(num_frames=3)).frames
    assert (apart[0].int() - film[0].int()).abs().max() <= 1
    assert not torch.equal(apart[1:], film[1:])


def test_the_background_is_the_first_frames_moved_along_and_what_is_in_front_its_own():
    x, moves = normal(1, 3, 4, 6, 6), [(0, 0), (1, 0), (2, 0)]
    front = torch.zeros(3, 1, 6, 6, dtype=torch.bool)
    front[:, :, 2:4, 2:4] = True
    out = smoothed(x, front, moves, 0.6)
    assert torch.equal(out[0, 0], x[0, 0])
    torch.testing.assert_close(out[0, 1, :, 0], 0.4 * x[0, 1, :, 0] + 0.6 * shifted(x[0, 0], 1, 0)[:, 0])
    assert torch.equal(out[0, 1, :, 2:4, 1:4], x[0, 1, :, 2:4, 1:4])  # in front now, or at first where it was looked
    assert torch.equal(smoothed(x, front, moves, 0.0), x)
    assert torch.equal(smoothed(x, torch.ones_like(front), moves, 0.6), x)


def test_what_is_in_front_is_in_the_centre_or_what_stands_out():
    frames = -torch.ones(2, 3, 32, 32)
    frames[1, :, 8:12, 8:12] = 1
    found = foreground(frames, "salient", torch.Size((4, 4)))
    assert found.shape == (2, 1, 4, 4)
    assert not bool(found[0].any())
    assert found[1, 0].nonzero().tolist() == [[1, 1]]
    centre = foreground(frames, "centre", torch.Size((4, 4)))
    assert centre[0, 0].nonzero().tolist() == [[1, 1], [1, 2], [2, 1], [2, 2]]


def test_a_smoothed_background_changes_the_film(toy: Text2VideoZero):
    plain, smooth = (toy.generate(asked(smooth_background=share, foreground="centre")).frames for share in (0.0, 1.0))
    assert torch.equal(plain[0], smooth[0])
    assert not torch.equal(plain[1:], smooth[1:])


def test_a_step_towards_maps_makes_them_nearer_and_is_as_long_as_was_said():
    schedule, x0 = Schedule(), normal(1, 2, 3, 8, 8)
    wanted, t = edges(normal(2, 3, 8, 8, seed=1)), torch.tensor([500.0])
    error = lambda x: (edges(x[0]) - wanted).square().mean().item()
    with torch.inference_mode():
        out = led(lambda x, t: x, lambda z: z, edges, wanted, schedule, 0.05)(x0, t)
    assert error(out) < 0.98 * error(x0)
    lengths = ((out - x0).flatten(2).norm(dim=2) / x0.flatten(2).norm(dim=2)).flatten().tolist()
    assert lengths == pytest.approx([0.05 * schedule.levels(500)[1]] * 2, rel=1e-4)
    right = led(lambda x, t: x, lambda z: z, edges, edges(x0[0]), schedule, 0.05)(x0, t)
    assert torch.equal(right, x0)  # nothing to do


def test_a_film_led_by_edges_is_nearer_to_them_than_one_that_is_not(toy: Text2VideoZero, film: Path):
    options = asked(motion=str(film), num_inference_steps=10)
    driven = text2video_zero.footage(str(film), 4, fps=8, size=(32, 32))
    wanted = edges(driven.float() / 127.5 - 1)
    errors = [
        float((edges(toy.generate(replace(options, follow_strength=s)).video) - wanted).square().mean())
        for s in (0, 1.0)
    ]
    assert errors[1] < errors[0]


def test_without_strictness_every_frame_of_a_followed_film_is_the_same(toy: Text2VideoZero, film: Path):
    frames = toy.generate(asked(motion=str(film), follow_strength=0.0)).frames
    assert torch.equal(frames, frames[:1].expand_as(frames))


def test_an_edit_keeps_the_video_the_more_the_weaker_it_is(toy: Text2VideoZero, film: Path):
    driven = text2video_zero.footage(str(film), 4, fps=8, size=(32, 32)).float() / 127.5 - 1
    with torch.inference_mode():
        coded = Clip.of(toy.image.codec.decode(toy.image.codec.encode(driven[None]))[0]).frames
    edit = lambda s: toy.generate(asked(motion=str(film), follow="edit", strength=s, guidance_scale=6.0)).frames
    assert (edit(0.0).int() - coded.int()).abs().max() <= 1
    assert 0 < spread(edit(0.4), coded) < spread(edit(1.0), coded)


def test_a_picture_begins_the_film(toy: Text2VideoZero, film: Path):
    with_picture, without = toy.generate(asked(image_path=str(film))), toy.generate(asked())
    assert with_picture.digest != without.digest


def test_shots_have_their_prompts_and_begin_alike(toy: Text2VideoZero):
    frames = toy.generate(asked(prompt="a bear walks | a red car")).frames
    assert torch.equal(frames[4:], toy.generate(asked(prompt="a red car")).frames)
    assert not torch.equal(frames[:4], frames[4:])
    assert toy.generate(asked(negative_prompt="snow")).digest != toy.generate(asked()).digest


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="to follow depth give --estimator"):
        asked(motion="film.mp4", follow="depth")
    with pytest.raises(ValueError, match="begins from image_path or follows motion"):
        asked(motion="film.mp4", image_path="picture.png")
    with pytest.raises(ValueError, match="one of edges, depth, pose, edit"):
        asked(follow="sound")
