"""A system and a data set small enough to train in milliseconds."""

import argparse
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from kineograph.clip import Batch, Clip
from kineograph.system import System, stage
from kineograph.training import request, run


class Codec(nn.Module):
    """Frames to 8 channels at half size and back; counts its batches in a buffer."""

    def __init__(self):
        super().__init__()
        self.into, self.hidden, self.out = nn.Conv2d(12, 32, 1), nn.Conv2d(32, 32, 3, padding=1), nn.Conv2d(32, 12, 1)
        self.register_buffer("seen", torch.zeros(()))

    def encode(self, video: Tensor) -> Tensor:
        """video: b t 3 h w -> b t 32 h/2 w/2."""
        x = functional.pixel_unshuffle(video.flatten(0, 1), 2).to(self.into.weight.dtype)
        return self.hidden(functional.silu(self.into(x))).float().unflatten(0, video.shape[:2])

    def decode(self, latents: Tensor) -> Tensor:
        """latents: b t 32 h w -> b t 3 2h 2w."""
        x = self.out(latents.flatten(0, 1).to(self.out.weight.dtype)).float()
        return functional.pixel_shuffle(x, 2).unflatten(0, latents.shape[:2])


class Fake(System):
    """A codec, a network that guesses noise, and a critic."""

    @dataclass(frozen=True)
    class Config:
        frames: int = 4
        size: int = 8

    PRESETS: ClassVar = {"toy": Config()}

    def build(self, config: Config) -> None:
        self.codec, self.generator, self.critic = Codec(), nn.Linear(32, 32), nn.Linear(32, 1)

    @classmethod
    def name(cls) -> str:
        return "fake"

    def clip_shape(self, stage: str) -> tuple[int, int]:
        return (2, 8) if stage == "learn_codec" else (4, 8)

    @stage("codec")
    def learn_codec(self, batch: Batch) -> Tensor:
        self.codec.seen += 1
        latents = self.codec.encode(batch.video)
        return (self.codec.decode(latents + 0.1 * torch.randn_like(latents)) - batch.video).abs().mean()

    @stage("generator", through="codec")
    def learn_generator(self, batch: Batch) -> Tensor:
        x = batch.video.movedim(2, -1)
        noise = torch.randn_like(x)
        return (self.generator((x + noise).to(self.generator.weight.dtype)).float() - noise).square().mean()

    @stage("generator", "critic", through="codec")
    def learn_contest(self, batch: Batch):
        x = batch.video.movedim(2, -1)
        made = self.generator(torch.randn_like(x).to(self.generator.weight.dtype))
        judge = lambda y: self.critic(y.to(self.critic.weight.dtype)).float()
        yield ("critic",), (judge(made.detach()) - judge(x)).mean()
        yield ("generator",), -judge(made).mean()

    def validate(self, stage: str, batch: Batch) -> tuple[dict, list[Clip]]:
        video = self.codec.decode(self.codec.encode(batch.video))
        return {"error": (video - batch.video).abs().mean()}, [
            Clip.of(v, caption=c) for v, c in zip(video, batch.captions, strict=True)
        ]


class Squares:
    """Clips of one colour that depend on nothing but their number."""

    def __init__(self, seed: int = 0, *, split: str = "train", frames: int = 4, fps: float = 8.0, size: int = 8):
        self.seed, self.split, self.frames, self.fps, self.size = seed, split, frames, fps, size
        self.drawn, self.shown = 0, frames

    def window(self, frames: int) -> "Squares":
        small = copy(self)
        small.shown = frames
        return small

    def __len__(self) -> int:
        return 1000

    def __getitem__(self, index: int) -> Clip:
        self.drawn += 1
        generator = torch.Generator().manual_seed(self.seed + index)
        frames = torch.randint(0, 256, (self.frames, 3, 1, 1), generator=generator, dtype=torch.uint8)[: self.shown]
        return Clip(frames.expand(-1, -1, self.size, self.size).contiguous(), self.fps, self.caption(index, 0))

    def caption(self, index: int, variant: int = 0) -> str:
        return f"square {index}, in words {variant % 7}"


@pytest.fixture
def fake() -> Fake:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Fake(Fake.Config())


@pytest.fixture
def batches() -> Callable[[int], Batch]:
    """The batch of a step."""
    squares = Squares()
    return lambda step: Batch.of([squares[8 * step + i] for i in range(8)])


@pytest.fixture
def train(monkeypatch, tmp_path) -> Callable[..., int]:
    """`kineograph train fake --stage ... FLAGS` in a temporary folder, on squares."""
    monkeypatch.setattr(request, "find", lambda name: Fake)
    monkeypatch.setattr(
        run, "clips_of", lambda args, split, frames, size: Squares(split=split, frames=frames, size=size)
    )

    def train(stage: str, *flags: str) -> int:
        parser = argparse.ArgumentParser()
        run.add_arguments(parser)
        given = ["fake", "--preset", "toy", "--stage", stage, "--workers", "0", "--train-batch-size", "4", *flags]
        return run.main(parser.parse_args(given))

    return train
