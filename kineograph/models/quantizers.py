"""A codebook: vectors become the number of the nearest of a fixed set, and back.

Factorised and l2-normalised (ViT-VQGAN, Yu et al. 2022): vectors are projected to a few dimensions and to the unit
sphere, where the nearest code is the one of the largest cosine; with few dimensions most codes find a use.

The book follows the vectors as a running mean (van den Oord et al. 2017, appendix A.1), not by gradients: a trainer
that keeps its own copy of the weights would undo what revives a dead code. Book and counts are buffers, so they are
saved, and a resumed training goes on with them. They are those of the newest weights: averaged weights fit them once
the learning rate has come down, and meanwhile the better the shorter the average.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

DEAD = 0.1  # of the uses that a code would have if all were used alike
ROWS = 4096  # vectors compared with the book at a time


@dataclass(frozen=True)
class CodebookConfig:
    """groups: a vector becomes so many codes, each of a book of its own (product quantisation, Jegou et al. 2011)."""

    codes: int = 64  # in each book
    code_dim: int = 8  # of each code
    decay: float = 0.98  # of the running means
    groups: int = 1


class Codebook(nn.Module):
    """book(x) -> x in codes, the codes' numbers, the commitment loss;  ... d -> ... d, ... g, scalar.

    In training the book moves with what it sees, and codes that are hardly used are put where vectors are; the first
    batch places all of them. Comparisons and means are float32 whatever the weights are.
    """

    book: Tensor
    uses: Tensor

    def __init__(self, dim: int, config: CodebookConfig):
        super().__init__()
        self.codes, self.decay, self.groups = config.codes, config.decay, config.groups
        wide = config.groups * config.code_dim
        self.inward, self.outward = nn.Linear(dim, wide), nn.Linear(wide, dim)
        self.register_buffer("book", F.normalize(torch.randn(config.groups * config.codes, config.code_dim), dim=1))
        self.register_buffer("uses", torch.zeros(config.groups * config.codes))  # running mean; 1 where used alike

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z = self.project(x)
        flat = z.detach().flatten(0, -3)  # n g c
        if self.training:
            self.revive(flat)
        tokens = self.nearest(flat)
        codes = self.unit(tokens).view_as(z)
        if self.training:
            self.follow(flat, tokens)
        commitment = (z - codes).square().sum(-1).mean()
        straight = z + (codes - z).detach()  # the gradient passes as if nothing had been rounded
        return self.outward(straight.flatten(-2).to(x.dtype)), tokens.view(z.shape[:-1]), commitment

    def encode(self, x: Tensor) -> Tensor:
        """... d -> the numbers of the nearest codes of each book, ... g int64."""
        z = self.project(x)
        return self.nearest(z.flatten(0, -3)).view(z.shape[:-1])

    def decode(self, tokens: Tensor) -> Tensor:
        """The vectors that code numbers stand for, ... g -> ... d."""
        return self.outward(self.unit(tokens).flatten(-2).to(self.outward.weight.dtype))

    def project(self, x: Tensor) -> Tensor:
        """... d -> ... g c, each on the unit sphere."""
        return F.normalize(self.inward(x).float().unflatten(-1, (self.groups, -1)), dim=-1)

    def unit(self, tokens: Tensor) -> Tensor:
        """... g -> ... g c: codes on the unit sphere, also where the book is kept in half precision."""
        return F.normalize(self.book[self.numbers(tokens)].float(), dim=-1)

    def numbers(self, tokens: Tensor) -> Tensor:
        """Codes of each book -> codes among those of all books.  ... g -> same."""
        return tokens + self.codes * torch.arange(self.groups, device=tokens.device)

    def nearest(self, z: Tensor) -> Tensor:
        """n g c -> n g."""
        books = F.normalize(self.book.float(), dim=1).unflatten(0, (self.groups, -1)).transpose(1, 2)
        parts = [
            torch.stack([(x @ book).argmax(1) for x, book in zip(rows.unbind(1), books, strict=True)], 1)
            for rows in z.split(ROWS)
        ]
        return torch.cat(parts)

    @torch.no_grad()
    def follow(self, z: Tensor, tokens: Tensor) -> None:
        """Moves counts and books towards those of this batch.  z: n g c, tokens: n g."""
        fair, flat = self.codes / len(tokens), self.numbers(tokens).flatten()
        uses = fair * torch.bincount(flat, minlength=len(self.book)).to(z)
        sums = fair * torch.zeros_like(self.book).index_add_(0, flat, z.flatten(0, 1))
        old = self.decay * self.uses[:, None] * self.book
        self.book.copy_(torch.where(uses[:, None] > 0, F.normalize(old + (1 - self.decay) * sums, dim=1), self.book))
        self.uses.lerp_(uses, 1 - self.decay)

    @torch.no_grad()
    def revive(self, z: Tensor) -> None:
        """Puts codes that are hardly used on vectors drawn from this batch, n g c.

        On them, not near them: early in training all vectors crowd in a corner smaller than any noise one would choose.
        """
        dead = self.uses < DEAD
        order = torch.randperm(len(z), device=z.device)
        drawn = z[order[torch.arange(self.codes, device=z.device) % len(z)]].transpose(0, 1).flatten(0, 1)
        self.book.copy_(torch.where(dead[:, None], drawn, self.book))
        self.uses.masked_fill_(dead, 1.0)


def usage(tokens: Tensor, codes: int, groups: int = 1) -> float:
    """The share of the codes of all books that occur among tokens, whose last axis goes through the books in turn."""
    return float((occurrences(tokens, codes, groups) > 0).double().mean())


def perplexity(tokens: Tensor, codes: int, groups: int = 1) -> float:
    """How many codes, used alike, would be as hard to guess as these tokens: 1 to `codes`; with more books than one,
    the geometric mean over them.
    """
    found = occurrences(tokens, codes, groups)
    share = found / found.sum(1, keepdim=True)
    return float(torch.special.entr(share).sum(1).mean().exp())


def occurrences(tokens: Tensor, codes: int, groups: int) -> Tensor:
    """How often each code of each book occurs, g v in float64."""
    books = tokens.reshape(-1, groups).unbind(1)
    return torch.stack([torch.bincount(book, minlength=codes) for book in books]).double()
