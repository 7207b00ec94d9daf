import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from kineograph.models.upsampler import Upsampler, UpsamplerConfig


@pytest.fixture(scope="module")
def upsampler() -> Upsampler:
    torch.manual_seed(0)
    return Upsampler(UpsamplerConfig()).eval().requires_grad_(False)


def film(b: int = 2, t: int = 3, h: int = 8, w: int = 12) -> Tensor:
    return torch.rand(b, t, 3, h, w, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize(("h", "w"), [(8, 12), (5, 7)])
def test_frames_grow_by_the_factor(factor: int, h: int, w: int):
    out = Upsampler(UpsamplerConfig(factor=factor))(film(h=h, w=w))
    assert out.shape == (2, 3, 3, factor * h, factor * w)
    assert out.dtype == torch.float32


def test_each_frame_is_drawn_as_if_it_were_alone(upsampler: Upsampler):
    video = film(2, 20)  # more than one piece of sixteen
    out = upsampler(video)
    for b, t in ((0, 0), (0, 17), (1, 19)):
        assert torch.allclose(upsampler(video[b : b + 1, t : t + 1])[0, 0], out[b, t], atol=1e-5)


def test_it_begins_near_plain_enlargement(upsampler: Upsampler):
    video = film()
    plain = F.interpolate(video.flatten(0, 1), scale_factor=4, mode="bilinear").unflatten(0, (2, 3))
    assert (upsampler(video) - plain).std() < 0.2 * plain.std()


def test_half_precision_stays_near(upsampler: Upsampler):
    low = copy.deepcopy(upsampler).bfloat16()
    out = low(film())
    assert out.dtype == torch.float32
    assert (out - upsampler(film())).abs().max() < 0.02


def test_the_loss_is_nothing_for_the_right_picture_and_counts_edges(upsampler: Upsampler):
    small = film(h=6, w=6)
    large = upsampler(small)
    assert upsampler.loss(small, large) == 0
    shifted = upsampler.loss(small, large + 0.1)
    rough = upsampler.loss(small, large + 0.1 * torch.ones(24).cumprod(0).mul(torch.tensor([1, -1] * 12)))
    assert shifted == pytest.approx(0.1, abs=1e-5)
    assert rough > 2 * shifted


@pytest.fixture(scope="module")
def informed() -> Upsampler:
    """One that is told things, with every weight moved: some of it begins at zero."""
    torch.manual_seed(0)
    net = Upsampler(UpsamplerConfig(width=8, depth=2, cell=2, told_dim=5)).eval().requires_grad_(False)
    for i, p in enumerate(net.parameters()):
        p.add_(torch.randn(p.shape, generator=torch.Generator().manual_seed(i)), alpha=0.1)
    return net


def test_what_is_told_of_a_clip_changes_its_picture(informed: Upsampler):
    video, told = film(h=8, w=8), torch.rand(2, 5, generator=torch.Generator().manual_seed(3))
    out = informed(video, told)
    assert out.shape == (2, 3, 3, 32, 32)
    other = told.clone()
    other[1, 2] += 1
    changed = (informed(video, other) - out).abs().amax((2, 3, 4)) > 1e-5
    assert changed.tolist() == [[False] * 3, [True] * 3]
    assert torch.equal(informed(video), informed(video, torch.zeros(2, 5)))


def test_a_square_by_lot_stands_for_the_whole(informed: Upsampler):
    video, told = film(h=32, w=32), torch.rand(2, 5)
    large = informed(video, told) + 0.1
    large[..., 64:] -= 0.2  # the error is as large everywhere, but where the halves meet
    torch.manual_seed(0)
    losses = [informed.loss(video, large, told, part=0.25).item() for _ in range(8)]
    assert min(losses) > 0.1
    assert informed.loss(video, large, told).item() == pytest.approx(0.1, abs=0.02)
