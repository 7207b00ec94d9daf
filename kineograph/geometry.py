"""Where things are in pictures: pictures looked up at other places."""

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
