import json

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from kineograph.clip import Clip
from kineograph.data.world.world import World
from kineograph.evaluation import reconstruction
from kineograph.evaluation.clipsim import consistency
from kineograph.evaluation.correlation import Pooled
from kineograph.evaluation.features import RandomFeatures, extract
from kineograph.evaluation.frechet import measure as distance
from kineograph.evaluation.motion import flow, frozen, measure, motion, record, reduced
from kineograph.geometry import warp


def texture(side: int = 96, seed: int = 0) -> Tensor:
    """1 1 h w in [0, 1], smooth, with things of all sizes in it."""
    rng, x = torch.Generator().manual_seed(seed), torch.zeros(1, 1, side, side)
    for cells in (side // 8, side // 16, side // 32):
        noise = torch.rand(1, 1, cells, cells, generator=rng)
        x = x + F.interpolate(noise, size=(side, side), mode="bicubic", align_corners=True)
    return (x - x.min()) / (x.max() - x.min())


def constant(x: float, y: float, side: int = 96) -> Tensor:
    return torch.tensor([x, y]).reshape(1, 2, 1, 1).expand(1, 2, side, side)


def test_a_warp_looks_right_and_down():
    picture = torch.arange(20.0).reshape(1, 1, 4, 5)
    assert torch.equal(warp(picture, torch.zeros(1, 2, 4, 5)), picture)
    moved = warp(picture, torch.tensor([1.0, 0]).reshape(1, 2, 1, 1).expand(1, 2, 4, 5))
    torch.testing.assert_close(moved[..., :4], picture[..., 1:])
    torch.testing.assert_close(moved[..., 4], picture[..., 4])  # beyond the border is the border
    half = warp(picture, torch.tensor([0, 0.5]).reshape(1, 2, 1, 1).expand(1, 2, 4, 5))
    torch.testing.assert_close(half[..., :3, :], (picture[..., :3, :] + picture[..., 1:, :]) / 2)
    one = torch.ones(1, 1, 1, 1)
    assert torch.equal(warp(one, torch.ones(1, 2, 1, 1)), one)


@pytest.mark.parametrize(("x", "y"), [(0, 0), (1, 0), (-0.5, 0.25), (2.5, -1), (6, 3), (-9, 4)])
def test_flow_follows_what_moves(x: float, y: float):
    first, second = (z[..., 16:80, 16:80] for z in (texture(), warp(texture(), -constant(x, y))))
    found = flow(first, second)
    error = (found - constant(x, y, 64)).norm(dim=1)[..., 12:-12, 12:-12]
    assert float(error.median()) < 0.12


def test_flow_sees_nothing_where_nothing_is_to_be_seen():
    assert float(flow(torch.full((1, 1, 32, 40), 0.3), torch.full((1, 1, 32, 40), 0.3)).abs().max()) == 0


def sliding(pixels: float, *, frames: int = 8, side: int = 96, fps: float = 8) -> Clip:
    """A texture that goes to the right by so many pixels a frame."""
    wide, edge = texture(side + 128), slice(64, 64 + side)
    moved = [warp(wide, constant(-pixels * i, 0, side + 128))[..., edge, edge] for i in range(frames)]
    video = torch.cat(moved)
    return Clip.of(video.expand(-1, 3, -1, -1) * 2 - 1, fps=fps)


def test_speed_is_in_sides_a_second_at_any_rate_and_size():
    slow, fast = motion(sliding(1)), motion(sliding(4))
    assert slow.speed == pytest.approx(8 / 96, rel=0.15)
    assert fast.speed == pytest.approx(32 / 96, rel=0.15)
    assert (slow.dynamic, fast.dynamic) == (False, True)  # the border is 6 / 256 of 96 pixels: 2.25
    quick = motion(sliding(1, frames=24, fps=24))  # every third frame is looked at
    assert quick.speed == pytest.approx(24 / 96, rel=0.15)
    assert quick.dynamic
    large = Clip(F.interpolate(sliding(2).frames.float(), scale_factor=3).to(torch.uint8))
    assert motion(large).speed == pytest.approx(16 / 96, rel=0.15)
    assert reduced(large.frames).shape == (8, 3, 128, 128)


def test_a_frozen_clip_is_seen_through_compression_and_scores_nothing():
    still = sliding(0)
    rng = torch.Generator().manual_seed(0)
    pressed = still.frames.float() + torch.randint(-3, 4, still.frames.shape, generator=rng)
    for frames in (still.frames, pressed.clamp(0, 255).to(torch.uint8)):
        got = motion(Clip(frames))
        assert (got.frozen, got.dynamic, got.speed, got.flicker, got.warping_error) == (True, False, 0, None, None)
    blink = still.frames.clone()
    blink[5, :, 40:48, 40:48] += 20
    assert not frozen(reduced(blink))


def test_noise_on_a_still_clip_is_flicker_and_no_motion():
    rng = torch.Generator().manual_seed(0)
    noisy = sliding(0).video + 0.2 * torch.randn(8, 3, 96, 96, generator=rng)
    got = motion(Clip.of(noisy))
    assert not got.dynamic
    assert got.flicker > 0.05


def damaged(clip: Clip, how: str, seed: int) -> Clip:
    """A clip made worse in one way."""
    rng, frames = torch.Generator().manual_seed(seed), clip.frames.float()
    if how == "noise":
        frames = frames + 20 * torch.randn(frames.shape, generator=rng)
    elif how == "blur":
        frames = F.interpolate(F.avg_pool2d(frames, 4), scale_factor=4, mode="bilinear")
    elif how == "shuffled":
        frames = frames[torch.randperm(len(frames), generator=rng)]
    elif how == "frozen":
        frames = frames[:1].expand_as(frames)
    return Clip(frames.round().clamp(0, 255).to(torch.uint8), clip.fps, clip.caption)


HOWS = ("whole", "noise", "blur", "shuffled", "frozen")


@pytest.mark.slow
def test_each_damage_is_seen_by_the_figures_meant_for_it():
    pytest.importorskip("skia")
    world = World(3, size=64)
    clips = [(str(i), world[i]) for i in range(6)]
    worn = {how: [(name, damaged(clip, how, int(name))) for name, clip in clips] for how in HOWS}
    moves = {how: measure(some, resamples=50)[0] for how, some in worn.items()}
    given = {
        how: reconstruction.measure(
            [(name, out, clip) for (name, out), (_, clip) in zip(some, clips, strict=True)], resamples=50
        )
        for how, some in worn.items()
    }
    near = {how: sum(consistency(Pooled()(c.frames)) for _, c in some) / len(some) for how, some in worn.items()}

    whole = moves["whole"]
    assert (whole["frozen"].value, whole["dynamic"].value) == (0, 1)
    # noise: flicker, warping error, PSNR; and it is no motion
    assert moves["noise"]["flicker"].low > 3 * whole["flicker"].high
    assert moves["noise"]["warping_error"].low > 3 * whole["warping_error"].high
    # blur: PSNR and SSIM; motion does not mind
    assert moves["blur"]["dynamic"].value == 1
    for how in ("noise", "blur", "shuffled", "frozen"):
        assert given[how]["PSNR"].high < given["whole"]["PSNR"].low
        assert given[how]["SSIM (luma)"].high < given["whole"]["SSIM (luma)"].low
    # shuffled frames: flicker, warping error, consistency
    assert moves["shuffled"]["flicker"].value > 2 * whole["flicker"].value
    assert moves["shuffled"]["warping_error"].value > 1.5 * whole["warping_error"].value
    assert near["shuffled"] < near["whole"]
    # a frozen frame: consistency loves it, and it wins nothing else
    assert near["frozen"] > near["whole"]
    assert (moves["frozen"]["frozen"].value, moves["frozen"]["dynamic"].value) == (1, 0)
    assert moves["frozen"]["flicker"] is None
    assert moves["frozen"]["warping_error"] is None


@pytest.mark.slow
def test_the_distance_sees_noise_blur_and_stillness_above_its_floor():
    """Not shuffled frames: of 64 clips, and with features that nothing taught, they are lost in the floor."""
    pytest.importorskip("skia")
    world, look = World(4, frames=8, size=32), RandomFeatures(frames=8)
    clips = [(str(i), world[i]) for i in range(128)]
    real, again = (extract(look, some, batch=64) for some in (clips[:64], clips[64:]))
    for how in ("noise", "blur", "frozen"):
        made = extract(look, [(name, damaged(clip, how, int(name))) for name, clip in clips[64:]], batch=64)
        got = distance(real, made, again=again, name=how, resamples=20)
        assert got.value > 1.1 * got.floor, how


def test_a_set_is_measured_without_its_frozen_clips():
    clips = [("slow", sliding(1)), ("fast", sliding(4)), ("still", sliding(0))]
    found, each = measure(clips, resamples=50)
    assert found["frozen"].value == pytest.approx(1 / 3)
    assert found["dynamic"].value == pytest.approx(1 / 3)
    assert found["dynamic"].low < 1 / 3 < found["dynamic"].high
    assert found["speed"].clips == 3
    assert found["warping_error"].clips == 2
    told = json.loads(json.dumps(record(found, each)))
    assert told["clips"]["still"]["warping_error"] is None
    assert told["figures"]["speed"]["low"] < told["figures"]["speed"]["value"]


def test_bad_input_is_said():
    one = Clip(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"a.mp4 has one frame"):
        measure([("a.mp4", one)])
    with pytest.raises(ValueError, match="two frames or more"):
        motion(one)
    with pytest.raises(ValueError, match="two clips are called a"):
        measure([("a", sliding(0)), ("a", sliding(0))])
    with pytest.raises(ValueError, match="no clips"):
        measure([])


@pytest.mark.parametrize(("height", "width", "frames"), [(8, 8, 2), (16, 90, 3), (5, 7, 2)])
def test_any_shape_can_be_measured(height: int, width: int, frames: int):
    rng = torch.Generator().manual_seed(0)
    got = motion(Clip(torch.randint(0, 256, (frames, 3, height, width), generator=rng, dtype=torch.uint8), fps=30))
    assert not got.frozen
