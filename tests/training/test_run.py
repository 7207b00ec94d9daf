import json
import os
import signal
from argparse import Namespace

import pytest
import safetensors.torch
import torch

from kineograph.system import stage
from kineograph.training import request, run


def lines(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def timeless(folder):
    return [{k: v for k, v in line.items() if k not in ("seconds", "samples_per_second")} for line in lines(folder)]


def state(folder):
    newest = sorted((folder / "checkpoints").iterdir())[-1]
    return safetensors.torch.load_file(str(newest / "state.safetensors"))


def test_a_run_leaves_its_folder(train, tmp_path):
    assert (
        train("learn_codec", "--output-dir", str(tmp_path / "a"), "--max-train-steps", "4", "--logging-steps", "2") == 0
    )
    made = {str(p.relative_to(tmp_path / "a")) for p in (tmp_path / "a").rglob("*") if p.is_file()}
    assert made >= {
        "settings.json", "log.jsonl", "system/system.json", "system/codec.safetensors", "samples/step-00000004.png",
        "checkpoints/step-00000004/state.json", "checkpoints/step-00000004/state.safetensors",
    }  # fmt: skip
    log = lines(tmp_path / "a")
    assert [line["step"] for line in log] == [2, 4, 4]
    assert log[0].keys() >= {"seconds", "samples_per_second", "losses", "learning_rate", "grad_norm", "skipped"}
    assert log[-1]["validation"]["error"] > 0
    with pytest.raises(ValueError, match="already holds a run"):
        train("learn_codec", "--output-dir", str(tmp_path / "a"))


@pytest.mark.parametrize("cached", [False, True])
def test_an_interrupted_run_ends_as_the_unbroken_one(train, tmp_path, monkeypatch, cached):
    a, b = tmp_path / "a", tmp_path / "b"
    flags = ["--max-train-steps", "7", "--cooldown-steps", "3", "--logging-steps", "2", "--clips", "20", "--lr", "1e-2"]
    flags += ["--mixed-precision", "bf16", "--resume-from-checkpoint", "latest"]
    flags += ["--cache", str(tmp_path / "cache")] if cached else []
    assert train("learn_generator", "--output-dir", str(a), *flags) == 0

    step = run.Trainer.step

    def interrupted(self, batch):
        if self.steps == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self, batch)

    monkeypatch.setattr(run.Trainer, "step", interrupted)
    assert train("learn_generator", "--output-dir", str(b), *flags) == 130
    assert [p.name for p in (b / "checkpoints").iterdir()] == ["step-00000003"]
    monkeypatch.setattr(run.Trainer, "step", step)
    with (b / "log.jsonl").open("a") as file:
        file.write(
            '{"step": 4, "losses": {"generator": 99}}\n{"step": 6, "los'
        )  # steps after the checkpoint, and a torn line
    assert train("learn_generator", "--output-dir", str(b), *flags) == 0
    assert timeless(a) == timeless(b)
    assert state(a).keys() == state(b).keys()
    assert all(torch.equal(x, state(b)[k]) for k, x in state(a).items())


def test_a_stage_of_short_clips_draws_and_keeps_no_more_of_them(train, tmp_path):
    flags = ["--max-train-steps", "2", "--clips", "20", "--cache", str(tmp_path / "cache")]
    assert train("learn_codec", "--output-dir", str(tmp_path / "a"), *flags) == 0
    head = json.loads((tmp_path / "cache" / "frames.u8.json").read_text())
    assert (head["count"], head["shape"][0], head["fingerprint"]["frames"]) == (20, 2, 4)


def test_a_stage_of_words_draws_nothing(train, tmp_path, monkeypatch):
    fake, squares, seen = request.find("fake"), type(run.clips_of(None, "train", 4, 8)), []

    def learn(system, batch):
        seen.append(batch)
        return system.critic(batch.labels.to(system.critic.weight.dtype).expand(-1, 32)).float().mean()

    monkeypatch.setattr(fake, "learn_words", stage("critic", wants=("labels",))(learn), raising=False)
    monkeypatch.setattr(fake, "clip_shape", lambda self, stage: (0, 8))
    monkeypatch.setattr(squares, "labels", lambda self, index: [index % 3], raising=False)
    monkeypatch.setattr(squares, "__getitem__", None)
    flags = ["--max-train-steps", "2", "--validation-clips", "0", "--output-dir", str(tmp_path / "a")]
    assert train("learn_words", *flags) == 0
    assert [batch.video.shape for batch in seen] == [(4, 0), (4, 0)]
    number = [[int(words.split()[1].strip(","))] for words in seen[0].captions]
    assert seen[0].labels.tolist() == [[n % 3] for [n] in number]
    with pytest.raises(ValueError, match="learn_words sees words only"):
        train("learn_words", *flags[:-1], str(tmp_path / "b"), "--clips", "8", "--cache", str(tmp_path / "cache"))


def test_runs_of_other_seeds_are_validated_alike(train, tmp_path, monkeypatch):
    monkeypatch.setattr(request.find("fake"), "validate", lambda *given: ({"chance": float(torch.rand(()))}, []))
    for seed in ("1", "2"):
        flags = ["--max-train-steps", "1", "--seed", seed, "--output-dir", str(tmp_path / seed)]
        assert train("learn_codec", *flags) == 0
    assert lines(tmp_path / "1")[-1]["validation"] == lines(tmp_path / "2")[-1]["validation"]


def test_hours_stop_a_run(train, tmp_path):
    assert train("learn_codec", "--output-dir", str(tmp_path / "a"), "--hours", "1e-9") == 0
    assert [p.name for p in (tmp_path / "a/checkpoints").iterdir()] == ["step-00000001"]


def test_the_last_minutes_cool_down(train, tmp_path, monkeypatch):
    clock = iter(range(10**6))
    monkeypatch.setattr(run, "time", Namespace(monotonic=lambda: float(next(clock))))
    flags = ["--hours", str(100 / 3600), "--cooldown-minutes", "0.5", "--logging-steps", "1", "--validation-clips", "0"]
    assert train("learn_codec", "--output-dir", str(tmp_path / "a"), "--lr-warmup-steps", "0", *flags) == 0
    rates = [line["learning_rate"] for line in lines(tmp_path / "a")]
    high = rates.count(1e-3)
    fall = len(rates) - high
    assert high > fall > 4
    assert rates[high:] == pytest.approx([1e-3 * max(0.01, 1 - i / (fall + 1)) for i in range(1, fall + 1)], rel=0.1)


@pytest.mark.parametrize("flags", [[], ["--hours", "1", "--cooldown-steps", "5", "--max-train-steps", "9"]])
def test_minutes_of_cooldown_are_those_before_the_hours_end(train, tmp_path, flags):
    with pytest.raises(ValueError, match="the last ones of --hours"):
        train("learn_codec", "--output-dir", str(tmp_path / "a"), "--cooldown-minutes", "1", *flags)


def test_a_cache_keeps_what_a_stage_wants_to_know(train, tmp_path, monkeypatch):
    fake, squares, seen = request.find("fake"), type(run.clips_of(None, "train", 4, 8)), []

    def learn(system, batch):
        seen.append(batch)
        return system.critic(batch.labels.to(system.critic.weight.dtype).expand(-1, 32)).float().mean()

    monkeypatch.setattr(fake, "learn_looks", stage("critic", wants=("labels", "scenery"))(learn), raising=False)
    monkeypatch.setattr(squares, "labels", lambda self, index: [index % 3], raising=False)
    monkeypatch.setattr(squares, "empty", property(lambda self: type(self)(9)), raising=False)
    monkeypatch.setattr(squares, "scenery", lambda self, index: self.empty[index].frames, raising=False)
    flags = ["--max-train-steps", "2", "--clips", "12", "--validation-clips", "0"]
    train("learn_looks", "--output-dir", str(tmp_path / "a"), *flags)
    for name in ("b", "c"):  # the second reads what the first has kept
        train("learn_looks", "--output-dir", str(tmp_path / name), *flags, "--cache", str(tmp_path / "cache"))
        monkeypatch.setattr(squares, "__getitem__", None)
    anew, *cached = seen[:2], seen[2:4], seen[4:]
    for one in cached:
        for x, y in zip(anew, one, strict=True):
            assert all(torch.equal(getattr(x, k), getattr(y, k)) for k in ("video", "labels", "scenery"))
    assert (tmp_path / "cache/scenery/frames.u8.json").exists()


def test_a_stage_starts_from_the_parts_of_another_run(train, tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    train("learn_codec", "--output-dir", str(a), "--max-train-steps", "2")
    train("learn_generator", "--output-dir", str(b), "--max-train-steps", "1", "--init-from", str(a / "system"))
    ours, theirs = (safetensors.torch.load_file(str(x / "system/codec.safetensors")) for x in (a, b))
    assert all(torch.equal(x, theirs[k]) for k, x in ours.items())
    again = ["--output-dir", str(b), "--max-train-steps", "2", "--resume-from-checkpoint", "latest"]
    with pytest.raises(ValueError, match="other weights of codec"):
        train("learn_generator", *again)
    assert train("learn_generator", *again, "--init-from", str(a / "system"), "--init-parts", "codec") == 0


def test_a_network_that_has_grown_starts_from_what_its_smaller_self_knew(train, tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    train("learn_codec", "--output-dir", str(a), "--max-train-steps", "1")
    path = a / "system/generator.safetensors"
    known = safetensors.torch.load_file(str(path))
    name = sorted(known)[-1]
    safetensors.torch.save_file({k: x + 1 for k, x in known.items() if k != name}, str(path))
    begin = ["learn_codec", "--max-train-steps", "1", "--output-dir", str(b), "--init-from", str(a / "system")]
    with pytest.raises(ValueError, match=f"lacks {name}"):
        train(*begin)
    assert train(*begin, "--grow") == 0
    grown = safetensors.torch.load_file(str(b / "system/generator.safetensors"))
    assert torch.equal(grown.pop(name), known.pop(name)), "it starts fresh, as in the first run"
    assert all(torch.equal(x, known[k] + 1) for k, x in grown.items())
    path.rename(a / "system/codec.safetensors")
    with pytest.raises(ValueError, match="has a foreign"):
        train(*begin[:-3], str(tmp_path / "c"), "--init-from", str(a / "system"), "--grow")


def test_another_learning_rate_is_allowed_and_said_another_config_refused(train, tmp_path, capsys):
    same = ["--output-dir", str(tmp_path / "a"), "--resume-from-checkpoint", "latest"]
    train("learn_codec", *same, "--max-train-steps", "1")
    train("learn_codec", *same, "--max-train-steps", "2", "--lr", "0.5")
    assert "learning_rate was 0.001 and is now 0.5" in capsys.readouterr().err
    with pytest.raises(ValueError, match="was begun with config"):
        train("learn_codec", *same, "--set", "size=16")


def test_a_dry_run_says_what_would_be_and_writes_nothing(train, tmp_path, capsys):
    assert train("learn_generator", "--dry-run", "--output-dir", str(tmp_path / "a")) == 0
    assert "fake · learn_generator through codec · clips of 4 frames, 8 px" in capsys.readouterr().out
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "--output-dir is needed"),
        (["--output-dir", "a", "--cache", "c"], "--cache needs --clips"),
        (["--output-dir", "a", "--set", "size"], "PATH=VALUE"),
        (["--output-dir", "a", "--init-parts", "codec"], "--init-from"),
        (["--output-dir", "a", "--init-from", "nowhere"], "none of the parts"),
        (["--output-dir", "a", "--grow"], "--init-from, which is not given"),
        (["--output-dir", "a", "--preset", "wrold"], "no preset"),
        (["--output-dir", "a", "--gradient-accumulation-steps", "3"], "does not divide"),
    ],
)
def test_what_cannot_be_is_said(train, flags, words):
    with pytest.raises(ValueError, match=words):
        train("learn_codec", *flags)


def test_words_for_a_file_are_refused_where_there_is_none():
    with pytest.raises(ValueError, match="the World has captions of its own"):
        request.clips_of(Namespace(data="world", prompt="a bear"), "train", 4, 16)


def test_what_is_to_be_seen_often_is_for_teaching_with_the_world():
    args = Namespace(data="world", prompt="", often=["act=watches fireworks", "who=robot"])
    assert request.clips_of(args, "train", 4, 16).often == {"act": "watches fireworks", "who": "robot"}
    assert not request.clips_of(args, "held_out", 4, 16).often
    with pytest.raises(ValueError, match="often names fireworks="):
        request.clips_of(Namespace(data="world", prompt="", often=["fireworks"]), "train", 4, 16)
    with pytest.raises(ValueError, match="a video file has not"):
        request.clips_of(Namespace(data="a.mp4", prompt="", often=["who=robot"]), "train", 4, 16)


def test_an_unknown_stage_is_offered_the_known_ones(train):
    with pytest.raises(ValueError, match="did you mean learn_codec"):
        train("learn_codek", "--dry-run")


def test_several_processes_need_accelerate(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(__import__("sys").modules, "accelerate", None)
    with pytest.raises(ImportError, match=r"kineograph\[train\]"):
        run.Processes()
