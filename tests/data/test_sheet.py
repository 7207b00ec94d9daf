"""`kineograph world`: a sheet, clips with their labels, captions, the speed; and one clear line when it cannot."""

from pathlib import Path

import pytest
from PIL import Image

from kineograph import cli, video
from kineograph.data.world.world import World

SMALL = ("--size", "32", "--frames", "4", "--count", "2")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capfd: pytest.CaptureFixture):
    """Runs `kineograph world` in this process: exit code, lines of standard output, standard error."""

    def runner(*words: str) -> tuple[int, list[str], str]:
        code = cli.main(("world", *words))
        out, err = capfd.readouterr()
        return code, out.splitlines(), err

    return runner


def test_a_sheet_has_a_row_for_each_clip(run):
    assert run("--sheet", "sheet.png", *SMALL) == (0, ["sheet.png"], "")
    with Image.open("sheet.png") as sheet:
        assert sheet.width >= 4 * 32
        assert sheet.height >= 2 * 32
    code, out, err = run("--sheet", "sheet.png", *SMALL)
    assert (code, out) == (1, [])
    assert "sheet.png exists and is kept" in err
    assert run("--sheet", "sheet.png", "--overwrite", *SMALL)[0] == 0


def test_clips_carry_their_labels(run):
    code, out, _ = run("--clips", "clips", "--start", "5", "--seed", "3", "--split", "held_out", *SMALL)
    assert (code, out) == (0, ["clips/held_out-3-000005.mp4", "clips/held_out-3-000006.mp4"])
    world = World(3, split="held_out", frames=4, size=32)
    for i, path in zip((5, 6), out, strict=True):
        assert video.metadata(path)["labels"] == world[i].meta["labels"]
        assert video.read(path).frames.shape == (4, 3, 32, 32)


def test_captions_are_those_of_the_clips(run):
    world = World()
    assert run("--captions", "--count", "3", "--start", "1") == (0, [world.caption(i) for i in (1, 2, 3)], "")


def test_the_speed_is_told(run):
    code, out, _ = run("--speed", *SMALL)
    assert code == 0
    assert out[0].endswith("clips/s of 4 frames at 32 px on one core")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "say what to do: --sheet FILE.png, --clips FOLDER, --captions or --speed"),
        (("--captions", "--count", "0"), "--count must be at least 1; got 0"),
        (("--captions", "--start", "-3"), "--start must be at least 0; got -3"),
        (("--captions", "--split", "test"), "--split"),
        (("--sheet", "sheet.png", "--size", "8"), "8 pixels"),
        (("--sheet", "sheet.png", "--size", "1000000"), "1000000 pixels"),
        (("--sheet", "sheet.png", "--fps", "inf"), "positive rate"),
        (("--sheet", "sheet.png", "--frames", "0"), "0 frames"),
        (("--sheet", "sheet.mp4", *SMALL), "a sheet is written to a .png"),
        (("--sheet", "nowhere/sheet.png", *SMALL), "there is no folder nowhere"),
        (("--clips", "file", *SMALL), "file"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(words: tuple[str, ...], complaint: str, run):
    Path("file").write_text("")
    code, out, err = run(*words)
    assert code != 0
    assert out == []
    assert complaint in err
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err
    assert [path.name for path in Path().iterdir()] == ["file"]
