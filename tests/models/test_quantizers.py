import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from kineograph.models.quantizers import Codebook, CodebookConfig, perplexity, usage

CONFIG = CodebookConfig(codes=16, code_dim=4)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def book() -> Codebook:
    torch.manual_seed(0)
    return Codebook(8, CONFIG)


def test_a_token_is_the_code_of_the_largest_cosine(book: Codebook):
    x = normal(2, 3, 5, 8)
    tokens = book.encode(x)
    z = F.normalize(book.inward(x), dim=-1)
    assert tokens.shape == (2, 3, 5)
    assert tokens.dtype == torch.int64
    assert torch.equal(tokens, torch.einsum("...c,kc->...k", z, book.book).argmax(-1))


def test_many_vectors_are_compared_in_pieces(book: Codebook, monkeypatch: pytest.MonkeyPatch):
    x = normal(50, 8)
    whole = book.encode(x)
    monkeypatch.setattr("kineograph.models.quantizers.ROWS", 7)
    assert torch.equal(book.encode(x), whole)


def test_at_rest_it_rounds_and_changes_nothing(book: Codebook):
    book.eval()
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
    (plain,) = torch.autograd.grad(book.outward(book.project(y)).sum(), y)
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
    tokens = book.encode(x)
    torch.testing.assert_close(book.uses, torch.bincount(tokens, minlength=16) / 4, atol=0.5, rtol=0)


def test_dead_codes_are_put_where_vectors_are(book: Codebook):
    torch.manual_seed(0)
    book(normal(64, 8))
    book.uses[3:9] = 0.01
    kept, x = book.book.clone(), normal(64, 8, seed=1)
    book.revive(book.project(x).detach())
    near = (book.project(x) @ book.book.t()).amax(0)
    assert (near[3:9] > 0.99).all()
    assert (book.uses[3:9] == 1).all()
    living = [*range(3), *range(9, 16)]
    assert torch.equal(book.book[living], kept[living])


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
