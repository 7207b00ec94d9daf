"""A transformer over patches of video latents that predicts clean latents from noisy ones.

    known frames ─┐                 ┌─────────────────── past the blocks ──────────────────┐
    noisy latents ┴─> convolutions ─┴─> patches ─> blocks ─> patches (and nothing is lost) ┴─> convolutions ─> clean
                │                                    ^ attend to the clip and to the text, feed forward;     + latents
                │                                      scales, shifts and gates from time, step and the text's vector
                └───────────────────────> each frame by itself: convolutions, scaled and shifted likewise ───┘

After DiT (Peebles & Xie 2023: adaptive layer norm), PixArt (Chen et al. 2023: one shared modulation, text by
cross-attention) and JiT (Li & He 2025: a wide patch is best predicted clean, not as noise). The convolutions, which see
each latent and its neighbours on both sides of a patch's edge, are those of U-ViT (Hoogeboom et al. 2023, simple
diffusion): a figure is the same a pixel further on, and patches agree where they meet.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from kineograph.condition import Condition
from kineograph.nn.attention import NormedAttention, unscaled_norm
from kineograph.nn.convolution import stack
from kineograph.nn.layout import MAPS, maps
from kineograph.nn.positions import sinusoids


@dataclass(frozen=True)
class VideoTransformerConfig:
    """The grid of latents (frames, size), how it is cut into patches, and the transformer's dimensions."""

    channels: int = 4
    frames: int = 8
    size: int = 4
    patch: tuple[int, int] = (4, 2)  # frames, height and width
    dim: int = 32
    depth: int = 2
    heads: int = 2
    text_dim: int = 32
    low_rank: int = 64  # of each block's own modulation
    vector_dim: int = 0  # of the condition's vector, text_dim if 0
    local: int = 16  # width of the convolutions around the blocks
    layout_dim: int = 0  # columns of the layout that it draws by, 0 if it is told none
    retouch: int = 0  # residual convolutions over each frame by itself


class Block(nn.Module):
    """Attend to the clip, attend to the text, think; each gated by time and text."""

    def __init__(self, dim: int, heads: int, low_rank: int, widen: int = 3):
        super().__init__()
        self.attention, self.reading = NormedAttention(dim, heads), NormedAttention(dim, heads)
        self.widen, self.narrow = nn.Linear(dim, widen * dim), nn.Linear(widen * dim, dim)
        self.own = nn.Linear(low_rank, 6 * dim)  # on top of the modulation that all blocks share
        for zero in (self.narrow.weight, self.narrow.bias, self.own.weight, self.own.bias):
            nn.init.zeros_(zero)

    def forward(self, x: Tensor, text: Tensor, mask: Tensor, shared: Tensor, low: Tensor) -> Tensor:
        """x: b n d, text: b m d, mask: b 1 1 m, shared: b 6d, low: b r -> b n d."""
        scale, gate, scale_ff, gate_ff, shift, shift_ff = (shared + self.own(low))[:, None].chunk(6, dim=-1)
        scale, gate, scale_ff, gate_ff = 1 + scale, 1 + gate, 1 + scale_ff, 1 + gate_ff
        x = torch.addcmul(x, gate, self.attention(torch.addcmul(shift, scale, unscaled_norm(x))))
        x = x + self.reading(unscaled_norm(x), text, mask)
        return torch.addcmul(
            x, gate_ff, self.narrow(F.silu(self.widen(torch.addcmul(shift_ff, scale_ff, unscaled_norm(x)))))
        )


class Retouch(nn.Module):
    """Each frame by itself, at its full size: what few wide patches of several frames cannot hold.

    Scaled and shifted by what is told of the clip and of this frame's layout; so one set of kernels draws every figure
    in every pose, and sees each of them in every frame and place. Adds nothing at first.
    """

    def __init__(self, config: VideoTransformerConfig):
        super().__init__()
        width, pt, depth = config.local, config.patch[0], config.retouch
        self.enter = nn.Conv2d(config.channels + MAPS, width, 3, 1, 1)
        self.shared = nn.Conv2d(width, pt * width, 1)
        self.told = nn.ModuleList(nn.Linear(config.dim, 2 * width) for _ in range(depth))
        self.held = nn.ModuleList(nn.Linear(max(config.layout_dim, 1), 2 * width) for _ in range(depth))
        self.blocks = nn.ModuleList(stack(width, depth))
        self.leave = nn.Conv2d(width, config.channels, 3, 1, 1)
        self.past = nn.Linear(config.dim, config.channels)
        ends = [block.second for block in self.blocks]  # so that blocks can be added to trained ones
        for zero in (*self.told, *self.held, *ends, self.leave, self.past):
            nn.init.zeros_(zero.weight)
            nn.init.zeros_(zero.bias)
        for layer in (*self.told, *self.held, self.past):
            layer.weight.muon = False

    def forward(self, x: Tensor, fine: Tensor, signal: Tensor, layout: Tensor | None, at: Tensor | None) -> Tensor:
        """x: b t c h w noisy, fine: (b t/pt) d h w of groups of frames, signal: b n, layout: b t l, at: its maps
        -> b t c h w.
        """
        b, t, _, size, _ = x.shape
        at = x.new_zeros(b, t, MAPS, size, size) if at is None else at
        h = torch.cat([x, at], dim=2).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        pt = self.shared.out_channels // self.shared.in_channels
        h = self.enter(h) + rearrange(self.shared(fine), "g (pt d) h w -> (g pt) d h w", pt=pt)
        for block, told, held in zip(self.blocks, self.told, self.held, strict=True):
            said = told(signal)[:, None].expand(-1, t, -1)
            if layout is not None:
                said = said + held(layout.to(x.dtype))
            scale, shift = said.flatten(0, 1)[..., None, None].chunk(2, dim=1)
            h = block(torch.addcmul(shift, 1 + scale, h))
        kept = self.past(signal)[:, None, :, None, None] * x
        return kept + self.leave(F.silu(h)).unflatten(0, (b, t))


class VideoTransformer(nn.Module):
    """net(x, time, cond) -> clean x.

    x: b t c h w noisy latents, time: b in (0, 1], cond: tokens b n d and mask b n of the text, its vector b d, frames b
    k c h w, the clean latents that come before x (k = 0 without), layout b k+t l. k and t are multiples of the patch's
    frames and k + t at most `config.frames`. step: b, how far a distilled network jumps from time towards the data; 0
    asks for the plain prediction.
    """

    def __init__(self, config: VideoTransformerConfig):
        super().__init__()
        self.config = config
        pt, p = config.patch
        if config.frames % pt or config.size % p:
            raise ValueError(
                f"patches of {pt} x {p} x {p} do not tile {config.frames} frames of {config.size} x {config.size}"
            )
        dim, rows, groups = config.dim, config.size // p, config.frames // pt
        local = config.local
        self.enter = nn.Sequential(nn.Conv2d(config.channels * pt, local, 3, 1, 1), *stack(local, 1))
        self.inward = nn.Linear(local * p * p, dim)
        self.outward = nn.Linear(dim, local * p * p)
        if config.layout_dim:
            self.place = nn.Conv2d(MAPS * pt, local, 3, 1, 1)
            self.posture = nn.Linear(config.layout_dim * pt, dim)
        self.retouch = Retouch(config) if config.retouch else None
        self.leave = nn.Sequential(*stack(local, 2), nn.SiLU(), nn.Conv2d(local, config.channels * pt, 3, 1, 1))
        self.at_time = nn.Parameter(0.1 * torch.randn(groups, 1, 1, dim))
        self.at_row = nn.Parameter(0.1 * torch.randn(rows, 1, dim))
        self.at_column = nn.Parameter(0.1 * torch.randn(rows, dim))
        self.known = nn.Parameter(0.1 * torch.randn(dim))
        self.read = nn.Linear(config.text_dim, dim)
        self.gist = nn.Linear(config.vector_dim or config.text_dim, dim)
        self.time = nn.Sequential(nn.Linear(256, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.step = nn.Linear(256, dim)
        self.shared = nn.Linear(dim, 6 * dim)
        self.low = nn.Linear(dim, config.low_rank)
        self.blocks = nn.ModuleList(Block(dim, config.heads, config.low_rank) for _ in range(config.depth))
        self.last = nn.Linear(dim, 2 * dim)
        told = (self.place, self.posture) if config.layout_dim else ()
        for zero in (self.step, self.shared, self.last, self.leave[-1], *told):
            nn.init.zeros_(zero.weight)
            nn.init.zeros_(zero.bias)
        for block in self.blocks:
            block.own.weight.muon = False
        for layer in (self.gist, self.time[0], self.time[2], self.step, self.shared, self.low, self.last):
            layer.weight.muon = False  # modulation is AdamW's: a matrix of one row per sample gains little from Muon

    def forward(self, x: Tensor, time: Tensor, cond: Condition, step: Tensor | None = None) -> Tensor:
        pt, p = self.config.patch
        known = 0 if cond.frames is None else cond.frames.shape[1]
        whole = x if cond.frames is None else torch.cat([cond.frames.to(x.dtype), x], dim=1)
        self.check(whole, known)
        fine = rearrange(whole.to(self.dtype), "b (t pt) c h w -> (b t) (pt c) h w", pt=pt)
        fine = self.enter[0](fine.contiguous(memory_format=torch.channels_last))
        layout = cond.layout if self.config.layout_dim else None
        at = None if layout is None else maps(layout.float(), whole.shape[-1]).to(self.dtype)
        if at is not None:
            seen = rearrange(at, "b (t pt) c h w -> (b t) (pt c) h w", pt=pt)
            fine = fine + self.place(seen.contiguous(memory_format=torch.channels_last))
        fine = self.enter[1:](fine)
        grid = rearrange(fine, "(b t) c (h p) (w q) -> b t h w (p q c)", b=len(x), p=p, q=p)
        h = self.inward(grid) + self.at_time[: grid.shape[1]] + self.at_row + self.at_column
        if layout is not None:
            held = rearrange(layout.to(self.dtype), "b (t pt) l -> b t 1 1 (pt l)", pt=pt)
            h = h + self.posture(held)
        if known:
            h = torch.cat([h[:, : known // pt] + self.known, h[:, known // pt :]], dim=1)
        h = h.flatten(1, 3)  # b n d
        signal = self.signal(time, cond, step)
        shared, low, last = self.shared(signal), self.low(signal), self.last(signal)
        text, mask = self.text(cond)
        for block in self.blocks:
            h = block(h, text, mask, shared, low)
        scale, shift = last[:, None].chunk(2, dim=-1)
        out = self.outward(unscaled_norm(h) * (1 + scale) + shift).unflatten(1, grid.shape[1:4])
        fine = fine + rearrange(out, "b t h w (p q c) -> (b t) c (h p) (w q)", p=p, q=p)
        out = rearrange(self.leave(fine), "(b t) (pt c) h w -> b (t pt) c h w", b=len(x), pt=pt)
        if self.retouch is not None:
            out = out + self.retouch(whole.to(self.dtype), fine, signal, layout, at)
        return out[:, known:].float()

    def signal(self, time: Tensor, cond: Condition, step: Tensor | None) -> Tensor:
        """What time, step and the text's vector say to all layers, b d."""
        step = torch.zeros_like(time) if step is None else step
        signal = self.time(sinusoids(time, 256).to(self.dtype)) + self.gist(
            2 * unscaled_norm(cond.vector.to(self.dtype))
        )
        return F.silu(signal + (step > 0)[:, None].to(self.dtype) * self.step(sinusoids(step, 256).to(self.dtype)))

    def text(self, cond: Condition) -> tuple[Tensor, Tensor]:
        """Text tokens in our width, b n d, and what to add to the attention's scores, b 1 1 n."""
        tokens = self.read(unscaled_norm(cond.tokens.to(self.dtype)))
        hidden = torch.zeros(tokens.shape[:2], dtype=self.dtype, device=tokens.device)
        if cond.mask is not None:
            hidden = hidden.masked_fill(~cond.mask, -1e4)
        return tokens, hidden[:, None, None]

    def check(self, x: Tensor, known: int) -> None:
        c = self.config
        if (
            x.shape[1] > c.frames
            or x.shape[1] % c.patch[0]
            or known % c.patch[0]
            or x.shape[2:] != (c.channels, c.size, c.size)
        ):
            raise ValueError(
                f"latents are b t {c.channels} {c.size} {c.size} with t (and the known frames in it) a multiple of "
                f"{c.patch[0]} up to {c.frames}; these are {tuple(x.shape)} with {known} known"
            )

    @property
    def dtype(self) -> torch.dtype:
        return self.inward.weight.dtype


def starting_with(cond: Condition, frames: Tensor | None) -> Condition:
    """The condition with clean latents b k c h w that come before what is asked for."""
    return replace(cond, frames=frames)
