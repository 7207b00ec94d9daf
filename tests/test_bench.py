"""`kineograph bench` measures what it says; no figure is judged here."""

import copy
import importlib
import json
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from kineograph import bench, bench_against, bench_peers, cli
from kineograph.bench_absent import absent
from kineograph.bench_roofs import Work, gemm
from kineograph.system import find

TOY = ("kineograph", "--preset", "toy", "--runs", "1", "--seconds", "0.5")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_options_are_those_of_every_film_that_is_timed(monkeypatch: pytest.MonkeyPatch):
    asked, run = [], bench.subprocess.run
    monkeypatch.setattr(bench.subprocess, "run", lambda words, **more: asked.append(words) or run(words, **more))
    words = ["bench", *TOY, "--set", "num_inference_steps=2", "--set", "height=32", "--set", "width=64"]
    assert cli.main([*words, "--output", "bench.json"]) == 0
    film = json.loads(Path("bench.json").read_text())["film"]
    assert (film["height"], film["width"]) == (32, 64)
    assert film["set"] == ["num_inference_steps=2", "height=32", "width=64"]
    assert {"--num-inference-steps=2", "--height=32", "--width=64"} <= set(asked[-1])


@pytest.mark.slow
def test_a_bench_tells_and_writes_its_figures(capfd: pytest.CaptureFixture):
    assert cli.main(["bench", *TOY, "--output", "bench.json"]) == 0
    out = capfd.readouterr().out
    figures = json.loads(Path("bench.json").read_text())
    assert figures["film"] == {"frames": 4, "fps": 8, "height": 256, "width": 256}
    warm, cold = figures["warm"], figures["cold"]
    assert {"text", "generator", "codec decode", "upsampler", "rest", "mp4", "total"} <= set(warm["seconds"])
    assert warm["per_second_of_film"] == pytest.approx(warm["seconds"]["total"] / 0.5)
    assert len(warm["runs"]["total"]) == len(cold["runs"]) == 1
    assert {"text", "reader", "director", "generator", "codec decode", "upsampler", "painter"} == set(figures["work"])
    assert (
        0
        < figures["efficiency"]
        == pytest.approx(sum(row["bound"] for row in figures["work"].values()) / warm["seconds"]["total"])
    )
    assert figures["first_frame"]["windows"]
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
    assert all(len(runs) == 2 for runs in figures["runs"].values())


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
    assert set(counts) == {"reader", "director", "codec", "generator", "upsampler", "painter"}
    assert counts["generator"] == sum(p.numel() for p in system.generator.parameters())


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--runs", "0"), "--runs must be at least 1; got 0"),
        (("--seconds", "0"), "--seconds must be more than 0 and at most 600; got 0"),
        (("--seconds", "nan"), "--seconds must be more than 0"),
        (("--output", "nowhere/x.json"), "there is no folder nowhere"),
        (("--output", "there.json"), "there.json exists and is kept; give --overwrite"),
        (("flipbok", "--preset", "toy"), "did you mean flipbook"),
        (("flipbook", "--preset", "tooy"), "did you mean toy"),
        (("flipbook",), "no weights of flipbook are bundled"),
        (("flipbook", "--preset", "toy", "--prompt", " "), "the prompt is empty"),
        (("--against", "nowhere.json"), "there is no file nowhere.json of earlier figures"),
        (("--against", "there.json"), "there.json holds no figures of a film"),
        (("flipbook", "--preset", "toy", "--set", "colour=red"), "colour"),
        (("--peers", "--set", "seed=1"), "--set is for the options of a film"),
        (("--peers", "--against", "there.json"), "--against compares films with films"),
        (("--peers", "--preset", "tiny"), "peers are timed in sizes toy, world; got 'tiny'"),
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


def test_operations_are_counted_as_on_paper():
    linear, conv = nn.Linear(8, 5), nn.Conv2d(3, 4, 3, padding=1)
    q = torch.ones(2, 3, 7, 16)  # b h n d
    with torch.inference_mode(), Work() as counter:
        linear(torch.ones(6, 8))
        assert counter.flops == 2 * 6 * 8 * 5
        assert counter.shapes == {(6, 8, 5): 480}
        conv(torch.ones(2, 3, 10, 10))
        assert counter.shapes[200, 27, 4] == 2 * 200 * 27 * 4
        before = counter.flops
        nn.functional.scaled_dot_product_attention(q, q, q)
        assert counter.flops - before == 2 * (2 * 3 * 7 * 7 * 16) * 2
    assert linear.weight.untyped_storage().data_ptr() in counter.read


def test_the_work_of_a_part_is_its_calls_its_operations_and_its_bytes():
    system = find("flipbook").preset("toy")
    system.painter = nn.Sequential(nn.Linear(4, 6, bias=False))
    system.generate = lambda options: [system.painter(torch.ones(10, 4)) for _ in range(3)]
    stages, shapes = bench.work(system, system.Options("a bear"))
    row = stages["painter"]
    assert row == {"calls": 3, "flops": 3 * 2 * 10 * 4 * 6, "bytes": 3 * 4 * (10 * 4 + 10 * 6 + 4 * 6)}
    assert shapes == [(10, 4, 6)]


def test_a_share_of_the_roof_is_the_least_time_by_the_real_one():
    stages = {"net": {"calls": 2, "flops": 4e9, "bytes": 1e6}, "text": {"calls": 1, "flops": 0, "bytes": 2e9}}
    figures = {
        "roofs": {"peak_flops": {"float32": 1e10}, "bandwidth": 1e10},
        "system": {"precision": "float32"},
        "warm": {"seconds": {"net": 0.8, "text": 0.4, "total": 2.0}},
    }
    near = bench.near(stages, figures)
    assert near["work"]["net"] == stages["net"] | {"bound": 0.4, "share": 0.5, "per_call": 0.4}
    assert near["work"]["text"]["share"] == pytest.approx(0.5)  # bound by memory
    assert near["efficiency"] == pytest.approx(0.3)


def test_a_roof_is_found():
    assert 1e6 < gemm((64, 32, 16), torch.float32, torch.device("cpu")) < 1e15


FIGURES = {
    "system": {"name": "a", "precision": "float32"},
    "machine": {"processor": "x", "threads": 2, "gpu": ""},
    "film": {"frames": 16},
    "warm": {"runs": {"net": [1.0, 1.1, 1.0, 0.9], "total": [2.0, 2.0, 2.01, 1.99]}},
    "first_frame": {"runs": [0.5]},
    "cold": {"runs": [3.0], "peaks": [400.0]},
}


def worse(**now: list[float]) -> list[str]:
    after = copy.deepcopy(FIGURES)
    after["warm"]["runs"] |= now
    return [row["name"] for row in bench_against.compared(FIGURES, after) if row["worse"]]


def test_what_got_slower_beyond_its_noise_is_found():
    assert worse() == []
    assert worse(total=[2.3, 2.3, 2.3, 2.3]) == ["total"]
    assert worse(total=[1.0, 1.0]) == []
    assert worse(total=[2.1, 2.1, 2.1]) == [], "five hundredths are too little"
    assert worse(net=[1.3, 0.9, 1.2, 1.5]) == [], "it varies as much"
    assert worse(net=[1.5, 1.5, 1.5, 1.5]) == ["net"]


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [("machine", "threads", 4), ("film", "frames", 8), ("film", "set", ["seed=1"]), ("system", "name", "b")],
)
def test_figures_of_something_else_are_not_compared(part: str, key: str, value: object):
    other = copy.deepcopy(FIGURES)
    other[part][key] = value
    for two in ((FIGURES, other), (other, FIGURES)):
        with pytest.raises(ValueError, match=f"figures of another {part} say nothing"):
            list(bench_against.compared(*two))


@pytest.mark.parametrize("case", [bench_peers.image_unet, bench_peers.video_unet])
def test_a_peer_of_the_same_weights_says_the_same(case):
    pytest.importorskip("diffusers")
    made = case(bench_peers.SIZES["toy"])
    assert made.ours().std() > 0.01
    assert made.apart < 1e-4


def test_a_peer_that_is_missing_is_named_and_skipped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "make_a_video_pytorch", None)
    monkeypatch.setattr(bench_peers, "CASES", {"x": ("make-a-video-pytorch", bench_peers.make_a_video)})
    (row,) = bench_peers.measure("toy", rounds=1)
    assert row["peer"] == "make-a-video-pytorch"
    assert row["skipped"].startswith("not installed")
    assert "not installed" in list(bench_peers.table([row]))[1]


def test_both_sides_are_timed_in_turns():
    calls: list[str] = []
    case = bench_peers.Case(lambda: calls.append("o"), lambda: calls.append("t"))
    row = bench_peers.timed(case, 3)
    assert "".join(calls) == "otot" + "to" + "ot" + "to" + "ot"  # warm-up, rounds, counting
    assert row["interval"][0] <= row["ratio"] <= row["interval"][1]
    assert [len(took) for took in row["runs"].values()] == [3, 3]


@pytest.mark.parametrize(("count", "left_out"), [(1, 0), (5, 0), (6, 0), (8, 0), (9, 1), (20, 5), (100, 39)])
def test_intervals_of_medians_leave_out_as_many_as_the_tables_say(count: int, left_out: int):
    assert bench_peers.rank(count) == left_out


def test_stand_ins_are_gone_afterwards():
    with absent("no_such_library", "json"):
        module = importlib.import_module("no_such_library.inner")
        assert module.Thing(3).__class__ is not None
        assert isinstance(module.a.b, type)
        assert importlib.import_module("json").dumps([]) == "[]", "what is there stays"
    assert "no_such_library" not in sys.modules
    with pytest.raises(ImportError):
        importlib.import_module("no_such_library")
