"""Reads from a prompt's token states what each label of a scene should be: who, act, where, colour, style and so on.

    token states ────┐
    each word alone ─┴─> attend to each other ──> one query per label looks ──> features ──> scores of its values

A word by itself keeps a sense that it may lose among others in a sentence unlike those of captions; the states of the
tokens tell what belongs to what. In teaching one or the other is hidden at times, so that each learns to serve.

Captions cost nothing and pictures much: what words mean is learnt here from millions of words, and the networks that
draw are told it plainly. What a prompt leaves open comes out as how often each value goes with what it does say.
After the prior of DALL-E 2 (Ramesh et al. 2022), which too stands between the words and what draws.

Two memories, counted in the same clips, help where words are unlike those of captions. A vocabulary takes an unheard
word for the heard ones most like it. And each label is read by itself, which may give values that never go together (a
turtle that drives): a table of how much rarer than by chance pairs of values are speaks against those when values are
chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.condition import Condition
from kineograph.models.vocabulary import Vocabulary
from kineograph.nn.attention import NormedAttention, unscaled_norm
from kineograph.nn.labels import certain
from kineograph.nn.positions import sinusoids

KEPT = 0.03  # of the likeliest value's probability: an earlier shot's value this likely is not denied by the words
DENIED = 0.2  # of a value's own usual probability: the words speak against one that is less likely
CLOSE = 0.5  # of the likeliest value's probability: a value this likely may be shown instead,
SAID = 0.4  # unless the likeliest is at least this probable
LIKENED = 1.0  # how much the vocabulary weighs, against 1 for what is read
APART = 0.35  # how much the table of pairs weighs, against 1 for the words
RAREST = -6.0  # the strongest entry of that table
GIST = 3  # labels that come first: who, act and where
EXPECTED = 20  # times that two values would have come together by chance, while they never did: they exclude each other


@dataclass(frozen=True)
class PromptReaderConfig:
    """How many values each label has, the width of token states, which is the reader's too, and its heads; how many
    words are remembered; bound: labels whose values are none where they never go with those of others.
    """

    classes: tuple[int, ...] = (4, 3)
    dim: int = 32
    heads: int = 2
    noise: float = 1.5  # in training, beside token states of size 1: near them lie those of words of like sense
    vocabulary: int = 0
    bound: tuple[int, ...] = ()


class PromptReader(nn.Module):
    """A text encoder's Condition -> tokens b k+n d: a feature for each of k labels before the n token states; vector b
    v: the probability of each value of each label, one label after the other.
    """

    def __init__(self, config: PromptReaderConfig):
        super().__init__()
        dim, labels = config.dim, len(config.classes)
        self.config = config
        self.inward, self.alone = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.mixing, self.mixed = NormedAttention(dim, config.heads), FeedForward(dim)
        self.queries = nn.Parameter(0.5 * torch.randn(labels, dim))
        self.looking, self.seen = NormedAttention(dim, config.heads), FeedForward(dim)
        self.values = nn.ModuleList(nn.Linear(dim, count) for count in config.classes)
        total = sum(config.classes)
        self.register_buffer("counts", torch.zeros(total, total, dtype=torch.int32))  # of clips with both values
        self.vocabulary = Vocabulary(config.vocabulary, dim, total) if config.vocabulary else None

    def forward(self, cond: Condition, words: Condition | None = None) -> Condition:
        """tokens b n d, mask b n and vector b d, the prompt as a whole, of a text encoder, and its words by themselves,
        tokens b m d and mask b m.

        The features are of one reading of both. For the vector the sentence is also read without the words and the
        words without the sentence, and the opinions are multiplied: words unlike those of captions mislead each
        differently. Then the vocabulary has its say.
        """
        features = self.features(cond, words)
        opinions = [features]
        if words is not None:
            none = replace(cond, tokens=cond.tokens[:, :0], mask=shown(cond)[:, :0], vector=None)
            opinions = [features, features, self.features(cond), self.features(none, words)]
        logs = [torch.cat([s.float().log_softmax(-1) for s in self.scores(y)], dim=-1) for y in opinions]
        together = sum(logs) / len(logs)
        if words is not None and self.vocabulary is not None:
            together = together + LIKENED * self.vocabulary.told(words, self.usual())
        vector = torch.cat([part.softmax(-1) for part in together.split(list(self.config.classes), dim=-1)], dim=-1)
        tokens = torch.cat([features.to(cond.tokens.dtype), cond.tokens], dim=1)
        mask = shown(cond)
        mask = torch.cat([mask.new_ones(len(mask), features.shape[1]), mask], dim=1)
        return Condition(tokens=tokens, mask=mask, vector=vector)

    def features(self, cond: Condition, words: Condition | None = None) -> Tensor:
        """b k d, what was found for each label."""
        x, seen = self.taken(cond.tokens, self.inward), shown(cond)
        if cond.vector is not None:
            x = torch.cat([x, self.taken(cond.vector[:, None], self.inward)], dim=1)
            seen = torch.cat([seen, seen.new_ones(len(seen), 1)], dim=1)
        if words is not None:
            place = sinusoids(torch.arange(words.tokens.shape[1], device=x.device), x.shape[2], scale=1.0)
            alone, heard = self.taken(words.tokens, self.alone) + place.to(x.dtype), shown(words)
            if self.training:
                lot = torch.rand(len(x), 1, device=x.device)
                seen, heard = seen & (lot > 0.35), heard & (lot < 0.85)
            x, seen = torch.cat([x, alone], dim=1), torch.cat([seen, heard], dim=1)
        hidden = torch.zeros(seen.shape, dtype=x.dtype, device=x.device).masked_fill(~seen, -1e4)[:, None, None]
        x = x + self.mixing(unscaled_norm(x), mask=hidden)
        x = unscaled_norm(x + self.mixed(x))
        y = self.queries.expand(len(x), -1, -1)
        y = y + self.looking(unscaled_norm(y), x, hidden)
        return y + self.seen(y)

    def taken(self, states: Tensor, inward: nn.Linear) -> Tensor:
        """States at size 1, in teaching amid noise, in our own terms.  b n d -> same."""
        x = unscaled_norm(states.to(inward.weight.dtype))
        return inward(x + self.config.noise * torch.randn_like(x) if self.training else x)

    def scores(self, features: Tensor) -> list[Tensor]:
        """b k d -> for each label, b values."""
        features = unscaled_norm(features)
        return [linear(features[:, i]) for i, linear in enumerate(self.values)]

    def loss(self, cond: Condition, labels: Tensor | None, words: Condition | None = None) -> Tensor:
        """labels: b k, the place of each label's value among those it can have -> the mean cross-entropy."""
        if labels is None:
            raise ValueError("learn_words needs clips with labels, which the World's have and a video file has not")
        if self.training:
            self.count(labels, words)
        scores = self.scores(self.features(cond, words))
        return sum(F.cross_entropy(s.float(), labels[:, i]) for i, s in enumerate(scores)) / len(scores)

    @torch.no_grad()
    def count(self, labels: Tensor, words: Condition | None = None) -> None:
        """Adds clips to the counts of values that go together, b k, and their captions' words to the vocabulary."""
        shown = self.certain(labels)
        self.counts += (shown.T @ shown).to(self.counts.dtype)
        if words is not None and self.vocabulary is not None:
            self.vocabulary.hear(words, shown)

    def unheard(self, words: Condition) -> Tensor:
        """b: whether the vocabulary lacks a word; words: tokens b m d with their mask b m."""
        if self.vocabulary is None:
            return words.mask.new_zeros(len(words.mask))
        return self.vocabulary.unheard(words).any(1)

    def usual(self) -> Tensor:
        """v: the share of the counted clips that show each value, none of them quite 0."""
        parts = (self.counts.diagonal() + 1.0).split(list(self.config.classes))
        return torch.cat([part / part.sum() for part in parts])

    def together(self) -> Tensor:
        """v v: 0, or how much rarer than by chance two values come together, as logarithm."""
        return ((self.counts + 1) / (self.chance() + 1)).log().clamp(RAREST, 0)

    def apart(self) -> Tensor:
        """v v bool: which values exclude each other."""
        return (self.counts == 0) & (self.chance() > EXPECTED)

    def chance(self) -> Tensor:
        """v v: how many of the counted clips would have had two values, if they had nothing to do with each other."""
        own = self.counts.diagonal().float()
        return own[:, None] * own / own.sum().clamp(min=1) * len(self.config.classes)

    def likeliest(self, vector: Tensor) -> Tensor:
        """The place of each label's likeliest value among those it can have.  b v, the probabilities read -> b k."""
        return torch.stack([p.argmax(1) for p in vector.split(list(self.config.classes), dim=1)], dim=1)

    def chosen(self, vector: Tensor, usual: Tensor, seed: int, before: Tensor | None = None) -> Tensor:
        """One value for each label of a prompt, as a film shows it: what an earlier shot has shown where the words do
        not speak against it, else the likeliest, by lot among those about as likely where none is likely. The gist
        comes first, of it and of the rest what is surest; what seldom goes with a chosen value is less likely then, and
        what never goes with it is no choice for a label that is bound: the planet is red, for no astronaut is.

        vector, usual: 1 v, probabilities of the prompt and of an empty one; before: 1 k, an earlier shot's,
        or -1 for those that do not matter -> 1 k.
        """
        counts = list(self.config.classes)
        lots = torch.rand(len(counts), generator=torch.Generator().manual_seed(seed)).tolist()
        logs, always = list(vector[0].cpu().clamp(min=1e-9).log().split(counts)), usual[0].cpu().split(counts)
        seldom, never = (
            [rows.split(counts, dim=1) for rows in table.cpu().split(counts)]
            for table in (APART * self.together(), self.apart())
        )
        values: dict[int, int] = {}
        while len(values) < len(counts):
            shares = {i: logs[i].softmax(0) for i in range(len(counts)) if i not in values}
            i = max(shares, key=lambda k: (k < GIST, float(shares[k].max())))
            p = shares[i]
            was = -1 if before is None else int(before[0, i])
            if was >= 0 and goes_on(p, always[i], was):
                values[i] = was
            elif p.max() >= SAID:
                values[i] = int(p.argmax())
            else:
                close = torch.where(p > CLOSE * p.max(), p, 0.0).cumsum(0)
                values[i] = int((close < lots[i] * close[-1]).sum())
            for j in shares:
                logs[j] = logs[j] + seldom[i][j][values[i]]
                if j in self.config.bound:
                    logs[j] = logs[j].masked_fill(never[i][j][values[i]], -100)
        return torch.tensor([[values[i] for i in range(len(counts))]], device=vector.device)

    def certain(self, labels: Tensor) -> Tensor:
        """The vector of a prompt that leaves nothing open.  b k -> b v."""
        return certain(labels, self.config.classes)

    def right(self, cond: Condition, labels: Tensor, words: Condition | None = None) -> dict[str, float]:
        """The share of rows whose likeliest value is right, of each label."""
        shares = (self.likeliest(self(cond, words).vector) == labels).float().mean(0)
        return {f"label_{i}": share for i, share in enumerate(shares.tolist())}


def goes_on(p: Tensor, usual: Tensor, was: int) -> bool:
    """Whether an earlier shot's value of a label holds on: p v of the words of this shot, usual v of none.

    Of labels that mostly have one value (no colour is said, it is day) it is the others that are remembered.
    """
    if usual.max() < 0.5:
        return bool(p[was] > KEPT * p.max())
    return bool(usual[was] < 0.5 and p[was] > DENIED * usual[was])


def cut_short(captions: Sequence[str], share: float = 0.35) -> list[str]:
    """Captions of which some, by lot, end early: people ask for "a red car" where captions say all there is to see."""
    short = []
    for caption, cut in zip(captions, (torch.rand(len(captions)) < share).tolist(), strict=True):
        words = caption.split()
        last = int(torch.randint(2, len(words), ())) if cut and len(words) > 2 else len(words)
        short.append(" ".join(words[:last]))
    return short


def shown(cond: Condition) -> Tensor:
    """Which tokens there are, b n bool."""
    return cond.tokens.new_ones(cond.tokens.shape[:2], dtype=torch.bool) if cond.mask is None else cond.mask


class FeedForward(nn.Module):
    """b n d -> b n d."""

    def __init__(self, dim: int):
        super().__init__()
        self.widen, self.narrow = nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.narrow(F.silu(self.widen(unscaled_norm(x))))
