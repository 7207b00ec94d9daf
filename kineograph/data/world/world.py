"""The World: an endless, captioned, exactly labelled cartoon film set, drawn by lot and the same on every machine."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import asdict
from math import inf
from random import Random

import torch

from kineograph.clip import Clip
from kineograph.data.world import scene as scenes
from kineograph.data.world.captions import Caption, caption
from kineograph.data.world.scene import Scene

VERSION = 2  # raised whenever the same index would show another clip
SPLITS = ("train", "held_out")
LARGEST = 2048  # pixels
PATIENCE = 20_000  # scenes drawn for one that has the labels that are wanted often


class World(Sequence[Clip]):
    """Clip `i` of a seed is always the same: its scene, its layout, its caption and its labels.

    `split="held_out"` shows only combinations of who, act and where that `train` never shows. `often` names labels,
    such as {"act": "watches fireworks"}, that every second clip has, so that what is rare can be seen more.
    `window(n)` is a World of the same clips that shows n frames in a row of each, `empty` one that shows no actors.
    `meta` of a clip holds `labels` (every field of its scene), `asked` (those that its caption states) and its address.
    """

    def __init__(
        self, seed: int = 0, *, split: str = "train", frames: int = 16, fps: float = 8.0, size: int = 64,
        often: Mapping[str, str] | None = None,
    ):  # fmt: skip
        for name, value in (often or {}).items():
            if value not in scenes.VOCABULARY.get(name, ()):
                allowed = ", ".join(scenes.VOCABULARY.get(name, scenes.VOCABULARY))
                raise ValueError(f"often names {name}={value}, which the World has not; it has {allowed}")
        if split not in SPLITS:
            raise ValueError(f"split is {split!r}; the World has {', '.join(SPLITS)}")
        if frames < 1 or not 16 <= size <= LARGEST or not 0 < fps < inf:
            raise ValueError(
                f"{frames} frames of {size} pixels at {fps} a second; at least 1 frame, 16 to {LARGEST} pixels and "
                "a positive rate"
            )
        self.seed, self.split, self.frames, self.fps, self.size = seed, split, frames, fps, size
        self.shown, self.actors, self.often = frames, True, dict(often or {})

    def window(self, frames: int) -> "World":
        """The same clips, of each only so many frames in a row, from a moment by lot."""
        if not 1 <= frames <= self.frames:
            raise ValueError(f"a window of {frames} frames; a clip here has {self.frames}")
        small = copy(self)
        small.shown = frames
        return small

    @property
    def empty(self) -> "World":
        """The same clips without their actors: places, weather and props."""
        bare = copy(self)
        bare.actors = False
        return bare

    def __len__(self) -> int:
        return 2**31

    def random(self, index: int, purpose: str) -> Random:
        return Random(f"{self.seed}/{self.split}/{index}/{purpose}")

    def scene(self, index: int) -> Scene:
        """The labels of clip `index`."""
        if not 0 <= index < len(self):
            raise IndexError(f"clip {index}; the World has clips 0 to {len(self) - 1}")
        rng, wanted = self.random(index, "scene"), self.often if index % 2 else {}
        for _ in range(PATIENCE):
            scene = scenes.draw(rng, held_out=self.split == "held_out")
            if all(getattr(scene, name) == value for name, value in wanted.items()):
                return scene
        raise ValueError(f"no scene in {PATIENCE} has {', '.join(f'{k}={v}' for k, v in wanted.items())}")

    def labels(self, index: int) -> list[int]:
        """The place of each label of clip `index` among its values, in the order of `VOCABULARY`."""
        scene = self.scene(index)
        return [values.index(getattr(scene, name)) for name, values in scenes.VOCABULARY.items()]

    def caption_of(self, scene: Scene, index: int, variant: int = 0) -> Caption:
        return caption(scene, self.random(index, f"caption {variant}"))

    def caption(self, index: int, variant: int = 0) -> str:
        """Another wording for clip `index`, without drawing the clip."""
        return self.caption_of(self.scene(index), index, variant).text

    def __getitem__(self, index: int) -> Clip:
        scene = self.scene(index)
        words = self.caption_of(scene, index)
        meta = {
            "labels": asdict(scene),
            "asked": sorted(words.asked),
            "index": index,
            "seed": self.seed,
            "split": self.split,
        }
        return self.film(scene, self.random(index, "layout"), words.text, meta, self.first(index))

    def first(self, index: int) -> int:
        """The first frame that is shown of clip `index`."""
        return self.random(index, "window").randrange(self.frames - self.shown + 1)

    def layout(self, index: int) -> list[list[float]]:
        """Where the actors of clip `index` are in the frames that are shown, t l, without drawing it."""
        from kineograph.data.world.layout import layouts

        first = self.first(index)
        rng = self.random(index, "layout")
        return layouts(self.scene(index), rng, self.frames, self.fps, range(first, first + self.shown))

    def scenery(self, index: int) -> torch.Tensor:
        """The frames of clip `index` without its actors, t 3 h w uint8."""
        return self.empty[index].frames

    def film(self, scene: Scene, rng: Random, caption: str = "", meta: dict | None = None, first: int = 0) -> Clip:
        """A clip of any scene one likes; of a window, the frames from `first` on."""
        from kineograph.data.world.film import film  # Skia is needed only to draw

        pictures = film(scene, rng, self.frames, self.fps, self.size, range(first, first + self.shown), self.actors)
        return Clip(
            torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous(),
            self.fps,
            caption,
            meta or {"labels": asdict(scene)},
        )
