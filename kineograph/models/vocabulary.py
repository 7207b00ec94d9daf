"""Words that captions have used, and what was to be seen with each: a memory beside the networks.

A word that no caption has used is taken for those most like it, as the text encoder has them: their say is averaged,
the nearest ones' most (after Khandelwal et al. 2020, who complete a language model in this way). Networks that were
taught on heard words are sure of themselves beside unheard ones; a memory that compares is wrong less often there.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.condition import Condition

SAME = 0.99  # likeness (cosine) from which on two words are one
NEAR = 10  # heard words that an unheard one is taken for
SHARP = 0.1  # difference in likeness that makes one of them count e times more
FEW = 3  # sightings' worth of doubt about each word


class Vocabulary(nn.Module):
    """Room for `size` words of `dim` numbers, and for how often each of `values` was to be seen with each."""

    heard: Tensor
    shown: Tensor
    times: Tensor

    def __init__(self, size: int, dim: int, values: int):
        super().__init__()
        self.register_buffer("heard", torch.zeros(size, dim))  # of length 1; zero where there is room
        self.register_buffer("shown", torch.zeros(size, values))  # shares of the times
        self.register_buffer("times", torch.zeros(size, dtype=torch.int32))

    @torch.no_grad()
    def hear(self, words: Condition, values: Tensor) -> None:
        """Remembers words, tokens b m d with their mask b m, of clips in which 0 or 1 of each value is seen, b v."""
        there = words.mask.nonzero()[:, 0]  # the clip of each word
        vectors = F.normalize(words.tokens[words.mask].float(), dim=1)
        fresh = vectors[self.likeness(vectors).amax(1) < SAME].unique(dim=0)
        room = slice(int((self.times > 0).sum()), len(self.times))
        self.heard[room][: len(fresh)] = fresh[: len(self.heard[room])]
        best, place = self.likeness(vectors).max(1)
        place, seen = place[best >= SAME], values[there[best >= SAME]].to(self.shown)
        more = torch.bincount(place, minlength=len(self.times))
        sums = torch.zeros_like(self.shown).index_add_(0, place, seen)
        self.times += more.to(self.times.dtype)
        self.shown += (sums - more[:, None] * self.shown) / self.times.clamp(min=1)[:, None]

    def likeness(self, vectors: Tensor) -> Tensor:
        """Vectors of length 1, ... d -> ... size; 0 where there is no word."""
        return vectors @ self.heard.float().t()

    def unheard(self, words: Condition) -> Tensor:
        """Which words it has not heard, b m; words: tokens b m d, mask b m."""
        return words.mask & (self.likeness(self.unit(words)).amax(-1) < SAME)

    def unit(self, words: Condition) -> Tensor:
        """Words as vectors of length 1, b m d."""
        return F.normalize(words.tokens.float(), dim=-1)

    def told(self, words: Condition, usual: Tensor) -> Tensor:
        """What a prompt's unheard words make likelier (above 0) or less likely, as a logarithm.

        words: tokens b m d, mask b m; usual: v, the share of clips in which each value is seen -> b v.
        """
        unheard = self.unheard(words)
        best, place = self.likeness(self.unit(words)[unheard]).topk(min(NEAR, len(self.times)))  # n near
        weight = (best / SHARP).softmax(-1) * best[:, :1].clamp(min=0)
        times = self.times[:, None]
        ratio = ((self.shown.float() * times + FEW * usual) / (times + FEW) / usual).log()
        told = (weight[:, None] @ ratio[place])[:, 0]  # n v
        return told.new_zeros(len(unheard), told.shape[1]).index_add(0, unheard.nonzero()[:, 0], told)
