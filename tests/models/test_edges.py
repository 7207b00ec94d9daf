"""Edges and what stands out, of pictures whose answer is known."""

import torch
from torch import Tensor

from kineograph.models.edges import edges, gaussian, salient


def halves(size: int = 16) -> Tensor:
    """Black on the left, white on the right: 1 3 h w."""
    picture = -torch.ones(1, 3, size, size)
    picture[..., size // 2 :] = 1
    return picture


def test_an_edge_is_where_the_halves_meet_and_nowhere_else():
    seen = edges(halves())
    assert seen.shape == (1, 1, 16, 16)
    assert bool((seen[..., 7:9] > 0.8).all())
    assert float(seen[..., :4].max()) < 1e-3
    torch.testing.assert_close(edges(halves().mT), seen.mT)


def test_edges_grow_with_contrast_stay_below_one_and_do_not_see_brightness():
    strengths = [float(edges(share * halves()).max()) for share in (0.1, 0.3, 1.0)]
    assert strengths == sorted(strengths)
    assert 0.02 < strengths[0] < strengths[2] < 1
    torch.testing.assert_close(edges(0.3 * halves() + 0.5), edges(0.3 * halves()))


def test_edges_can_be_followed_back_to_the_picture_even_where_there_are_none():
    picture = torch.zeros(1, 3, 8, 8, requires_grad=True)
    edges(picture).sum().backward()
    assert bool(picture.grad.isfinite().all())
    picture = (0.3 * halves()).requires_grad_()
    edges(picture).sum().backward()
    assert float(picture.grad.abs().max()) > 1e-3


def test_a_small_square_stands_out_of_its_background():
    picture = torch.full((2, 3, 32, 32), 0.2)
    picture[1, 0, 12:18, 4:10] = 1.0
    seen = salient(picture)
    assert not bool(seen[0].any())
    assert bool(seen[1, 0, 13:17, 5:9].all())
    assert not bool(seen[1, 0, :, 16:].any())


def test_a_blur_keeps_the_mean_of_what_is_far_from_the_border():
    point = torch.zeros(1, 2, 21, 21)
    point[0, 1, 10, 10] = 1
    out = gaussian(point, 1.0)
    torch.testing.assert_close(out.sum((2, 3)), torch.tensor([[0.0, 1.0]]))
    torch.testing.assert_close(out[0, 1, 10, 11] / out[0, 1, 10, 10], torch.tensor(-0.5).exp())
