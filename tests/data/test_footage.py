"""One video file as training data."""

from pathlib import Path

import pytest

from kineograph.clip import Clip
from kineograph.data.footage import Footage


@pytest.fixture
def film(tmp_path: Path, ramp: Clip) -> Path:
    return ramp.save(tmp_path / "ramp.gif")


def test_it_is_the_same_clip_under_every_index(film: Path):
    footage = Footage(film, "it grows lighter", frames=6, size=16)
    assert len(footage) == 1
    assert footage[0].frames.shape == (6, 3, 16, 16)
    assert footage[3] is footage[0]
    assert footage.caption(5, 2) == footage[0].caption == "it grows lighter"
    means = footage[0].frames.float().mean((1, 2, 3))
    assert (means.diff() > 5).all(), "frames follow each other one by one"


def test_a_cache_knows_what_it_was_made_of(film: Path):
    prints = [Footage(film, "x", frames=n, size=16).fingerprint() for n in (4, 4, 5)]
    assert prints[0] == prints[1] != prints[2]


def test_what_cannot_be_is_refused(film: Path):
    with pytest.raises(ValueError, match=r"has 16 frames at 8 a second, and 40 are wanted; .*--set frames=16"):
        Footage(film, "x", frames=40, size=16)
    with pytest.raises(ValueError, match="what does the video show"):
        Footage(film, "", frames=4, size=16)
    with pytest.raises(ValueError, match="there is no file"):
        Footage("nothing.mp4", "x", frames=4, size=16)
