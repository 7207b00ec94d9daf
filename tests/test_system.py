import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch

from kineograph.clip import Batch, Clip
from kineograph.system import Options, System, find, load, opened, quick_dtype, silent, weights_hash


@pytest.fixture
def flipbook() -> System:
    return find("flipbook").preset("toy")


def batch() -> Batch:
    return Batch.of([Clip(torch.full((4, 3, 16, 16), 9, dtype=torch.uint8), caption="grey")])


def test_stages_stand_in_order_and_say_what_they_train(flipbook: System):
    stages = flipbook.stages()
    assert list(stages) == ["learn_codec", "learn_painter"]
    assert (stages["learn_painter"].trains, stages["learn_painter"].through) == (("painter",), "codec")
    assert flipbook.clip_shape("learn_codec") == (4, 16)


def test_a_stage_sees_the_batch_through_its_frozen_codec_once(flipbook: System):
    seen = flipbook.encode("learn_painter", batch())
    assert seen.video.shape == (1, 4, 12, 4, 4)
    assert not seen.video.requires_grad
    assert flipbook.encode("learn_painter", seen) is seen
    assert flipbook.encode("learn_codec", seen) is seen


def test_a_stage_that_yields_waits_for_each_step():
    events = []

    class Pair(System):
        def build(self, config: object) -> None:
            self.one, self.two = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)

        def learn(self, batch: Batch):
            for part in ("one", "two"):
                events.append(f"loss of {part}")
                yield (part,), getattr(self, part)(torch.ones(1, 1)).sum()

        learn.trains, learn.through, learn.wants = ("one", "two"), "", ()

    for parts, _ in Pair(None).losses("learn", batch()):
        events.append(f"step of {parts[0]}")
    assert events == ["loss of one", "step of one", "loss of two", "step of two"]


def test_external_parts_are_neither_listed_nor_saved(flipbook: System, tmp_path: Path):
    assert list(flipbook.parts()) == ["codec", "painter"]
    assert flipbook.parameters_of("text") == []
    flipbook.save(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["codec.safetensors", "painter.safetensors", "system.json"]
    with pytest.raises(ValueError, match="no part of flipbook 'codek'; did you mean codec"):
        flipbook.parameters_of("codek")


def test_noise_is_the_seeds(flipbook: System):
    assert torch.equal(flipbook.noise(2, 3, seed=5), flipbook.noise(2, 3, seed=5))
    assert not torch.equal(flipbook.noise(2, 3, seed=5), flipbook.noise(2, 3, seed=6))


def test_presets_are_the_same_every_time_and_leave_the_global_seed_alone(flipbook: System):
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    again = find("flipbook").preset("toy")
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(flipbook.parameters(), again.parameters(), strict=True))
    with pytest.raises(ValueError, match="no preset of flipbook 'tooy'; did you mean toy"):
        find("flipbook").preset("tooy")


def test_weights_survive_a_file_and_half_precision_halves_it(flipbook: System, tmp_path: Path):
    flipbook.save(tmp_path / "full")
    flipbook.save(tmp_path / "half", dtype=torch.float16)
    full, half = load(tmp_path / "full"), load(tmp_path / "half")
    assert all(torch.equal(a, b) for a, b in zip(flipbook.parameters(), full.parameters(), strict=True))
    stored = safetensors.torch.load_file(tmp_path / "half" / "codec.safetensors")
    assert {x.dtype for x in stored.values()} == {torch.float16}
    assert {p.dtype for p in half.parameters()} == {torch.float32}
    assert all(torch.allclose(a, b, atol=1e-3) for a, b in zip(full.parameters(), half.parameters(), strict=True))
    assert {p.dtype for p in load(tmp_path / "half", dtype=torch.bfloat16).parameters()} == {torch.bfloat16}
    assert not full.training


def test_the_hash_is_of_the_weights_alone(flipbook: System, tmp_path: Path):
    flipbook.save(tmp_path / "a")
    flipbook.save(tmp_path / "b")
    assert weights_hash(tmp_path / "a") == weights_hash(tmp_path / "b") == load(tmp_path / "b").weights
    with torch.no_grad():
        next(flipbook.codec.parameters())[0] += 1
    flipbook.save(tmp_path / "b")
    assert weights_hash(tmp_path / "a") != weights_hash(tmp_path / "b")


def test_a_save_that_fails_leaves_the_weights_that_were_there(
    flipbook: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    flipbook.save(tmp_path)
    before = weights_hash(tmp_path)
    written = []

    def fail(tensors: dict, path: str) -> None:
        if written:
            raise OSError(28, "No space left on device")
        written.append(Path(path).write_text("half"))

    monkeypatch.setattr(safetensors.torch, "save_file", fail)
    with pytest.raises(OSError, match="No space"):
        flipbook.save(tmp_path)
    assert weights_hash(tmp_path) == before
    assert len(list(tmp_path.iterdir())) == 3


def damage(folder: Path, how: str) -> None:
    """Spoils a folder of weights in one way."""
    part, head = folder / "painter.safetensors", folder / "system.json"
    tensors = safetensors.torch.load_file(part)
    match how:
        case "missing":
            part.unlink()
        case "cut":
            part.write_bytes(part.read_bytes()[:-100])
        case "header":
            part.write_bytes(b"\xff" * 8 + part.read_bytes()[8:])
        case "pickle":
            part.write_bytes(pickle.dumps(tensors))
        case "other pickle":
            part.unlink()
            part.with_suffix(".pt").write_bytes(pickle.dumps(tensors))
        case "shape":
            safetensors.torch.save_file(tensors | {"mix.bias": torch.zeros(3)}, part)
        case "foreign":
            safetensors.torch.save_file(tensors | {"guest": torch.zeros(3)}, part)
        case "lacking":
            safetensors.torch.save_file({k: v for k, v in tensors.items() if k != "mix.bias"}, part)
        case "nan":
            safetensors.torch.save_file(tensors | {"mix.bias": torch.full((12,), torch.nan)}, part)
        case "no head":
            head.unlink()
        case "json":
            head.write_text("{")
        case "not ours":
            head.write_text("[]")
        case "format":
            head.write_text(json.dumps(json.loads(head.read_text()) | {"format": 99}))
        case "config":
            head.write_text(json.dumps(json.loads(head.read_text()) | {"config": {"depth": 3}}))
        case "system":
            head.write_text(json.dumps(json.loads(head.read_text()) | {"system": "../flipbok"}))


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("missing", r"painter\.safetensors is missing; there is"),
        ("cut", r"painter\.safetensors is damaged"),
        ("header", r"painter\.safetensors is damaged"),
        ("pickle", r"painter\.safetensors is damaged or no safetensors"),
        ("other pickle", r"painter\.safetensors is missing; there is .*painter\.pt.*; pickles are not opened"),
        ("shape", r"painter\.safetensors .* mix\.bias is \(3,\) and should be \(12,\)"),
        ("foreign", r"painter\.safetensors .* has a foreign guest"),
        ("lacking", r"painter\.safetensors .* lacks mix\.bias"),
        ("nan", r"painter\.safetensors is damaged: mix\.bias holds numbers that are not finite"),
        ("no head", r"has no system\.json"),
        ("json", r"system\.json is damaged"),
        ("not ours", r"system\.json is not ours"),
        ("format", r"system\.json has format 99; this version reads format 1"),
        ("config", r"system\.json does not describe a flipbook: Config has no depth"),
        ("system", r"no system '\.\./flipbok'; did you mean flipbook"),
    ],
)
def test_damaged_and_foreign_weights_are_refused_by_name(
    how: str, words: str, flipbook: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    flipbook.save(tmp_path / "weights")
    damage(tmp_path / "weights", how)
    monkeypatch.setattr(torch, "load", None)
    monkeypatch.setattr(pickle, "load", None)
    with pytest.raises(ValueError, match=words):
        load(tmp_path / "weights")


@pytest.mark.parametrize(
    ("name", "words"),
    [("flipbok", "did you mean flipbook"), ("flipbook", "no weights of flipbook are bundled"), ("./none", "no folder")],
)
def test_what_cannot_be_loaded_by_name_is_said(name: str, words: str):
    with pytest.raises(ValueError, match=words):
        load(name)


def test_a_file_is_no_folder_of_weights(flipbook: System, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is a file"):
        load(tmp_path / "file")
    with pytest.raises(ValueError, match="is a file"):
        flipbook.save(tmp_path / "file")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"prompt": " "}, "the prompt is empty"),
        ({"prompt": "x" * 5000}, "4,096 characters; this one has 5,000"),
        ({"negative_prompt": "x" * 5000}, "negative_prompt must be at most 4,096 characters; got 5000 characters"),
        ({"height": 0}, "height must be at least 16; got 0"),
        ({"width": 33}, "width must be a multiple of 2, such as 32 or 34; got 33"),
        ({"width": 10**9}, "width must be at most 2,048"),
        ({"num_frames": 0}, "num_frames must be at least 1"),
        ({"num_inference_steps": -1}, "num_inference_steps must be at least 1; got -1"),
        ({"fps": 0}, "fps must be at least 1"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"seed": 1.5}, "seed must be a whole number; got 1.5"),
        ({"guidance_scale": float("inf")}, "guidance_scale must be a finite number"),
    ],
)
def test_impossible_options_name_what_is_allowed(given: dict, words: str):
    with pytest.raises(ValueError, match=words):
        Options(**({"prompt": "a"} | given))


def test_a_system_may_change_the_defaults_and_limits_of_its_options():
    ours = find("flipbook").Options("a bear")
    assert (ours.height, ours.fps) == (16, 8)
    with pytest.raises(ValueError, match="height must be at most 64"):
        replace(ours, height=128)
    silent(0.5, "nothing")


def test_tables_keep_their_precision_when_weights_are_loaded_in_half(tmp_path: Path):
    from kineograph.systems.kineograph import Kineograph

    config = Kineograph.PRESETS["toy"]
    Kineograph(replace(config, codec=replace(config.codec, encoder_widths=()))).save(tmp_path, dtype=torch.float16)
    system = Kineograph.load(tmp_path, dtype=torch.bfloat16)
    assert system.codec.decoder[0].weight.dtype == torch.bfloat16
    assert system.codec.encoder.waves.dtype == system.codec.mean.dtype == torch.float32
    assert system.codec.decode(torch.zeros(1, 1, 4, 2, 2)).dtype == torch.float32


def test_a_system_is_opened_as_is_quick_here_or_as_asked_or_untrained(tmp_path: Path):
    find("latent_diffusion").preset("toy").save(tmp_path)
    assert opened(tmp_path).precision == str(quick_dtype()).removeprefix("torch.")
    assert opened(tmp_path, dtype=torch.float32).precision == "float32"
    assert opened(tmp_path, dtype=torch.bfloat16).precision == "bfloat16"
    assert opened("latent_diffusion", "toy").weights == "untrained toy"
