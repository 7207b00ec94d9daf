"""Frames as the strongest waves of their blocks of pixels: the cosine transform of JPEG, with nothing to learn.

Linear, so that the mean of two frames' latents is the latent of a blurred frame and not of something else; ordered from
coarse to fine, so that noise hides what is fine first, which is what a diffusion process wants of its data.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

GAINS = (1.25, 0.7, 0.28)  # of grey, red against blue, green against both; measured on the World, in blocks of 8 x 8
FLAT = 4.4  # how much stronger than the first wave a block's mean is
MOVING = 0.3  # how strong waves in time are beside those that stand


class Cosines(nn.Module):
    """n 3 h w in [-1, 1] -> n c h/8 w/8: the c strongest waves of each block of 8 x 8 or another number of pixels,
    tempered to the root of their spread.

    How much a wave varies falls with its frequency as 1 / f (Field 1987), which gives the waves' order and scale.
    """

    def __init__(self, channels: int, block: int = 8):
        super().__init__()
        if not 1 <= channels <= 3 * block**2:
            raise ValueError(f"a block of {block} x {block} pixels has {3 * block**2} waves; {channels} are asked for")
        self.channels, self.block = channels, block
        waves, spread = strongest(channels, (1, block, block))
        self.register_buffer("waves", waves, persistent=False)
        self.register_buffer("scale", spread.sqrt(), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        kernels = (self.waves / self.scale[:, None]).view(-1, 3, self.block, self.block)
        return F.conv2d(frames.float(), kernels, stride=self.block)

    def inverse(self, latents: Tensor) -> Tensor:
        """n c h w -> n 3 8h 8w, with the waves that are not kept at zero."""
        kernels = (self.waves * self.scale[:, None]).view(-1, 3, self.block, self.block)
        return F.conv_transpose2d(latents.float(), kernels, stride=self.block)


def strongest(count: int, block: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    """The orthonormal waves of blocks of t frames of h x w pixels that vary most, count (t colour y x), and how much
    they vary.
    """
    t, y, x = (cosine_transform(n) for n in block)
    colours = F.normalize(torch.tensor([[1.0, 1, 1], [1, 0, -1], [1, -2, 1]]), dim=1)
    table = torch.einsum("kt,ac,iy,jx->kaijtcyx", t, colours, y, x).flatten(0, 3).flatten(1)
    at_t, at_y, at_x = (torch.arange(n) / n for n in block)  # in half cycles a pixel or frame
    frequency = 8 * (at_t[:, None, None, None] + at_y[:, None] + at_x).expand(-1, 3, -1, -1)
    flat = FLAT * math.prod(block[1:]) ** 0.5 / 8  # a block's first wave is so much shorter or longer
    spread = torch.where(frequency == 0, flat, 1 / frequency.clamp(min=1e-9)) * torch.tensor(GAINS)[:, None, None]
    spread = (spread * torch.where(at_t > 0, MOVING, block[0] ** 0.5)[:, None, None, None]).flatten()
    order = spread.argsort(descending=True, stable=True)[:count]
    return table[order], spread[order]


def cosine_transform(size: int) -> Tensor:
    """The orthonormal cosine transform (DCT-II), frequency place."""
    places = torch.arange(size)
    waves = torch.cos(math.pi / size * (places + 0.5) * places[:, None]) * (2 / size) ** 0.5
    waves[0] /= 2**0.5
    return waves
