from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from kineograph.clip import Clip
from kineograph.data.world.world import World
from kineograph.evaluation.fidelity import wishes
from kineograph.evaluation.sources import Drawn, Folder, Made, small
from kineograph.system import Options


class Painter:
    """A system that paints its seed into every pixel, and counts what it makes."""

    weights, precision = "paint", "float32"

    def __init__(self, tired_after: int = 99):
        self.made: list[str] = []
        self.tired_after = tired_after

    def name(self) -> str:
        return "painter"

    def generate(self, options: Options, progress: Callable | None = None) -> Clip:
        if len(self.made) == self.tired_after:
            raise KeyboardInterrupt
        self.made.append(options.prompt)
        return Clip(torch.full((8, 3, 32, 32), options.seed - 1024, dtype=torch.uint8))


@pytest.fixture
def made(tmp_path: Path):
    """What a painter makes of so many prompts, in one folder."""

    def run(painter: Painter, count: int, *, called: str = "letters", word: str = "a bear", **rest) -> Made:
        prompts = [f"{word} {i}" for i in range(count)]
        options = Options("a prompt", num_frames=8)
        return Made(painter, prompts, options, tmp_path / "r" / "clips.u8", called=called, **rest)

    return run


def test_clips_know_their_prompt_and_have_seeds_of_their_own(made):
    clips = made(Painter(), 3, size=16)
    assert clips.seeds == [1024, 1025, 1026]
    name, clip = clips[2]
    assert name == "clip 2, 'a bear 2'"
    assert clip.caption == "a bear 2"
    assert clip.frames.shape == (8, 3, 16, 16)
    assert (clip.frames == 2).all()
    assert len(list(clips)) == 3


def test_what_is_there_is_not_made_again(made):
    first, second, again = Painter(), Painter(), Painter()
    made(first, 3)
    clips = made(second, 5)
    assert second.made == ["a bear 3", "a bear 4"]
    assert (clips.clip(1).frames == 1).all()
    assert len(made(again, 2)) == 2
    made(again, 5)
    assert not again.made
    made(again, 2, overwrite=True)
    assert len(again.made) == 2


def test_an_interrupted_run_keeps_what_it_made(made):
    with pytest.raises(KeyboardInterrupt):
        made(Painter(tired_after=3), 6)
    rested = Painter()
    made(rested, 6)
    assert len(rested.made) == 3


def test_clips_of_anything_else_are_refused(made):
    made(Painter(), 2)
    other = Painter()
    other.weights = "other"
    with pytest.raises(ValueError, match=r"weights is 'paint' there and 'other' here.*--overwrite"):
        made(other, 2)
    coarse = Painter()
    coarse.precision = "bfloat16"
    with pytest.raises(ValueError, match=r"precision is 'float32' there and 'bfloat16' here.*--overwrite"):
        made(coarse, 2)
    with pytest.raises(ValueError, match=r"prompts is 'letters' there.*--overwrite"):
        made(Painter(), 2, called="figures")
    with pytest.raises(ValueError, match=r"size is 0 there.*--overwrite"):
        made(Painter(), 2, size=16)
    with pytest.raises(ValueError, match=r"other prompts.*--overwrite"):
        made(Painter(), 2, word="a fish")


def test_a_folder_lists_what_it_cannot_read_and_counts_the_rest(tmp_path: Path, ramp: Clip):
    (tmp_path / "in").mkdir()
    good = ramp.save(tmp_path / "in" / "b.mp4")
    ramp.save(tmp_path / "a.gif")
    Clip(ramp.frames[:3]).save(tmp_path / "short.mp4")
    (tmp_path / "torn.mp4").write_bytes(good.read_bytes()[:400])
    (tmp_path / "words.txt").write_text("no video")
    told = {tmp_path / "in" / "b.mp4": "it grows lighter", tmp_path / "short.mp4": "", tmp_path / "torn.mp4": ""}
    clips = Folder(tmp_path, told, frames=8, size=16)
    assert list(clips.names) == ["in/b.mp4"]
    assert [name for name, _ in clips.skipped] == ["a.gif", "short.mp4", "torn.mp4"]
    assert "no caption" in clips.skipped[0][1]
    assert "3 frames; 8 are looked at" in clips.skipped[1][1]
    assert "torn.mp4" in clips.skipped[2][1]
    assert clips.clip(0).caption == "it grows lighter"
    assert clips.clip(0).frames.shape == (8, 3, 16, 16)
    assert clips.clip(0).digest == clips.digests[0]
    assert len(Folder(tmp_path, frames=8, count=1)) == 1
    with pytest.raises(ValueError, match=r"no video .*can be judged; the first is a.gif: it has 16 frames; 99"):
        Folder(tmp_path, frames=99)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"neither weights of ours .* nor videos"):
        Folder(tmp_path / "empty")


def test_drawings_are_the_same_each_time_and_others_with_other_dice():
    pytest.importorskip("skia")
    wished = wishes("train", 2)
    scenes, words = [w.scene for w in wished], [w.prompt for w in wished]
    world = World(frames=2, size=32)
    clips, again = Drawn(world, scenes, words), Drawn(world, scenes, words, again=True)
    assert clips.clip(1).digest == clips.clip(1).digest != again.clip(1).digest
    assert again[1][1].caption == words[1]


def test_a_film_of_any_shape_becomes_a_small_square():
    frames = torch.zeros(2, 3, 128, 256, dtype=torch.uint8)
    frames[..., 64:192] = 200
    assert small(frames).shape == (2, 3, 64, 64)
    assert (small(frames) == 200).all()
