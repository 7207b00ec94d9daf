"""A small convolutional network that redraws small frames several times larger, with sharp lines."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.nn.convolution import stack


@dataclass(frozen=True)
class UpsamplerConfig:
    width: int = 16
    depth: int = 1
    factor: int = 4


class Upsampler(nn.Module):
    """b t 3 h w -> b t 3 fh fw for factor f, both in [-1, 1]: bilinear enlargement and what the network draws on top.

    All the work is done at the small size; pixels are spread at the end (sub-pixel convolution, Shi et al. 2016).
    """

    def __init__(self, config: UpsamplerConfig):
        super().__init__()
        self.factor = config.factor
        self.first = nn.Conv2d(3, config.width, 5, 1, 2)
        self.blocks = nn.Sequential(*stack(config.width, config.depth), nn.SiLU())
        self.last = nn.Conv2d(config.width, 3 * self.factor**2, 3, 1, 1)
        self.last.weight.data.mul_(0.1)
        self.to(memory_format=torch.channels_last)

    def forward(self, video: Tensor) -> Tensor:
        return torch.cat([self.enlarge(part) for part in video.flatten(0, 1).split(16)]).unflatten(0, video.shape[:2])

    def enlarge(self, frames: Tensor) -> Tensor:
        """n 3 h w -> n 3 fh fw."""
        x = frames.to(self.first.weight.dtype).contiguous(memory_format=torch.channels_last)
        detail = F.pixel_shuffle(self.last(self.blocks(self.first(x))).float(), self.factor)
        return detail + F.interpolate(frames.float(), scale_factor=self.factor, mode="bilinear")

    def loss(self, small: Tensor, large: Tensor) -> Tensor:
        """Absolute error of values and of edges, b t 3 h w against b t 3 fh fw."""
        error = self(small) - large
        edges = (error[..., 1:] - error[..., :-1]).abs().mean() + (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
        return error.abs().mean() + edges


def fitted(frames: Tensor, height: int, width: int) -> Tensor:
    """t 3 h w square frames -> t 3 height width: resized to cover, the middle kept."""
    if frames.shape[-2:] == (height, width):
        return frames
    side = max(height, width)
    frames = F.interpolate(frames, size=(side, side), mode="bicubic", antialias=True)
    top, left = (side - height) // 2, (side - width) // 2
    return frames[..., top : top + height, left : left + width]
