"""Reads from a prompt's token states what each label of a scene should be: who, act, where, colour, style and so on.

    tokens ──> attend to each other ──> one query per label looks ──> features ──> scores of the label's values

Captions cost nothing and pictures much: what words mean is learnt here from millions of words, and the networks that
draw are told it plainly. What a prompt leaves open comes out as how often each value goes with what it does say.
After the prior of DALL-E 2 (Ramesh et al. 2022), which too stands between the words and what draws.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.condition import Condition
from kineograph.nn.attention import NormedAttention, unscaled_norm


@dataclass(frozen=True)
class PromptReaderConfig:
    """How many values each label has, the width of token states, which is the reader's too, and its heads."""

    classes: tuple[int, ...] = (4, 3)
    dim: int = 32
    heads: int = 2
    noise: float = 1.5  # in training, beside token states of size 1: near them lie those of words of like sense


class PromptReader(nn.Module):
    """A text encoder's Condition -> tokens b k+n d: a feature for each of k labels before the n token states; vector b
    v: the probability of each value of each label, one label after the other.
    """

    def __init__(self, config: PromptReaderConfig):
        super().__init__()
        dim, labels = config.dim, len(config.classes)
        self.config = config
        self.inward = nn.Linear(dim, dim)
        self.mixing, self.mixed = NormedAttention(dim, config.heads), FeedForward(dim)
        self.queries = nn.Parameter(0.5 * torch.randn(labels, dim))
        self.looking, self.seen = NormedAttention(dim, config.heads), FeedForward(dim)
        self.values = nn.ModuleList(nn.Linear(dim, count) for count in config.classes)

    def forward(self, cond: Condition) -> Condition:
        """tokens b n d, mask b n and vector b d, the prompt as a whole, of a text encoder."""
        features = self.features(cond)
        vector = torch.cat([scores.float().softmax(-1) for scores in self.scores(features)], dim=-1)
        tokens = torch.cat([features.to(cond.tokens.dtype), cond.tokens], dim=1)
        mask = cond.tokens.new_ones(cond.tokens.shape[:2], dtype=torch.bool) if cond.mask is None else cond.mask
        mask = torch.cat([mask.new_ones(len(mask), features.shape[1]), mask], dim=1)
        return Condition(tokens=tokens, mask=mask, vector=vector)

    def features(self, cond: Condition) -> Tensor:
        """b k d, what was found for each label."""
        dtype = self.inward.weight.dtype
        hidden, states = None, cond.tokens
        if cond.vector is not None:
            states = torch.cat([states, cond.vector[:, None]], dim=1)
        if cond.mask is not None:
            hidden = torch.zeros(states.shape[:2], dtype=dtype, device=states.device)
            hidden[:, : cond.mask.shape[1]].masked_fill_(~cond.mask, -1e4)
            hidden = hidden[:, None, None]
        x = unscaled_norm(states.to(dtype))
        if self.training:
            x = x + self.config.noise * torch.randn_like(x)
        x = self.inward(x)
        x = x + self.mixing(unscaled_norm(x), mask=hidden)
        x = unscaled_norm(x + self.mixed(x))
        y = self.queries.expand(len(x), -1, -1)
        y = y + self.looking(unscaled_norm(y), x, hidden)
        return y + self.seen(y)

    def scores(self, features: Tensor) -> list[Tensor]:
        """b k d -> for each label, b values."""
        features = unscaled_norm(features)
        return [linear(features[:, i]) for i, linear in enumerate(self.values)]

    def loss(self, cond: Condition, labels: Tensor | None) -> Tensor:
        """labels: b k, the place of each label's value among those it can have -> the mean cross-entropy."""
        if labels is None:
            raise ValueError("learn_words needs clips with labels, which the World's have and a video file has not")
        scores = self.scores(self.features(cond))
        return sum(F.cross_entropy(s.float(), labels[:, i]) for i, s in enumerate(scores)) / len(scores)

    def right(self, cond: Condition, labels: Tensor) -> dict[str, float]:
        """The share of rows whose likeliest value is right, of each label."""
        scores = self.scores(self.features(cond))
        return {f"label_{i}": float((s.argmax(1) == labels[:, i]).float().mean()) for i, s in enumerate(scores)}


class FeedForward(nn.Module):
    """b n d -> b n d."""

    def __init__(self, dim: int):
        super().__init__()
        self.widen, self.narrow = nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.narrow(F.silu(self.widen(unscaled_norm(x))))
