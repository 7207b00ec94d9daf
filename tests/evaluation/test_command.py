import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from kineograph import cli
from kineograph.clip import Clip
from kineograph.data.world.scene import VOCABULARY
from kineograph.evaluation.alignment import Alignment
from kineograph.evaluation.command import codec_of, reads_of
from kineograph.evaluation.fidelity import wishes
from kineograph.evaluation.labels import Reader
from kineograph.evaluation.metrics import METRICS, Manner, Subject
from kineograph.evaluation.networks import Networks, Unmeasured
from kineograph.evaluation.sources import Clips
from kineograph.system import find, quick_dtype
from kineograph.systems.kineograph import Kineograph
from kineograph.systems.phenaki import Phenaki

TOY = ("flipbook", "--preset", "toy")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def evaluate(capfd: pytest.CaptureFixture):
    """Runs the command: exit code, standard output, standard error, the report's JSON if there is one."""

    def run(*words: str, to: str = "r") -> tuple[int, str, str, dict]:
        code = cli.main(["evaluate", *words, "--output-dir", to])
        place = Path(to) / "report.json"
        return code, *capfd.readouterr(), json.loads(place.read_text()) if place.is_file() else {}

    return run


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Flags that name untaught networks of ours."""
    folder = tmp_path_factory.mktemp("networks")
    Reader.preset("toy").save(folder / "reader")
    Alignment.preset("toy").save(folder / "clip")
    return ["--reader", str(folder / "reader"), "--clip", str(folder / "clip")]


def film(path: Path, seed: int, *, frames: int = 6) -> Path:
    """A square that moves over a pattern."""
    path.parent.mkdir(exist_ok=True)
    rng = torch.Generator().manual_seed(seed)
    ground = torch.rand(3, 8, 8, generator=rng).repeat_interleave(4, 1).repeat_interleave(4, 2) * 255
    shown = ground.repeat(frames, 1, 1, 1)
    for i in range(frames):
        shown[i, :, 8:20, 2 * i : 2 * i + 12] = 255
    return Clip(shown.to(torch.uint8)).save(path, overwrite=True)


def names(report: dict) -> set[str]:
    return {figure["metric"] for figure in report["figures"]}


@pytest.mark.slow
def test_a_system_is_judged_on_prompts_of_the_world(evaluate, networks):
    pytest.importorskip("skia")
    words = [*TOY, "--prompts", "unseen", "--count", "4", "--size", "32", "--seed", "5", "--features", "random"]
    words += ["--num-frames", "6", "--force", *networks]
    code, out, err, report = evaluate(*words)
    assert (code, out.strip()) == (0, "r/report.md")
    assert names(report) == {"fidelity", "clipsim", "consistency", "frechet", "motion", "reconstruction"}
    assert list(report["not_measured"]) == ["is"]  # of 20 clips or more
    assert "is is not measured" in err
    assert [clip["seed"] for clip in report["clips"]] == [5, 6, 7, 8]
    assert report["system"]["weights"] == "untrained toy"
    assert report["options"]["num_frames"] == 6
    assert set(report["networks"]) == {"reader", "clip", "features"}
    assert len(report["networks"]["reader"]["sha256"]) == 64
    for figure in report["figures"]:
        assert figure["low"] <= figure["value"] <= figure["high"]
        assert figure["protocol"]
        assert figure["real"] or figure["metric"] == "reconstruction"
    text = Path("r/report.md").read_text()
    assert all(f"## {title}" in text for title in ("Prompt fidelity", "CLIPSIM", "Frechet distance", "Motion"))
    assert "FVD" not in text
    for picture in report["pictures"]:
        Image.open(Path("r") / picture).verify()
    assert {"sheet.png", "shares.png", "confusion-who.png"} <= set(report["pictures"])


def test_what_is_there_is_not_generated_again(evaluate, monkeypatch):
    Path("p.txt").write_text("a bear\na fish\na car\n")
    words = [*TOY, "--prompts", "p.txt", "--metrics", "motion"]
    first = evaluate(*words, "--count", "2")[3]
    calls, cls = [], find("flipbook")
    make = cls.generate
    monkeypatch.setattr(
        cls, "generate", lambda self, options, *rest: calls.append(options.prompt) or make(self, options)
    )
    second = evaluate(*words, "--count", "5")[3]
    assert calls == ["a car", "a bear", "a fish"]  # beyond the last they come again, with other seeds
    assert second["clips"][:2] == first["clips"]
    assert second["clips"][0]["sha256"] != second["clips"][3]["sha256"]
    assert evaluate(*words, "--count", "5")[3]["clips"] == second["clips"]
    assert len(calls) == 3


def test_a_system_is_judged_as_generate_takes_it_or_as_asked(evaluate):
    Kineograph.preset("toy").save("weights")
    words = ["weights", "--prompts", "p.txt", "--num-frames", "4", "--height", "64", "--width", "64"]
    Path("p.txt").write_text("a bear\n")
    said = [evaluate(*words, "--metrics", "motion", to="r")[3]]
    said += [evaluate(*words, "--metrics", "motion", "--precision", p, to=p)[3] for p in ("float32", "bfloat16")]
    quick = str(quick_dtype()).removeprefix("torch.")
    assert [report["system"]["precision"] for report in said] == [quick, "float32", "bfloat16"]
    by_precision = {report["system"]["precision"]: report["clips"][0]["sha256"] for report in said}
    assert len(set(by_precision.values())) == 2
    assert said[0]["clips"][0]["sha256"] == by_precision[quick]


def test_a_system_is_judged_with_options_that_it_alone_has(evaluate):
    Path("p.txt").write_text("a bear\n")
    words = ["latent_diffusion", "--preset", "toy", "--prompts", "p.txt", "--metrics", "motion", "--num-frames", "2"]
    words += ["--height", "16", "--width", "16", "--num-inference-steps", "4"]
    reports = [evaluate(*words, *more, to=to)[3] for to, more in (("r", []), ("dpm", ["--set", "sampler=dpm"]))]
    assert [report["options"]["sampler"] for report in reports] == ["ddim", "dpm"]
    assert reports[0]["clips"][0]["sha256"] != reports[1]["clips"][0]["sha256"]


def test_a_folder_is_judged_without_what_cannot_be_read(evaluate, networks):
    for i in range(3):
        film(Path(f"films/{i}.mp4"), i)
        Path(f"films/{i}.txt").write_text(f"film {i}")
    Path("films/broken.mp4").write_bytes(b"no film")
    Path("films/broken.txt").write_text("broken")
    code, _, _, report = evaluate("films", "--num-frames", "6", *networks)
    assert code == 0
    assert names(report) == {"clipsim", "consistency", "motion"}
    assert [row[0] for row in report["skipped"]] == ["broken.mp4"]
    assert [clip["prompt"] for clip in report["clips"]] == ["film 0", "film 1", "film 2"]
    text = Path("r/report.md").read_text()
    assert "broken.mp4" in text
    assert "World CLIP" in text
    assert "Beware" in text  # World CLIP has never seen such films


@pytest.mark.slow
def test_two_folders_are_real_and_generated(evaluate):
    for i in range(5):
        film(Path(f"real/{i}.mp4"), i)
        film(Path(f"made/{i}.mp4"), i + 50)
    words = ["real", "made", "--num-frames", "6", "--features", "random"]
    code, _, err, report = evaluate(*words)
    assert code == 0
    assert "64 are the least" in report["not_measured"]["frechet"]
    assert "frechet is not measured: 5 clips are too few" in err
    forced = evaluate(*words, "--force", "--metrics", "frechet,reconstruction", to="f")[3]
    assert names(forced) == {"frechet", "reconstruction"}
    distance = forced["figures"][0]
    assert distance["value"] > 0
    assert distance["real"]["name"] == "floor"
    assert any("fewer than 64" in warning for warning in distance["warnings"])
    assert "d 48, rank" in distance["protocol"]
    same = evaluate("real", "real", "--num-frames", "6", "--features", "random", "--force", to="s")[3]
    assert next(f for f in same["figures"] if f["metric"] == "frechet")["value"] == pytest.approx(0, abs=1e-6)


def test_films_of_another_system_are_judged_on_the_worlds_prompts(evaluate, networks, capfd):
    pytest.importorskip("skia")
    assert cli.main(["evaluate", "--prompts", "unseen", "--count", "3", "--list-prompts"]) == 0
    prompts = capfd.readouterr().out.splitlines()
    for i in range(3):
        film(Path(f"films/{i}.mp4"), i)
    Path("captions.txt").write_text("\n".join(prompts))
    words = ["films", "--captions", "captions.txt", "--prompts", "unseen", "--num-frames", "6", *networks]
    code, _, _, report = evaluate(*words, "--metrics", "fidelity")
    assert code == 0
    assert {f["name"] for f in report["figures"]} == {"who", "act", "where", "all"}
    Path("captions.txt").write_text("a\nb\nc")
    assert "is none of the first" in evaluate(*words, to="q")[2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*TOY, "--count", "0"], "--count must be at least 1"),
        ([*TOY, "--metrics", "motoin"], "did you mean motion"),
        ([*TOY, "--prompts", "held"], "--prompts is train, held_out, unseen or a file"),
        ([*TOY, "--prompts", "p.txt"], "there is no file p.txt of prompts"),
        ([*TOY, "--reader", "none"], "there is no folder none"),
        (
            [*TOY, "--num-frames", "16", "--features", "i3d:none.pt"],
            "there is no file none.pt, which FVD needs; it comes from https",
        ),
        ([*TOY, "--features", "vgg"], "--features is world, random, i3d:FILE or videomae:NAME"),
        ([*TOY, "--inception", "none.pt"], "there is no file none.pt, which FID needs"),
        ([*TOY, "--captions", "a.txt"], "a system is given --prompts"),
        (["nothing"], "no system or folder 'nothing'"),
        (["a", "b", "c"], "got a, b, c"),
        (["a", "b"], "there is no folder b"),
        (["empty"], "neither weights of ours (system.json) nor videos"),
        (["films", "--height", "32"], "--height is for a system"),
        (["films", "--precision", "float32"], "--precision is for a system"),
        (["films", "--set", "sampler=dpm"], "--set is for a system"),
        ([*TOY, "--set", "sampler"], "--set takes PATH=VALUE; got 'sampler'"),
        ([*TOY, "--set", "sampler=dpm"], "Options has no sampler"),
        ([*TOY, "--set", "seed=-1"], "seed must be at least 0"),
        ([*TOY, "--precision", "bfloat16"], "it takes no --precision"),
        (
            ["films", "--num-frames", "6", "--metrics", "fidelity"],
            "nothing was measured: fidelity: the prompts are not",
        ),
    ],
)
def test_bad_input_is_one_line(evaluate, words: list[str], said: str):
    Path("empty").mkdir()
    if words[0] == "films":
        film(Path("films/a.mp4"), 0)
    code, out, err, report = evaluate(*words)
    assert (code, out, report) == (1, "", {})
    assert said in err.splitlines()[-1]


def test_features_that_are_no_numbers_name_their_clip(evaluate, networks, monkeypatch):
    for i in range(4):
        film(Path(f"films/{i}.mp4"), i)
        Path(f"films/{i}.txt").write_text("a film")
    from kineograph.evaluation.clipsim import ImageTextSpace

    monkeypatch.setattr(ImageTextSpace, "images", lambda self, frames: torch.full((len(frames), 32), float("nan")))
    code, _, err, _ = evaluate("films", "--num-frames", "6", "--metrics", "clipsim", *networks)
    assert code == 1
    assert "the features of 0.mp4 are not finite" in err


def test_what_a_system_reads_in_prompts_is_counted_by_its_own_reader():
    config = Kineograph.PRESETS["toy"]
    assert reads_of(Kineograph(config)) is None, "its labels are not the World's"
    classes = tuple(map(len, VOCABULARY.values()))
    worldly = {part: replace(getattr(config, part), vector_dim=sum(classes)) for part in ("director", "generator")}
    reader = replace(config.reader, classes=classes)
    system = Kineograph(replace(config, reader=reader, **worldly)).eval()
    names = list(VOCABULARY)
    with torch.no_grad():
        for linear, values in zip(system.reader.values, VOCABULARY.values(), strict=True):
            linear.weight.zero_()
            linear.bias.copy_(torch.arange(len(values)) == 1)
    reads = reads_of(system)
    assert reads(["a bear", "two"]) == [{name: VOCABULARY[name][1] for name in names}] * 2
    asked = wishes("train", 40)
    subject = Subject(Clips(), wishes=asked, reads=reads)
    figures, _ = METRICS["reading"](subject, Networks(), Manner())
    who = next(figure for figure in figures if figure.name == "who")
    assert who.count == 40
    assert who.value == sum(wish.scene.who == VOCABULARY["who"][1] for wish in asked) / 40
    with pytest.raises(Unmeasured, match="no reader of prompts"):
        METRICS["reading"](replace(subject, reads=None), Networks(), Manner())


def test_codecs_and_tokenizers_give_clips_back():
    default, tokens = Kineograph.preset("toy"), Phenaki.preset("toy")
    assert codec_of(default) is default.codec
    assert codec_of(tokens) is tokens.tokenizer
    assert codec_of(SimpleNamespace(codec=object())) is None
