"""`kineograph bench` measures what it says; no figure is judged here."""

import json
from pathlib import Path

import pytest
import torch

from kineograph import bench, cli
from kineograph.system import find

TOY = ("kineograph", "--preset", "toy", "--runs", "1", "--seconds", "0.5")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_a_bench_tells_and_writes_its_figures(capfd: pytest.CaptureFixture):
    assert cli.main(["bench", *TOY, "--json", "bench.json"]) == 0
    out = capfd.readouterr().out
    figures = json.loads(Path("bench.json").read_text())
    assert figures["film"] == {"frames": 4, "fps": 8, "height": 256, "width": 256}
    warm, cold = figures["warm"], figures["cold"]
    assert {"text", "generator", "codec decode", "upsampler", "rest", "mp4", "total"} <= set(warm["seconds"])
    assert warm["per_second_of_film"] == pytest.approx(warm["seconds"]["total"] / 0.5)
    assert len(warm["runs"]) == len(cold["runs"]) == 1
    assert cold["seconds"] > 0.3
    assert 50 < cold["peak_mib"] < 4000
    assert all(
        line in out for line in ("4 frames of 256 x 256, 0.5 s of film", "per second of film", "peak memory", "in all")
    )
    assert [path.name for path in Path().iterdir()] == ["bench.json"]


def test_the_parts_times_add_up_to_the_whole():
    system = find("flipbook").preset("toy")
    figures = bench.warm(system, system.Options("a bear | a fish"), 2)
    seconds = figures["seconds"]
    assert set(seconds) == {"text", "painter", "codec decode", "rest", "mp4", "total"}
    assert all(value >= 0 for value in seconds.values())
    assert len(figures["runs"]) == 2


def test_a_part_inside_a_part_counts_for_itself_alone():
    outer = torch.nn.Module()
    outer.one, outer.two = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    plain = type(outer.one).forward
    outer.one.forward = lambda x: outer.two(plain(outer.one, x))
    with bench.watched(outer) as spent:
        outer.one(torch.ones(300, 2))
    assert set(spent) == {"one", "two"}
    assert min(spent.values()) >= 0
    assert "forward" not in vars(outer.two), "what was wrapped is as it was"


def test_parameters_are_counted_by_part():
    system = find("kineograph").preset("toy")
    counts = bench.parameters(system)
    assert set(counts) == {"codec", "generator", "upsampler"}
    assert counts["generator"] == sum(p.numel() for p in system.generator.parameters())


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--runs", "0"), "--runs must be at least 1; got 0"),
        (("--seconds", "0"), "--seconds must be more than 0 and at most 600; got 0"),
        (("--seconds", "nan"), "--seconds must be more than 0"),
        (("--json", "nowhere/x.json"), "there is no folder nowhere"),
        (("--json", "there.json"), "there.json exists and is kept; give --overwrite"),
        (("flipbok", "--preset", "toy"), "did you mean flipbook"),
        (("flipbook", "--preset", "tooy"), "did you mean toy"),
        (("flipbook",), "no weights of flipbook are bundled"),
        (("flipbook", "--preset", "toy", "--prompt", " "), "the prompt is empty"),
    ],
)
def test_what_cannot_be_measured_is_said_in_one_line(
    words: tuple[str, ...], complaint: str, capfd: pytest.CaptureFixture
):
    Path("there.json").write_text("{}")
    assert cli.main(["bench", *words]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert complaint in err
    assert len(err.splitlines()) == 1
