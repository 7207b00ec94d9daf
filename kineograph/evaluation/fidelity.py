"""Prompt fidelity: how often clips show what prompts of the World ask, as a reader of labels sees it.

prompts of the World -> system -> clips -> reader -> labels <-> the labels that each prompt states
the same scenes, drawn by the World -----> reader -> labels <-> the same, for how far the reader can be trusted
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from kineograph.data.world import paraphrases
from kineograph.data.world.scene import Scene
from kineograph.data.world.world import World
from kineograph.evaluation import labels
from kineograph.evaluation.intervals import wilson
from kineograph.evaluation.sources import Clips, small

PROMPTS = ("train", "held_out", "unseen")
SEED = 2026  # of the World whose prompts are asked: training has 0
UNSEEN_ASK = frozenset({"who", "act", "where"})
BATCH = 32


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

    @property
    def labels(self) -> dict[str, str]:
        """What is asked."""
        return {name: getattr(self.scene, name) for name in labels.LABELS if name in self.asked}

    @property
    def still(self) -> "Wish":
        """The same without what a picture cannot show."""
        return replace(self, asked=self.asked - set(labels.MOVING))

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


def wishes(name: str, count: int) -> list[Wish]:
    """The first prompts of a set; of the unseen ones there are fewer."""
    if name == "unseen":
        return [Wish(prompt, scene, UNSEEN_ASK) for prompt, scene in paraphrases.PARAPHRASED[:count]]
    world, found = World(SEED, split=name), []
    for i in range(count):
        scene = world.scene(i)
        words = world.caption_of(scene, i)
        found.append(Wish(words.text, scene, words.asked & set(labels.LABELS)))
    return found


def judge_all(judge: Judge, clips: Clips, what: str) -> list[dict[str, str]]:
    """The labels of each clip, read from middle squares of 64 pixels."""
    found: list[dict[str, str]] = []
    waiting: list[Tensor] = []
    for _, clip in clips.watched(what):
        waiting.append(small(clip.frames).float() / 127.5 - 1)
        if len(waiting) == BATCH or len(found) + len(waiting) == len(clips):
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
