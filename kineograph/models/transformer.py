"""The transformer of every token system: tokens on a grid of time, height and width, and a rule for who sees whom.

    tokens ──> embedding + place in time, row, column ──> blocks (attend, read the text, think) ──> scores of codes
                                                                       ^ cross-attention to the Condition's tokens

Text reaches every block by its own keys and values, straight from the text encoder's states, as in Phenaki (Villegas
et al. 2022, whose 1.8 B and 0.9 B parameters add up only so). Queries and keys are normalised and layers begin as the
identity, which keeps training in bfloat16 quiet.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.condition import Condition
from kineograph.nn.attention import NormedAttention, unscaled_norm

Grid = tuple[int, int, int]  # time steps, rows, columns


def everything(grid: Grid) -> Tensor | None:
    """Every token sees every other: nothing is added to the scores."""
    return None


RULES: dict[str, Callable[[Grid], Tensor | None]] = {"everything": everything}  # grid -> n n, added to the scores


@dataclass(frozen=True)
class TokenTransformerConfig:
    """How many codes, the longest grid they stand on, the transformer's dimensions, and who sees whom."""

    codes: int = 64
    grid: tuple[int, int, int] = (5, 4, 4)  # time steps at most, rows, columns
    dim: int = 32
    depth: int = 2
    heads: int = 2
    widen: int = 4
    text_dim: int = 32
    rule: str = "everything"
    embed_dim: int = 0  # of the codes' embeddings, before they are widened to dim (Lan et al. 2020, 3.1); 0: dim itself
    groups: int = 1  # neighbours along a row that are codes of one place, of a book each, and one state of the network


class Layer(nn.Module):
    """Attend to each other, then think; normalised before, added after. Begins as the identity."""

    def __init__(self, dim: int, heads: int, widen: int = 4):
        super().__init__()
        self.attention = NormedAttention(dim, heads)
        self.widen, self.narrow = nn.Linear(dim, widen * dim), nn.Linear(widen * dim, dim)
        nn.init.zeros_(self.narrow.weight)
        nn.init.zeros_(self.narrow.bias)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """x: b n d, mask: added to the scores, broadcast to b h n n -> b n d."""
        return self.think(self.attend(x, mask))

    def attend(self, x: Tensor, mask: Tensor | None) -> Tensor:
        return x + self.attention(unscaled_norm(x), mask=mask)

    def think(self, x: Tensor) -> Tensor:
        return x + self.narrow(F.silu(self.widen(unscaled_norm(x))))


class Reading(NormedAttention):
    """Attention to states of another width: keys and values come straight from them."""

    def __init__(self, dim: int, heads: int, text_dim: int):
        super().__init__(dim, heads)
        self.to_kv = nn.Linear(text_dim, 2 * dim, bias=False)


class ReadingLayer(Layer):
    """A layer that reads the text between attending and thinking."""

    def __init__(self, dim: int, heads: int, widen: int, text_dim: int):
        super().__init__(dim, heads, widen)
        self.reading = Reading(dim, heads, text_dim)

    def read(self, x: Tensor, mask: Tensor | None, text: Tensor, hidden: Tensor) -> Tensor:
        """x: b n d, mask: n n or None, text: b m d, hidden: b 1 1 m added to the scores -> b n d."""
        x = self.attend(x, mask)
        return self.think(x + self.reading(unscaled_norm(x), text, hidden))


class TokenStates(nn.Module):
    """What every network on tokens shares: tokens b n and text -> states b n d.

    n is a whole number of time steps; token number `codes` stands for a hidden one.
    """

    def __init__(self, config: TokenTransformerConfig):
        super().__init__()
        if config.rule not in RULES:
            raise ValueError(f"there is no mask rule {config.rule!r}; there is {', '.join(RULES)}")
        steps, rows, columns = config.grid
        columns, rest = divmod(columns, config.groups)
        if rest:
            raise ValueError(f"rows of {config.grid[2]} tokens do not fall into groups of {config.groups}")
        self.config, narrow = config, config.embed_dim or config.dim
        self.embed = nn.Embedding(config.groups * (config.codes + 1), narrow)
        self.widened = nn.Linear(narrow, config.dim, bias=False) if config.embed_dim else nn.Identity()
        self.at_time = nn.Parameter(0.2 * torch.randn(steps, 1, 1, config.dim))
        self.at_row = nn.Parameter(0.2 * torch.randn(rows, 1, config.dim))
        self.at_column = nn.Parameter(0.2 * torch.randn(columns, config.dim))
        self.blocks = nn.ModuleList(
            ReadingLayer(config.dim, config.heads, config.widen, config.text_dim) for _ in range(config.depth)
        )
        nn.init.normal_(self.embed.weight, std=0.02)

    def states(self, tokens: Tensor, cond: Condition) -> Tensor:
        """tokens: b n, cond: tokens b m e and mask b m -> b n/g d, normalised."""
        (_, rows, columns), groups = self.config.grid, self.config.groups
        grid = (self.steps(tokens), rows, columns // groups)
        books = (self.config.codes + 1) * torch.arange(groups, device=tokens.device)
        codes = self.embed(tokens.unflatten(1, (-1, groups)) + books).sum(2)
        x = unscaled_norm(self.widened(codes)).unflatten(1, grid)  # b t h w d
        x = (x + self.at_time[: grid[0]] + self.at_row + self.at_column).flatten(1, 3)  # b n d
        mask = RULES[self.config.rule](grid)
        text, hidden = self.text(cond)
        for block in self.blocks:
            x = block.read(x, mask, text, hidden)
        return unscaled_norm(x)

    def text(self, cond: Condition) -> tuple[Tensor, Tensor]:
        """The text's states, b m e, and what to add to the scores of attention to them, b 1 1 m."""
        text = unscaled_norm(cond.tokens.to(self.embed.weight.dtype))
        hidden = torch.zeros(text.shape[:2], dtype=text.dtype, device=text.device)
        if cond.mask is not None:
            hidden = hidden.masked_fill(~cond.mask, -1e4)
        return text, hidden[:, None, None]

    def steps(self, tokens: Tensor) -> int:
        """How many time steps b n tokens are."""
        longest, rows, columns = self.config.grid
        steps, rest = divmod(tokens.shape[1], rows * columns)
        if rest or not 1 <= steps <= longest:
            raise ValueError(
                f"tokens are 1 to {longest} time steps of {rows} x {columns}, {rows * columns} tokens each; "
                f"got {tokens.shape[1]} tokens"
            )
        return steps


class TokenTransformer(TokenStates):
    """net(tokens, cond) -> scores of the codes, b n -> b n v in float32.

    The scores are products with the embeddings themselves. `nothing` is the condition that says nothing: a learned
    embedding in the place of the text, for classifier-free guidance.
    """

    def __init__(self, config: TokenTransformerConfig):
        super().__init__(config)
        self.narrowed = nn.Identity()
        if config.embed_dim or config.groups > 1:
            self.narrowed = nn.Linear(config.dim, config.groups * self.embed.embedding_dim, bias=False)
        self.offset = nn.Parameter(torch.zeros(config.groups * config.codes))
        self.null = nn.Parameter(torch.randn(config.text_dim))

    def forward(self, tokens: Tensor, cond: Condition) -> Tensor:
        states = self.narrowed(self.states(tokens, cond)).chunk(self.config.groups, -1)
        books = zip(states, self.books(), self.offset.chunk(self.config.groups), strict=True)
        return torch.stack([F.linear(x, book, offset) for x, book, offset in books], 2).flatten(1, 2).float()

    def books(self) -> list[Tensor]:
        """The embeddings of each book's codes, v e."""
        return [book[:-1] for book in self.embed.weight.chunk(self.config.groups)]

    def nothing(self) -> Condition:
        """tokens 1 1 e: the learned embedding of no text."""
        here = torch.ones(1, 1, dtype=torch.bool, device=self.null.device)
        return Condition(tokens=self.null[None, None], mask=here)

    @torch.no_grad()
    def begin_with(self, codes: Tensor) -> None:
        """Embeddings of codes that never learned begin as the codes' vectors, (g v) c, or their first numbers, spread
        evenly.

        Each book's have a part of the embedding of their own, so that a sum of embeddings says all.
        """
        width = min(codes.shape[1], self.embed.embedding_dim // self.config.groups)
        for g, (book, vectors) in enumerate(zip(self.books(), codes.chunk(self.config.groups), strict=True)):
            centred = (vectors - vectors.mean(0))[:, :width]
            book[:, g * width : (g + 1) * width] = centred / centred.std(0).clamp(min=1e-6)


class TokenJudge(TokenStates):
    """judge(tokens, cond) -> how real each token looks among the others, b n -> b n in float32, before a sigmoid."""

    def __init__(self, config: TokenTransformerConfig):
        super().__init__(config)
        self.verdict = nn.Linear(config.dim, config.groups)

    def forward(self, tokens: Tensor, cond: Condition) -> Tensor:
        return self.verdict(self.states(tokens, cond)).flatten(1).float()
