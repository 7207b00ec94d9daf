from dataclasses import replace

import pytest
import torch
from torch import Tensor

from kineograph.condition import Condition
from kineograph.models.transformer import RULES, TokenJudge, TokenTransformer, TokenTransformerConfig
from kineograph.nn.attention import NormedAttention

CONFIG = TokenTransformerConfig(codes=10, grid=(4, 2, 3), text_dim=12)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def stirred(net: torch.nn.Module) -> torch.nn.Module:
    with torch.no_grad():
        for i, p in enumerate(net.parameters()):
            p.add_(normal(*p.shape, seed=i), alpha=0.2)
    return net.eval()


@pytest.fixture(scope="module")
def net() -> TokenTransformer:
    torch.manual_seed(0)
    return stirred(TokenTransformer(CONFIG))


@pytest.fixture
def cond() -> Condition:
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    return Condition(tokens=normal(2, 5, 12, seed=1), mask=mask)


def tokens(steps: int = 4) -> Tensor:
    return torch.randint(11, (2, 6 * steps), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_any_number_of_time_steps_is_scored(net: TokenTransformer, cond: Condition, steps: int):
    scores = net(tokens(steps), cond)
    assert scores.shape == (2, 6 * steps, 10)
    assert scores.dtype == torch.float32


@pytest.mark.parametrize("count", [0, 5, 25, 30])
def test_tokens_that_are_no_whole_steps_are_refused(net: TokenTransformer, cond: Condition, count: int):
    with pytest.raises(ValueError, match=f"1 to 4 time steps of 2 x 3, 6 tokens each; got {count} tokens"):
        net(torch.zeros(2, count, dtype=torch.long), cond)


def test_everything_sees_everything(net: TokenTransformer, cond: Condition):
    x = tokens()
    scores = net(x, cond)
    for place in (0, 11, 23):
        changed = x.clone()
        changed[:, place] = (changed[:, place] + 1) % 10
        assert ((net(changed, cond) - scores).abs().amax(-1) > 0).all()


def test_a_rule_is_added_to_the_scores_of_attention(cond: Condition, monkeypatch: pytest.MonkeyPatch):
    def alone(grid: tuple[int, int, int]) -> Tensor:
        n = grid[0] * grid[1] * grid[2]
        return torch.full((n, n), -torch.inf).fill_diagonal_(0)

    monkeypatch.setitem(RULES, "alone", alone)
    torch.manual_seed(0)
    net, x = stirred(TokenTransformer(replace(CONFIG, rule="alone"))), tokens()
    changed = x.clone()
    changed[:, 0] = (changed[:, 0] + 1) % 10
    assert torch.equal(net(changed, cond)[:, 1:], net(x, cond)[:, 1:])
    with pytest.raises(ValueError, match="there is no mask rule 'nearby'; there is everything"):
        TokenTransformer(replace(CONFIG, rule="nearby"))


def test_the_same_token_is_scored_by_where_it_stands(net: TokenTransformer, cond: Condition):
    scores = net(torch.full((2, 24), 10), cond)
    assert len(scores[0].unique(dim=0)) == 24


def test_text_is_read_and_its_padding_is_not(net: TokenTransformer, cond: Condition):
    scores = net(tokens(), cond)
    other = replace(cond, tokens=cond.tokens.clone())
    other.tokens[1, 3:] = 7.0
    assert torch.equal(net(tokens(), other), scores)
    other.tokens[1, 0] = 7.0
    assert not torch.equal(net(tokens(), other)[1], scores[1])
    assert torch.equal(net(tokens(), other)[0], scores[0])


def test_nothing_is_a_condition_that_learns(net: TokenTransformer, cond: Condition):
    nothing = net.nothing()
    assert nothing.tokens.shape == (1, 1, 12)
    withheld = cond.where(torch.tensor([True, False]), nothing)
    scores = net(tokens(), withheld)
    assert torch.equal(scores[0], net(tokens(), cond)[0])
    torch.testing.assert_close(scores[1:], net(tokens()[1:], nothing))
    assert torch.autograd.grad(scores[0].sum(), net.null, retain_graph=True)[0].eq(0).all()
    assert torch.autograd.grad(scores[1].sum(), net.null)[0].any()


def test_every_weight_has_a_gradient(cond: Condition):
    torch.manual_seed(0)
    for kind in (TokenTransformer, TokenJudge):
        net = stirred(kind(CONFIG))
        told = cond.where(torch.tensor([True, False]), net.nothing()) if kind is TokenTransformer else cond
        net(tokens(), told).square().sum().backward()
        assert all(p.grad is not None and p.grad.any() for p in net.parameters())


def test_a_fresh_network_knows_nothing(cond: Condition):
    scores = TokenTransformer(replace(CONFIG, codes=64))(tokens(), cond)
    assert scores.softmax(-1).max() < 0.2


@pytest.mark.parametrize("groups", [1, 3])
def test_narrow_embeddings_cost_less_and_learn(cond: Condition, groups: int):
    torch.manual_seed(0)
    net = stirred(TokenTransformer(replace(CONFIG, embed_dim=5, groups=groups)))
    assert net.embed.weight.shape == (11 * groups, 5)
    net(tokens(), cond.where(torch.tensor([True, False]), net.nothing())).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


@pytest.mark.parametrize("embed_dim", [0, 5])
def test_codes_of_one_place_are_one_state_and_each_has_scores_of_its_own(cond: Condition, embed_dim: int):
    torch.manual_seed(0)
    net, x = stirred(TokenTransformer(replace(CONFIG, groups=3, embed_dim=embed_dim))), tokens()
    assert net.states(x, cond).shape == (2, 8, 32)
    scores = net(x, cond)
    assert scores.shape == (2, 24, 10)
    assert not torch.equal(scores[:, 0], scores[:, 1])
    swapped = x.clone()
    swapped[:, :2] = x[:, :2].flip(1)
    assert (x[:, 0] != x[:, 1]).any()
    assert not torch.equal(net(swapped, cond), scores)  # a number means another code in another book
    assert stirred(TokenJudge(replace(CONFIG, groups=3)))(x, cond).shape == (2, 24)
    with pytest.raises(ValueError, match="rows of 3 tokens do not fall into groups of 2"):
        TokenTransformer(replace(CONFIG, groups=2))


def test_embeddings_can_begin_as_the_codes_themselves():
    net = TokenTransformer(replace(CONFIG, groups=3, embed_dim=8))
    before, codes = net.embed.weight.detach().clone().view(3, 11, 8), 0.01 * normal(30, 3) + 7
    net.begin_with(codes)
    after = net.embed.weight.detach().view(3, 11, 8)
    assert torch.equal(after[:, -1], before[:, -1])  # a hidden token is like none of them
    for g in range(3):  # two numbers of each book's are as many as there is room for
        vectors, place = codes[10 * g : 10 * g + 10, :2], slice(2 * g, 2 * g + 2)
        torch.testing.assert_close(after[g, :10, place], (vectors - vectors.mean(0)) / vectors.std(0))
        others = [k for k in range(8) if k not in range(place.start, place.stop)]
        assert torch.equal(after[g][:, others], before[g][:, others])


def test_a_judge_gives_one_score_a_token(cond: Condition):
    judge = stirred(TokenJudge(CONFIG))
    assert judge(tokens(2), cond).shape == (2, 12)


def test_layers_begin_as_the_identity_and_text_keeps_its_width():
    net = TokenTransformer(CONFIG)
    block, x = net.blocks[0], normal(2, 6, 32)
    assert torch.equal(block.read(x, None, normal(2, 5, 12), torch.zeros(2, 1, 1, 5)), x)
    assert torch.equal(block(x), x)
    assert isinstance(block.reading, NormedAttention)
    assert block.reading.to_kv.in_features == 12


def test_it_runs_in_bfloat16(cond: Condition):
    net = stirred(TokenTransformer(CONFIG)).bfloat16()
    assert net(tokens(), cond).dtype == torch.float32
