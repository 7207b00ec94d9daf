"""Masked tokens (MaskGIT, Chang et al. 2022): a network fills in what is hidden; sampling keeps the surest first.

    taught:   tokens ──hide a share cos(pi r / 2), r uniform──> network ──> which tokens were hidden?
    sampled:  all hidden ──> guess all ──> keep the surest, hide the rest ──> ... as many rounds as asked, never more

The number of rounds does not depend on the number of tokens. Known tokens, the beginning of a film that goes on, are
neither hidden nor changed.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from kineograph.condition import Condition

CHOICE_TEMPERATURE = 4.5  # MaskGIT's
Network = Callable[[Tensor, Condition], Tensor]  # net(tokens b n, cond) -> b n v
Judge = Callable[[Tensor, Condition], Tensor]  # judge(tokens b n, cond) -> b n, high where a token looks real


class Masked:
    """How a network is taught and sampled. Token number `codes` is the mask.

    `drop` is the share of rows whose text is withheld in training: the null condition in its place is what
    classifier-free guidance leans on.
    """

    def __init__(self, codes: int, *, drop: float = 0.1):
        self.codes, self.drop = codes, drop

    def loss(
        self, net: Network, tokens: Tensor, cond: Condition, null: Condition, known: Tensor | None = None
    ) -> Tensor:
        """The cross-entropy of hidden tokens.  tokens: b n, known: b n bool, true where never hidden."""
        cond = cond.where(torch.rand(len(tokens), device=tokens.device) >= self.drop, null)
        hidden = self.hide(tokens, known)
        scores = net(tokens.masked_fill(hidden, self.codes), cond).float()
        wanted = tokens.masked_fill(
            ~hidden, -100
        )  # cheaper than to index the scores, whose gradient would be scattered
        return F.cross_entropy(scores.flatten(0, 1), wanted.flatten(), ignore_index=-100)

    def judge_loss(
        self, judge: Judge, net: Network, tokens: Tensor, cond: Condition, known: Tensor | None = None
    ) -> Tensor:
        """The judge must tell the net's guesses from real tokens (token critic, Lezama et al. 2022).

        A guess that happens to be right counts as real, and every token is judged but the known ones.
        """
        hidden = self.hide(tokens, known)
        with torch.no_grad():
            scores = net(tokens.masked_fill(hidden, self.codes), cond)[hidden].float()
            guess = tokens.masked_scatter(hidden, sampled(scores))
        verdict = judge(guess, cond)
        weight = None if known is None else (~known).float()
        losses = F.binary_cross_entropy_with_logits(verdict, (guess == tokens).float(), weight, reduction="sum")
        return losses / (hidden.numel() if weight is None else weight.sum())

    def hide(self, tokens: Tensor, known: Tensor | None) -> Tensor:
        """Which tokens to hide, b n bool: of each row's free ones a share cos(pi r / 2), r uniform; at least one."""
        chance = torch.rand(tokens.shape, device=tokens.device)
        free = torch.full((len(tokens),), tokens.shape[1], device=tokens.device)
        if known is not None:
            chance, free = chance.masked_fill(known, torch.inf), (~known).sum(1)
            assert free.all(), "a row has no token to learn from"
        share = torch.cos(torch.rand(len(tokens), device=tokens.device) * (math.pi / 2))
        return lowest(chance, (share * free).round().clamp(min=1))

    def sample(
        self,
        net: Network,
        tokens: Tensor,
        cond: Condition,
        null: Condition,
        *,
        steps: int,
        guidance: float,
        generator: torch.Generator,
        temperature: float = 1.0,
        choice_temperature: float = CHOICE_TEMPERATURE,
        judge: Judge | None = None,
        progress: Callable[[float], None] = lambda done: None,
    ) -> Tensor:
        """Fills the tokens that are `codes` and keeps the others, b n -> b n; net is called `steps` times (x 2 guided).

        Two temperatures fall to zero over the steps. `temperature`: how freely tokens are drawn. `choice_temperature`:
        how freely those to keep are chosen, as noise on their logarithmic probabilities (Phenaki's 4 to 8).
        With a judge, its scores choose, and a token kept earlier may be hidden again; without, what is kept stays.
        """
        predict, known = guided(net, cond, null, guidance), tokens != self.codes
        opened = (~known).sum(1)  # b
        for step in range(steps):
            left = (steps - 1 - step) / steps
            hidden = tokens == self.codes
            scores = predict(tokens)[hidden]  # m v
            guess = sampled(scores, left * temperature, generator)
            tokens = tokens.masked_scatter(hidden, guess)
            progress((step + 1) / steps)
            if not left:
                break
            if judge:
                sure = judge(tokens, cond).masked_fill(known, torch.inf)
            else:
                chances = scores.log_softmax(-1).gather(-1, guess[:, None])[:, 0]
                sure = torch.full(tokens.shape, torch.inf, device=tokens.device).masked_scatter(hidden, chances)
            sure = sure + left * choice_temperature * gumbel(sure, generator)
            tokens = tokens.masked_fill(lowest(sure, hidden_after(step + 1, steps, opened)), self.codes)
        return tokens


def guided(net: Network, cond: Condition, null: Condition, scale: float) -> Callable[[Tensor], Tensor]:
    """Classifier-free guidance, null + scale (cond - null), in float32; scale 1 is none, and then costs nothing."""
    if scale == 1:
        return lambda tokens: net(tokens, cond).float()

    def predict(tokens: Tensor) -> Tensor:
        without = cond.where(torch.zeros(len(tokens), dtype=torch.bool, device=tokens.device), null)
        return net(tokens, without).float().lerp(net(tokens, cond).float(), scale)

    return predict


def hidden_after(step: int, steps: int, opened: Tensor) -> Tensor:
    """How many of N tokens are still hidden after a step, ceil(N cos(pi step / 2 steps)).  opened: b, the N -> b.

    After the last step none; before it at least one, so that every step has something to do.
    """
    share = math.cos(math.pi / 2 * step / steps) if step < steps else 0.0
    return (share * opened).ceil()


def lowest(x: Tensor, counts: Tensor) -> Tensor:
    """Where each row's `counts` lowest values are.  b n, b -> b n bool."""
    return x.argsort(1).argsort(1) < counts[:, None]


def sampled(scores: Tensor, temperature: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    """A draw from the softmax of scores / temperature, m v -> m; the largest at 0."""
    if not temperature:
        return scores.argmax(-1)
    summed = (scores / temperature).softmax(-1).cumsum(-1)
    point = uniform(summed[:, :1], generator) * summed[:, -1:]
    return torch.searchsorted(summed, point, right=True)[:, 0].clamp(max=scores.shape[-1] - 1)


def gumbel(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Gumbel noise of x's shape in float32."""
    return -(-uniform(x, generator).clamp(1e-20, 1 - 1e-7).log()).log()


def uniform(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Numbers from 0 to 1 of x's shape in float32; with a generator, the same on every device."""
    device = x.device if generator is None else generator.device
    return torch.rand(x.shape, generator=generator, device=device).to(x.device)
