"""CLIP's text encoder and its tokenizer against those of transformers, on random weights and a tiny vocabulary."""

import shutil
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, pre_tokenizers

from kineograph.models.clip_text import CLIPText, CLIPTextConfig, made, read_tokenizer, write_tokenizer

transformers = pytest.importorskip("transformers", reason="parity is measured against transformers")

PROMPTS = ["a bear  Walks, it's 12!", "bear"]


def vocabulary() -> tuple[dict[str, int], list[tuple[str, str]]]:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*letters, *(c + "</w>" for c in letters), "be", "bea", "bear</w>", "<|startoftext|>", "<|endoftext|>"]
    return {word: i for i, word in enumerate(words)}, [("b", "e"), ("be", "a"), ("bea", "r</w>")]


def encoder(activation: str) -> tuple[CLIPText, torch.nn.Module]:
    """Ours and theirs, alike."""
    vocab, merges = vocabulary()
    torch.manual_seed(0)
    theirs = transformers.CLIPTextModel(
        transformers.CLIPTextConfig(
            vocab_size=len(vocab), hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
            eos_token_id=vocab["<|endoftext|>"], bos_token_id=vocab["<|startoftext|>"], hidden_act=activation,
        )
    ).eval()  # fmt: skip
    generator = torch.Generator().manual_seed(1)
    for p in theirs.parameters():
        p.data.add_(torch.randn(p.shape, generator=generator), alpha=0.05)
    ours = CLIPText(
        CLIPTextConfig(len(vocab), 24, 32, 2, 2, activation=activation), made(vocab, merges, padding="!"), padding="!"
    )
    ours.load_state_dict({name: x for name, x in theirs.state_dict().items() if "position_ids" not in name})
    return ours, theirs


@pytest.mark.parametrize("activation", ["quick_gelu", "gelu"])
@torch.no_grad()
def test_it_reads_as_transformers_does(activation: str):
    ours, theirs = encoder(activation)
    vocab, merges = vocabulary()
    tokenizer = transformers.CLIPTokenizer(vocab=vocab, merges=merges, pad_token="!")
    ids = tokenizer(PROMPTS, padding="max_length", max_length=77, return_tensors="pt").input_ids
    out, cond = theirs(ids), ours(PROMPTS)
    assert cond.tokens.shape == (2, 77, 24)
    assert cond.mask is None
    assert (cond.tokens - out.last_hidden_state).abs().max() <= 1e-5
    assert (cond.vector - out.pooler_output).abs().max() <= 1e-5


def test_it_is_not_trained_and_refuses_what_is_too_long():
    ours, _ = encoder("gelu")
    assert not any(p.requires_grad for p in ours.parameters())
    assert ours.count("bear") == 3
    with pytest.raises(ValueError, match="at most 77 tokens, this one has 82"):
        ours(["bear " * 80])
    with pytest.raises(ValueError, match="quick_gelu or gelu; got 'relu'"):
        CLIPTextConfig(activation="relu")


def test_what_comes_later_is_not_read():
    ours, _ = encoder("quick_gelu")
    a, b = ours(["bear bear", "bear x"]).tokens
    assert torch.allclose(a[:2], b[:2], atol=1e-6)
    assert not torch.allclose(a[2], b[2], atol=1e-3)


@pytest.mark.parametrize("pad", ["!", "<|endoftext|>"])
def test_a_tokenizer_of_vocabulary_and_merges_cuts_as_transformers_does(tmp_path: Path, pad: str):
    vocab, merges = vocabulary()
    write_tokenizer(made(vocab, merges, padding=pad), pad, tmp_path, length=77)
    theirs = transformers.CLIPTokenizer(vocab=vocab, merges=merges, pad_token=pad)
    prompts = [*PROMPTS, "It's THE  café — 3½ bears'd", "", "日本 <|endoftext|> x\n\ty"]
    for kept in (("tokenizer.json",), ("vocab.json", "merges.txt")):
        place = tmp_path / kept[0].split(".")[0]
        place.mkdir()
        for name in (*kept, "tokenizer_config.json"):
            shutil.copy(tmp_path / name, place)
        tokenizer, padding = read_tokenizer(place)
        assert padding == pad
        for prompt in prompts:
            assert tokenizer.encode(prompt).ids == theirs(prompt).input_ids, prompt


def test_a_folder_without_clip_s_tokenizer_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="holds no tokenizer"):
        read_tokenizer(tmp_path)
    vocab, merges = vocabulary()
    with pytest.raises(ValueError, match="does not know"):
        CLIPText(CLIPTextConfig(len(vocab), 24, 32, 1, 2), made(vocab, merges), padding="<pad>")
    with pytest.raises(ValueError, match="does not know"):
        CLIPText(CLIPTextConfig(4, 24, 32, 1, 2), Tokenizer.from_str(EMPTY))


EMPTY = '{"version": "1.0", "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}}'
