"""Flipbook (Tests, 2026): paints a film from the letters of its prompt, to try what every system shares.

letters -> vector --+
                    v
noise ----------> painter -> latents -> codec -> clip
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.clip import Batch, Clip
from kineograph.system import Options as AnyOptions
from kineograph.system import Progress, System, option, silent, stage


@dataclass(frozen=True)
class Config:
    frames: int = 4
    size: int = 16
    dim: int = 12


@dataclass(frozen=True)
class Options(AnyOptions):
    num_frames: int = option(4, "frames of each untimed shot", minimum=1, maximum=64)
    height: int = option(16, "pixels", minimum=16, maximum=64, multiple_of=4)
    width: int = option(16, "pixels", minimum=16, maximum=64, multiple_of=4)


class Letters(nn.Module):
    """Prompts -> how often each letter stands in them, b 32; stands for a text encoder from a package."""

    external = True

    def forward(self, prompts: tuple[str, ...]) -> Tensor:
        rows = [torch.tensor([ord(c) % 32 for c in prompt] or [0]) for prompt in prompts]
        return torch.stack([F.one_hot(row, 32).float().mean(0) for row in rows])


class Codec(nn.Module):
    """b t 3 h w <-> b t dim h/4 w/4."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(3, dim, 4, 4), nn.ConvTranspose2d(dim, 3, 4, 4)

    def encode(self, video: Tensor) -> Tensor:
        return self.down(video.flatten(0, 1).to(self.down.weight)).float().unflatten(0, video.shape[:2])

    def decode(self, z: Tensor) -> Tensor:
        return self.up(z.flatten(0, 1).to(self.up.weight)).float().unflatten(0, z.shape[:2])


class Painter(nn.Module):
    """b t c h w noise, b 32 letters -> b t c h w latents."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.letters, self.mix = nn.Linear(32, dim), nn.Conv3d(dim, dim, 3, padding=1)

    def forward(self, z: Tensor, letters: Tensor) -> Tensor:
        told = z.to(self.mix.weight) + self.letters(letters.to(self.mix.weight))[:, None, :, None, None]
        return self.mix(told.transpose(1, 2)).transpose(1, 2).float()


class Flipbook(System):
    Config, Options = Config, Options
    PRESETS = {"toy": Config(), "world": Config(dim=16)}

    def build(self, config: Config) -> None:
        self.text = Letters()
        self.codec = Codec(config.dim)
        self.painter = Painter(config.dim)

    @stage("codec")
    def learn_codec(self, batch: Batch) -> Tensor:
        return F.mse_loss(self.codec.decode(self.codec.encode(batch.video)), batch.video)

    @stage("painter", through="codec")
    def learn_painter(self, batch: Batch) -> Tensor:
        return F.mse_loss(self.painter(torch.randn_like(batch.video), self.text(batch.captions)), batch.video)

    @torch.inference_mode()
    def generate(self, options: Options, progress: Progress = silent) -> Clip:
        counts = options.story.frames(num_frames=options.num_frames, fps=options.fps)
        total, shots = sum(counts), []
        z = self.noise(1, total, self.config.dim, options.height // 4, options.width // 4, seed=options.seed)
        for shot, count in zip(options.story, counts, strict=True):
            done = sum(map(len, shots))
            progress(done / total, shot.prompt)
            shots.append(self.painter(z[:, done : done + count], self.text((shot.prompt,)))[0])
        progress(1.0, "done")
        return Clip.of(self.codec.decode(torch.cat(shots)[None])[0], fps=options.fps, caption=options.prompt)
