import errno
import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from kineograph import video
from kineograph.clip import Clip

RECORD = {"prompt": 'a "bär" | naïve\n\u202e', "seed": 3}


def greys(clip: Clip) -> list[int]:
    """The middle pixel of every frame, as the number of the ramp's frame it shows."""
    middle = clip.frames[:, 1, clip.frames.shape[2] // 2, clip.frames.shape[3] // 2]
    return [round(grey / 16) for grey in middle.tolist()]


def encode(path: Path, codec: str, fps: int, frames: list[np.ndarray], times: list[int] | None = None, **options: str):
    """A video file of another maker: any codec and container, times in frames if given."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for i, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = (times[i] if times else i), Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def numbered(count: int, height: int = 32, width: int = 32) -> list[np.ndarray]:
    return [np.full((height, width, 3), 16 * (i % 16), np.uint8) for i in range(count)]


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ".webp", ".png"])
def test_every_format_keeps_the_record_and_the_same_clip_gives_the_same_bytes(suffix: str, ramp: Clip, tmp_path: Path):
    one = video.write(tmp_path / f"one{suffix}", ramp, RECORD)
    two = video.write(tmp_path / f"two{suffix}", ramp, RECORD)
    assert one.read_bytes() == two.read_bytes()
    assert video.metadata(one) == RECORD
    assert sorted(os.listdir(tmp_path)) == [f"one{suffix}", f"two{suffix}"]
    assert one.stat().st_mode & 0o777 == 0o666 & ~video.umask()


def test_an_mp4_is_h264_in_yuv420p_with_its_index_in_front(ramp: Clip, tmp_path: Path):
    path = ramp.save(tmp_path / "ramp.mp4")
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt, stream.average_rate) == ("h264", "yuv420p", 8)


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_what_is_written_is_read(suffix: str, ramp: Clip, tmp_path: Path):
    again = video.read(video.write(tmp_path / f"ramp{suffix}", ramp))
    assert greys(again) == list(range(16))
    assert (again.frames.float() - ramp.frames.float()).abs().mean() < 3
    assert again.fps == pytest.approx(8, rel=0.05)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ({"fps": 8}, list(range(16))),
        ({"fps": 4}, list(range(0, 16, 2))),
        ({"fps": 16, "frames": 5}, [0, 0, 1, 1, 2]),
        ({"start": 0.5, "frames": 3}, [4, 5, 6]),
        ({"start": 1.25, "fps": 8}, [10, 11, 12, 13, 14, 15]),
        ({"start": 1.3, "fps": 4}, [10, 12, 14]),
        ({"frames": 100}, list(range(16))),
    ],
)
def test_frames_are_those_on_screen_at_their_times(asked: dict, shown: list[int], ramp: Clip, tmp_path: Path):
    assert greys(video.read(ramp.save(tmp_path / "ramp.mp4"), **asked)) == shown


def test_a_late_piece_of_a_long_file_is_exact(tmp_path: Path):
    encode(tmp_path / "long.mp4", "libx264", 24, numbered(240), g="50", bf="2")
    for start in (0.5, 3.0, 7.125):
        clip = video.read(tmp_path / "long.mp4", start=start, fps=24, frames=6)
        assert greys(clip) == [(round(start * 24) + i) % 16 for i in range(6)]


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mkv", "libx264"), ("a.avi", "mpeg4"), ("a.ts", "libx264"), ("a.mov", "mpeg4")]
)
def test_other_containers_are_read_frame_by_frame(name: str, codec: str, tmp_path: Path):
    encode(tmp_path / name, codec, 24, numbered(30))
    for asked in ({}, {"fps": 24}):
        assert greys(video.read(tmp_path / name, **asked)) == [i % 16 for i in range(30)]
    assert greys(video.read(tmp_path / name, fps=8)) == [i % 16 for i in range(0, 30, 3)]


def test_frames_of_uneven_length_are_held_as_long_as_they_are_shown(tmp_path: Path):
    encode(tmp_path / "slow.mkv", "libx264", 10, numbered(4), times=[0, 1, 5, 6], bf="0")
    assert greys(video.read(tmp_path / "slow.mkv", fps=10)) == [0, 1, 1, 1, 1, 2, 3]


def test_reading_keeps_no_more_than_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    encode(tmp_path / "long.mp4", "libx264", 24, numbered(200))
    seen = []
    monkeypatch.setattr(video, "pixels", lambda frame, size: seen.append(frame.pts) or numbered(1)[0])
    assert len(video.read(tmp_path / "long.mp4", frames=3).frames) == 3
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("size", "shape"), [(16, (16, 16)), ((16, 32), (16, 32)), ((64, 20), (64, 20)), (97, (97, 97))]
)
def test_the_centre_is_cropped_and_resized(size: object, shape: tuple, ramp: Clip, tmp_path: Path):
    clip = video.read(ramp.save(tmp_path / "ramp.gif"), size=size)
    assert tuple(clip.frames.shape) == (16, 3, *shape)
    wide = shape[1] / shape[0] > 1.4  # the red bar is cropped away from a square, and stays in a wide picture
    assert (clip.frames[0, 0, :, 0] > 200).all() == wide


def test_a_picture_is_a_clip_of_one_frame(ramp: Clip, tmp_path: Path):
    path = video.write(tmp_path / "sheet.png", ramp)
    assert len(video.read(path, size=16).frames) == 1


def test_damaged_and_foreign_files_are_refused_in_one_line(ramp: Clip, tmp_path: Path):
    data = ramp.save(tmp_path / "good.mp4").read_bytes()
    bad = {
        "cut.mp4": data[:-60],
        "half.mp4": data[: len(data) // 2],
        "head.mp4": data[:200],
        "empty.mp4": b"",
        "text.mp4": b"hello world\n" * 100,
        "text.txt": b"hello world\n" * 100,
        "noise.mp4": np.random.default_rng(0).bytes(5000),
        "list.m3u8": b"#EXTM3U\n#EXTINF:1,\ngood.mp4\n",
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=name) as error:
            video.read(tmp_path / name)
        assert "\n" not in str(error.value)
    for name, words in ((".", "not a file"), ("none.mp4", "there is no file")):
        with pytest.raises(ValueError, match=words):
            video.read(tmp_path / name)


def test_a_long_file_cut_off_is_noticed(tmp_path: Path):
    encode(tmp_path / "long.mp4", "libx264", 24, numbered(100), movflags="+faststart")
    whole = video.write(tmp_path / "whole.mp4", video.read(tmp_path / "long.mp4")).read_bytes()
    (tmp_path / "part.mp4").write_bytes(whole[: int(len(whole) * 0.7)])
    assert len(video.read(tmp_path / "part.mp4", frames=3).frames) == 3  # the piece wanted is there
    with pytest.raises(ValueError, match=r"part\.mp4 is (damaged or )?cut off"):
        video.read(tmp_path / "part.mp4")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"fps": 0}, "fps"),
        ({"start": -1}, "start"),
        ({"frames": 0}, "frames"),
        ({"size": 0}, "size"),
        ({"start": 9}, "shorter"),
    ],
)
def test_what_cannot_be_read_is_said(asked: dict, words: str, ramp: Clip, tmp_path: Path):
    with pytest.raises(ValueError, match=words):
        video.read(ramp.save(tmp_path / "ramp.mp4"), **asked)


def test_an_existing_file_is_kept_unless_told(ramp: Clip, tmp_path: Path):
    path = tmp_path / "film.mp4"
    path.write_text("mine")
    with pytest.raises(ValueError, match="exists and is kept; give --overwrite"):
        video.write(path, ramp)
    assert path.read_text() == "mine"
    video.write(path, ramp, overwrite=True)
    assert len(video.read(path).frames) == 16


@pytest.mark.parametrize(
    ("name", "words"),
    [("film", "ends in"), ("film.avi", "ends in"), ("none/film.mp4", "there is no folder"), ("dir.mp4", "is a folder")],
)
def test_impossible_targets_are_refused(name: str, words: str, ramp: Clip, tmp_path: Path):
    (tmp_path / "dir.mp4").mkdir()
    with pytest.raises(ValueError, match=words):
        ramp.save(tmp_path / name, overwrite=True)


def test_odd_sides_are_refused_by_mp4_and_kept_by_gif(tmp_path: Path):
    clip = Clip(torch.zeros(2, 3, 31, 33, dtype=torch.uint8))
    with pytest.raises(ValueError, match="even sides; got 33 x 31"):
        clip.save(tmp_path / "odd.mp4")
    assert video.read(clip.save(tmp_path / "odd.gif")).frames.shape[2:] == (31, 33)


@pytest.mark.parametrize(
    "failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), MemoryError()]
)
@pytest.mark.parametrize("suffix", [".mp4", ".gif", ".webp", ".png"])
def test_a_write_that_fails_leaves_what_was_there(
    failure: BaseException, suffix: str, ramp: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / f"film{suffix}"
    path.write_text("mine")

    def fail(partial: Path, clip: Clip, note: str) -> None:
        partial.write_text("half")
        raise failure

    monkeypatch.setitem(video.WRITERS, suffix, fail)
    with pytest.raises(type(failure)):
        video.write(path, ramp, overwrite=True)
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == [path.name]


def test_a_sheet_has_a_captioned_row_for_each_clip(ramp: Clip, tmp_path: Path):
    page = np.asarray(video.sheet([ramp, Clip(ramp.frames[:3], caption="word " * 200)], columns=4))
    assert page.shape[1] == 4 + 4 * (48 + 4)
    assert page.shape[0] == 4 + (18 + 32 + 8) + (4 * 18 + 32 + 8)
    assert (page[4 + 18 + 16, 4 + 24 : 4 + 24 + 4 * 52 : 52, 1] // 16).tolist() == [0, 5, 10, 15]
    assert page[4 : 4 + 18].min() < 128, "no caption is drawn"
    with pytest.raises(ValueError, match="at least one column"):
        video.sheet([ramp], columns=0)


def test_files_without_a_record_say_so(tmp_path: Path):
    encode(tmp_path / "plain.mp4", "libx264", 8, numbered(4))
    with pytest.raises(ValueError, match="does not say how it was made"):
        video.metadata(tmp_path / "plain.mp4")
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(ValueError, match="not an image, or damaged"):
        video.metadata(tmp_path / "text.png")
