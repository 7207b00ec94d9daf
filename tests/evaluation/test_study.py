import json
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from kineograph import cli, video
from kineograph.clip import Clip
from kineograph.evaluation import study as studies
from kineograph.evaluation import study_report
from kineograph.evaluation.study import NOISE, Sides
from kineograph.evaluation.study_server import Server
from kineograph.evaluation.votes import Vote, Votes, opened

PROMPTS = ("a bear swims", "a fish dances", "a dog jumps", "a cat walks")


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Folders dark, light and middle: films whose brightness tells who made them, and the last has one more."""
    for name, value in (("dark", 20), ("light", 200), ("middle", 110)):
        (tmp_path / name).mkdir()
        for i, prompt in enumerate(PROMPTS + ("of nobody else",) * (name == "middle")):
            clip = Clip(torch.full((3, 3, 24, 40), value, dtype=torch.uint8), meta={"system": name})
            clip.save(tmp_path / name / f"{i}.mp4")
            (tmp_path / name / f"{i}.txt").write_text(prompt)
    return tmp_path


@pytest.fixture
def made(films: Path) -> Path:
    """A study of two systems with two checks."""
    command = ["study", "make", str(films / "s"), str(films / "dark"), str(films / "light")]
    assert cli.main([*command, "--checks", "2", "--side", "16"]) == 0
    return films / "s"


@pytest.fixture
def url(made: Path) -> Iterator[str]:
    with Server(made) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.url
        server.shutdown()


def get(url: str, **headers: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def post(url: str, data: object, kind: str = "application/json", **headers: str) -> tuple[int, dict]:
    headers |= {"Content-Type": kind}
    request = urllib.request.Request(url + "votes", json.dumps(data).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error) if error.code == 400 else {}


def test_a_study_pairs_the_clips_of_a_prompt_and_tells_raters_nothing(made: Path):
    study, (sides, key) = studies.read(made), studies.read_key(made)
    real = [pair for pair, side in zip(study.pairs, sides, strict=True) if not side.check]
    assert sorted(pair.prompt for pair in real) == sorted(PROMPTS)
    assert sum(side.check for side in sides) == 2
    assert set(key["systems"]) == {"dark", "light"}
    told = (made / "study.json").read_text()
    assert not any(word in told for word in ("dark", "light", NOISE, "seed"))
    files = sorted(path.name for path in (made / "media").iterdir())
    assert sorted({name for pair in study.pairs for name in (pair.left, pair.right)}) == files
    for name in files:
        with pytest.raises(ValueError, match="does not say how it was made"):
            video.metadata(made / "media" / name)
    assert (made / "key.json").stat().st_mode & 0o077 == 0


def test_the_key_says_whose_sides_they_are(made: Path):
    brightness = {"dark": 20, "light": 200}
    for pair, sides in zip(studies.read(made).pairs, studies.read_key(made)[0], strict=True):
        for file, name in ((pair.left, sides.left), (pair.right, sides.right)):
            clip = video.read(made / "media" / file)
            assert tuple(clip.frames.shape) == (3, 3, 16, 16)
            if name == NOISE:
                assert clip.frames.float().std() > 30
            else:
                assert clip.frames.float().mean() == pytest.approx(brightness[name], abs=6)


def test_the_dice_decide_what_is_left(films: Path):
    def made(name: str, dice: str) -> tuple:
        sources = [str(films / "dark"), str(films / "light")]
        assert cli.main(["study", "make", str(films / name), *sources, "--dice", dice, "--side", "16"]) == 0
        return studies.read(films / name), studies.read_key(films / name)[0]

    assert made("a", "1") == made("b", "1")
    assert len({tuple(made(f"s{i}", str(i))[1]) for i in range(4)}) > 1


def test_three_systems_meet_in_pairs_on_prompts_that_all_have(films: Path):
    sources = [f"{name}={films / name}" for name in ("dark", "light", "middle")]
    assert cli.main(["study", "make", str(films / "s"), *sources, "--checks", "0", "--side", "16"]) == 0
    sides = studies.read_key(films / "s")[0]
    met = sorted(tuple(sorted((side.left, side.right))) for side in sides)
    assert met == sorted(4 * [("dark", "light"), ("dark", "middle"), ("light", "middle")])


def test_systems_make_the_clips_themselves(tmp_path: Path):
    (tmp_path / "p.txt").write_text("a bear swims\n")
    command = ["study", "make", str(tmp_path / "s"), "a=flipbook", "b=flipbook", "--preset", "toy", "--checks", "0"]
    assert cli.main([*command, "--prompts", str(tmp_path / "p.txt"), "--num-frames", "2", "--side", "32"]) == 0
    key = studies.read_key(tmp_path / "s")[1]
    known = {"system": "flipbook", "weights": "untrained toy", "precision": "float32", "options": {"num_frames": 2}}
    assert key["systems"]["a"] == known
    assert len(studies.read(tmp_path / "s").pairs) == 1


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("x", "dark"), "two sources or more are compared; got dark"),
        (("x", "dark", "dark"), "each source has a name of its own"),
        (("dark", "dark", "light"), "dark exists and is kept"),
        (("x", "dark", "light", "--count", "0"), "--count must be at least 1; got 0"),
        (("x", "dark", "light", "--side", "17"), "--side must be an even number of pixels"),
        (("x", "flipbook", "kineograph", "--preset", "toy"), "--prompts FILE is needed"),
        (("x", "dark", "light", "--prompts", "other.txt"), "no prompt has a video in each of dark, light"),
        (("x", "dark", "bare"), "the videos of bare have no captions"),
    ],
)
def test_what_cannot_be_compared_is_said(
    films: Path, words: tuple, complaint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.chdir(films)
    Path("other.txt").write_text("something else\n")
    Path("bare").mkdir()
    shutil.copy("dark/0.mp4", "bare")
    assert cli.main(["study", "make", *words]) == 1
    assert complaint in capsys.readouterr().err
    assert cli.main(["study", "mak"]) == 2


def test_a_page_a_clip_and_votes_over_http(url: str, made: Path):
    status, page = get(url)
    assert status == 200
    assert b"<video" in page
    assert b"http:" not in page
    first = json.loads(get(f"{url}next?rater=Ann")[1])
    assert (first["done"], first["total"], first["answers"]) == (0, 6, {})
    assert first["questions"] == studies.QUESTIONS
    status, clip = get(f"{url}media/{first['left']}")
    assert (status, clip) == (200, (made / "media" / first["left"]).read_bytes())
    assert get(f"{url}media/{first['left']}", Range="bytes=2-5") == (206, clip[2:6])
    assert get(f"{url}media/{first['left']}", Range="bytes=-3") == (206, clip[-3:])
    assert get(f"{url}media/{first['left']}", Range=f"bytes={len(clip)}-")[0] == 416
    vote = {"rater": " Ann ", "pair": first["pair"], "question": "text", "choice": "left"}
    assert post(url, vote) == (200, {"kept": True})
    again = json.loads(get(f"{url}next?rater=Ann")[1])
    assert (again["pair"], again["answers"]) == (first["pair"], {"text": "left"})
    post(url, vote | {"choice": "tie"})
    post(url, vote | {"question": "liking"})
    after = json.loads(get(f"{url}next?rater=Ann")[1])
    assert after["done"] == 1
    assert after["pair"] != first["pair"]
    with opened(made / "votes.sqlite") as votes:
        assert {(v.question, v.choice) for v in votes.all()} == {("text", "tie"), ("liking", "left")}
        assert len(votes.all()) == 2


def test_a_rater_sees_every_pair_once_and_then_the_end(url: str):
    seen = []
    while (shown := json.loads(get(f"{url}next?rater=Bo")[1]))["pair"] is not None:
        seen.append(shown["pair"])
        for question in shown["questions"]:
            post(url, {"rater": "Bo", "pair": shown["pair"], "question": question, "choice": "right"})
    assert sorted(seen) == list(range(6))
    assert shown["done"] == 6


@pytest.mark.parametrize("path", ["key.json", "media/../key.json", "media/%2e%2e/key.json", "votes.sqlite", "nowhere"])
def test_nothing_else_is_served(url: str, path: str):
    assert get(url + path)[0] == 404


def test_only_its_own_page_may_talk_to_it(url: str):
    vote = {"rater": "Ann", "pair": 0, "question": "text", "choice": "left"}
    assert get(url, Host="elsewhere.example")[0] == 421
    assert post(url, vote, Host="elsewhere.example:80")[0] == 421
    assert post(url, vote, "text/plain") == (400, {"error": "a vote is sent as application/json"})
    assert get(url, Host="localhost")[0] == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"choice": "both"},
        {"pair": 6},
        {"pair": -1},
        {"pair": True},
        {"question": "beauty"},
        {"rater": " "},
        {"rater": 7},
    ],
)
def test_what_is_no_vote_is_not_kept(url: str, made: Path, wrong: dict):
    status, reply = post(url, {"rater": "Ann", "pair": 0, "question": "text", "choice": "left"} | wrong)
    assert status == 400
    assert reply["error"]
    with opened(made / "votes.sqlite") as votes:
        assert votes.all() == []


def test_votes_survive_a_process_that_is_killed(tmp_path: Path):
    code = (
        "import os, signal, sys; from pathlib import Path; from kineograph.evaluation.votes import Vote, Votes;"
        "votes = Votes(Path(sys.argv[1])); [votes.add(Vote('Ann', i, 'text', 'tie')) for i in range(20)];"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "v.sqlite")], check=False)
    assert done.returncode == -9
    with opened(tmp_path / "v.sqlite") as votes:
        assert [vote.pair for vote in votes.of("Ann")] == list(range(20))


def test_a_file_that_holds_no_votes_is_said_to(tmp_path: Path):
    (tmp_path / "v.sqlite").write_text("no votes, " * 100)
    with pytest.raises(ValueError, match="is no file of votes"):
        Votes(tmp_path / "v.sqlite")


def vote_all(folder: Path, rater: str, favour: str) -> None:
    """A rater who always chooses one system; `favour` may be tie, or noise."""
    with opened(folder / "votes.sqlite") as votes:
        for i, sides in enumerate(studies.read_key(folder)[0]):
            real = sides.right if sides.left == NOISE else sides.left
            wish = (favour if favour in (NOISE, "tie") else real) if sides.check else favour
            choice = {sides.left: "left", sides.right: "right"}.get(wish, "tie")
            for question in studies.QUESTIONS:
                votes.add(Vote(rater, i, question, choice))


def test_a_report_counts_pairs_and_leaves_out_who_does_not_look(made: Path):
    vote_all(made, "Ann", "light")
    vote_all(made, "Bo", "light")
    vote_all(made, "Cy", "dark")
    vote_all(made, "Di | asleep", "tie")
    found = study_report.summary(made, 0.75)
    assert [row["kept"] for row in found["raters"].values()] == [True, True, True, False]
    assert found["raters"]["Di | asleep"] == {"votes": 12, "checks": 4, "failed": 4, "kept": False}
    question = found["questions"]["text"]
    (duel,) = question["duels"]
    assert duel["votes"] == {"dark": 4, "light": 8, "tie": 0}
    assert duel["systems"]["light"]["wins"] == duel["pairs"] == 4
    assert duel["systems"]["light"]["interval"][0] == pytest.approx(0.5101, abs=1e-4)  # Wilson's, 4 of 4
    assert duel["sign_test"] == 0.125
    assert question["kappa"]["value"] == pytest.approx(-0.5)  # P = 1/3, chance = 5/9
    assert question["ratings"]["light"]["value"] > 1000 > question["ratings"]["dark"]["value"]
    assert study_report.summary(made, 0.0)["raters"]["Di | asleep"]["kept"]
    words = study_report.write(made).read_text()
    assert "| light over dark | 4 | 100.0% | 51.0% to 100.0% | 0 | 4 | 0.125 | 8 |" in words
    assert "| Di \\| asleep | 12 | 4 | 4 | left out |" in words
    assert json.loads((made / "report.json").read_text())["questions"]["liking"]["votes"] == 12


def test_equal_votes_are_a_tie():
    sides = [Sides("a", "b"), Sides("b", "a")]
    votes = [Vote("x", 0, "q", "left"), Vote("y", 0, "q", "right"), Vote("x", 1, "q", "tie"), Vote("y", 1, "q", "left")]
    items = study_report.items(votes, ["p", "p"], sides)
    assert [item.winner for item in items] == ["tie", "b"]
    assert study_report.won(items, ["a", "b"]).tolist() == [[0, 0.5], [1.5, 0]]


def test_a_report_without_votes_is_refused(made: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="has no votes yet"):
        study_report.write(made)
    vote_all(made, "Di", "tie")
    with pytest.raises(ValueError, match="no votes that count; 12 are there, of 1 raters"):
        study_report.write(made)
    with pytest.raises(ValueError, match="holds no study"):
        study_report.write(tmp_path)
