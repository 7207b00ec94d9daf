"""The reader of prompts: what it tells, what padding and order of rows may not change, that it learns."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from kineograph.condition import Condition
from kineograph.models.prompt_reader import PromptReader, PromptReaderConfig, cut_short

CONFIG = PromptReaderConfig(classes=(4, 3, 2))


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def reader() -> PromptReader:
    """A reader whose weights are all moved a little: some of it begins at zero."""
    torch.manual_seed(0)
    reader = PromptReader(CONFIG).eval().requires_grad_(False)
    for i, p in enumerate(reader.parameters()):
        p.add_(normal(*p.shape, seed=i), alpha=0.1)
    return reader


@pytest.fixture
def cond() -> Condition:
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    return Condition(tokens=normal(2, 5, 32, seed=1), mask=mask, vector=normal(2, 32, seed=2))


def test_it_tells_a_feature_per_label_the_words_and_the_share_of_every_value(reader: PromptReader, cond: Condition):
    told = reader(cond)
    assert told.tokens.shape == (2, 3 + 5, 32)
    assert torch.equal(told.tokens[:, 3:], cond.tokens)
    assert torch.equal(told.mask, torch.cat([torch.ones(2, 3, dtype=torch.bool), cond.mask], 1))
    assert told.vector.shape == (2, 4 + 3 + 2)
    for values in told.vector.split(CONFIG.classes, dim=1):
        assert values.sum(1).allclose(torch.ones(2))
        assert values.min() > 0


def test_padding_has_no_say(reader: PromptReader, cond: Condition):
    longer = cond.padded(9)
    longer = replace(longer, tokens=torch.where(longer.mask[..., None], longer.tokens, 7.0))
    assert torch.allclose(reader(longer).vector, reader(cond).vector, atol=1e-6)
    alone = reader(Condition(tokens=cond.tokens[1:, :3], vector=cond.vector[1:]))
    assert torch.allclose(alone.vector, reader(cond).vector[1:], atol=1e-6)


def test_every_word_can_count(reader: PromptReader, cond: Condition):
    for i in range(3):
        other = cond.tokens.clone()
        other[:, i] = normal(2, 32, seed=9)
        change = (reader(replace(cond, tokens=other)).vector - reader(cond).vector).abs().amax(1)
        assert change.min() > 1e-5
    whole = replace(cond, vector=normal(2, 32, seed=9))
    assert (reader(whole).vector - reader(cond).vector).abs().amax(1).min() > 1e-5


def test_words_by_themselves_count_and_their_order_and_padding_does_not(reader: PromptReader, cond: Condition):
    words = Condition(tokens=normal(2, 4, 32, seed=5), mask=torch.tensor([[True] * 4, [True] * 2 + [False] * 2]))
    told = reader(cond, words)
    assert told.tokens.shape == (2, 3 + 5, 32)
    assert (told.vector - reader(cond).vector).abs().amax(1).min() > 1e-5
    turned = replace(words, tokens=words.tokens.roll(1, 1), mask=None)
    assert (reader(cond, replace(words, mask=None)).vector - reader(cond, turned).vector).abs().amax(1).min() > 1e-6
    filled = words.padded(6)
    filled = replace(filled, tokens=torch.where(filled.mask[..., None], filled.tokens, 7.0))
    assert torch.allclose(reader(cond, filled).vector, told.vector, atol=1e-6)
    nothing = Condition(tokens=torch.zeros(2, 0, 32), mask=torch.zeros(2, 0, dtype=torch.bool))
    assert torch.allclose(reader(cond, nothing).tokens, reader(cond).tokens, atol=1e-6)


def test_three_readings_make_one_opinion(reader: PromptReader, cond: Condition):
    words = Condition(tokens=normal(2, 4, 32, seed=5))
    none = Condition(tokens=cond.tokens[:, :0])
    both, sentence, alone = (
        torch.cat([s.log_softmax(1) for s in reader.scores(reader.features(*given))], dim=1)
        for given in ((cond, words), (cond,), (none, words))
    )
    parts = ((2 * both + sentence + alone) / 4).split([4, 3, 2], dim=1)
    assert torch.allclose(reader(cond, words).vector, torch.cat([p.softmax(1) for p in parts], dim=1), atol=1e-6)


def test_in_teaching_states_or_words_are_hidden_at_times():
    torch.manual_seed(0)
    reader = PromptReader(replace(CONFIG, noise=0.0)).train()
    for i, p in enumerate(reader.parameters()):
        p.data.add_(normal(*p.shape, seed=i), alpha=0.1)
    cond = Condition(tokens=normal(1, 5, 32, seed=1).expand(64, -1, -1).clone())
    words = Condition(tokens=normal(1, 4, 32, seed=5).expand(64, -1, -1).clone())
    kinds = {tuple(row) for row in reader.features(cond, words).flatten(1).mul(1e4).round().tolist()}
    assert len(kinds) == 3


def test_one_value_is_chosen_for_each_label():
    reader = PromptReader(replace(CONFIG, classes=(4, 3)))
    usual = torch.tensor([[0.7, 0.1, 0.1, 0.1, 0.4, 0.3, 0.3]])

    def chosen(*p: float, before: tuple[int, int] | None = None, seed: int = 0) -> list[int]:
        was = None if before is None else torch.tensor([before])
        return reader.chosen(torch.tensor([p]), usual, seed, was)[0].tolist()

    assert chosen(0.02, 0.95, 0.02, 0.01, 0.0, 0.0, 1.0) == [1, 2], "what is said"
    lots = {chosen(0.25, 0.39, 0.35, 0.01, 1.0, 0.0, 0.0, seed=k)[0] for k in range(30)}
    assert lots == {0, 1, 2}, "by lot among what is about as likely"
    lots = {chosen(0.0, 0.55, 0.4, 0.05, 1.0, 0.0, 0.0, seed=k)[0] for k in range(30)}
    assert lots == {1}, "unless one is likely"
    silent = (0.9, 0.06, 0.03, 0.01, 0.5, 0.25, 0.25)
    assert chosen(*silent, before=(2, 1)) == [2, 1], "what has been shown stays"
    assert chosen(0.99, 0.0, 0.01, 0.0, 0.0, 0.001, 0.999, before=(2, 1)) == [0, 2], "unless words deny it"
    assert chosen(0.3, 0.7, 0.0, 0.0, 1.0, 0.0, 0.0, before=(0, 0)) == [1, 0], "the ordinary is not held on to"
    assert chosen(*silent, before=(2, -1)) == [2, 0], "nor what no longer matters"


def test_values_that_never_go_together_are_not_chosen_together():
    reader = PromptReader(replace(CONFIG, classes=(4, 3))).train()
    vector, usual = torch.tensor([[0.0, 0.7, 0.3, 0.0, 0.5, 0.4, 0.1]]), torch.full((1, 7), 0.3)
    assert reader.chosen(vector, usual, 0).tolist() == [[1, 0]]
    clips = [[1, 1]] * 50 + [[2, 0]] * 50
    reader.loss(Condition(tokens=normal(100, 5, 32)), torch.tensor(clips))
    table = reader.together()
    assert torch.equal(table, table.T)
    assert table[1, 4 + 1] == table[2, 4 + 0] == 0, "what goes together often is not favoured for it"
    assert table[1, 4 + 0].item() == pytest.approx(math.log(1 / 26)), "25 by chance, and none were seen"
    assert reader.chosen(vector, usual, 0).tolist() == [[1, 1]]
    vector[0, 4:] = torch.tensor([0.99, 0.01, 0.0])
    assert reader.chosen(vector, usual, 0).tolist() == [[2, 0]], "the surest is settled first"
    assert "counts" in reader.state_dict(), "teaching that goes on counts on"
    reader.eval().loss(Condition(tokens=normal(100, 5, 32)), torch.tensor(clips))
    assert torch.equal(reader.together(), table)


def test_what_never_goes_with_the_gist_is_no_choice_for_what_is_bound():
    reader = PromptReader(replace(CONFIG, classes=(2, 2, 2, 3), bound=(3,))).train()
    clips = [[0, 0, 0, 0]] * 60 + [[1, 0, 0, 1]] * 60 + [[1, 0, 0, 0]] * 3
    reader.loss(Condition(tokens=normal(123, 5, 32)), torch.tensor(clips))
    usual = torch.full((1, 9), 0.3)

    def chosen(first: float, last: tuple[float, ...]) -> list[int]:
        vector = torch.tensor([[first, 1 - first, 1.0, 0.0, 1.0, 0.0, *last]])
        return reader.chosen(vector, usual, 0)[0].tolist()

    assert chosen(0.9, (0.001, 0.999, 0.0)) == [0, 0, 0, 0], "however surely it is said, and the gist comes first"
    assert chosen(0.1, (0.001, 0.999, 0.0)) == [1, 0, 0, 1]
    assert chosen(0.9, (0.0, 0.0, 1.0)) == [0, 0, 0, 2], "of what was never seen nothing is known"
    reader.config = replace(reader.config, bound=())
    assert chosen(0.9, (0.001, 0.999, 0.0)) == [0, 0, 0, 1]


def test_a_vector_that_leaves_nothing_open():
    reader = PromptReader(replace(CONFIG, classes=(4, 3)))
    labels = torch.tensor([[1, 2], [3, 0]])
    vector = reader.certain(labels)
    assert vector.tolist() == [[0, 1, 0, 0, 0, 0, 1], [0, 0, 0, 1, 1, 0, 0]]
    assert torch.equal(reader.likeliest(vector), labels)


def test_it_meets_noise_in_training_only(reader: PromptReader, cond: Condition):
    assert torch.equal(reader(cond).vector, reader(cond).vector)
    busy = copy.deepcopy(reader).train()
    assert not torch.equal(busy(cond).vector, busy(cond).vector)


def test_it_learns_what_words_say_and_is_unsure_of_what_they_do_not():
    torch.manual_seed(0)
    reader, words = PromptReader(PromptReaderConfig(classes=(4, 2), noise=0.3)), normal(4, 3, 32)
    optimizer = torch.optim.Adam(reader.parameters(), 3e-3)
    for _ in range(150):
        which = torch.randint(4, (32,))
        optimizer.zero_grad()
        labels = torch.stack([which, torch.randint(2, (32,))], 1)  # the second is by lot, whatever the words
        reader.loss(Condition(tokens=words[which]), labels).backward()
        optimizer.step()
    told = reader.eval()(Condition(tokens=words)).vector
    assert told[:, :4].diagonal().min() > 0.9
    assert (told[:, 4:] - 0.5).abs().max() < 0.25


def test_some_captions_end_early():
    torch.manual_seed(0)
    captions = ["a red car drives to the left"] * 300 + ["bears", "a bear"] * 10
    short = cut_short(captions)
    assert all(whole.startswith(said) for said, whole in zip(short, captions, strict=True))
    assert short[300:] == captions[300:], "nothing is left to cut"
    counts = {len(said.split()) for said in short[:300]}
    assert counts == {2, 3, 4, 5, 6, 7}
    assert 0.25 < sum(said != captions[0] for said in short[:300]) / 300 < 0.45


def test_unheard_words_are_read_by_those_most_like_them():
    torch.manual_seed(0)
    reader = PromptReader(replace(CONFIG, classes=(4, 3), vocabulary=8)).train()
    cat, dog = normal(2, 32, seed=1)
    labels = torch.tensor([[1, 0], [2, 2]] * 50)
    spoken = Condition(tokens=torch.stack([cat, dog] * 50)[:, None], mask=torch.ones(100, 1, dtype=torch.bool))
    reader.loss(Condition(tokens=normal(100, 5, 32)), labels, spoken)
    reader.eval()
    cond = Condition(tokens=normal(1, 5, 32))

    def read(word: Tensor) -> Tensor:
        words = Condition(tokens=word[None, None], mask=torch.ones(1, 1, dtype=torch.bool))
        with_memory, reader.vocabulary, kept = reader(cond, words).vector, None, reader.vocabulary
        without, reader.vocabulary = reader(cond, words).vector, kept
        return (with_memory / without)[0]

    assert torch.equal(read(cat), torch.ones(7)), "a heard word is read, not looked up"
    kitten = read(cat + 0.3 * normal(32, seed=2))
    assert kitten[1] > kitten[2]
    assert kitten[4] > kitten[6]
    assert reader.unheard(spoken).tolist() == [False] * 100
    assert reader.unheard(Condition(tokens=normal(1, 1, 32, seed=3), mask=spoken.mask[:1])).tolist() == [True]
