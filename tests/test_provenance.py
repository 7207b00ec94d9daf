from dataclasses import replace
from pathlib import Path

import pytest
import torch

from kineograph import provenance, video
from kineograph.clip import Clip
from kineograph.system import System, find


@pytest.fixture
def flipbook() -> System:
    return find("flipbook").preset("toy")


def film(flipbook: System, path: Path) -> Clip:
    clip = provenance.make(flipbook, flipbook.Options("a bear | a fish", seed=7))
    clip.save(path)
    return clip


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ".webp", ".png"])
def test_a_film_tells_how_it_was_made_and_is_made_again(flipbook: System, tmp_path: Path, suffix: str):
    clip = film(flipbook, tmp_path / f"film{suffix}")
    record = video.metadata(tmp_path / f"film{suffix}")
    assert record["generator"].startswith("kineograph ")
    assert (record["system"], record["prompt"], record["seed"]) == ("flipbook", "a bear | a fish", 7)
    assert record["weights"] == "untrained toy"
    assert record["frames_sha256"] == clip.digest
    assert torch.equal(provenance.regenerate(tmp_path / f"film{suffix}").frames, clip.frames)


def test_weights_from_a_folder_are_named_by_their_hash_and_asked_for(flipbook: System, tmp_path: Path):
    flipbook.save(tmp_path / "weights")
    loaded = type(flipbook).load(tmp_path / "weights")
    clip = film(loaded, tmp_path / "film.mp4")
    again = provenance.regenerate(tmp_path / "film.mp4", checkpoint=str(tmp_path / "weights"))
    assert again.digest == clip.digest
    with torch.no_grad():
        next(flipbook.painter.parameters()).mul_(1.5)
    flipbook.save(tmp_path / "others")
    with pytest.raises(ValueError, match=r"was made with weights .* name theirs with --checkpoint"):
        provenance.regenerate(tmp_path / "film.mp4", checkpoint=str(tmp_path / "others"))


def test_frames_that_differ_are_noticed(flipbook: System, tmp_path: Path):
    clip = provenance.make(flipbook, flipbook.Options("a bear"))
    Clip(clip.frames, meta=clip.meta | {"frames_sha256": "0" * 64}).save(tmp_path / "film.mp4")
    with pytest.raises(ValueError, match="the frames differ"):
        provenance.regenerate(tmp_path / "film.mp4")


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"seed": 1}, "lacks system, weights, options"),
        ({"options": 3}, "lacks options"),
        ({"options": {"prompt": "a", "heigth": 3}}, "has no heigth"),
        ({"options": {"prompt": "a", "height": 3}}, "height must be at least 16"),
        ({"system": "flipbok"}, "did you mean flipbook"),
        ({"system": "../../evil"}, "no system"),
        ({"weights": "untrained tooy"}, "did you mean toy"),
    ],
)
def test_a_record_that_makes_no_sense_is_refused(record: dict, words: str, flipbook: System, tmp_path: Path):
    clip = provenance.make(flipbook, flipbook.Options("a bear"))
    whole = {} if record == {"seed": 1} else clip.meta
    video.write(tmp_path / "film.mp4", clip, whole | record)
    with pytest.raises(ValueError, match=words):
        provenance.regenerate(tmp_path / "film.mp4")


def test_file_names_come_from_the_prompt_and_all_options(flipbook: System):
    options = flipbook.Options('A bear, "swimming" / in ../the sea! ' + "very " * 50, seed=3)
    name = provenance.file_name("flipbook", options)
    assert name.startswith("a-bear-swimming-in-the-sea-very")
    assert name.endswith(".mp4")
    assert "-3-" in name
    assert len(name) < 80
    assert name == provenance.file_name("flipbook", replace(options))
    assert name != provenance.file_name("flipbook", replace(options, num_inference_steps=5))
    assert provenance.file_name("flipbook", flipbook.Options("小熊")).startswith("film-1024-")
