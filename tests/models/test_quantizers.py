from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from kineograph.models.quantizers import Codebook, CodebookConfig, perplexity, usage

CONFIG = CodebookConfig(codes=16, code_dim=4)
PAIR = replace(CONFIG, groups=2)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def book() -> Codebook:
    torch.manual_seed(0)
    return Codebook(8, CONFIG)


@pytest.mark.parametrize("config", [CONFIG, PAIR])
def test_a_token_is_the_code_of_the_largest_cosine_in_its_book(config: CodebookConfig):
    torch.manual_seed(0)
    book, x = Codebook(8, config), normal(2, 3, 5, 8)
    tokens = book.encode(x)
    assert tokens.shape == (2, 3, 5, config.groups)
    assert tokens.dtype == torch.int64
    for g, codes in enumerate(book.book.chunk(config.groups)):
        z = F.normalize(book.inward(x)[..., 4 * g : 4 * g + 4], dim=-1)
        assert torch.equal(tokens[..., g], torch.einsum("...c,kc->...k", z, codes).argmax(-1))


@pytest.mark.parametrize("config", [CONFIG, PAIR])
def test_many_vectors_are_compared_in_pieces(config: CodebookConfig, monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(0)
    book, x = Codebook(8, config), normal(50, 8)
    whole = book.encode(x)
    monkeypatch.setattr("kineograph.models.quantizers.ROWS", 7)
    assert torch.equal(book.encode(x), whole)


@pytest.mark.parametrize("config", [CONFIG, PAIR])
def test_at_rest_it_rounds_and_changes_nothing(config: CodebookConfig):
    torch.manual_seed(0)
    book = Codebook(8, config).eval()
    before = {k: v.clone() for k, v in book.state_dict().items()}
    out, tokens, commitment = book(normal(3, 5, 8))
    assert torch.equal(tokens, book.encode(normal(3, 5, 8)))
    torch.testing.assert_close(out, book.decode(tokens))
    assert 0 < commitment.item() < 4  # squared distances on the unit sphere
    assert all(torch.equal(v, before[k]) for k, v in book.state_dict().items())


def test_gradients_pass_as_if_nothing_had_been_rounded(book: Codebook):
    book.eval()
    x = normal(4, 8).requires_grad_()
    out, _, commitment = book(x)
    (g,) = torch.autograd.grad(out.sum(), x, retain_graph=True)
    y = normal(4, 8).requires_grad_()
    (plain,) = torch.autograd.grad(book.outward(book.project(y).flatten(-2)).sum(), y)
    torch.testing.assert_close(g, plain)
    assert torch.autograd.grad(commitment, book.inward.weight)[0].any()


def test_the_first_batch_places_the_codes(book: Codebook):
    torch.manual_seed(1)
    x = 0.01 * normal(200, 8) + torch.arange(8.0)  # all in one corner, far from most random codes
    assert usage(book.encode(x), 16) < 0.3
    _, tokens, _ = book(x)
    assert usage(tokens, 16) > 0.6
    assert book.encode(x).eq(tokens).float().mean() > 0.5


def test_the_book_follows_what_it_sees(book: Codebook):
    x = normal(64, 8)
    torch.manual_seed(0)
    first = book(x)[2].item()
    for _ in range(200):
        last = book(x)[2].item()
    assert last < first
    torch.testing.assert_close(book.book.norm(dim=1), torch.ones(16))
    tokens = book.encode(x).flatten()
    torch.testing.assert_close(book.uses, torch.bincount(tokens, minlength=16) / 4, atol=0.5, rtol=0)


@pytest.mark.parametrize("group", [0, 1])
def test_dead_codes_are_put_where_their_books_vectors_are(group: int):
    torch.manual_seed(0)
    book, dead = Codebook(8, PAIR), slice(16 * group + 3, 16 * group + 9)
    book(normal(64, 8))
    book.uses[dead] = 0.01
    kept, x = book.book.clone(), normal(64, 8, seed=1)
    z = book.project(x).detach()
    book.revive(z)
    assert ((z[:, group] @ book.book[dead].t()).amax(0) > 0.99).all()
    assert (book.uses[dead] == 1).all()
    living = torch.ones(32, dtype=torch.bool)
    living[dead] = False
    assert torch.equal(book.book[living], kept[living])


def test_books_know_nothing_of_each_other():
    """Two books of half a vector each are two codebooks side by side."""
    torch.manual_seed(0)
    pair, alone = Codebook(8, PAIR), [Codebook(8, CONFIG), Codebook(8, CONFIG)]
    for g, one in enumerate(alone):
        one.inward.weight.data, one.inward.bias.data = (
            x[4 * g : 4 * g + 4] for x in (pair.inward.weight, pair.inward.bias)
        )
        one.book.copy_(pair.book[16 * g : 16 * g + 16])
    for book in (pair, *alone):
        book.uses.fill_(1)  # none is dead: where dead codes go is by lot
        for seed in range(3):
            book(normal(64, 8, seed=seed))
    torch.testing.assert_close(pair.book, torch.cat([one.book for one in alone]))
    torch.testing.assert_close(pair.uses, torch.cat([one.uses for one in alone]))
    x = normal(9, 8)
    assert torch.equal(pair.encode(x), torch.cat([one.encode(x) for one in alone], 1))


def test_an_unused_code_dies_within_some_hundred_batches(book: Codebook):
    book.uses.fill_(1)
    z, living = book.project(normal(1, 8).expand(10, 8)).detach(), []
    for _ in range(150):
        book.follow(z, book.nearest(z))
        living.append(int((book.uses >= 0.1).sum()))
    assert living[50] == 16
    assert living[-1] == 1


def test_its_state_is_saved_and_goes_on_bit_for_bit(book: Codebook):
    torch.manual_seed(0)
    book(normal(64, 8))
    again = Codebook(8, CONFIG)
    again.load_state_dict(book.state_dict())
    for each in (book, again):
        torch.manual_seed(5)
        each(normal(64, 8, seed=2))
    assert torch.equal(book.book, again.book)
    assert torch.equal(book.uses, again.uses)


def test_it_compares_in_float32_where_weights_are_bfloat16(book: Codebook):
    for p in book.parameters():
        p.data = p.data.bfloat16()
    out, _, commitment = book(normal(64, 8).bfloat16())
    assert out.dtype == torch.bfloat16
    assert commitment.dtype == book.book.dtype == torch.float32
    book.to(torch.bfloat16).eval()  # as a system is loaded
    assert book.decode(book.encode(normal(4, 8).bfloat16())).dtype == torch.bfloat16


def test_usage_and_perplexity_count_codes():
    tokens = torch.tensor([[0, 0, 1], [1, 2, 2]])
    assert usage(tokens, 4) == 0.75
    assert perplexity(tokens, 4) == pytest.approx(3)
    assert perplexity(torch.zeros(5, dtype=torch.long), 4) == pytest.approx(1)


def test_books_are_counted_each_for_itself():
    tokens = torch.tensor([[0, 3], [0, 2], [0, 1], [0, 0]])  # of one book always the same, of the other all alike
    assert usage(tokens, 4, 2) == 5 / 8
    assert perplexity(tokens, 4, 2) == pytest.approx(2)  # sqrt(1 x 4)
