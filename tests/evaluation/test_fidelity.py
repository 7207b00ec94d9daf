import argparse
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from kineograph.clip import Clip
from kineograph.data.world.scene import VOCABULARY
from kineograph.data.world.world import World
from kineograph.evaluation import fidelity, labels
from kineograph.evaluation.plots import confusion
from kineograph.system import Options


class Painter:
    """A system that paints the number of its prompt into the first pixels, and counts what it makes."""

    Options = Options
    weights = "paint"

    def __init__(self):
        self.made: list[str] = []

    def name(self) -> str:
        return "painter"

    def generate(self, options: Options, progress: Callable | None = None) -> Clip:
        self.made.append(options.prompt)
        return numbered(options.seed - 1024)


def numbered(number: int) -> Clip:
    """A grey clip of 128 pixels whose shade is the number."""
    return Clip(torch.full((8, 3, 128, 128), number, dtype=torch.uint8))


class Perfect:
    """Knows what every number asks."""

    weights = "eyes"

    def __init__(self, wishes: list[fidelity.Wish]):
        self.wishes = wishes

    def read(self, video: Tensor) -> list[dict[str, str]]:
        numbers = ((video[:, 0, 0, 0, 0] + 1) * 127.5).round().int().tolist()
        return [labels.labels_of(self.wishes[n].scene) for n in numbers]


class Constant(Perfect):
    """Sees a teddy bear that swims in whatever it looks at."""

    def read(self, video: Tensor) -> list[dict[str, str]]:
        return [labels.labels_of(self.wishes[0].scene)] * len(video)


@pytest.fixture
def evaluate(monkeypatch, tmp_path) -> Callable[..., dict]:
    """Evaluates without Skia: the World's drawing of a wish is its number, too."""
    monkeypatch.setattr(fidelity, "draw", lambda wish, i, options: numbered(i))

    def run(system: object, judge_of: type, count: int = 40, *, overwrite: bool = False, name: str = "train") -> dict:
        wishes = fidelity.wishes(name, count, seed=1024)
        options = Options("a prompt")
        path = fidelity.evaluate(
            system, judge_of(wishes), wishes, options, tmp_path / "r", name=name, overwrite=overwrite
        )
        assert path == tmp_path / "r" / "report.md"
        return json.loads((tmp_path / "r" / "report.json").read_text())

    return run


def test_a_perfect_reader_finds_everything(evaluate, tmp_path):
    report = evaluate(Painter(), Perfect)
    assert all(s["share"] == 1.0 and s["on_drawings"]["share"] == 1.0 for s in report["scores"].values())
    assert report["scores"]["who"]["count"] == report["scores"]["all"]["count"] == 40
    assert report["scores"]["direction"]["count"] < 40
    assert report["scores"]["who"]["low"] == pytest.approx(0.9124, abs=1e-4)
    assert report["system"] == {"name": "painter", "weights": "paint"}
    assert report["reader"]["weights"] == "eyes"
    assert len(report["clips"]) == 40
    text = (tmp_path / "r" / "report.md").read_text()
    assert "| who | 40 | 100.0% | 91.2% to 100.0% |" in text
    assert not (tmp_path / "r" / "failures.png").exists()
    for picture in ("sheet", "confusion-who", "confusion-act"):
        Image.open(tmp_path / "r" / f"{picture}.png").verify()


def test_a_constant_reader_finds_what_chance_gives(evaluate, tmp_path):
    report = evaluate(Painter(), Constant, 200)
    first, clips = report["clips"][0], report["clips"]
    chance = sum(c["asked"]["who"] == first["read"]["who"] for c in clips) / 200
    assert report["scores"]["who"]["share"] == chance < 0.2
    assert report["scores"]["all"]["share"] < 0.1
    assert Image.open(tmp_path / "r" / "failures.png").height > 24 * 64


def test_what_is_there_is_not_generated_again(evaluate):
    first, second = Painter(), Painter()
    evaluate(first, Perfect, 5)
    report = evaluate(second, Perfect, 8)
    assert len(first.made) == 5
    assert second.made == [c["prompt"] for c in report["clips"][5:]]
    assert report["scores"]["all"]["share"] == 1.0
    again = Painter()
    assert len(evaluate(again, Perfect, 3)["clips"]) == 3
    evaluate(again, Perfect, 8)
    assert not again.made
    evaluate(again, Perfect, 4, overwrite=True)
    assert len(again.made) == 4


def test_an_interrupted_evaluation_keeps_what_it_made(evaluate, monkeypatch):
    painter = Painter()
    make = painter.generate

    def tired(options: Options) -> Clip:
        if len(painter.made) == 3:
            raise KeyboardInterrupt
        return make(options)

    painter.generate = tired
    with pytest.raises(KeyboardInterrupt):
        evaluate(painter, Perfect, 6)
    rested = Painter()
    assert evaluate(rested, Perfect, 6)["scores"]["all"]["share"] == 1.0
    assert len(rested.made) == 3


def test_clips_of_other_weights_or_prompts_are_refused(evaluate):
    evaluate(Painter(), Perfect, 3)
    other = Painter()
    other.weights = "other"
    with pytest.raises(ValueError, match=r"weights is 'paint' there and 'other' here.*--overwrite"):
        evaluate(other, Perfect, 3)
    with pytest.raises(ValueError, match=r"prompts is 'train' there.*--overwrite"):
        evaluate(Painter(), Perfect, 3, name="held_out")


def test_clips_of_a_changed_grammar_are_refused(evaluate, monkeypatch):
    evaluate(Painter(), Perfect, 3)
    caption_of = World.caption_of
    monkeypatch.setattr(World, "caption_of", lambda self, scene, i, variant=0: caption_of(self, scene, i, 9))
    with pytest.raises(ValueError, match=r"other prompts.*--overwrite"):
        evaluate(Painter(), Perfect, 3)


@pytest.mark.parametrize("name", fidelity.PROMPTS)
def test_prompts_ask_for_labels_and_have_seeds_of_their_own(name: str):
    wishes = fidelity.wishes(name, 50, seed=7)
    assert [w.seed for w in wishes] == list(range(7, 57))
    assert len({w.prompt for w in wishes}) > 45
    assert all({"who", "act"} <= set(w.labels) <= set(labels.LABELS) for w in wishes)
    if name != "unseen":
        assert all(w.scene.held_out == (name == "held_out") for w in wishes)
    assert fidelity.wishes(name, 20, seed=7) == wishes[:20]


def test_a_film_of_any_shape_becomes_the_readers():
    frames = torch.zeros(2, 3, 128, 256, dtype=torch.uint8)
    frames[..., 64:192] = 200
    assert fidelity.small(frames).shape == (2, 3, 64, 64)
    assert (fidelity.small(frames) == 200).all()


def test_confusions_are_darkest_where_most_is_read():
    page = confusion([("cat", "cat")] * 9 + [("dog", "cat")], VOCABULARY["who"], "who")
    assert page.width < 200  # two values only
    colours = [colour for _, colour in page.getcolors(10000)]
    assert (16, 64, 128) in colours
    assert (170, 20, 20) in colours


def test_the_command_says_what_it_lacks(tmp_path):
    def run(*words: str) -> int:
        parser = argparse.ArgumentParser()
        fidelity.add_arguments(parser)
        return fidelity.main(parser.parse_args(words))

    with pytest.raises(ValueError, match="--output-dir"):
        run("kineograph")
    with pytest.raises(ValueError, match="--count must be at least 1"):
        run("kineograph", "--output-dir", str(tmp_path / "r"), "--count", "0")
    with pytest.raises(ValueError, match="there is no folder"):
        run("kineograph", "--output-dir", str(tmp_path / "r"), "--reader", str(tmp_path / "none"))
    with pytest.raises(ValueError, match="--output-dir is needed: the run's folder"):
        run("--learn-labels", "--preset", "toy")


def test_the_whole_command_runs_on_an_untrained_system(tmp_path, monkeypatch):
    reader: Path = labels.Reader.preset("toy").save(tmp_path / "reader")
    drawing = Clip(torch.zeros(4, 3, 64, 64, dtype=torch.uint8))
    monkeypatch.setattr(fidelity, "draw", lambda wish, i, options: drawing)
    parser = argparse.ArgumentParser()
    fidelity.add_arguments(parser)
    words = ["flipbook", "--preset", "toy", "--prompts", "unseen", "--count", "3", "--reader", str(reader)]
    words += ["--output-dir", str(tmp_path / "r"), "--height", "32", "--width", "32", "--seed", "5"]
    assert fidelity.main(parser.parse_args(words)) == 0
    report = json.loads((tmp_path / "r" / "report.json").read_text())
    assert report["options"]["height"] == 32
    assert [c["seed"] for c in report["clips"]] == [5, 6, 7]
    assert set(report["scores"]) == {"who", "act", "where", "all"}
