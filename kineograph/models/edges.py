"""What pictures show without anything learned: where edges are, and what stands out."""

import torch
import torch.nn.functional as F
from torch import Tensor

STRONG = 0.25  # change across two pixels, of the range, that is half an edge
BLUR = 1.0  # pixels


def edges(pictures: Tensor) -> Tensor:
    """How much of an edge each place is, with a gradient to the pictures.  n 3 h w in [-1, 1] -> n 1 h w in [0, 1].

    Canny 1986 as far as it can be followed back: a Gaussian, the gradient's length, a soft threshold in the place of
    his two; edges are not thinned, so that they can be drawn nearer from afar.
    """
    grey = gaussian(pictures.mean(1, keepdim=True), BLUR)
    padded = F.pad(grey, (1, 1, 1, 1), mode="replicate")
    right, down = padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2], padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]
    square = right.square() + down.square()
    return square / (square + (2 * STRONG) ** 2)


def salient(pictures: Tensor) -> Tensor:
    """What stands out: n 3 h w -> n 1 h w bool.

    Where a slightly blurred picture is farther from its mean colour than twice the mean distance (Achanta et al. 2009;
    in RGB).
    """
    far = (gaussian(pictures, BLUR) - pictures.mean((2, 3), keepdim=True)).norm(dim=1, keepdim=True)
    return far > 2 * far.mean((2, 3), keepdim=True)


def gaussian(pictures: Tensor, sigma: float) -> Tensor:
    """A Gaussian blur; beyond the border is the border.  n c h w -> same."""
    radius = round(3 * sigma)
    line = (-torch.arange(-radius, radius + 1, device=pictures.device).div(sigma).square() / 2).exp().to(pictures)
    line = (line / line.sum()).expand(pictures.shape[1], 1, 1, -1)
    padded = F.pad(pictures, (radius,) * 4, mode="replicate")
    once = F.conv2d(padded, line, groups=pictures.shape[1])
    return F.conv2d(once, line.transpose(2, 3), groups=pictures.shape[1])
