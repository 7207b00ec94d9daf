"""The experiment on embedding rotation: figures whose value is known, and a run that goes on where it was stopped."""

import json
import math
from pathlib import Path

import pytest
import torch

from kineograph.clip import Clip
from kineograph.evaluation import rotation_experiment as experiment
from kineograph.evaluation.rotation_experiment import ARMS, correlated, interval, main, neighbours, written
from kineograph.system import System, find


def test_every_arm_is_among_the_systems_options():
    options = find(experiment.NAME).Options
    assert all(options(prompt="a bear", **changes) for changes in ARMS.values())
    assert len({str(sorted(changes.items())) for changes in ARMS.values()}) == len(ARMS)


def test_curves_correlate_but_flat_ones_do_not():
    curve = torch.tensor([0.9, 0.8, 0.95, 0.7])
    assert correlated(curve, 2 * curve - 1) == pytest.approx(1)
    assert correlated(curve, 1 - curve) == pytest.approx(-1)
    assert correlated(curve, torch.full((4,), 0.9)) is None
    assert correlated(curve[:2], curve[:2]) is None
    torch.testing.assert_close(neighbours(torch.tensor([[1.0, 0], [1, 1], [0, 2]])), torch.full((2,), 0.5**0.5))


def test_an_interval_holds_the_mean_and_leaves_gaps_out():
    values = torch.arange(24, dtype=torch.float64).reshape(2, 4, 3)
    mean, low, high = interval(values)
    assert mean == 11.5
    assert low < mean - 3 < mean + 3 < high  # clips differ by 12
    values[0, 0, 0] = math.nan
    assert interval(values)[0] == pytest.approx(12)
    assert interval(torch.full((2, 2, 2), 5.0, dtype=torch.float64)) == (5.0, 5.0, 5.0)
    assert interval(torch.full((2, 2, 2), math.nan, dtype=torch.float64)) is None


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    (tmp_path / "clips").mkdir()
    frames = torch.zeros(4, 3, 32, 32, dtype=torch.uint8)
    for k in range(4):
        frames[k, :, 8:20, k * k : k * k + 8] = 255
    Clip(frames).save(tmp_path / "clips" / "square.mp4")
    return tmp_path / "clips"


def test_it_reports_and_goes_on_where_it_was_stopped(clips: Path, tmp_path: Path, monkeypatch, capsys):
    made, real = [], find(experiment.NAME).generate

    def counted(system: System, options: object) -> Clip:
        made.append(options)
        return real(system, options)

    monkeypatch.setattr(find(experiment.NAME), "generate", counted)
    folder = tmp_path / "out"
    flags = [
        "--output-dir", str(folder), "--preset", "toy", "--clips", str(clips), "--prompts", "a bear", "--seeds", "1",
        "--num-frames", "4", "--num-inference-steps", "3", "--height", "16", "--width", "16", "--text-share", "5",
        "--reader", str(tmp_path / "none"), "--arms", "no rotation", "text", "text, random planes",
    ]  # fmt: skip
    assert main(flags) == 0
    assert [options.path for options in made] == ["rotation", "rotation", "random"]
    assert [options.text_share for options in made] == [0.0, 5.0, 5.0]
    report = json.loads((folder / "report.json").read_text())
    assert report["arms"]["no rotation"]["consistency"][0] == pytest.approx(1)
    assert report["arms"]["no rotation"]["transfer"] is None
    assert report["arms"]["no rotation"]["moves"] == [0, 0, 0]
    assert set(report["minus_random_planes"]) == {"text"}
    assert "| text, random planes |" in (folder / "report.md").read_text()
    rows = (folder / "films.jsonl").read_text()

    (folder / "films.jsonl").write_text(rows[: len(rows) - 20])  # stopped in the middle of a line
    assert main(flags) == 0
    assert len(made) == 4
    assert (folder / "films.jsonl").read_text() == rows
    assert json.loads((folder / "report.json").read_text()) == report
    assert capsys.readouterr().out.split() == [str(folder / "report.md")] * 2

    with pytest.raises(ValueError, match="films of other weights, options or clips"):
        main([*flags, "--num-frames", "3"])


def test_what_is_damaged_at_the_end_of_a_log_is_left_out(tmp_path: Path):
    (tmp_path / "log").write_text('{"a": 1}\n{"b":')
    assert [*written(tmp_path / "log")] == [{"a": 1}]
    assert [*written(tmp_path / "none")] == []


def test_an_empty_folder_of_clips_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="holds no videos"):
        experiment.videos(tmp_path)
