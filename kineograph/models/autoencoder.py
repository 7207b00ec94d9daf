"""Image codecs, frame by frame: KL, to normal latents, and VQ, to tokens of a codebook.

    frame ─> encoder ─> mean, variance ─> latents ─> decoder ─> frame
                     └> nearest code   ─> tokens  ─> decoder ─> frame

KL after Kingma & Welling 2014 and Rombach et al. 2022, VQ after van den Oord et al. 2017 and Esser et al. 2021.
Parameters bear the names of diffusers' AutoencoderKL and VQModel.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.nn.blocks import Attention, Downsample, GroupNorm, Resnet, Upsample

AT_ONCE = 4 * 512 * 512  # pixels of frames that go through a codec together


@dataclass(frozen=True)
class AutoencoderConfig:
    """widths: from the frame's size down, each half the last; depth: resnets a level on the way down.

    channels: of the latents; scale, shift: latents are (z - shift) scale. codes: of a codebook, whose codes have
    code_dim numbers (0: as many as channels).
    """

    channels: int = 4
    widths: tuple[int, ...] = (8, 16, 16)
    depth: int = 1
    groups: int = 4
    attends: bool = True  # at the bottom
    scale: float = 1.0
    shift: float = 0.0
    codes: int = 64
    code_dim: int = 0

    def __post_init__(self) -> None:
        if any(width % self.groups for width in self.widths):
            raise ValueError(f"widths are divisible by {self.groups} groups; got {self.widths}")


class ImageCodec(nn.Module):
    """What both codecs share: encoder, decoder, and the way of frames through them a few at a time."""

    def __init__(self, config: AutoencoderConfig, *, encoded: int, told: int, code_dim: int):
        """Channels: encoded, what the encoder gives; told, what is made of it; code_dim, what the decoder is given."""
        super().__init__()
        self.config, self.channels, self.factor = config, code_dim, 2 ** (len(config.widths) - 1)
        self.encoder, self.decoder = Encoder(config, encoded), Decoder(config)
        self.quant_conv = nn.Conv2d(encoded, told, 1)
        self.post_quant_conv = nn.Conv2d(code_dim, config.channels, 1)

    def told(self, frames: Tensor) -> Tensor:
        """n 3 h w -> n c h' w', what the encoder says."""
        return self.quant_conv(self.encoder(self.ready(frames))).float()

    def pixels(self, z: Tensor) -> Tensor:
        """n c h' w' -> n 3 h w."""
        return self.decoder(self.post_quant_conv(self.ready(z))).float()

    def ready(self, x: Tensor) -> Tensor:
        """In the codec's precision, channels-last: what comes after stays so."""
        return x.to(self.dtype).contiguous(memory_format=torch.channels_last)

    def piecewise(self, f: Callable[[Tensor], Tensor], frames: Tensor, grown: int) -> Tensor:
        """f over a few frames at a time, n c h w, where a frame has `grown` pixels a value."""
        few = max(1, AT_ONCE // (frames.shape[-2] * frames.shape[-1] * grown))
        return torch.cat([f(part) for part in frames.split(few)])

    def check(self, video: Tensor) -> None:
        if video.ndim != 5 or video.shape[2] != 3 or video.shape[3] % self.factor or video.shape[4] % self.factor:
            raise ValueError(
                f"a video is b t 3 h w with h and w divisible by {self.factor}; this is {tuple(video.shape)}"
            )

    @property
    def dtype(self) -> torch.dtype:
        return self.post_quant_conv.weight.dtype


class KLAutoencoder(ImageCodec):
    """encode: b t 3 h w in [-1, 1] -> b t c h' w' of nearly unit variance; decode is its inverse, nearly."""

    def __init__(self, config: AutoencoderConfig):
        super().__init__(config, encoded=2 * config.channels, told=2 * config.channels, code_dim=config.channels)

    def encode(self, video: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The means, or with a generator samples."""
        self.check(video)
        mean, log_variance = self.moments(video.flatten(0, 1))
        if generator is not None:
            noise = torch.randn(mean.shape, generator=generator, device=generator.device).to(mean)
            mean = mean + (log_variance / 2).exp() * noise
        return ((mean - self.config.shift) * self.config.scale).unflatten(0, video.shape[:2])

    def decode(self, latents: Tensor) -> Tensor:
        """b t c h' w' -> b t 3 h w, nearly in [-1, 1]."""
        z = latents.flatten(0, 1).float() / self.config.scale + self.config.shift
        return self.piecewise(self.pixels, z, self.factor**2).unflatten(0, latents.shape[:2])

    def moments(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """n 3 h w -> mean and logarithm of the variance, n c h' w' each, neither scaled."""
        mean, log_variance = self.piecewise(self.told, frames, 1).chunk(2, dim=1)
        return mean, log_variance.clamp(-30, 20)

    def loss(self, video: Tensor, *, weight: float = 1e-4) -> Tensor:
        """Reconstruction from samples, and `weight` times their divergence from the normal distribution, a pixel."""
        frames = video.flatten(0, 1)
        mean, log_variance = self.moments(frames)
        out = self.pixels(mean + (log_variance / 2).exp() * torch.randn_like(mean))
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum() / 2 / frames.numel()
        return reconstruction(out, frames) + weight * divergence


class VQAutoencoder(ImageCodec):
    """encode: b t 3 h w in [-1, 1] -> b t h' w' tokens; decode: tokens -> b t 3 h w."""

    def __init__(self, config: AutoencoderConfig):
        dim = config.code_dim or config.channels
        super().__init__(config, encoded=config.channels, told=dim, code_dim=dim)
        self.quantize = Codebook(config.codes, self.channels)

    def encode(self, video: Tensor) -> Tensor:
        self.check(video)
        tokens = self.piecewise(lambda frames: self.quantize.nearest(self.told(frames)), video.flatten(0, 1), 1)
        return tokens.unflatten(0, video.shape[:2])

    def decode(self, tokens: Tensor) -> Tensor:
        z = self.quantize.look_up(tokens.flatten(0, 1))  # n c h' w'
        return self.piecewise(self.pixels, z, self.factor**2).unflatten(0, tokens.shape[:2])

    def loss(self, video: Tensor, *, commitment: float = 0.25) -> Tensor:
        """Reconstruction with the codes' gradient passed straight to the encoder; codes and encoder drawn together."""
        frames = video.flatten(0, 1)
        z = self.told(frames)
        code = self.quantize.look_up(self.quantize.nearest(z))
        out = self.pixels(z + (code - z).detach())
        drawn = (code - z.detach()).square().mean() + commitment * (code.detach() - z).square().mean()
        return reconstruction(out, frames) + drawn


class Codebook(nn.Module):
    """Numbered vectors taught by gradients, as published codecs have them; taught anew, few of them may find a use."""

    def __init__(self, codes: int, dim: int):
        super().__init__()
        self.embedding = nn.Embedding(codes, dim)
        nn.init.uniform_(self.embedding.weight, -1 / codes, 1 / codes)

    def nearest(self, z: Tensor) -> Tensor:
        """n c h w -> n h w: the number of the nearest code."""
        flat = z.permute(0, 2, 3, 1).flatten(0, 2)  # (n h w) c
        tokens = torch.cdist(flat, self.embedding.weight.to(flat)).argmin(1)
        return tokens.unflatten(0, (z.shape[0], *z.shape[2:]))

    def look_up(self, tokens: Tensor) -> Tensor:
        """n h w -> n c h w."""
        codes = len(self.embedding.weight)
        if tokens.numel() and not 0 <= int(tokens.min()) <= int(tokens.max()) < codes:
            raise ValueError(f"tokens are 0 .. {codes - 1}; got {int(tokens.min())} .. {int(tokens.max())}")
        return self.embedding(tokens).permute(0, 3, 1, 2).float()


class Encoder(nn.Module):
    """n 3 h w -> n c h' w'."""

    def __init__(self, config: AutoencoderConfig, channels: int):
        super().__init__()
        widths, last = config.widths, len(config.widths) - 1
        self.conv_in = nn.Conv2d(3, widths[0], 3, padding=1)
        self.down_blocks = nn.ModuleList()
        for i, (inner, outer) in enumerate(zip((widths[0], *widths), widths, strict=False)):
            inners = [inner] + [outer] * (config.depth - 1)
            resize = {"downsamplers": Downsample(outer, lopsided=True)} if i < last else {}
            self.down_blocks.append(Stack(config, inners, outer, **resize))
        self.mid_block = Bottom(config)
        self.conv_norm_out = GroupNorm(config.groups, widths[-1], eps=1e-6)
        self.conv_out = nn.Conv2d(widths[-1], channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_in(x)
        for block in self.down_blocks:
            x = block(x)
        return self.conv_out(F.silu(self.conv_norm_out(self.mid_block(x))))


class Decoder(nn.Module):
    """n c h' w' -> n 3 h w."""

    def __init__(self, config: AutoencoderConfig):
        super().__init__()
        widths, last = config.widths[::-1], len(config.widths) - 1
        self.conv_in = nn.Conv2d(config.channels, widths[0], 3, padding=1)
        self.mid_block = Bottom(config)
        self.up_blocks = nn.ModuleList()
        for i, (inner, outer) in enumerate(zip((widths[0], *widths), widths, strict=False)):
            resize = {"upsamplers": Upsample(outer)} if i < last else {}
            self.up_blocks.append(Stack(config, [inner] + [outer] * config.depth, outer, **resize))
        self.conv_norm_out = GroupNorm(config.groups, widths[-1], eps=1e-6)
        self.conv_out = nn.Conv2d(widths[-1], 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.mid_block(self.conv_in(z))
        for block in self.up_blocks:
            x = block(x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class Stack(nn.Module):
    """Resnets, and a change of size under the name it is given."""

    def __init__(self, config: AutoencoderConfig, inners: list[int], outer: int, **resize: nn.Module):
        super().__init__()
        self.resnets = nn.ModuleList(Resnet(c, outer, groups=config.groups) for c in inners)
        for name, layer in resize.items():
            setattr(self, name, nn.ModuleList([layer]))
        self.after = [*resize]

    def forward(self, x: Tensor) -> Tensor:
        for resnet in self.resnets:
            x = resnet(x)
        for name in self.after:
            x = getattr(self, name)[0](x)
        return x


class Bottom(nn.Module):
    """Resnet, attention over the pixels, resnet."""

    def __init__(self, config: AutoencoderConfig):
        super().__init__()
        dim, groups = config.widths[-1], config.groups
        self.resnets = nn.ModuleList(Resnet(dim, dim, groups=groups) for _ in range(2))
        self.attentions = nn.ModuleList([PixelAttention(dim, groups)] if config.attends else [])

    def forward(self, x: Tensor) -> Tensor:
        x = self.resnets[0](x)
        for attention in self.attentions:
            x = attention(x)
        return self.resnets[1](x)


class PixelAttention(Attention):
    """Attention of one head over the pixels of each frame.  n c h w -> same."""

    def __init__(self, dim: int, groups: int):
        super().__init__(dim, 1, bias=True)
        self.group_norm = GroupNorm(groups, dim, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(self.group_norm(x).flatten(2).transpose(1, 2))  # n (h w) c
        return x + y.transpose(1, 2).unflatten(2, x.shape[-2:])


def reconstruction(out: Tensor, frames: Tensor) -> Tensor:
    """How far frames are from what they should be: half absolute, half squared."""
    error = out - frames
    return error.abs().mean() + error.square().mean()
