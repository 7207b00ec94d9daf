"""C-ViViT: video to tokens and back, causal in time (Villegas et al. 2022, section 2.1; Arnab et al. 2021).

    first frame       ──> patches ──┐
    groups of t_p     ──> patches ──┴─> attend within each time step ──> attend to earlier time steps ──> codebook
    pixels <── patches <── attend within each time step <── attend to earlier time steps <───────────────── tokens

A time step is the first frame, or one group of t_p frames after it. Nothing looks ahead: what comes later changes
neither the tokens nor the pixels of what came before, and an image is the first frame of a film that ends there. So
1 + k t_p frames go through for every k; distances in time enter attention as fixed biases (ALiBi, Press et al. 2022).

Layers begin as the identity and projections as the cosine waves of their patches (`cosines.py`), so the network begins
as a plain vector quantiser of patches; what it learns is what patches around and before one tell of it.

The published patch embedding normalises the pixels of each patch. Here nothing does: a patch of one colour would lose
how bright it is, and a drawn world is full of them.
"""

from dataclasses import dataclass, field

import torch
from einops import rearrange
from torch import Tensor, nn

from kineograph.models.cosines import strongest
from kineograph.models.quantizers import Codebook, CodebookConfig
from kineograph.models.transformer import Layer

CONSTANT = 24.0  # of what is projected to codes, beside its waves: a few times as long as they are


@dataclass(frozen=True)
class CViViTConfig:
    """The frames' size, how they are cut, the dimensions of the layers and their number, and the codebook."""

    size: int = 32
    patch: tuple[int, int, int] = (2, 8, 8)  # t_p frames, height, width
    dim: int = 32
    heads: int = 2
    spatial: int = 1  # layers within a time step, in the encoder and again in the decoder
    temporal: int = 1  # layers across time steps, in both
    book: CodebookConfig = field(default_factory=CodebookConfig)


class CViViT(nn.Module):
    """encode: b 1+k t_p 3 s s in [-1, 1] -> tokens b 1+k h w; decode goes back.

    With a book of g groups, g neighbours along w are the codes of one patch.
    """

    discrete = True  # encode gives whole numbers

    def __init__(self, config: CViViTConfig):
        super().__init__()
        frames, p, q = config.patch
        if config.size % p or config.size % q:
            raise ValueError(f"patches of {p} x {q} pixels do not tile frames of {config.size} x {config.size}")
        self.config, self.grid = config, (config.size // p, config.size // q)  # rows, columns of patches
        self.tokens = self.grid[0], self.grid[1] * config.book.groups  # rows, columns of tokens
        dim, first, group = config.dim, 3 * p * q, 3 * frames * p * q
        self.first_in, self.group_in = nn.Linear(first, dim), nn.Linear(group, dim)
        self.first_out, self.group_out = nn.Linear(dim, first), nn.Linear(dim, group)
        for layer in (self.first_in, self.group_in, self.first_out, self.group_out):
            layer.weight.muon = False
        self.at_encoder = nn.Parameter(torch.randn(*self.grid, dim))
        self.at_decoder = nn.Parameter(torch.randn(*self.grid, dim))

        def layers(count: int) -> nn.ModuleList:
            return nn.ModuleList(Layer(dim, config.heads) for _ in range(count))

        self.encoder_space, self.encoder_time = layers(config.spatial), layers(config.temporal)
        self.decoder_time, self.decoder_space = layers(config.temporal), layers(config.spatial)
        self.book = Codebook(dim, config.book)
        self.begin_as_waves()

    @torch.no_grad()
    def begin_as_waves(self) -> None:
        """Projections of patches to their strongest waves and back, and of those to codes and back.

        Three quarters of a state are waves, tempered to the root of their spread. The books take the strongest in turn;
        one number of a code is a constant, beside which the unit sphere is nearly flat.
        """
        kept, (_, p, q) = self.config.dim * 3 // 4, self.config.patch
        for into, out, block in (
            (self.first_in, self.first_out, (1, p, q)),
            (self.group_in, self.group_out, self.config.patch),
        ):
            waves, spread = strongest(kept, block)
            size = spread.sqrt()[:, None]
            for x in (into.weight, into.bias, out.weight, out.bias):
                x.zero_()
            into.weight[: len(waves)] = waves / size
            out.weight[:, : len(waves)] = (waves * size).t()
        self.at_encoder[..., :kept] = self.at_decoder[..., :kept] = 0
        inward, outward = self.book.inward, self.book.outward
        groups, width = self.config.book.groups, self.config.book.code_dim
        for x in (inward.weight, inward.bias, outward.weight, outward.bias):
            x.zero_()
        for k in range(min(kept, groups * (width - 1))):
            place = k % groups * width + k // groups
            inward.weight[place, k] = size[k, 0]
            outward.weight[k, place] = CONSTANT / size[k, 0]
        inward.bias.view(groups, width)[:, -1] = CONSTANT

    def forward(self, video: Tensor) -> tuple[Tensor, Tensor]:
        """b t 3 s s -> the same through the codebook, and the commitment loss."""
        states, _, commitment = self.book(self.look(video))
        return self.draw(states), commitment

    def encode(self, video: Tensor) -> Tensor:
        """b 1+k t_p 3 s s in [-1, 1] -> tokens b 1+k h w, int64."""
        return self.book.encode(self.look(video)).flatten(3)

    def decode(self, tokens: Tensor) -> Tensor:
        """Tokens b 1+k h w -> b 1+k t_p 3 s s in float32, nearly in [-1, 1]."""
        return self.draw(self.book.decode(tokens.unflatten(3, (self.grid[1], -1))))

    def loss(self, video: Tensor, commit: float = 0.25) -> tuple[Tensor, Tensor]:
        """b t 3 s s -> pixels and commitment (paper, eq. 1, without its networks), and the reconstruction for those."""
        out, commitment = self(video)
        return pixels(out, video) + commit * commitment, out

    def drawing_loss(self, video: Tensor) -> tuple[Tensor, Tensor]:
        """b t 3 s s -> the decoder's squared error and what it drew; neither the encoder nor the book learns."""
        with torch.no_grad():
            tokens = self.encode(video)
        out = self.decode(tokens)
        return (out - video).square().mean(), out

    def look(self, video: Tensor) -> Tensor:
        """The encoder: b t 3 s s -> b 1+k h w d."""
        self.check(video)
        frames, p, q = self.config.patch
        video = video.to(self.first_in.weight.dtype)
        first = rearrange(video[:, :1], "b t c (h p) (w q) -> b t h w (c p q)", p=p, q=q)
        x = self.first_in(first)
        if video.shape[1] > 1:
            groups = rearrange(video[:, 1:], "b (t f) c (h p) (w q) -> b t h w (f c p q)", f=frames, p=p, q=q)
            x = torch.cat([x, self.group_in(groups)], dim=1)
        x = x + self.at_encoder
        return self.across_time(self.within_steps(x, self.encoder_space), self.encoder_time)

    def draw(self, states: Tensor) -> Tensor:
        """The decoder: b 1+k h w d -> b t 3 s s, float32."""
        frames, p, q = self.config.patch
        x = self.across_time(states + self.at_decoder, self.decoder_time)
        x = self.within_steps(x, self.decoder_space)
        first = rearrange(self.first_out(x[:, :1]), "b t h w (c p q) -> b t c (h p) (w q)", p=p, q=q)
        if x.shape[1] == 1:
            return first.float()
        groups = self.group_out(x[:, 1:])
        groups = rearrange(groups, "b t h w (f c p q) -> b (t f) c (h p) (w q)", f=frames, p=p, q=q)
        return torch.cat([first, groups], dim=1).float()

    def within_steps(self, x: Tensor, layers: nn.ModuleList) -> Tensor:
        """Each time step by itself: b t h w d -> same."""
        shape = x.shape
        x = x.flatten(2, 3).flatten(0, 1)  # (b t) (h w) d
        for layer in layers:
            x = layer(x)
        return x.view(shape)

    def across_time(self, x: Tensor, layers: nn.ModuleList) -> Tensor:
        """Each place by itself, looking back in time only: b t h w d -> same."""
        b, t, h, w, _ = x.shape
        x = rearrange(x, "b t h w d -> (b h w) t d")
        mask = backwards(t, self.config.heads).to(x)
        for layer in layers:
            x = layer(x, mask)
        return rearrange(x, "(b h w) t d -> b t h w d", b=b, h=h, w=w)

    def steps(self, frames: int) -> int:
        """The time steps of so many frames; ValueError names the nearest numbers that fit."""
        group = self.config.patch[0]
        k, rest = divmod(frames - 1, group)
        if frames < 1:
            raise ValueError(f"a video has 1 + k x {group} frames; {frames} do not fit, 1 does")
        if rest:
            below, above = 1 + k * group, 1 + (k + 1) * group
            raise ValueError(f"a video has 1 + k x {group} frames; {frames} do not fit, {below} and {above} do")
        return 1 + k

    def check(self, video: Tensor) -> None:
        size = self.config.size
        if video.ndim != 5 or video.shape[2:] != (3, size, size):
            raise ValueError(f"a video is b t 3 {size} {size}; this is {tuple(video.shape)}")
        self.steps(video.shape[1])


def backwards(t: int, heads: int) -> Tensor:
    """What attention across t time steps adds to its scores, h t t: -inf ahead, and less the further back.

    Head i of h forgets at the rate 2^(-8 i / h).
    """
    slopes = 2.0 ** (-8 * (torch.arange(heads) + 1) / heads)
    back = torch.arange(t)[:, None] - torch.arange(t)  # query's step less key's
    return (-slopes[:, None, None] * back).masked_fill(back < 0, -torch.inf)


def pixels(out: Tensor, video: Tensor) -> Tensor:
    """Squared and absolute errors, b t 3 s s; what moves in a clip counts up to three times."""
    error = out - video
    moving = (video - video.mean(1, keepdim=True)).abs().amax(2, keepdim=True)
    weight = 1 + 2 * (2 * moving).clamp(max=1)
    return (weight * (error.square() + error.abs())).mean()
