"""World CLIP (2026): small drawings and their captions in one space, as directions of unit length.

    picture 64 x 64 ─> small convolutional network ─────────────────────┐
                                                                        ├─> directions in a space of `dim` dimensions
    caption ─> frozen text encoder ─> tokens ─> questions asked of them ─┘

After CLIP (Radford et al. 2021): a picture is near its own caption and far from those of others.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.condition import Condition
from kineograph.models.text import ByteText, MiniLM, TextEncoder
from kineograph.nn.convolution import Residual

TEXTS = {"bytes": 32, "minilm": 384}  # frozen text encoders, and what they tell of each token
SHARPEST = 100.0  # as CLIP's
SHARPNESS = 1 / 0.07  # with which CLIP begins
WORDPIECES = 256  # of a prompt that MiniLM reads, as its makers do


@dataclass(frozen=True)
class WorldCLIPConfig:
    """Pictures' size; widths at 1/2, 1/4, 1/8 and 1/16 of it; who reads the words; the space's dimensions."""

    size: int = 64
    widths: tuple[int, ...] = (8, 16, 16, 16)
    depths: tuple[int, ...] = (1, 1, 1)  # residual blocks at 1/4, 1/8, 1/16
    layout: int = 8  # channels that keep where in the picture a thing is
    text: str = "bytes"  # or "minilm"
    questions: int = 4  # what is asked of a caption's tokens
    hidden: int = 32
    dim: int = 32

    def __post_init__(self) -> None:
        if self.size % 16:
            raise ValueError(f"size must be divisible by 16; got {self.size}")
        if self.text not in TEXTS:
            raise ValueError(f"text is {self.text!r}; it can be {' or '.join(TEXTS)}")


class WorldCLIP(nn.Module):
    """Two towers and how sharply they are compared. The frozen text encoder stands outside: see `encoder_of`."""

    def __init__(self, config: WorldCLIPConfig):
        super().__init__()
        self.config = config
        self.image = ImageTower(config)
        self.words = TextHead(config)
        self.sharpness = nn.Parameter(torch.tensor(math.log(SHARPNESS / (SHARPEST - SHARPNESS))))
        self.to(memory_format=torch.channels_last)

    def see(self, images: Tensor) -> Tensor:
        """b 3 s s in [-1, 1] -> b d, of unit length, float32."""
        side = self.config.size
        if images.ndim != 4 or images.shape[1:] != (3, side, side):
            raise ValueError(f"pictures to look at are b 3 {side} {side}; got {tuple(images.shape)}")
        return F.normalize(self.image(images).float(), dim=1)

    def read(self, cond: Condition) -> Tensor:
        """Captions as the text encoder gives them -> b d, of unit length, float32."""
        return F.normalize(self.words(cond).float(), dim=1)

    @property
    def scale(self) -> Tensor:
        """What cosines are multiplied by: the inverse of the temperature, between 0 and `SHARPEST`."""
        return SHARPEST * self.sharpness.float().sigmoid()


class ImageTower(nn.Module):
    """b 3 s s -> b d: what is anywhere in the picture, and where it is."""

    def __init__(self, config: WorldCLIPConfig):
        super().__init__()
        widths, cells = config.widths, (config.size // 16) ** 2
        self.stem = nn.Conv2d(12, widths[0], 3, 1, 1)
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in pairwise(widths))
        self.blocks = nn.ModuleList(
            nn.Sequential(*(Residual(width) for _ in range(depth)))
            for width, depth in zip(widths[1:], config.depths, strict=True)
        )
        self.layout = nn.Conv2d(widths[-1], config.layout, 1)
        self.inner = nn.Linear(config.layout * cells + 2 * widths[-1], config.hidden)
        self.out = nn.Linear(config.hidden, config.dim)

    def forward(self, images: Tensor) -> Tensor:
        x = F.pixel_unshuffle(images, 2).to(self.stem.weight.dtype).contiguous(memory_format=torch.channels_last)
        x = self.stem(x)
        for down, blocks in zip(self.downs, self.blocks, strict=True):
            x = blocks(down(F.silu(x)))
        x = F.silu(x)
        seen = torch.cat([self.layout(x).flatten(1), x.mean((2, 3)), x.amax((2, 3))], 1)
        return self.out(F.silu(self.inner(seen)))


class TextHead(nn.Module):
    """Condition -> b d: each learnt question gathers the tokens that answer it; the whole caption's vector joins."""

    def __init__(self, config: WorldCLIPConfig):
        super().__init__()
        told = TEXTS[config.text]
        self.tokens = nn.Linear(told, config.hidden)
        self.questions = nn.Linear(config.hidden, config.questions)
        self.inner = nn.Linear(config.questions * config.hidden + told, config.hidden)
        self.out = nn.Linear(config.hidden, config.dim)

    def forward(self, cond: Condition) -> Tensor:
        dtype = self.tokens.weight.dtype
        tokens = F.silu(self.tokens(cond.tokens.to(dtype)))  # b n c
        scores = self.questions(tokens).masked_fill(~cond.mask[..., None], -math.inf)  # b n q
        answers = scores.softmax(1).transpose(1, 2) @ tokens  # b q c
        return self.out(F.silu(self.inner(torch.cat([answers.flatten(1), cond.vector.to(dtype)], 1))))


def encoder_of(config: WorldCLIPConfig) -> TextEncoder:
    """The frozen text encoder whose tokens a World CLIP reads."""
    return MiniLM(WORDPIECES) if config.text == "minilm" else ByteText(TEXTS["bytes"], WORDPIECES)


def together(vectors: Tensor) -> Tensor:
    """A clip's direction: that of the mean of its frames'.  b t d -> b d, of unit length."""
    return F.normalize(F.normalize(vectors, dim=2).mean(1), dim=1)
