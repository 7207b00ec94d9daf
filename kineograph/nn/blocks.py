"""The bricks of UNets and image codecs, over frames in a row: (b t) c h w. Parameters bear diffusers' names."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.nn.attention import attend

WRITTEN_OUT = 2**16  # scores of a head up to which the formula is quicker than the fused kernel where CPUs train
Look = Callable[[Tensor], Tensor]  # the tokens of every frame -> the tokens its self-attention reads, n m c -> n k c


def itself(y: Tensor) -> Tensor:
    """Each frame reads itself."""
    return y


class Attention(nn.Module):
    """Multi-head attention of x over context (itself when there is none)."""

    def __init__(self, dim: int, heads: int, context_dim: int = 0, *, bias: bool = False):
        super().__init__()
        if dim % heads:
            raise ValueError(f"dim {dim} is not divisible by {heads} heads")
        self.heads = heads
        self.to_q = nn.Linear(dim, dim, bias)
        self.to_k = nn.Linear(context_dim or dim, dim, bias)
        self.to_v = nn.Linear(context_dim or dim, dim, bias)
        self.to_out = nn.ModuleList([nn.Linear(dim, dim)])

    def forward(self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """x: b n c, context: b m d, mask: b 1 1 m bool, true where there is something to read -> b n c."""
        context = x if context is None else context
        q, k, v = self.split(self.to_q(x)), self.split(self.to_k(context)), self.split(self.to_v(context))
        if torch.is_grad_enabled() and q.shape[-2] * k.shape[-2] <= WRITTEN_OUT:
            added = None if mask is None else torch.zeros_like(mask, dtype=q.dtype).masked_fill(~mask, -torch.inf)
            x = attend(q, k, v, added)  # b h n d
        else:
            x = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.to_out[0](x.transpose(1, 2).flatten(2))

    def split(self, x: Tensor) -> Tensor:
        """b n (h d) -> b h n d."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class Wanted(torch.autograd.Function):
    """x as it is, whose gradient is asked for wherever the weight's is.

    torch 2.13 crashes where channels-last frames teach the weights of a group norm, and nothing before it.
    """

    @staticmethod
    def forward(ctx: object, x: Tensor, weight: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: object, grad: Tensor) -> tuple[Tensor, None]:
        return grad, None


class GroupNorm(nn.GroupNorm):
    """In float32 on CPUs, whose kernel is several times slower on channels-last bfloat16."""

    def forward(self, x: Tensor) -> Tensor:
        if torch.is_grad_enabled() and self.weight.requires_grad:
            x = Wanted.apply(x, self.weight)
        if x.is_cuda or x.dtype != torch.bfloat16:
            return super().forward(x)
        return F.group_norm(x.float(), self.num_groups, self.weight.float(), self.bias.float(), self.eps).to(x.dtype)


class GEGLU(nn.Module):
    """A linear layer whose outputs are gated by as many others (Shazeer 2020)."""

    def __init__(self, dim: int, hidden: int):
        super().__init__()
        self.proj = nn.Linear(dim, 2 * hidden)

    def forward(self, x: Tensor) -> Tensor:
        x, gate = self.proj(x).chunk(2, dim=-1)
        return x * F.gelu(gate)


class FeedForward(nn.Module):
    """... c -> ... c through four times the width."""

    def __init__(self, dim: int):
        super().__init__()
        self.net = nn.Sequential(GEGLU(dim, 4 * dim), nn.Identity(), nn.Linear(4 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class TransformerBlock(nn.Module):
    """Attend to oneself, attend to the context (without one: to oneself again), think; then, if given, mix the frames.

    `temporal` maps n m c and a number of frames to the same shape.
    """

    def __init__(self, dim: int, heads: int, context_dim: int = 0, temporal: nn.Module | None = None):
        super().__init__()
        self.norm1, self.attn1 = nn.LayerNorm(dim), Attention(dim, heads)
        self.norm2, self.attn2 = nn.LayerNorm(dim), Attention(dim, heads, context_dim)
        self.norm3, self.ff = nn.LayerNorm(dim), FeedForward(dim)
        self.temporal = temporal

    def forward(
        self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None, *,
        look: Look = itself, placed: Callable[[Tensor], Tensor] = itself, frames: int = 1,
    ) -> Tensor:  # fmt: skip
        """x: n m c; look: what self-attention reads; placed: adds positions to what is attended from -> n m c."""
        y = placed(self.norm1(x))
        x = x + self.attn1(y, look(y))
        x = x + self.attn2(placed(self.norm2(x)), context, mask)
        x = x + self.ff(self.norm3(x))
        return x if self.temporal is None else self.temporal(x, frames)


class SpatialTransformer(nn.Module):
    """A transformer over the pixels of each frame.  (b t) c h w -> same."""

    def __init__(self, dim: int, heads: int, context_dim: int, groups: int, temporal: nn.Module | None = None):
        super().__init__()
        self.norm = GroupNorm(groups, dim, eps=1e-6)
        self.proj_in, self.proj_out = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(dim, heads, context_dim, temporal)])

    def forward(self, x: Tensor, context: Tensor, mask: Tensor | None, look: Look, frames: int) -> Tensor:
        h, w = x.shape[-2:]
        y = self.proj_in(self.norm(x).flatten(2).transpose(1, 2))  # (b t) (h w) c
        for block in self.transformer_blocks:
            y = block(y, context, mask, look=look, frames=frames)
        return x + self.proj_out(y).transpose(1, 2).unflatten(2, (h, w))


class Resnet(nn.Module):
    """Two normalised 3 x 3 convolutions around which the input passes; between them, if it has one, the time speaks."""

    def __init__(self, inner: int, outer: int, *, time_dim: int = 0, groups: int = 32, eps: float = 1e-6):
        super().__init__()
        self.norm1, self.conv1 = GroupNorm(groups, inner, eps), nn.Conv2d(inner, outer, 3, padding=1)
        self.time_emb_proj = nn.Linear(time_dim, outer) if time_dim else None
        self.norm2, self.conv2 = GroupNorm(groups, outer, eps), nn.Conv2d(outer, outer, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(inner, outer, 1) if inner != outer else nn.Identity()

    def forward(self, x: Tensor, emb: Tensor | None = None) -> Tensor:
        """x: n c h w, emb: n d -> n c' h w."""
        h = self.conv1(F.silu(self.norm1(x)))
        if self.time_emb_proj is not None:
            h = h + self.time_emb_proj(F.silu(emb))[:, :, None, None]
        return self.conv_shortcut(x) + self.conv2(F.silu(self.norm2(h)))


class Downsample(nn.Module):
    """Half the size, by a convolution; codecs pad only below and to the right.  n c h w -> n c h/2 w/2."""

    def __init__(self, dim: int, *, lopsided: bool = False):
        super().__init__()
        self.lopsided = lopsided
        self.conv = nn.Conv2d(dim, dim, 3, stride=2, padding=0 if lopsided else 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pad(x, (0, 1, 0, 1)) if self.lopsided else x)


class Upsample(nn.Module):
    """Twice the size, or the size given: nearest neighbours and a convolution.  n c h w -> n c 2h 2w."""

    def __init__(self, dim: int):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)

    def forward(self, x: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        size = size or (2 * x.shape[-2], 2 * x.shape[-1])
        return self.conv(F.interpolate(x, size=size, mode="nearest"))
