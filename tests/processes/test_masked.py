import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from kineograph.condition import Condition
from kineograph.processes.masked import Masked, guided, hidden_after, lowest, sampled

CODES = 6
MASK = CODES


class Net:
    """Scores that depend on the place and the text; counts its calls and keeps what it was asked."""

    def __init__(self, codes: int = CODES):
        self.codes, self.seen, self.told = codes, [], []

    def __call__(self, tokens: Tensor, cond: Condition) -> Tensor:
        self.seen.append(tokens)
        self.told.append(cond)
        places = torch.arange(tokens.shape[1])[:, None] * (1 + torch.arange(self.codes))
        return (places * 0.7).sin() + cond.tokens.mean((1, 2))[:, None, None] * (places * 0.3).cos()


def said(value: float, b: int = 2) -> Condition:
    return Condition(tokens=torch.full((b, 1, 1), value))


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def canvas(n: int, b: int = 2, known: int = 0) -> Tensor:
    tokens = torch.full((b, n), MASK)
    tokens[:, :known] = torch.arange(known) % CODES
    return tokens


def sample(net: Net, tokens: Tensor, *, steps: int = 8, guidance: float = 1.0, seed: int = 0, **more: object) -> Tensor:
    b = len(tokens)
    return Masked(CODES).sample(
        net, tokens, said(1.0, b), said(0.0, 1), steps=steps, guidance=guidance, generator=chance(seed), **more
    )


# sampling


@pytest.mark.parametrize("n", [9, 100, 900, 10_000])
@pytest.mark.parametrize(("guidance", "calls"), [(1.0, 1), (3.0, 2)])
def test_the_network_is_called_once_a_step_however_many_tokens(n: int, guidance: float, calls: int):
    net = Net()
    tokens = sample(net, canvas(n, b=1), steps=12, guidance=guidance)
    assert len(net.seen) == 12 * calls
    assert not (tokens == MASK).any()


@pytest.mark.parametrize("steps", [1, 2, 12, 40])
def test_no_mask_is_left_even_with_more_steps_than_tokens(steps: int):
    net = Net()
    tokens = sample(net, canvas(9), steps=steps)
    assert len(net.seen) == steps
    assert tokens.shape == (2, 9)
    assert (tokens < CODES).all()
    assert (tokens >= 0).all()
    assert all((seen == MASK).any(1).all() for seen in net.seen)  # every call has something to do


@pytest.mark.parametrize("judge", [None, lambda tokens, cond: tokens.float()])
def test_known_tokens_are_never_touched(judge):
    net, tokens = Net(), canvas(50, known=20)
    tokens[1, 33] = 2  # rows need not know the same number
    out = sample(net, tokens, temperature=5.0, choice_temperature=100.0, judge=judge)
    known = tokens != MASK
    for seen in [*net.seen, out]:
        assert torch.equal(seen[known], tokens[known])
    assert not (out == MASK).any()


def test_a_row_that_is_known_already_stays():
    tokens = canvas(12, known=12)
    assert torch.equal(sample(Net(), tokens), tokens)


def test_what_is_hidden_follows_the_cosine():
    net = Net()
    sample(net, canvas(100), steps=8)
    hidden = [(seen == MASK).sum(1).tolist() for seen in net.seen]
    assert hidden == [[math.ceil(100 * math.cos(math.pi / 2 * s / 8))] * 2 for s in range(8)]
    assert hidden_after(8, 8, torch.tensor([100, 3])).tolist() == [0, 0]
    assert hidden_after(7, 8, torch.tensor([3, 0])).tolist() == [1, 0]


def test_a_token_that_was_kept_stays():
    net = Net()
    out = sample(net, canvas(60), steps=10)
    for seen in net.seen:
        kept = seen != MASK
        assert torch.equal(seen[kept], out[kept])


def test_the_surest_are_kept_first():
    def net(tokens: Tensor, cond: Condition) -> Tensor:
        seen.append(tokens)
        sharpness = torch.linspace(0, 5, tokens.shape[1])[:, None]
        return (sharpness * F.one_hot(torch.arange(tokens.shape[1]) % CODES, CODES)).expand(len(tokens), -1, -1)

    seen = []
    sample(net, canvas(40), steps=4, temperature=0.0, choice_temperature=0.0)
    kept = (seen[1] != MASK)[0]
    count = int(kept.sum())
    assert count
    assert kept[-count:].all()


def test_without_temperatures_nothing_is_left_to_chance():
    cold = {"temperature": 0.0, "choice_temperature": 0.0}
    assert torch.equal(sample(Net(), canvas(40), **cold), sample(Net(), canvas(40), seed=1, **cold))
    assert torch.equal(sample(Net(), canvas(40)), sample(Net(), canvas(40)))
    assert not torch.equal(sample(Net(), canvas(40)), sample(Net(), canvas(40), seed=1))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_draws_follow_the_probabilities(temperature: float):
    scores = torch.tensor([0.0, 1.0, 2.0])
    draws = sampled(scores.expand(20_000, 3), temperature, chance())
    share = torch.bincount(draws, minlength=3) / 20_000
    torch.testing.assert_close(share, (scores / temperature).softmax(0), atol=0.015, rtol=0)


def test_what_has_no_chance_is_never_drawn():
    scores = torch.full((5_000, 4), -torch.inf)
    scores[:, 1:3] = 0
    assert set(sampled(scores, 1.0, chance()).tolist()) == {1, 2}
    assert sampled(torch.eye(3), 0.0).tolist() == [0, 1, 2]


def test_temperatures_fall_to_zero(monkeypatch: pytest.MonkeyPatch):
    """Draws and choices cool down together; the last round draws nothing by chance and chooses nothing."""
    net, steps, drawing, choosing = Net(), 5, [], []

    def noted(scores: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
        drawing.append(temperature)
        return scores.argmax(-1)

    monkeypatch.setattr("kineograph.processes.masked.sampled", noted)
    monkeypatch.setattr("kineograph.processes.masked.gumbel", lambda x, g: choosing.append(1) or torch.zeros_like(x))
    out = sample(net, canvas(30), steps=steps, temperature=2.0)
    assert drawing == [2.0 * (steps - 1 - s) / steps for s in range(steps)]
    assert len(choosing) == steps - 1
    assert torch.equal(out, net(out, said(1.0)).argmax(-1))


def test_a_judge_chooses_and_may_take_back_what_was_kept():
    def judge(tokens: Tensor, cond: Condition) -> Tensor:
        rounds.append(tokens)
        order = torch.arange(tokens.shape[1], dtype=torch.float)
        return (order if len(rounds) % 2 else -order).expand(tokens.shape)

    rounds, net = [], Net()
    out = sample(net, canvas(40), steps=6, judge=judge, choice_temperature=0.0)
    assert len(net.seen) == 6
    assert len(rounds) == 5
    assert not any((seen == MASK).any() for seen in rounds)
    first, second = (seen != MASK for seen in net.seen[1:3])
    assert first[:, -1].all()
    assert not second[:, -1].any()
    assert not (out == MASK).any()


def test_progress_is_told_step_by_step():
    told = []
    sample(Net(), canvas(9), steps=4, progress=told.append)
    assert told == [0.25, 0.5, 0.75, 1.0]


# guidance


def test_guidance_goes_from_nothing_through_the_text_and_beyond():
    net, tokens = Net(), canvas(8)
    with_text, without = net(tokens, said(1.0)), net(tokens, said(0.0))
    for scale in (0.0, 0.5, 3.0):
        out = guided(net, said(1.0), said(0.0, 1), scale)(tokens)
        torch.testing.assert_close(out, without + scale * (with_text - without))


def test_without_guidance_the_null_condition_is_never_asked():
    net = Net()
    sample(net, canvas(8), guidance=1.0)
    assert all((told.tokens == 1).all() for told in net.told)


# teaching


def taught(
    drop: float = 0.0, known: Tensor | None = None, b: int = 64, n: int = 40, seed: int = 0
) -> tuple[Net, Tensor]:
    torch.manual_seed(seed)
    net, tokens = Net(), torch.randint(CODES, (b, n))
    loss = Masked(CODES, drop=drop).loss(net, tokens, said(1.0, b), said(0.0, 1), known)
    hidden = net.seen[0] == MASK
    assert torch.equal(net.seen[0][~hidden], tokens[~hidden])
    torch.testing.assert_close(loss, F.cross_entropy(net(tokens, net.told[0])[hidden], tokens[hidden]))
    return net, hidden


def test_only_hidden_tokens_are_judged_and_their_share_follows_the_cosine():
    _, hidden = taught(b=2000)
    share = hidden.float().mean(1)
    assert share.min() >= 1 / 40
    assert share.mean().item() == pytest.approx(2 / math.pi, abs=0.03)
    # cos(pi r / 2) < 1/2 for a third of all r
    assert (share < 0.5).float().mean().item() == pytest.approx(1 / 3, abs=0.04)


def test_known_tokens_are_never_hidden():
    known = torch.arange(40).expand(64, -1) < 15
    _, hidden = taught(known=known)
    assert not hidden[known].any()
    assert hidden.any(1).all()


def test_a_tenth_of_the_texts_is_withheld_row_by_row():
    net, _ = taught(drop=0.1, b=2000)
    withheld = (net.told[0].tokens == 0).flatten()
    assert withheld.float().mean().item() == pytest.approx(0.1, abs=0.03)


def test_guidance_is_really_trained():
    """The null condition gets gradients, which is what the public implementation forgot."""
    null = torch.zeros(1, 1, 1, requires_grad=True)
    torch.manual_seed(0)
    tokens = torch.randint(CODES, (64, 10))
    Masked(CODES, drop=0.1).loss(Net(), tokens, said(1.0, 64), Condition(tokens=null)).backward()
    assert null.grad.any()


def test_a_judge_is_taught_which_guesses_were_wrong():
    """A guess that is right is real, and what was not hidden is real: not all hidden tokens are made."""

    def judge(tokens: Tensor, cond: Condition) -> Tensor:
        seen.append(tokens)
        return torch.where(tokens == truth, 20.0, -20.0)

    torch.manual_seed(0)
    seen, truth = [], torch.randint(CODES, (16, 40))
    process = Masked(CODES)
    loss = process.judge_loss(judge, Net(), truth, said(1.0, 16))
    assert not torch.equal(seen[0], truth)
    assert loss.item() < 1e-6
    known = torch.arange(40).expand(16, -1) < 39
    process.judge_loss(judge, Net(), truth, said(1.0, 16), known)
    assert torch.equal(seen[1][known], truth[known])
    wrong = process.judge_loss(lambda x, cond: -judge(x, cond), Net(), truth, said(1.0, 16), known)
    assert wrong.item() == pytest.approx(20)  # a mean over the tokens that are not known


def test_the_network_learns_nothing_from_its_judge():
    weight = torch.ones((), requires_grad=True)

    def net(tokens: Tensor, cond: Condition) -> Tensor:
        return weight * Net()(tokens, cond)

    def judge(tokens: Tensor, cond: Condition) -> Tensor:
        return tokens * torch.ones((), requires_grad=True)

    loss = Masked(CODES).judge_loss(judge, net, torch.randint(CODES, (4, 10)), said(1.0, 4))
    assert torch.autograd.grad(loss, weight, allow_unused=True) == (None,)


def test_lowest_counts_row_by_row():
    x = torch.tensor([[3.0, 1.0, 2.0], [1.0, torch.inf, 0.0]])
    assert lowest(x, torch.tensor([1, 2])).tolist() == [[False, True, False], [True, False, True]]
