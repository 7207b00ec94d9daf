"""`kineograph evaluate`: how often a system shows what its prompts ask, as a reader of labels sees it.

    prompts of the World -> system -> clips -> reader -> labels <-> the labels that each prompt states
    the same scenes, drawn by the World -----> reader -> labels <-> the same, for how far the reader can be trusted

reports/x/report.md, report.json     shares with 95 % intervals, and all they depend on
reports/x/*.png                      confusions of who and act, the first clips, those that were read otherwise
reports/x/clips.u8                   the clips at the reader's size: what is there is not generated again
"""

import argparse
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from kineograph import config as configs
from kineograph.catalogue import DEFAULT
from kineograph.clip import Clip
from kineograph.data.cache import Store
from kineograph.data.world import paraphrases
from kineograph.data.world import world as worlds
from kineograph.data.world.scene import Scene
from kineograph.data.world.world import World
from kineograph.evaluation import labels, report
from kineograph.evaluation.intervals import wilson
from kineograph.system import Options, System, find, load

PROMPTS = ("train", "held_out", "unseen")
SEED = 2026  # of the World whose prompts are asked: training has 0
AGAIN = "give --overwrite, or another --output-dir"
UNSEEN_ASK = frozenset({"who", "act", "where"})


class Judge(Protocol):
    """Whatever reads labels."""

    weights: str

    def read(self, video: Tensor) -> list[dict[str, str]]:
        """b t 3 s s in [-1, 1] -> the labels of each clip."""


@dataclass(frozen=True)
class Wish:
    """A prompt, the scene it tells of, and the labels that its words state."""

    prompt: str
    scene: Scene
    asked: frozenset[str]
    seed: int = 0

    @property
    def labels(self) -> dict[str, str]:
        """What is asked."""
        return {name: getattr(self.scene, name) for name in labels.LABELS if name in self.asked}

    def met(self, read: Mapping[str, str]) -> bool:
        """Whether every label asked is there."""
        return all(read[name] == value for name, value in self.labels.items())


@dataclass(frozen=True)
class Score:
    """How many of so many were right."""

    right: int
    count: int

    @property
    def share(self) -> float:
        return self.right / self.count if self.count else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """95 % of such intervals hold the true share."""
        return wilson(self.right, self.count)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `kineograph evaluate`."""
    add = parser.add_argument
    add("system", nargs="?", default=DEFAULT, help=f"a system's name, or a folder of weights [{DEFAULT}]")
    add("--prompts", choices=PROMPTS, default="train", help="combinations as in training, held out, or in unseen words")
    add("--count", type=int, default=500, help="how many prompts; of the unseen ones there are fewer [500]")
    add("--output-dir", type=Path, help="the report's folder; one that is there is gone on with")
    add("--overwrite", action="store_true", help="generate again what the folder has")
    add("--preset", default="", metavar="NAME", help="an untrained system of this size, to try things")
    add(
        "--reader",
        type=Path,
        default=labels.BUNDLED,
        metavar="FOLDER",
        help="of a reader of labels [the bundled one]",
    )
    add(
        "--learn-labels",
        nargs=argparse.REMAINDER,
        metavar="FLAGS",
        help="teach a reader instead; what follows are flags of kineograph train, and --through FOLDER",
    )
    configs.add_flags(parser, Options, skip=("prompt", "image_path"))


def main(args: argparse.Namespace) -> int:
    """Evaluates a system, or teaches the reader that does."""
    if args.learn_labels is not None:
        return labels.learn(args.learn_labels)
    if args.output_dir is None:
        raise ValueError("--output-dir is needed: the report's folder")
    if args.count < 1:
        raise ValueError(f"--count must be at least 1; got {args.count}")
    judge = labels.Reader.load(args.reader)
    system = find(args.system).preset(args.preset) if args.preset else load(args.system)
    given = {k: getattr(args, k) for k in configs.schema(Options)["properties"] if hasattr(args, k)}
    options = system.Options(prompt="a prompt", **given)
    asked = wishes(args.prompts, args.count, seed=options.seed)
    print(evaluate(system, judge, asked, options, args.output_dir, name=args.prompts, overwrite=args.overwrite))
    return 0


def wishes(name: str, count: int, *, seed: int) -> list[Wish]:
    """The first prompts of a set; each is generated with a seed of its own."""
    if name == "unseen":
        return [Wish(p, scene, UNSEEN_ASK, seed + i) for i, (p, scene) in enumerate(paraphrases.PARAPHRASED[:count])]
    world, found = World(SEED, split=name), []
    for i in range(count):
        scene = world.scene(i)
        words = world.caption_of(scene, i)
        found.append(Wish(words.text, scene, words.asked & set(labels.LABELS), seed + i))
    return found


def evaluate(
    system: System, judge: Judge, asked: Sequence[Wish], options: Options, folder: Path, *, name: str, overwrite: bool
) -> Path:
    """Generates what is missing, reads it all, and writes the report; the path of its text."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; a report is a folder")
    drawn = judge_all(judge, (draw(wish, i, options) for i, wish in enumerate(asked)), len(asked), "drawing")
    films = generated(system, asked, options, folder / "clips.u8", name=name, overwrite=overwrite)
    read = judge_all(judge, films, len(asked), "reading")
    written = configs.dump(options)
    facts = {
        "prompts": {"set": name, "count": len(asked), "world_seed": SEED, "world_version": worlds.VERSION},
        "system": {"name": system.name(), "weights": system.weights},
        "options": {k: v for k, v in written.items() if k != "prompt"},
        "reader": {"weights": judge.weights},
        "command": shlex.join(["kineograph", *sys.argv[1:]]),
    }
    return report.write(folder, facts, asked, read, films, scores=tally(asked, read), trust=tally(asked, drawn))


def generated(
    system: System, asked: Sequence[Wish], options: Options, path: Path, *, name: str, overwrite: bool
) -> list[Clip]:
    """A clip for each wish at the reader's size: from the store, or generated now and stored."""
    stamp = {
        "system": system.name(),
        "weights": system.weights,
        "options": {k: v for k, v in configs.dump(options).items() if k != "prompt"},
        "prompts": name,
    }
    try:
        store = Store(path, dtype="|u1", fingerprint=stamp, rebuild=overwrite)
    except ValueError as error:
        raise ValueError(f"{error}: {AGAIN}") from error
    remember(path.with_name("prompts.txt"), [wish.prompt for wish in asked], store.count)
    todo = range(store.count, len(asked))
    for i in tqdm(todo, "generating", initial=store.count, total=len(asked), disable=None, leave=False, delay=1):
        clip = system.generate(replace(options, prompt=asked[i].prompt, seed=asked[i].seed))
        store.append(small(clip.frames).permute(0, 2, 3, 1)[None].numpy())  # 1 t h w c
    frames = torch.from_numpy(store.array()[: len(asked)].copy()).permute(0, 1, 4, 2, 3)  # n t c h w
    return [Clip(f, options.fps, wish.prompt) for f, wish in zip(frames, asked, strict=True)]


def remember(path: Path, prompts: Sequence[str], made: int) -> None:
    """Writes the prompts down; ValueError where the first `made` clips are of other ones."""
    before = path.read_text(encoding="utf-8").splitlines() if made and path.exists() else []
    if before[:made][: len(prompts)] != list(prompts[:made]):
        raise ValueError(f"{path.parent} holds clips of other prompts: {AGAIN}")
    if len(prompts) > len(before):
        path.parent.mkdir(parents=True, exist_ok=True)
        report.put(path, "".join(f"{prompt}\n" for prompt in prompts))


def small(frames: Tensor, size: int = 64) -> Tensor:
    """t 3 h w uint8 -> t 3 size size uint8: the middle square, areas averaged."""
    height, width = frames.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = frames[..., top : top + side, left : left + side].float()
    return F.interpolate(square, size=(size, size), mode="area").round().to(torch.uint8)


def draw(wish: Wish, index: int, options: Options) -> Clip:
    """The World's own clip of a wish, as long as the generated one."""
    world = World(SEED, frames=options.num_frames, fps=options.fps)
    return world.film(wish.scene, world.random(index, "layout"), wish.prompt)


def judge_all(judge: Judge, clips: Sequence[Clip], count: int, what: str) -> list[dict[str, str]]:
    """The labels of each clip."""
    found: list[dict[str, str]] = []
    waiting: list[Tensor] = []
    for clip in tqdm(clips, what, total=count, disable=None, leave=False, delay=1):
        waiting.append(clip.video)
        if len(waiting) == 32 or len(found) + len(waiting) == count:
            found += judge.read(torch.stack(waiting))
            waiting.clear()
    return found


def tally(asked: Sequence[Wish], read: Sequence[Mapping[str, str]]) -> dict[str, Score]:
    """For each label, the clips that show it as asked among those asked for it; `all`: every label at once."""
    pairs, found = list(zip(asked, read, strict=True)), {}
    for name in labels.LABELS:
        right = [r[name] == getattr(wish.scene, name) for wish, r in pairs if name in wish.asked]
        if right:
            found[name] = Score(sum(right), len(right))
    return found | {"all": Score(sum(wish.met(r) for wish, r in pairs), len(pairs))}
