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
def drawing() -> Upsampler:
    """One that is told things, with every weight moved: some of it begins at zero."""
    torch.manual_seed(0)
    net = Upsampler(UpsamplerConfig(width=8, depth=2, cell=2, told_dim=5, layout_dim=14)).eval().requires_grad_(False)
    for i, p in enumerate(net.parameters()):
        p.add_(torch.randn(p.shape, generator=torch.Generator().manual_seed(i)), alpha=0.1)
    return net


def given(b: int = 2, t: int = 3) -> tuple[Tensor, Tensor]:
    """What is told of clips, and a layout in which both actors are there."""
    generator = torch.Generator().manual_seed(3)
    layout = torch.rand(b, t, 14, generator=generator) / 2
    layout[..., [0, 3, 9]] = 1
    return torch.rand(b, 5, generator=generator), layout


def test_what_is_told_and_each_frames_own_layout_change_the_picture(drawing: Upsampler):
    video, (told, layout) = film(h=8, w=8), given()
    out = drawing(video, told, layout)
    assert out.shape == (2, 3, 3, 32, 32)
    other = told.clone()
    other[1, 2] += 1
    changed = (drawing(video, other, layout) - out).abs().amax((2, 3, 4)) > 1e-5
    assert changed.tolist() == [[False] * 3, [True] * 3]
    moved = layout.clone()
    moved[0, 1, 1] += 0.2
    changed = (drawing(video, told, moved) - out).abs().amax((2, 3, 4)) > 1e-5
    assert changed.nonzero().tolist() == [[0, 1]]


def test_without_being_told_it_enlarges_all_the_same(drawing: Upsampler):
    video = film(h=8, w=8)
    assert torch.equal(drawing(video), drawing(video, torch.zeros(2, 5), torch.zeros(2, 3, 14)))
    with pytest.raises(ValueError, match="square; these are 8 x 12"):
        drawing(film())


def test_only_the_squares_at_the_corners_are_drawn_and_compared(drawing: Upsampler):
    video, (told, layout) = film(h=16, w=16), given()
    said, seen = drawing.said(video, told, layout), drawing.seen(video, layout)
    large = film(h=64, w=64)
    corners = torch.tensor([[0, 3], [4, 1]])  # of squares of four cells, 8 small and 32 large pixels
    for i, (y, x) in enumerate(corners.tolist()):
        part = video[i, ..., 2 * y : 2 * y + 8, 2 * x : 2 * x + 8], said[3 * i : 3 * i + 3]
        square = drawing.enlarge(*part, seen[3 * i : 3 * i + 3, :, y : y + 4, x : x + 4])
        large[i, ..., 8 * y : 8 * y + 32, 8 * x : 8 * x + 32] = square
    assert drawing.loss(video, large, told, layout, corners) < 1e-6
    assert drawing.loss(video, large, told, layout, corners.flip(0)) > 0.1
    assert drawing.loss(video, large, told, layout) > 0.1
