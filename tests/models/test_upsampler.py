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
