"""What a network is told beside its input: tokens to attend to, a vector, frames."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Condition:
    """The doors into a network: tokens are attended to, a vector joins the noise level, frames join the input, and a
    layout says where things are in it.

    tokens: b n d, mask: b n bool (true where a token is real), vector: b d, frames: b t c h w, layout: b t l.
    """

    tokens: Tensor | None = None
    mask: Tensor | None = None
    vector: Tensor | None = None
    frames: Tensor | None = None
    layout: Tensor | None = None

    def map(self, f: Callable[[Tensor], Tensor]) -> "Condition":
        """f applied to every tensor that is there: `cond.map(lambda x: x.to(device))`."""
        return replace(self, **{name: f(x) for name, x in self.items().items()})

    def items(self) -> dict[str, Tensor]:
        """The tensors that are there, by name."""
        return {f.name: x for f in fields(self) if (x := getattr(self, f.name)) is not None}

    def padded(self, n: int) -> "Condition":
        """Tokens and mask lengthened to n with masked zeros: b n d, b n."""
        if self.tokens is None or (missing := n - self.tokens.shape[1]) == 0:
            return self
        mask = self.tokens.new_ones(self.tokens.shape[:2], dtype=torch.bool) if self.mask is None else self.mask
        return replace(self, tokens=F.pad(self.tokens, (0, 0, 0, missing)), mask=F.pad(mask, (0, missing)))

    def where(self, keep: Tensor, null: "Condition") -> "Condition":
        """This condition for the rows to keep, the null one for the others; a null of one row serves them all.

        keep: b bool. What the null condition lacks is kept in every row.
        """
        ours, theirs = (c.items() for c in aligned(self, null))
        if unknown := set(theirs) - set(ours):
            raise ValueError(f"the null condition has {', '.join(sorted(unknown))}, which the condition lacks")
        picked = {k: torch.where(keep.reshape(-1, *[1] * (ours[k].ndim - 1)), ours[k], x) for k, x in theirs.items()}
        return Condition(**(ours | picked))

    @classmethod
    def cat(cls, conditions: "Sequence[Condition]") -> "Condition":
        """Conditions one after the other along the batch; shorter token rows are padded and masked."""
        rows = [c.items() for c in aligned(*conditions)]
        if any(set(row) != set(rows[0]) for row in rows):
            raise ValueError(f"conditions to join must have the same parts; got {[sorted(row) for row in rows]}")
        return cls(**{name: torch.cat([row[name] for row in rows]) for name in rows[0]})


def aligned(*conditions: Condition) -> list[Condition]:
    """The same conditions with token rows of one length, and masks everywhere if anyone has one."""
    n = max((c.tokens.shape[1] for c in conditions if c.tokens is not None), default=0)
    padded = [c.padded(n) for c in conditions]
    if all(c.mask is None for c in padded):
        return padded
    return [
        replace(c, mask=c.tokens.new_ones(c.tokens.shape[:2], dtype=torch.bool))
        if c.mask is None and c.tokens is not None
        else c
        for c in padded
    ]
