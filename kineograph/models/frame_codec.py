"""A convolutional codec for single frames: pixels to a grid of latents, 4 or 8 times smaller, and back.

Frames are coded one by one, so a clip of any length, an image and a stream all take the same path. The encoder is
light or even fixed, since it runs once per training clip; the decoder carries the detail, and may know the prompt: then
it draws what the latents leave open as the words say. Works on channels-last bfloat16, where CPUs are fastest.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.models.cosines import Cosines
from kineograph.nn.attention import unscaled_norm
from kineograph.nn.convolution import ToSpace, stack

SHAKEN = 0.6  # the strongest noise on latents that are told


@dataclass(frozen=True)
class FrameCodecConfig:
    """Widths at 1/2, 1/4 and so on of the frame's size, residual blocks at each for the encoder and the decoder.

    Three widths make latents of 1/8 of the frame's size, two of 1/4. With no widths of the encoder, latents are the
    strongest cosine waves of each block. text_dim: of the prompt's vector that the decoder reads, 0 for one that reads
    none.
    """

    channels: int = 4
    encoder_widths: tuple[int, ...] = (16, 32, 32)
    decoder_widths: tuple[int, ...] = (16, 32, 32)
    encoder_depths: tuple[int, ...] = (1, 1, 1)
    decoder_depths: tuple[int, ...] = (1, 1, 1)
    text_dim: int = 0

    def __post_init__(self) -> None:
        levels = len(self.decoder_widths)
        if not levels or len(self.decoder_depths) != levels or len(self.encoder_widths) not in (0, levels):
            raise ValueError(
                f"encoder and decoder have the same levels; got widths {self.encoder_widths} and "
                f"{self.decoder_widths}, {len(self.decoder_depths)} depths"
            )


class FrameCodec(nn.Module):
    """encode: b t 3 h w in [-1, 1] -> b t c h/8 w/8 of zero mean and unit variance; decode is its inverse, nearly.

    8 is `factor`: with two widths in place of three it is 4.
    """

    def __init__(self, config: FrameCodecConfig):
        super().__init__()
        self.channels, self.text_dim = config.channels, config.text_dim
        self.factor = 2 ** len(config.decoder_widths)
        self.encoder = learned(config) if config.encoder_widths else Cosines(config.channels, self.factor)
        self.decoder = drawing(config)
        if isinstance(self.encoder, Cosines):  # begins as the waves' plain inverse
            nn.init.zeros_(self.decoder[-1].weight)
            nn.init.zeros_(self.decoder[-1].bias)
        if config.text_dim:
            self.told = nn.Linear(config.text_dim, 2 * config.decoder_widths[-1])
            nn.init.zeros_(self.told.weight)
            nn.init.zeros_(self.told.bias)
        self.register_buffer("mean", torch.zeros(config.channels))
        self.register_buffer("std", torch.ones(config.channels))
        self.to(memory_format=torch.channels_last)

    def encode(self, video: Tensor) -> Tensor:
        """b t 3 h w in [-1, 1] -> b t c h/8 w/8, normalised."""
        self.check(video)
        z = torch.cat([self.bottleneck(frames) for frames in video.flatten(0, 1).split(256)])
        return ((z - wide(self.mean)) / wide(self.std)).unflatten(0, video.shape[:2])

    def decode(self, latents: Tensor, told: Tensor | None = None) -> Tensor:
        """b t c h w, and the prompts' vectors b d if it reads them -> b t 3 8h 8w, nearly in [-1, 1]."""
        z = latents.flatten(0, 1).float() * wide(self.std) + wide(self.mean)
        told = None if told is None else told.repeat_interleave(latents.shape[1], 0)
        parts = range(0, len(z), 64)
        frames = [self.pixels(z[i : i + 64], None if told is None else told[i : i + 64]) for i in parts]
        return torch.cat(frames).unflatten(0, latents.shape[:2])

    def bottleneck(self, frames: Tensor) -> Tensor:
        """n 3 h w -> n c h/8 w/8; learned ones are bounded softly by +-4."""
        if isinstance(self.encoder, Cosines):
            return self.encoder(frames)
        h = F.pixel_unshuffle(frames.to(self.dtype), 2).contiguous(memory_format=torch.channels_last)
        return 4 * torch.tanh(self.encoder(h).float() / 4)

    def pixels(self, z: Tensor, told: Tensor | None = None) -> Tensor:
        """n c h w, not normalised, and what is told of each, n d -> n 3 8h 8w."""
        h = self.decoder[0](z.to(self.dtype).contiguous(memory_format=torch.channels_last))
        if self.text_dim:
            told = z.new_zeros(len(z), self.text_dim) if told is None else told
            scale, shift = self.told(unscaled_norm(told.to(self.dtype)))[..., None, None].chunk(2, dim=1)
            h = torch.addcmul(shift, 1 + scale, h)
        out = F.pixel_shuffle(self.decoder[1:](h).float(), 2)
        return out + self.encoder.inverse(z) if isinstance(self.encoder, Cosines) else out

    def encoding_state(self) -> dict[str, Tensor]:
        """What encodings depend on, by name; the decoder may learn on while a cache of them stays good."""
        kept = {"mean": self.mean, "std": self.std}
        return kept | {
            f"encoder/{name}": x for name, x in (*self.encoder.named_parameters(), *self.encoder.named_buffers())
        }

    @property
    def importance(self) -> Tensor:
        """How much an error in each channel shows, c, 1 on average: of waves, the coarse ones' more."""
        if not isinstance(self.encoder, Cosines):
            return torch.ones(self.channels, device=self.std.device)
        return self.encoder.scale / self.encoder.scale.mean()

    def loss(self, video: Tensor, told: Tensor | None = None, noise: float = 0.05) -> Tensor:
        """Reconstruction of absolute values, of edges and of coarse averages; what moves in the clip counts more.

        A little noise on the latents makes the decoder forgive a generator's small errors. One that reads prompts meets
        more of it, up to `SHAKEN`, that it may trust the words (conditioning augmentation: Ho et al. 2022), and every
        tenth clip untold. Keeps the running statistics that normalise learned latents.
        """
        z = self.bottleneck(video.flatten(0, 1))
        if not isinstance(self.encoder, Cosines):
            self.follow(z.detach())
        strength = torch.full((len(video), 1, 1, 1, 1), noise, device=z.device)
        if told is not None:
            strength = strength + SHAKEN * torch.rand_like(strength).square()
            told = told * (torch.rand(len(told), 1, device=told.device) >= 0.1)
            told = told.repeat_interleave(video.shape[1], 0)
        z = z.unflatten(0, video.shape[:2])
        z = (z + strength * torch.randn_like(z)).flatten(0, 1)
        out = self.pixels(z, told).unflatten(0, video.shape[:2])
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


def learned(config: FrameCodecConfig) -> nn.Sequential:
    """n 12 h/2 w/2 -> n c h/8 w/8."""
    widths, depths = config.encoder_widths, config.encoder_depths
    layers = [nn.Conv2d(12, widths[0], 3, 1, 1), *stack(widths[0], depths[0])]
    for (inner, outer), depth in zip(pairwise(widths), depths[1:], strict=True):
        layers += [nn.Conv2d(inner, outer, 3, 2, 1), *stack(outer, depth)]
    return nn.Sequential(*layers, nn.SiLU(), nn.Conv2d(widths[-1], config.channels, 1))


def drawing(config: FrameCodecConfig) -> nn.Sequential:
    """n c h/8 w/8 -> n 12 h/2 w/2."""
    widths, depths = config.decoder_widths[::-1], config.decoder_depths[::-1]
    layers = [nn.Conv2d(config.channels, widths[0], 3, 1, 1), *stack(widths[0], depths[0])]
    for (inner, outer), depth in zip(pairwise(widths), depths[1:], strict=True):
        layers += [nn.SiLU(), ToSpace(inner, outer), *stack(outer, depth)]
    return nn.Sequential(*layers, nn.SiLU(), nn.Conv2d(widths[-1], 12, 3, 1, 1))


def wide(per_channel: Tensor) -> Tensor:
    """c -> 1 c 1 1, float32."""
    return per_channel.float()[None, :, None, None]
