"""A convolutional autoencoder for single frames: pixels to an 8 times smaller grid of latents and back.

Frames are coded one by one, so a clip of any length, an image and a stream all take the same path. The encoder is
light, since it runs once per training clip; the decoder carries the detail. Works on channels-last bfloat16, where CPUs
are fastest.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.nn.convolution import ToSpace, stack


@dataclass(frozen=True)
class FrameCodecConfig:
    """Widths at 1/2, 1/4 and 1/8 of the frame's size, residual blocks at each for the encoder and the decoder."""

    channels: int = 4
    encoder_widths: tuple[int, ...] = (16, 32, 32)
    decoder_widths: tuple[int, ...] = (16, 32, 32)
    encoder_depths: tuple[int, ...] = (1, 1, 1)
    decoder_depths: tuple[int, ...] = (1, 1, 1)


class FrameCodec(nn.Module):
    """encode: b t 3 h w in [-1, 1] -> b t c h/8 w/8 of zero mean and unit variance; decode is its inverse, nearly."""

    factor = 8

    def __init__(self, config: FrameCodecConfig):
        super().__init__()
        self.channels = config.channels
        a, b, c = config.encoder_widths
        n, m, k = config.encoder_depths
        self.encoder = nn.Sequential(
            nn.Conv2d(12, a, 3, 1, 1), *stack(a, n),
            nn.Conv2d(a, b, 3, 2, 1), *stack(b, m),
            nn.Conv2d(b, c, 3, 2, 1), *stack(c, k),
            nn.SiLU(), nn.Conv2d(c, config.channels, 1),
        )  # fmt: skip
        a, b, c = config.decoder_widths
        n, m, k = config.decoder_depths
        self.decoder = nn.Sequential(
            nn.Conv2d(config.channels, c, 3, 1, 1), *stack(c, k),
            nn.SiLU(), ToSpace(c, b), *stack(b, m),
            nn.SiLU(), ToSpace(b, a), *stack(a, n),
            nn.SiLU(), nn.Conv2d(a, 12, 3, 1, 1),
        )  # fmt: skip
        self.register_buffer("mean", torch.zeros(config.channels))
        self.register_buffer("std", torch.ones(config.channels))
        self.to(memory_format=torch.channels_last)

    def encode(self, video: Tensor) -> Tensor:
        """b t 3 h w in [-1, 1] -> b t c h/8 w/8, normalised."""
        self.check(video)
        z = torch.cat([self.bottleneck(frames) for frames in video.flatten(0, 1).split(256)])
        return ((z - wide(self.mean)) / wide(self.std)).unflatten(0, video.shape[:2])

    def decode(self, latents: Tensor) -> Tensor:
        """b t c h w -> b t 3 8h 8w, nearly in [-1, 1]."""
        z = latents.flatten(0, 1).float() * wide(self.std) + wide(self.mean)
        return torch.cat([self.pixels(part) for part in z.split(64)]).unflatten(0, latents.shape[:2])

    def bottleneck(self, frames: Tensor) -> Tensor:
        """n 3 h w -> n c h/8 w/8, bounded softly by +-4."""
        h = F.pixel_unshuffle(frames.to(self.dtype), 2).contiguous(memory_format=torch.channels_last)
        return 4 * torch.tanh(self.encoder(h).float() / 4)

    def pixels(self, z: Tensor) -> Tensor:
        """n c h w, not normalised -> n 3 8h 8w."""
        h = self.decoder(z.to(self.dtype).contiguous(memory_format=torch.channels_last))
        return F.pixel_shuffle(h.float(), 2)

    def loss(self, video: Tensor, noise: float = 0.05) -> Tensor:
        """Reconstruction of absolute values, of edges and of coarse averages; what moves in the clip counts more.

        A little noise on the latents makes the decoder forgive a generator's small errors. Keeps the running statistics
        that normalise the latents.
        """
        frames = video.flatten(0, 1)
        z = self.bottleneck(frames)
        self.follow(z.detach())
        out = self.pixels(z + noise * torch.randn_like(z)).unflatten(0, video.shape[:2])
        error = out - video
        moving = (video - video.mean(1, keepdim=True)).abs().amax(2, keepdim=True)
        weight = 1 + 2 * (2 * moving).clamp(max=1)
        edges = (error[..., 1:] - error[..., :-1]).abs().mean() + (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
        coarse = F.avg_pool2d(error.flatten(0, 1), 4).abs().mean()
        return (weight * error.abs()).mean() + 0.6 * edges + 0.3 * coarse + (weight * error.square()).mean()

    @torch.no_grad()
    def follow(self, z: Tensor, rate: float = 0.02) -> None:
        """Moves mean and std towards those of this batch."""
        self.mean.lerp_(z.mean((0, 2, 3)).to(self.mean), rate)
        self.std.lerp_(z.std((0, 2, 3)).to(self.std), rate)

    def check(self, video: Tensor) -> None:
        if video.ndim != 5 or video.shape[2] != 3 or video.shape[3] % self.factor or video.shape[4] % self.factor:
            raise ValueError(
                f"a video is b t 3 h w with h and w divisible by {self.factor}; this is {tuple(video.shape)}"
            )

    @property
    def dtype(self) -> torch.dtype:
        return self.decoder[0].weight.dtype


def wide(per_channel: Tensor) -> Tensor:
    """c -> 1 c 1 1, float32."""
    return per_channel.float()[None, :, None, None]
