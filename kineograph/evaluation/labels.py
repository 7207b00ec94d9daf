"""A reader of labels (2026): taught on drawn clips of the World what a clip shows, to judge generated ones.

    drawn clip -> softened, noisy, some frozen -> network -> who, act, where, ... <-> the clip's exact labels, as JSON

It is taught by the trainer of systems, with its flags, resume and log, and then copied to where `evaluate` looks:

    kineograph evaluate --learn-labels --output-dir runs/labels --clips 12000 --cache cache/world
    cp runs/labels/system/* kineograph/checkpoints/label_reader/

Systems that make pictures are judged by another one, which is taught single frames: `--preset picture`.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, NoReturn

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.catalogue import CHECKPOINTS
from kineograph.clip import Batch, Clip
from kineograph.data.cache import identity
from kineograph.data.world.scene import VOCABULARY, Scene
from kineograph.data.world.world import World
from kineograph.models.label_reader import LabelReader, LabelReaderConfig
from kineograph.system import System, load, stage
from kineograph.tensors import as_dtype
from kineograph.training import run
from kineograph.training.trainer import best_precision

SECONDS = 2.0  # that a clip of the World lasts
TAUGHT, TRIED = 100, 200  # seeds of the Worlds that a reader sees; systems learn from 0
MOMENTS = 16  # of a clip, one of which a reader of pictures is shown
CLIPS, PICTURES = CHECKPOINTS / "label_reader", CHECKPOINTS / "picture_reader"  # the bundled readers
LABELS = (
    "who", "act", "where", "direction", "colour", "style", "camera", "companion", "size", "time", "weather", "prop",
)  # fmt: skip
MOVING = ("act", "direction", "camera")  # cannot be read of a still
UNREAD = -100  # the place of a label that is not asked for, which cross-entropy ignores


def labels_of(scene: Scene) -> dict[str, str]:
    """The labels of a scene that can be read from its clip."""
    return {name: getattr(scene, name) for name in LABELS}


def dump(labels: Mapping[str, str]) -> str:
    """Labels as the JSON that stands in the place of a caption."""
    return json.dumps(dict(labels))


def parse(text: str) -> dict[str, str]:
    """Labels from their JSON; ValueError where one is missing or cannot be."""
    labels = json.loads(text)
    for name in LABELS:
        if labels.get(name) not in VOCABULARY[name]:
            raise ValueError(f"{name} is {labels.get(name)!r}; it can be {', '.join(map(repr, VOCABULARY[name]))}")
    return labels


class Labelled(Sequence[Clip]):
    """Clips of one or more Worlds in turn, with their labels, as JSON, for captions."""

    def __init__(self, *worlds: World):
        self.worlds, self.fps = worlds, worlds[0].fps
        self.fingerprint = identity(worlds[0]) | {"others": [identity(world) for world in worlds[1:]]}

    def __len__(self) -> int:
        return len(self.worlds) * min(map(len, self.worlds))

    def at(self, index: int) -> tuple[World, int]:
        """The World of a clip, and its number there."""
        return self.worlds[index % len(self.worlds)], index // len(self.worlds)

    def __getitem__(self, index: int) -> Clip:
        world, number = self.at(index)
        clip = world[number]
        return Clip(clip.frames, clip.fps, self.caption(index), clip.meta)

    def caption(self, index: int, variant: int = 0) -> str:
        world, number = self.at(index)
        return dump(labels_of(world.scene(number)))


def judged(split: str, frames: int, size: int) -> Labelled:
    """What a reader is taught on, and for "held_out" tried on, which it was never shown.

    A judge must know all combinations of who, act and where, those too that no system is taught: or it would read an
    octopus that floats up as something that it has seen float up. A tenth of its clips are of those, as of what there
    is: were it shown more of them, it would take what it cannot make out for one. A single frame is of any moment.
    """
    whole = frames if frames > 1 else MOMENTS
    splits = ("train",) * 9 + ("held_out",) if split == "train" else ("train", "held_out")
    seed = TAUGHT if split == "train" else TRIED
    worlds = [World(seed + i, split=s, frames=whole, fps=whole / SECONDS, size=size) for i, s in enumerate(splits)]
    return Labelled(*(world.window(frames) for world in worlds))


def bundled(frames: int) -> Path:
    """The folder of the reader that judges clips of so many frames."""
    return CLIPS if frames > 1 else PICTURES


@dataclass(frozen=True)
class Config:
    """Frames it is taught on, evenly over a clip's seconds, or one at any moment, and their size; what it can read; the
    network; the folder of a system whose codec softens clips.
    """

    frames: int = 8
    size: int = 64
    labels: tuple[str, ...] = LABELS
    values: tuple[tuple[str, ...], ...] = tuple(VOCABULARY[name] for name in LABELS)
    network: LabelReaderConfig = field(default_factory=LabelReaderConfig)
    through: str = ""


class Reader(System):
    """Reads who does what, where and how from a clip of 64 x 64 pixels, or what can be seen of it from a picture."""

    Config = Config
    PRESETS: ClassVar = {
        "toy": Config(),
        "world": Config(network=LabelReaderConfig(8, 64, (24, 48, 96, 160), (1, 1, 1), layout=48, dim=224)),
        "picture": Config(1, network=LabelReaderConfig(1, 64, (24, 48, 96, 160), (1, 1, 1), layout=48, dim=224)),
    }

    @property
    def title(self) -> str:
        """What a report calls it, with the beginning of its weights' hash."""
        return f"{'label' if self.config.frames > 1 else 'picture'} reader {self.weights[:8]}"

    def build(self, config: Config) -> None:
        self.network = LabelReader(config.network, [len(values) for values in config.values])

    @stage("network")
    def learn_labels(self, batch: Batch) -> Tensor:
        """Cross-entropy, summed over the labels; every fourth clip stands still, and no still is asked what moves."""
        video, targets = self.worn(self.network.looked_at(batch.video)), self.targets(batch.captions)
        still = slice(None, None, 4 if self.config.frames > 1 else 1)
        video[still] = frozen(video[still])
        for name, wanted in zip(self.config.labels, targets, strict=True):
            if name in MOVING:
                wanted[still] = UNREAD
        pairs = zip(self.network(video), targets, strict=True)
        return sum(F.cross_entropy(s, w, reduction="sum") / (w != UNREAD).sum().clamp(min=1) for s, w in pairs)

    def targets(self, captions: Sequence[str]) -> Tensor:
        """Labels as JSON -> labels b, the place of each value among those the label can have."""
        asked = [parse(text) for text in captions]
        pairs = zip(self.config.labels, self.config.values, strict=True)
        return torch.tensor([[values.index(a[name]) for a in asked] for name, values in pairs], device=self.device)

    def worn(self, video: Tensor) -> Tensor:
        """Half of the clips as soft as generated ones, all with some noise.  b t 3 h w -> same.

        The order of a batch is by lot, and so is then which clips are its first ones.
        """
        half, quarter = len(video) // 2, len(video) // 4
        coded = quarter if self.softener is not None else 0
        pieces = [self.coded(video[:coded])] if coded else []
        video = torch.cat([*pieces, blurred(video[coded:half]), video[half:]])
        strength = 0.1 * torch.rand(len(video), 1, 1, 1, 1, device=video.device)
        return video + strength * torch.randn_like(video)

    @torch.no_grad()
    def coded(self, video: Tensor) -> Tensor:
        """The clips through the codec, whose latents are disturbed as a generator's are.  b t 3 h w -> same."""
        latents = self.softener.encode(video)
        strength = 0.3 * torch.rand(len(video), 1, 1, 1, 1, device=video.device)
        return self.softener.decode(latents + strength * torch.randn_like(latents)).clamp(-1, 1)

    def begin(self, stage: str) -> None:
        """Before training: fetches the codec that softens clips, which is no part of the reader."""
        if self.config.through:
            codec = load(self.config.through).codec.requires_grad_(False).to(self.device)
            if best_precision(self.device) == "bf16":
                as_dtype(codec, torch.bfloat16)
            object.__setattr__(self, "_softener", codec)

    @property
    def softener(self) -> nn.Module | None:
        """The codec of `through`, once training has begun."""
        return getattr(self, "_softener", None)

    @torch.inference_mode()
    def read(self, video: Tensor) -> list[dict[str, str]]:
        """The labels of clips, b t 3 s s in [-1, 1]."""
        found: list[dict[str, str]] = []
        for some in video.split(32):
            places = [scores.argmax(1).tolist() for scores in self.network(some.to(self.device))]
            pairs = list(zip(self.config.labels, self.config.values, strict=True))
            found += [
                {name: values[p] for (name, values), p in zip(pairs, row, strict=True)}
                for row in zip(*places, strict=True)
            ]
        return found

    def validate(self, stage: str, batch: Batch) -> tuple[dict[str, float], list[Clip]]:
        """The share of labels read right on held-out clips as drawn, and the first three on blurred ones."""
        wanted = [parse(text) for text in batch.captions]
        drawn, soft = self.read(batch.video), self.read(blurred(batch.video))
        figures = {name: share(drawn, wanted, name) for name in self.config.labels}
        figures |= {f"{name}_blurred": share(soft, wanted, name) for name in self.config.labels[:3]}
        if self.config.frames > 1:
            still = self.read(frozen(batch.video))
            figures |= {f"{name}_still": share(still, wanted, name) for name in ("who", "where")}
        return figures, []


def blurred(video: Tensor) -> Tensor:
    """Half the pixels, spread again: about what a codec leaves.  b t c h w -> same."""
    small = F.avg_pool2d(video.flatten(0, 1), 2)
    return F.interpolate(small, scale_factor=2, mode="bilinear").view_as(video)


def frozen(video: Tensor) -> Tensor:
    """Each clip stands still at a moment by lot.  b t c h w -> same."""
    moments = torch.randint(video.shape[1], (len(video),))
    return video[torch.arange(len(video)), moments, None].expand_as(video)


def share(read: Sequence[Mapping[str, str]], wanted: Sequence[Mapping[str, str]], name: str) -> float:
    """How often a label is read right."""
    return sum(r[name] == w[name] for r, w in zip(read, wanted, strict=True)) / len(wanted)


class Flags(argparse.ArgumentParser):
    """argparse whose errors are exceptions."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def learn(flags: Sequence[str]) -> int:
    """Teaches a reader; the flags are those of `kineograph train`, with defaults that suit it, and `--through`."""
    parser = Flags(prog="kineograph evaluate --learn-labels", allow_abbrev=False)
    run.add_arguments(parser)
    parser.add_argument(
        "--through", default="", metavar="FOLDER", help="soften a quarter of the clips by this system's codec"
    )
    parser.set_defaults(
        train_batch_size=32, learning_rate=2e-3, lr_warmup_steps=60, ema_decay=0.998, max_train_steps=2000,
        cooldown_steps=1200, validation_clips=256, validation_minutes=5.0, save_dtype="float16",
    )  # fmt: skip
    args = parser.parse_args(["labels", "--stage", "learn_labels", *flags])
    if args.cooldown_minutes and not any(flag.startswith("--cooldown-steps") for flag in flags):
        args.cooldown_steps = 0  # the one stands in place of the other
    if args.through:
        args.set = [*args.set, f"through={args.through}"]
    return run.main(args, kind=Reader, clips=judged)
