"""Where things are: pictures looked up at other places, and turns in spaces of any number of dimensions."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


def warp(picture: Tensor, flow: Tensor) -> Tensor:
    """out(p) = picture(p + flow(p)), bilinear; beyond the border is the border.

    picture: b c h w, flow: b 2 h w, right and down in pixels -> b c h w.
    """
    height, width = picture.shape[-2:]
    down, right = torch.meshgrid(
        torch.arange(height, device=flow.device, dtype=flow.dtype),
        torch.arange(width, device=flow.device, dtype=flow.dtype),
        indexing="ij",
    )
    x = 2 * (right + flow[:, 0]) / max(width - 1, 1) - 1
    y = 2 * (down + flow[:, 1]) / max(height - 1, 1) - 1
    places = torch.stack([x, y], -1)  # b h w 2
    return F.grid_sample(picture, places.to(picture.dtype), "bilinear", padding_mode="border", align_corners=True)


def shifted(picture: Tensor, right: int, down: int) -> Tensor:
    """out(p) = picture(p + (right, down)) in whole cells; beyond the border stands the mirrored picture.  ... h w."""
    height, width = picture.shape[-2:]
    return picture[..., mirrored(height, down, picture.device), :][..., mirrored(width, right, picture.device)]


def mirrored(size: int, by: int, device: torch.device) -> Tensor:
    """The places by, by + 1, ... of a row that goes on in mirrors at both ends: size."""
    places = torch.arange(by, by + size, device=device).remainder(2 * size)
    return torch.minimum(places, 2 * size - 1 - places)


@dataclass(frozen=True, eq=False)
class Rotation:
    """The turn by an angle in the plane of two unit vectors at right angles, from n1 towards n2; all else stays.

    R = I + (n2 n1^T - n1 n2^T) sin a + (n1 n1^T + n2 n2^T) (cos a - 1), which is expm(a (n2 n1^T - n1 n2^T)). It is
    applied to vectors in the time it takes to read them, and never built.  n1, n2: ... d, angle: ... in radians.
    """

    n1: Tensor
    n2: Tensor
    angle: Tensor

    @classmethod
    def between(cls, a: Tensor, b: Tensor) -> "Rotation":
        """The shortest turn that takes the direction of a to that of b.  ... d, ... d.

        Of parallel vectors, and of a vector that is 0, it is the identity. Of opposite ones there are many, for every
        plane through a will do: the one towards the axis from which a is farthest is taken (of equals, the first).
        """
        if a.shape[-1] < 2:
            raise ValueError(f"turning takes 2 dimensions or more; these vectors have {a.shape[-1]}")
        a, b = torch.broadcast_tensors(a, b)
        n1 = unit(a)
        rest = b - dot(n1, b) * n1
        rest = rest - dot(n1, rest) * n1  # once more: of nearly parallel vectors rounding leaves more than there is
        size = rest.norm(dim=-1, keepdim=True)
        parallel = size <= 8 * torch.finfo(b.dtype).eps * b.norm(dim=-1, keepdim=True)
        parallel = parallel | (n1 == 0).all(-1, keepdim=True)
        n2 = torch.where(parallel, aside(n1), unit(rest))
        # atan2 and not arccos, which loses half of the digits near 0 and pi
        angle = torch.atan2(torch.where(parallel, 0.0, size), dot(n1, b))
        return cls(n1, n2, angle.squeeze(-1))

    def __call__(self, x: Tensor, share: float = 1.0) -> Tensor:
        """x turned by a share of the angle: 0 leaves it, more than 1 goes on.  ... d -> same."""
        p, q, angle = dot(self.n1, x), dot(self.n2, x), share * self.angle[..., None]
        sine, less = angle.sin(), -2 * (angle / 2).sin().square()  # cos a - 1, without losing digits of small angles
        return x + (less * p - sine * q) * self.n1 + (sine * p + less * q) * self.n2

    def __getitem__(self, i: int) -> "Rotation":
        """One of several."""
        return Rotation(self.n1[i], self.n2[i], self.angle[i])


def dot(a: Tensor, b: Tensor) -> Tensor:
    """... d, ... d -> ... 1."""
    return (a * b).sum(-1, keepdim=True)


def unit(x: Tensor) -> Tensor:
    """x at length one; 0 stays 0.  ... d -> same."""
    return x / x.norm(dim=-1, keepdim=True).clamp(min=torch.finfo(x.dtype).tiny)


def aside(n: Tensor) -> Tensor:
    """A unit vector at right angles to n, in the plane of n and the axis that it leans to least.  ... d -> same."""
    axis = F.one_hot(n.abs().argmin(-1), n.shape[-1]).to(n)
    return unit(axis - dot(n, axis) * n)
