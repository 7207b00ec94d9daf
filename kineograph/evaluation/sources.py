"""Clips to be judged, read one at a time: a folder of videos, films that a system has made, drawings of the World."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from kineograph import config as configs
from kineograph import video
from kineograph.clip import Clip
from kineograph.data.cache import Store
from kineograph.data.world.scene import Scene
from kineograph.data.world.world import World
from kineograph.system import Options, System

VIDEOS = (".mp4", ".avi", ".webm", ".mkv", ".mov", ".m4v", ".gif", ".webp")
AGAIN = "give --overwrite, or another --output-dir"


class Clips(Sequence[tuple[str, Clip]]):
    """Named clips, made anew each time they are asked for; `captions` has "" where there is none."""

    names: Sequence[str]
    captions: Sequence[str]

    def clip(self, index: int) -> Clip:
        """The clip of this place, with its caption."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[str, Clip]:
        if not 0 <= index < len(self):
            raise IndexError(f"clip {index} of {len(self)}")
        return self.names[index], self.clip(index)

    def watched(self, what: str) -> Iterator[tuple[str, Clip]]:
        """All of them, behind a bar."""
        return iter(tqdm(self, what, total=len(self), disable=None, leave=False, delay=1))


class Folder(Clips):
    """The videos of a folder and of those in it. What cannot be read, or is too short, is in `skipped`: name, why.

    frames: the first so many of each are looked at. fps: resampled to this rate. size: middle squares of this side.
    """

    def __init__(
        self,
        folder: Path,
        captions: Mapping[Path, str] | None = None,
        *,
        frames: int = 16,
        fps: int | None = None,
        size: int | None = None,
        count: int | None = None,
    ):
        self.folder, self.frames, self.fps, self.size = folder, frames, fps, size
        told, self.skipped, self.digests = captions or {}, [], []
        self.files: list[Path] = []
        for path in tqdm(videos_of(folder)[:count], f"looking at {folder.name}", disable=None, leave=False, delay=1):
            try:
                clip = self.read(path)
                if len(clip.frames) < frames:
                    raise ValueError(f"it has {len(clip.frames)} frames; {frames} are looked at")
                if captions and path not in captions:
                    raise ValueError("it has no caption")
            except ValueError as error:
                self.skipped.append((path.relative_to(folder).as_posix(), str(error)))
                continue
            self.files.append(path)
            self.digests.append(clip.digest)
        if not self.files:
            name, why = self.skipped[0]
            raise ValueError(f"no video of {folder} can be judged; the first is {name}: {why}")
        self.names = [path.relative_to(folder).as_posix() for path in self.files]
        self.captions = [told.get(path, "") for path in self.files]

    def read(self, path: Path) -> Clip:
        """The first frames of a file."""
        return video.read(path, frames=self.frames, fps=self.fps, size=self.size)

    def clip(self, index: int) -> Clip:
        return replace(self.read(self.files[index]), caption=self.captions[index])


def videos_of(folder: Path) -> list[Path]:
    """The videos of a folder and of those in it, by name; ValueError where there are none."""
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in VIDEOS and p.is_file())
    if not found:
        raise ValueError(f"{folder} holds neither weights of ours (system.json) nor videos ({', '.join(VIDEOS)})")
    return found


class Drawn(Clips):
    """The World's own clips of scenes, each laid out by the dice of `world` and its place; `again`: by other dice."""

    def __init__(self, world: World, scenes: Sequence[Scene], captions: Sequence[str], *, again: bool = False):
        self.world, self.scenes, self.captions = world, scenes, captions
        self.names = [f"drawing {i}" for i in range(len(scenes))]
        self.dice = "another layout" if again else "layout"

    def clip(self, index: int) -> Clip:
        return self.world.film(self.scenes[index], self.world.random(index, self.dice), self.captions[index])


class Made(Clips):
    """What a system makes of prompts, the prompt at i with the options' seed + i; a store keeps it.

    What `path` already holds of the same system, weights, precision, options and prompts is not made again.
    size: middle squares of this side are kept, areas averaged; 0 keeps films as they are.
    """

    def __init__(
        self,
        system: System,
        prompts: Sequence[str],
        options: Options,
        path: Path,
        *,
        called: str,
        size: int = 0,
        overwrite: bool = False,
    ):
        self.captions, self.fps = prompts, options.fps
        self.names = [f"clip {i}, {prompt!r}" for i, prompt in enumerate(prompts)]
        self.seeds = [(options.seed + i) % 2**63 for i in range(len(prompts))]
        stamp = {
            "system": system.name(), "weights": system.weights, "precision": system.precision,
            "prompts": called, "size": size,
            "options": {k: v for k, v in configs.dump(options).items() if k != "prompt"},
        }  # fmt: skip
        try:
            self.store = Store(path, dtype="|u1", fingerprint=stamp, rebuild=overwrite)
        except ValueError as error:
            raise ValueError(f"{error}: {AGAIN}") from error
        remember(path.with_name("prompts.txt"), prompts, self.store.count)
        todo = range(self.store.count, len(prompts))
        for i in tqdm(
            todo, "generating", initial=self.store.count, total=len(prompts), disable=None, leave=False, delay=1
        ):
            frames = system.generate(replace(options, prompt=prompts[i], seed=self.seeds[i])).frames
            if len(frames) < options.num_frames:
                raise ValueError(f"the film of {prompts[i]!r} has {len(frames)} frames; {options.num_frames} are kept")
            frames = frames[: options.num_frames]
            frames = small(frames, size) if size else frames
            self.store.append(frames.permute(0, 2, 3, 1)[None].numpy())  # 1 t h w c

    def clip(self, index: int) -> Clip:
        frames = torch.from_numpy(np.array(self.store.array()[index])).permute(0, 3, 1, 2).contiguous()  # t c h w
        return Clip(frames, self.fps, self.captions[index])


def remember(path: Path, prompts: Sequence[str], made: int) -> None:
    """Writes the prompts down; ValueError where the first `made` clips are of other ones."""
    before = path.read_text(encoding="utf-8").splitlines() if made and path.exists() else []
    if before[:made][: len(prompts)] != list(prompts[:made]):
        raise ValueError(f"{path.parent} holds clips of other prompts: {AGAIN}")
    if len(prompts) > len(before):
        path.parent.mkdir(parents=True, exist_ok=True)
        with video.replacing(path) as partial:
            partial.write_text("".join(f"{prompt}\n" for prompt in prompts), encoding="utf-8")


def small(frames: Tensor, size: int = 64) -> Tensor:
    """t 3 h w uint8 -> t 3 size size uint8: the middle square, areas averaged."""
    height, width = frames.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = frames[..., top : top + side, left : left + side].float()
    return F.interpolate(square, size=(size, size), mode="area").round().to(torch.uint8)
