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
    codes: int = 64
    code_dim: int = 8
    decay: float = 0.98  # of the running means


class Codebook(nn.Module):
    """book(x) -> x in codes, the codes' numbers, the commitment loss;  ... d -> ... d, ..., scalar.

    In training the book moves with what it sees, and codes that are hardly used are put where vectors are; the first
    batch places all of them. Comparisons and means are float32 whatever the weights are.
    """

    book: Tensor
    uses: Tensor

    def __init__(self, dim: int, config: CodebookConfig):
        super().__init__()
        self.codes, self.decay = config.codes, config.decay
        self.inward, self.outward = nn.Linear(dim, config.code_dim), nn.Linear(config.code_dim, dim)
        self.register_buffer("book", F.normalize(torch.randn(config.codes, config.code_dim), dim=1))
        self.register_buffer("uses", torch.zeros(config.codes))  # running mean; 1 where all are used alike

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z = self.project(x)
        flat = z.detach().flatten(0, -2)
        if self.training:
            self.revive(flat)
        tokens = self.nearest(flat).view(z.shape[:-1])
        codes = self.unit(tokens)
        if self.training:
            self.follow(flat, tokens.flatten())
        commitment = (z - codes).square().sum(-1).mean()
        straight = z + (codes - z).detach()  # the gradient passes as if nothing had been rounded
        return self.outward(straight.to(x.dtype)), tokens, commitment

    def encode(self, x: Tensor) -> Tensor:
        """... d -> the numbers of the nearest codes, ... int64."""
        z = self.project(x)
        return self.nearest(z.flatten(0, -2)).view(z.shape[:-1])

    def decode(self, tokens: Tensor) -> Tensor:
        """The vectors that code numbers stand for, ... -> ... d."""
        return self.outward(self.unit(tokens).to(self.outward.weight.dtype))

    def project(self, x: Tensor) -> Tensor:
        """... d -> ... c on the unit sphere."""
        return F.normalize(self.inward(x).float(), dim=-1)

    def unit(self, tokens: Tensor) -> Tensor:
        """... -> ... c: codes on the unit sphere, also where the book is kept in half precision."""
        return F.normalize(self.book[tokens].float(), dim=-1)

    def nearest(self, z: Tensor) -> Tensor:
        """n c -> n."""
        book = F.normalize(self.book.float(), dim=1).t()
        return torch.cat([(rows @ book).argmax(1) for rows in z.split(ROWS)])

    @torch.no_grad()
    def follow(self, z: Tensor, tokens: Tensor) -> None:
        """Moves counts and book towards those of this batch.  z: n c, tokens: n."""
        fair = self.codes / len(tokens)
        uses = fair * torch.bincount(tokens, minlength=self.codes).to(z)
        sums = fair * torch.zeros_like(self.book).index_add_(0, tokens, z)
        old = self.decay * self.uses[:, None] * self.book
        self.book.copy_(torch.where(uses[:, None] > 0, F.normalize(old + (1 - self.decay) * sums, dim=1), self.book))
        self.uses.lerp_(uses, 1 - self.decay)

    @torch.no_grad()
    def revive(self, z: Tensor) -> None:
        """Puts codes that are hardly used on vectors drawn from this batch, n c.

        On them, not near them: early in training all vectors crowd in a corner smaller than any noise one would choose.
        """
        dead = self.uses < DEAD
        order = torch.randperm(len(z), device=z.device)
        drawn = z[order[torch.arange(self.codes, device=z.device) % len(z)]]
        self.book.copy_(torch.where(dead[:, None], drawn, self.book))
        self.uses.masked_fill_(dead, 1.0)


def usage(tokens: Tensor, codes: int) -> float:
    """The share of the codes that occur among tokens of any shape."""
    return len(tokens.unique()) / codes


def perplexity(tokens: Tensor, codes: int) -> float:
    """How many codes, used alike, would be as hard to guess as these tokens of any shape: 1 to `codes`."""
    share = torch.bincount(tokens.flatten(), minlength=codes).double() / tokens.numel()
    return float(torch.special.entr(share).sum().exp())
