"""The memory of words: what it counts, and whom it asks of words that it has not heard."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from kineograph.condition import Condition
from kineograph.models.vocabulary import FEW, Vocabulary

CAT, DOG, RUN, BE = F.one_hot(torch.arange(4), 6).float()
USUAL = torch.tensor([0.5, 0.5, 0.9, 0.1])


def said(*prompts: list[Tensor]) -> Condition:
    """Prompts as vectors of their words, each of a length of its own."""
    longest = max(map(len, prompts))
    rows = [F.pad(torch.stack(p), (0, 0, 0, longest - len(p))) for p in prompts]
    mask = torch.tensor([[i < len(p) for i in range(longest)] for p in prompts])
    return Condition(tokens=2 * torch.stack(rows), mask=mask)


@pytest.fixture
def memory() -> Vocabulary:
    """It has heard of a cat forty times and of a dog forty times, which always and never goes with the first value."""
    memory = Vocabulary(5, 6, 4)
    for _ in range(20):
        memory.hear(said([CAT, BE], [DOG], [CAT], [DOG, BE]), torch.tensor([[1, 0, 1, 0], [0, 1, 1, 0]] * 2))
    return memory


def test_it_counts_what_was_seen_with_each_word(memory: Vocabulary):
    assert memory.times.tolist() == [40, 40, 40, 0, 0]
    found = {tuple(word.tolist()): share.tolist() for word, share in zip(memory.heard, memory.shown, strict=True)}
    assert found[tuple(CAT.tolist())] == [1, 0, 1, 0]
    assert found[tuple(DOG.tolist())] == [0, 1, 1, 0]
    assert found[tuple(BE.tolist())] == pytest.approx([0.5, 0.5, 1, 0])


def test_an_unheard_word_is_taken_for_its_like(memory: Vocabulary):
    told = memory.told(said([F.normalize(CAT + 0.4 * RUN, dim=0)]), USUAL)[0]
    assert told[0] > 0.4
    assert told[1] < -1
    one = math.log((40 + FEW * 0.5) / (40 + FEW) / 0.5)
    assert told[0] < one, "a word that is only alike says less than the word itself"


def test_heard_words_and_padding_have_no_say(memory: Vocabulary):
    assert not memory.told(said([CAT, DOG, BE]), USUAL).any()
    kitten = F.normalize(CAT + 0.4 * RUN, dim=0)
    alone, among = memory.told(said([kitten]), USUAL), memory.told(said([kitten, BE], [BE, BE, BE]), USUAL)
    assert torch.allclose(alone[0], among[0])
    assert not among[1].any()


def test_unheard_words_add_up(memory: Vocabulary):
    kitten, puppy = F.normalize(CAT + 0.4 * RUN, dim=0), F.normalize(DOG + 0.4 * RUN, dim=0)
    apart = memory.told(said([kitten]), USUAL) + memory.told(said([puppy]), USUAL)
    assert torch.allclose(memory.told(said([kitten, puppy]), USUAL), apart, atol=1e-6)


def test_an_empty_memory_says_nothing():
    assert not Vocabulary(3, 6, 4).told(said([CAT]), USUAL).any()


def test_where_there_is_no_room_words_are_not_kept(memory: Vocabulary):
    others = F.normalize(torch.randn(9, 6, generator=torch.Generator().manual_seed(0)), dim=1)
    before = memory.heard[:3].clone()
    memory.hear(said([*others]), torch.tensor([[1, 0, 0, 1]]))
    assert torch.equal(memory.heard[:3], before)
    assert memory.times.tolist() == [40, 40, 40, 1, 1]
    assert memory.shown[3:].tolist() == [[1, 0, 0, 1]] * 2


def test_what_it_knows_survives_saving(memory: Vocabulary):
    other = Vocabulary(5, 6, 4)
    other.load_state_dict(memory.half().state_dict())
    kitten = said([F.normalize(CAT + 0.4 * RUN, dim=0)])
    assert torch.allclose(other.told(kitten, USUAL), memory.told(kitten, USUAL), atol=1e-3)
