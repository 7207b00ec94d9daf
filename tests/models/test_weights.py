"""Folders of weights: written, read whole or in shards, refused when they are not what they should be."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from kineograph.models.weights import building, filled, read_json, read_tensors, write_part

TENSORS = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.ones(2)}


def open_linear(tensors: dict[str, torch.Tensor], dtype: torch.dtype = torch.float32) -> nn.Linear:
    return filled(lambda: nn.Linear(3, 2), tensors, Path("somewhere"), dtype)


def sharded(folder: Path, names: dict[str, str], variant: str = "") -> None:
    """An index of the stem `net`, and shards of one tensor each."""
    folder.mkdir(exist_ok=True)
    index = f"net.safetensors.index{variant}.json"
    (folder / index).write_text(json.dumps({"weight_map": names}))
    for tensor, name in names.items():
        if Path(name).name == name:
            save_file({tensor: TENSORS[tensor]}, folder / name)


def test_what_is_written_is_read(tmp_path: Path):
    write_part(tmp_path / "part", "net", {"widths": (1, 2)}, {"weight": TENSORS["weight"].t(), "bias": TENSORS["bias"]})
    assert read_json(tmp_path / "part" / "config.json") == {"widths": [1, 2]}
    tensors = read_tensors(tmp_path / "part", "net")
    assert torch.equal(tensors["weight"].t(), TENSORS["weight"])


def test_shards_and_variants(tmp_path: Path):
    sharded(tmp_path / "plain", {"weight": "net-1-of-2.safetensors", "bias": "net-2-of-2.safetensors"})
    half = {"weight": "net.fp16-1-of-2.safetensors", "bias": "net.fp16-2-of-2.safetensors"}
    sharded(tmp_path / "half", half, ".fp16")
    for folder, variant in (("plain", ""), ("half", "fp16")):
        tensors = read_tensors(tmp_path / folder, "net", variant)
        assert all(torch.equal(tensors[name], x) for name, x in TENSORS.items())
    with pytest.raises(ValueError, match=r"net.safetensors is missing; there is net.fp16-1"):
        read_tensors(tmp_path / "half", "net")
    with pytest.raises(ValueError, match=r"net.fp16.safetensors is missing"):
        read_tensors(tmp_path / "plain", "net", "fp16")


def test_pickles_and_files_elsewhere_are_refused(tmp_path: Path):
    torch.save(TENSORS, tmp_path / "net.bin")
    with pytest.raises(ValueError, match="pickles are not opened, for they can run code"):
        read_tensors(tmp_path, "net")
    sharded(tmp_path, {"weight": "../net.safetensors"})
    with pytest.raises(ValueError, match="does not name files beside it"):
        read_tensors(tmp_path, "net")
    (tmp_path / "net.safetensors.index.json").write_text(json.dumps({"weight_map": {"weight": "net.bin"}}))
    with pytest.raises(ValueError, match="pickles are not opened"):
        read_tensors(tmp_path, "net")


def test_damage_is_named(tmp_path: Path):
    (tmp_path / "net.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    (tmp_path / "config.json").write_text("{")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(ValueError, match="damaged or no safetensors file"):
        read_tensors(tmp_path, "net")
    with pytest.raises(ValueError, match=r"config.json is damaged"):
        read_json(tmp_path / "config.json")
    with pytest.raises(ValueError, match="no JSON object"):
        read_json(tmp_path / "list.json")
    with pytest.raises(ValueError, match=r"none.json is missing"):
        read_json(tmp_path / "none.json")


def test_a_module_is_filled_without_drawing_weights():
    before = torch.random.get_rng_state()
    layer = open_linear(TENSORS, torch.bfloat16)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert layer.weight.dtype == torch.bfloat16
    assert layer.weight.requires_grad
    assert torch.equal(layer.weight.float(), TENSORS["weight"])
    assert not layer.training


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"gain": torch.ones(2)}, "it has a foreign gain, and 1 names differ"),
        ({"weight": torch.ones(3, 2)}, r"weight is \(3, 2\) and should be \(2, 3\)"),
        ({"bias": torch.tensor([1.0, float("nan")])}, "bias holds numbers that are not finite"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, torch.Tensor], words: str):
    with pytest.raises(ValueError, match=words):
        open_linear(TENSORS | changes)
    with pytest.raises(ValueError, match="it lacks weight"):
        open_linear({"bias": TENSORS["bias"]})


def test_a_folder_is_there_whole_or_not_at_all(tmp_path: Path):
    def half() -> None:
        with building(tmp_path / "deep" / "new") as place:
            (place / "one").write_text("1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    assert not [*(tmp_path / "deep").iterdir()]
    with building(tmp_path / "deep" / "new") as place:
        (place / "one").write_text("1")
    assert [p.name for p in (tmp_path / "deep" / "new").iterdir()] == ["one"]
    again = building(tmp_path / "deep" / "new")
    with pytest.raises(ValueError, match="is there already"):
        again.__enter__()
