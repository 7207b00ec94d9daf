from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from kineograph.clip import Clip
from kineograph.data.world.scene import VOCABULARY
from kineograph.evaluation import fidelity, labels
from kineograph.evaluation.metrics import Manner, Subject, Unmeasured
from kineograph.evaluation.metrics import fidelity as measured
from kineograph.evaluation.plots import confusion, intervals
from kineograph.evaluation.sources import Clips


class Numbered(Clips):
    """Grey clips, each as light as its number."""

    frames = 2

    def __init__(self, wished: Sequence[fidelity.Wish]):
        self.captions = [wish.prompt for wish in wished]
        self.names = [str(i) for i in range(len(wished))]

    def clip(self, index: int) -> Clip:
        return Clip(torch.full((self.frames, 3, 32, 48), index, dtype=torch.uint8), caption=self.captions[index])


class Perfect:
    """Knows what every number asks; stands for the networks, too, of which it is the reader."""

    title, frames = "label reader eyes", 2

    def __init__(self, wished: Sequence[fidelity.Wish]):
        self.wished, self.reader = wished, self

    def read(self, video: Tensor) -> list[dict[str, str]]:
        assert video.shape[1:] == (self.frames, 3, 64, 64)
        numbers = ((video[:, 0, 0, 0, 0] + 1) * 127.5).round().int().tolist()
        return [labels.labels_of(self.wished[n].scene) for n in numbers]


class Constant(Perfect):
    """Sees what the first clip asks in whatever it looks at."""

    def read(self, video: Tensor) -> list[dict[str, str]]:
        return [labels.labels_of(self.wished[0].scene)] * len(video)


def of(judge: type, count: int, frames: int = 2) -> tuple[dict, dict]:
    """The figures of the first prompts by name, and the facts of each clip."""
    wished = fidelity.wishes("train", count)
    clips, networks = Numbered(wished), judge(wished)
    clips.frames = networks.frames = frames
    subject = Subject(clips, real=clips, alike=True, world=True, wishes=wished)
    figures, told = measured(subject, networks, Manner())
    return {f.name: f for f in figures}, told


def test_a_perfect_reader_finds_everything():
    figures, told = of(Perfect, 40)
    assert all(f.value == f.real.value == 1.0 for f in figures.values())
    assert figures["who"].count == figures["all"].count == 40 > figures["direction"].count
    assert figures["who"].low == pytest.approx(0.9124, abs=1e-4)
    assert len(told) == 40
    assert told["7"]["asked"].items() <= told["7"]["read"].items()


def test_a_constant_reader_finds_what_chance_gives():
    figures, told = of(Constant, 200)
    chance = sum(t["asked"]["who"] == told["0"]["read"]["who"] for t in told.values()) / 200
    assert figures["who"].value == chance < 0.2
    assert figures["all"].value < 0.1


def test_of_pictures_nothing_is_asked_that_moves():
    figures, told = of(Perfect, 40, frames=1)
    assert {"who", "where", "all"} <= set(figures) == set(of(Perfect, 40)[0]) - set(labels.MOVING)
    assert not {name for one in told.values() for name in one["asked"]} & set(labels.MOVING)


def test_other_prompts_than_the_worlds_have_no_fidelity():
    wished = fidelity.wishes("train", 2)
    with pytest.raises(Unmeasured, match="--prompts train"):
        measured(Subject(Numbered(wished)), Perfect(wished), Manner())


@pytest.mark.parametrize("name", fidelity.PROMPTS)
def test_prompts_ask_for_labels(name: str):
    wished = fidelity.wishes(name, 50)
    assert len({w.prompt for w in wished}) > 45
    assert all({"who", "act"} <= set(w.labels) <= set(labels.LABELS) for w in wished)
    if name != "unseen":
        assert all(w.scene.held_out == (name == "held_out") for w in wished)
    assert fidelity.wishes(name, 20) == wished[:20]


def test_confusions_are_darkest_where_most_is_read():
    page = confusion([("cat", "cat")] * 9 + [("dog", "cat")], VOCABULARY["who"], "who")
    assert page.width < 200  # two values only
    colours = [colour for _, colour in page.getcolors(10000)]
    assert (16, 64, 128) in colours
    assert (170, 20, 20) in colours


def test_a_share_stands_at_its_place():
    page = intervals([("who", (0.5, 0.5, 0.5), None), ("act", (1.0, 0.9, 1.0), (0.1, 0.0, 0.2))], "shares")
    places = {c: [] for c in ((16, 64, 128), (170, 170, 170))}
    for y in range(page.height):
        for x in range(page.width):
            if page.getpixel((x, y)) in places:
                places[page.getpixel((x, y))].append((y, x))
    blue = [x for y, x in places[16, 64, 128] if y < 50]
    right = max(x for _, x in places[16, 64, 128])
    left = min(x for _, x in places[170, 170, 170])
    assert sum(blue) / len(blue) == pytest.approx((left + right) / 2, abs=4)
