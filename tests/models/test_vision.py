"""Spaces of pictures and words, ours and transformers', from folders."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from tokenizers import pre_tokenizers

from kineograph.evaluation.alignment import Alignment
from kineograph.models import vision
from kineograph.models.clip_text import made, write_tokenizer
from kineograph.models.vision import ImageText, load_image_text, load_video_mae, squared


@pytest.fixture(scope="module")
def ours(tmp_path_factory) -> Path:
    """The folder of an untrained World CLIP, without the heads that taught it."""
    folder = Alignment.preset("toy").save(tmp_path_factory.mktemp("ours"))
    (folder / "heads.safetensors").unlink()
    return folder


@pytest.fixture(scope="module")
def theirs(tmp_path_factory) -> Path:
    """The folder of a tiny CLIP with random weights, as transformers writes it."""
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("models") / "tiny"
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    write_tokenizer(made({word: i for i, word in enumerate(words)}, []), "<|endoftext|>", folder, length=12)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    first, last = len(words) - 2, len(words) - 1
    text = {"vocab_size": len(words), "max_position_embeddings": 12, "bos_token_id": first, "eos_token_id": last}
    torch.manual_seed(0)
    config = transformers.CLIPConfig(
        text_config=sizes | text | {"pad_token_id": last},
        vision_config=sizes | {"image_size": 32, "patch_size": 8},
        projection_dim=12,
    )
    transformers.CLIPModel(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("which", ["ours", "theirs"])
@torch.no_grad()
def test_any_space_is_used_alike(which: str, request: pytest.FixtureRequest):
    space = load_image_text(request.getfixturevalue(which))
    assert isinstance(space, ImageText)
    assert space.external
    assert not any(p.requires_grad for p in space.parameters())
    images, words = space.encode_image(torch.rand(2, 3, 40, 56) * 2 - 1), space.encode_text(["a bear", "snow"])
    assert images.shape == words.shape == (2, space.dim)
    for vectors in (images, words):
        torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))
    assert not torch.allclose(words[0], words[1], atol=1e-3)


@torch.no_grad()
def test_a_folder_gives_the_network_that_was_saved(ours: Path):
    alignment, space = Alignment.load(add_heads(ours)), load_image_text(ours)
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    torch.testing.assert_close(space.encode_image(images), alignment.network.see(images))
    torch.testing.assert_close(space.encode_text(["a bear"]), alignment.network.read(alignment.text(["a bear"])))
    assert len(space.name.removeprefix("World CLIP ")) == 8


def add_heads(folder: Path) -> Path:
    """The folder as training leaves it, elsewhere."""
    whole = folder.with_name("whole")
    Alignment.preset("toy").save(whole)
    (whole / "network.safetensors").write_bytes((folder / "network.safetensors").read_bytes())
    return whole


@torch.no_grad()
def test_transformers_sees_what_its_own_preprocessing_shows(theirs: Path):
    from transformers import CLIPModel
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    space, model = load_image_text(theirs), CLIPModel.from_pretrained(theirs)
    frames = torch.randint(0, 256, (2, 3, 32, 32), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    processor = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    pixels = processor(list(frames.permute(0, 2, 3, 1).numpy()), return_tensors="pt")["pixel_values"]
    tokens = space.tokenizer(["a bear", "ox"], padding=True, return_tensors="pt")
    out = model(pixel_values=pixels, **tokens)
    torch.testing.assert_close(space.encode_image(frames.float() / 127.5 - 1), out.image_embeds, atol=1e-5, rtol=0)
    torch.testing.assert_close(space.encode_text(["a bear", "ox"]), out.text_embeds, atol=1e-5, rtol=0)
    assert space.name == "CLIP tiny"
    assert torch.isfinite(space.encode_text(["a caption of very many letters, longer than it can read"])).all()


@pytest.mark.parametrize(("height", "width"), [(40, 56), (56, 40), (20, 20)])
def test_the_middle_square_is_looked_at(height: int, width: int):
    images = torch.full((1, 3, height, width), -1.0)
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    images[..., top : top + side, left : left + side] = 0.5
    torch.testing.assert_close(squared(images, 32), torch.full((1, 3, 32, 32), 0.5))
    assert torch.equal(squared(images, side), images[..., top : top + side, left : left + side])


def test_weights_that_are_not_there_are_said(ours: Path, theirs: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(vision, "BUNDLED", tmp_path / "world_clip")
    with pytest.raises(ValueError, match=r"no World CLIP is in .*: teach one with kineograph evaluate --learn-align"):
        load_image_text(vision.BUNDLED)
    with pytest.raises(ValueError, match=r"no folder .*none; a CLIPModel is wanted: config.json and model.safetensors"):
        load_image_text(tmp_path / "none")
    with pytest.raises(ValueError, match=r"no folder .*none; a VideoMAEModel is wanted.*https://huggingface.co/MCG"):
        load_video_mae(str(tmp_path / "none"))
    with pytest.raises(ValueError, match="a VideoMAEModel is wanted"):
        load_video_mae(tmp_path)
    with pytest.raises(ValueError, match=r"tiny lacks .* weights more; a VideoMAEModel"):
        load_video_mae(theirs)  # a network of another kind is not filled up by lot
    other = tmp_path / "other"
    other.mkdir()
    (other / "system.json").write_text(json.dumps({"format": 1, "system": "kineograph", "config": {"size": 64}}))
    with pytest.raises(ValueError, match=r"system.json does not describe a World CLIP"):
        load_image_text(other)
    (other / "system.json").write_bytes((ours / "system.json").read_bytes())
    tensors = safetensors.torch.load_file(str(ours / "network.safetensors"))
    safetensors.torch.save_file({k: x for k, x in tensors.items() if k != "sharpness"}, other / "network.safetensors")
    with pytest.raises(ValueError, match="of another network: it lacks sharpness"):
        load_image_text(other)
