import json
from pathlib import Path

import pytest

from kineograph.evaluation import prompts


@pytest.fixture
def file(tmp_path: Path):
    """Writes a file and gives its path."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


MSRVTT = {
    "info": {},
    "videos": [{"video_id": f"video{i}", "split": "test" if i else "train"} for i in range(3)],
    "sentences": [
        {"sen_id": i, "video_id": f"video{v}", "caption": words}
        for i, (v, words) in enumerate([(0, "taught"), (1, "a man sings"), (1, "someone sings"), (2, "a car")])
    ],
}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "a bear swims\n\n  a fish  \n"),
        ("a.csv", 'id,prompt\n1,"a bear\nswims"\n2,a fish\n'),
        ("a.csv", "key,vid_key,video_id,sentence\nret0,msr1,video1,a bear swims\nret1,msr2,video2,a fish\n"),
        ("a.csv", "video_id,paths,w x h,caption_movi\nvideo1,video1.mp4,320_240,a bear swims\nvideo2,b,c,a fish\n"),
        ("a.tsv", "caption\nvideo\na bear swims\n".replace("caption\nvideo", "caption\tvideo") + "a fish\tx\n"),
        ("a.jsonl", '{"prompt": "a bear swims"}\n"a fish"\n'),
    ],
)
def test_every_format_gives_the_same_prompts(file, name: str, text: str):
    found = prompts.read(file(name, text))
    assert found.prompts == ("a bear swims", "a fish")
    assert found.name == name


def test_msrvtt_by_its_protocols(file):
    path = file("test_videodatainfo.json", json.dumps(MSRVTT))
    every = prompts.read(path, protocol="all captions")
    assert every.prompts == ("a man sings", "someone sings", "a car")
    assert every.videos == ("video1", "video1", "video2")
    one = prompts.read(path)
    assert len(one.prompts) == 2
    assert "one caption: 2 captions of 2 clips, seed 0" in one.name


def test_classes_of_ucf_become_sentences(file):
    path = file("classInd.txt", "1 ApplyEyeMakeup\n99 YoYo\n4 BabyCrawling\n")
    found = prompts.read(path, template="a video of {}, indoors")
    assert found.prompts[0] == "a video of apply eye makeup, indoors"
    assert found.prompts[1] == "a video of yo yo, indoors"
    assert found.name == "UCF-101 classes, 'a video of {}, indoors'"
    with pytest.raises(ValueError, match=r"--template needs \{\}"):
        prompts.read(path, template="a video")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.txt", " \n", "holds no prompts"),
        ("a.csv", "video,words\na,b\n", "no column of prompts.*its columns are video, words"),
        ("a.csv", "", "its columns are none"),
        ("a.jsonl", '{"prompt": "a"}\n{"words": 1}\n', "line 2: no text called"),
        ("a.jsonl", "{\n", "line 1: not JSON"),
        ("a.json", "[]", "not MSR-VTT's JSON"),
        ("a.docx", "a", "prompts are read from .txt"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(file, name: str, text: str, words: str):
    with pytest.raises(ValueError, match=words):
        prompts.read(file(name, text))


def test_a_file_that_is_no_text_or_not_there_is_said(tmp_path: Path):
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="is not a text file"):
        prompts.read(tmp_path / "a.txt")
    with pytest.raises(ValueError, match="there is no file"):
        prompts.read(tmp_path / "b.txt")


def test_captions_find_their_videos(file, tmp_path: Path):
    videos = [tmp_path / "x" / name for name in ("a.mp4", "b.mp4", "in/c.avi")]
    told, where = prompts.captions(tmp_path / "x", videos, None)
    assert (told, where) == ({}, "")
    file("x/a.txt", "a bear\nswims")
    told, where = prompts.captions(tmp_path / "x", videos, None)
    assert (told, where) == ({videos[0]: "a bear"}, "a file beside each video")
    listed = file("x/captions.csv", "file_name,text\nin/c.avi,a car\nb,a fish\n")
    told, where = prompts.captions(tmp_path / "x", videos, None)
    assert (told, where) == ({videos[1]: "a fish", videos[2]: "a car"}, "captions.csv")
    assert prompts.captions(tmp_path / "x", videos, listed)[0] == told
    in_order = file("order.txt", "one\ntwo\nthree\n")
    assert list(prompts.captions(tmp_path / "x", videos, in_order)[0].values()) == ["one", "two", "three"]
    with pytest.raises(ValueError, match=r"3 captions and names no videos.* has 2"):
        prompts.captions(tmp_path / "x", videos[:2], in_order)
    with pytest.raises(ValueError, match=r"names no video of .*its first is z.mp4"):
        prompts.captions(tmp_path / "x", videos, file("z.csv", "file,text\nz.mp4,a\n"))
