"""Attention over tokens."""

import torch.nn.functional as F
from torch import Tensor, nn


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """Scaled dot-product attention, b h n d over b h m d; mask: added to the scores, broadcast to b h n m.

    The fused kernel is slow in bfloat16 on CPUs when it trains, so there the formula is written out.
    """
    if q.is_cuda:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    return (scores if mask is None else scores + mask).softmax(-1) @ v


def unscaled_norm(x: Tensor) -> Tensor:
    """Layer normalisation of the last axis without gain and bias."""
    return F.layer_norm(x, x.shape[-1:])


class NormedAttention(nn.Module):
    """Multi-head attention of x over context (itself when there is none) with normalised queries and keys.

    Query-key normalisation (Henry et al. 2020) keeps training stable in bfloat16. The output begins at zero.
    """

    def __init__(self, dim: int, heads: int):
        super().__init__()
        if dim % heads:
            raise ValueError(f"dim {dim} is not divisible by {heads} heads")
        self.heads = heads
        self.to_q = nn.Linear(dim, dim, bias=False)
        self.to_kv = nn.Linear(dim, 2 * dim, bias=False)
        self.to_out = nn.Linear(dim, dim, bias=False)
        nn.init.zeros_(self.to_out.weight)

    def forward(self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """x: b n d, context: b m d, mask: b 1 1 m added to the scores -> b n d."""
        context = x if context is None else context
        q = unscaled_norm(self.to_q(x).unflatten(-1, (self.heads, -1))).transpose(1, 2)  # b h n d
        k, v = self.to_kv(context).unflatten(-1, (2, self.heads, -1)).unbind(2)  # b m h d
        out = attend(q, unscaled_norm(k).transpose(1, 2), v.transpose(1, 2), mask)
        return self.to_out(out.transpose(1, 2).flatten(2))
