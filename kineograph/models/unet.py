"""The UNet of every latent diffusion system: 2-D over each frame, with a plan for the layers that mix frames.

    x ─> conv ─> down ─> down ─> middle ─> up ─> up ─> conv ─> noise, v or x_0
                  └───────│───────────────│────┘
                          └───────────────┘          each level: resnet · attention (pixels, text) · temporal layers

After Ronneberger et al. 2015, Ho et al. 2020 and Rombach et al. 2022; parameters bear the names of diffusers'
UNet2DConditionModel and UNet3DConditionModel.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.condition import Condition
from kineograph.models.temporal import FrameAttention, Place, Plan, itself
from kineograph.nn.blocks import Downsample, GroupNorm, Look, Resnet, SpatialTransformer, Upsample
from kineograph.nn.lent import Layers
from kineograph.nn.positions import sinusoids


@dataclass(frozen=True)
class UNetConfig:
    """Widths, attention to text and heads of each level from the top; depth: resnets a level on the way down.

    context_dim: of the text's tokens; vector_dim: of a vector that joins the time, 0 for none.
    """

    in_channels: int = 4
    out_channels: int = 4
    widths: tuple[int, ...] = (16, 32)
    attends: tuple[bool, ...] = (True, False)
    heads: tuple[int, ...] = (2, 2)
    depth: int = 1
    context_dim: int = 32
    vector_dim: int = 0
    groups: int = 8
    eps: float = 1e-5

    def __post_init__(self) -> None:
        if not len(self.widths) == len(self.attends) == len(self.heads) > 0:
            raise ValueError(
                f"widths, attends and heads name the same levels; got {self.widths}, {self.attends}, {self.heads}"
            )
        for width, heads in zip(self.widths, self.heads, strict=True):
            if width % self.groups or width % heads:
                raise ValueError(f"a width of {width} is not divisible by {self.groups} groups and {heads} heads")


class UNet(nn.Module):
    """net(x, time, cond) -> what the process asks for.

    x: b t c h w, time: b from 0 to the schedule's steps, cond: tokens b n d and mask b n of the text, a vector b d if
    the config has one, and frames b t c' h w that join x. look: which frames a frame's self-attention reads.
    """

    def __init__(self, config: UNetConfig, plan: Plan | None = None):
        super().__init__()
        plan = plan or Plan()
        self.config, self.plan = config, plan
        widths, attends, heads, last = config.widths, config.attends, config.heads, len(config.widths) - 1
        levels = zip(widths, heads, attends, strict=True)
        places = [Place(width, n, config.groups, attend) for width, n, attend in levels]
        self.conv_in = nn.Conv2d(config.in_channels, widths[0], 3, padding=1)
        self.time_embedding = TimeEmbedding(widths[0])
        self.vector_embedding = nn.Linear(config.vector_dim, 4 * widths[0]) if config.vector_dim else None
        self.transformer_in = plan.at_input(places[0])

        skips, self.down_blocks = [widths[0]], nn.ModuleList()
        for i, place in enumerate(places):
            inner = [skips[-1]] + [place.dim] * (config.depth - 1)
            self.down_blocks.append(Level(config, plan, place, inner, down=i < last))
            skips += [place.dim] * (config.depth + (i < last))

        self.mid_block = Middle(config, plan, Place(widths[-1], heads[-1], config.groups, middle=True))

        below, self.up_blocks = widths[-1], nn.ModuleList()
        for i, place in enumerate(reversed(places)):
            inner = [c + skips.pop() for c in [below] + [place.dim] * config.depth]
            self.up_blocks.append(Level(config, plan, place, inner, up=i < last))
            below = place.dim

        self.conv_norm_out = GroupNorm(config.groups, widths[0], config.eps)
        self.conv_out = nn.Conv2d(widths[0], config.out_channels, 3, padding=1)

    def forward(self, x: Tensor, time: Tensor, cond: Condition, *, look: FrameAttention = itself) -> Tensor:
        x = x if cond.frames is None else torch.cat([x, cond.frames.to(x.dtype)], dim=2)
        self.check(x, cond)
        b, t = x.shape[:2]
        emb = self.time_embedding(time.to(x.device), self.dtype)
        if self.vector_embedding is not None:
            emb = emb + self.vector_embedding(cond.vector.to(self.dtype))
        told = Told(
            emb.repeat_interleave(t, 0),
            cond.tokens.to(self.dtype).repeat_interleave(t, 0),
            None if cond.mask is None else cond.mask[:, None, None].repeat_interleave(t, 0),
            partial(look, frames=t),
            t,
        )
        x = x.to(self.dtype).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        x = self.transformer_in(self.conv_in(x), t)  # (b t) c h w
        skips = [x]
        for level in self.down_blocks:
            x = level.descend(x, told, skips)
        x = self.mid_block(x, told)
        for level in self.up_blocks:
            x = level.ascend(x, told, skips)
        return self.conv_out(F.silu(self.conv_norm_out(x))).unflatten(0, (b, t)).float()

    def check(self, x: Tensor, cond: Condition) -> None:
        c = self.config
        if x.ndim != 5 or x.shape[2] != c.in_channels:
            raise ValueError(f"this UNet takes b t {c.in_channels} h w, joined frames included; got {tuple(x.shape)}")
        if cond.tokens is None or cond.tokens.shape[-1] != c.context_dim:
            given = "no tokens" if cond.tokens is None else f"tokens of {cond.tokens.shape[-1]}"
            raise ValueError(f"this UNet reads text tokens of {c.context_dim} numbers; got {given}")
        if c.vector_dim and (cond.vector is None or cond.vector.shape[-1] != c.vector_dim):
            raise ValueError(f"this UNet is told a vector of {c.vector_dim} numbers beside the text")

    @property
    def dtype(self) -> torch.dtype:
        return self.conv_in.weight.dtype


@dataclass(frozen=True, eq=False)
class Told:
    """What every layer is told: time (b t) d, text (b t) n d with its mask, whom to look at, how many frames."""

    emb: Tensor
    text: Tensor
    mask: Tensor | None
    look: Look
    frames: int


class Level(nn.Module):
    """One size on the way down or up: resnets, attentions, temporal layers, a change of size."""

    def __init__(
        self, config: UNetConfig, plan: Plan, place: Place, inner: list[int], *, down: bool = False, up: bool = False
    ):
        super().__init__()
        self.place = place
        self.resnets = nn.ModuleList(resnet(config, c, place.dim) for c in inner)
        self.temp_convs = nn.ModuleList(plan.after_resnet(place) for _ in inner)
        if place.attends:
            self.attentions = nn.ModuleList(attention(config, plan, place) for _ in inner)
        self.temp_attentions = nn.ModuleList(plan.after_attention(place) for _ in inner)
        self.attends, self.downsamplers, self.upsamplers = place.attends, None, None
        if down:
            self.downsamplers = nn.ModuleList([Downsample(place.dim)])
        if up:
            self.upsamplers = nn.ModuleList([Upsample(place.dim)])

    def step(self, i: int, x: Tensor, told: Told) -> Tensor:
        x = self.temp_convs[i](self.resnets[i](x, told.emb), told.frames)
        if self.attends:
            x = self.attentions[i](x, told.text, told.mask, told.look, told.frames)
        return self.temp_attentions[i](x, told.frames)

    def descend(self, x: Tensor, told: Told, skips: list[Tensor]) -> Tensor:
        """Leaves on the pile of skips what the way up will need."""
        for i in range(len(self.resnets)):
            x = self.step(i, x, told)
            skips.append(x)
        if self.downsamplers is not None:
            x = self.downsamplers[0](x)
            skips.append(x)
        return x

    def ascend(self, x: Tensor, told: Told, skips: list[Tensor]) -> Tensor:
        """Takes from the pile of skips; sizes that were not even come back as they were."""
        for i in range(len(self.resnets)):
            x = self.step(i, torch.cat([x, skips.pop()], dim=1), told)
        return x if self.upsamplers is None else self.upsamplers[0](x, tuple(skips[-1].shape[-2:]))


class Middle(nn.Module):
    """The bottom: resnet, attention, resnet, with their temporal layers."""

    def __init__(self, config: UNetConfig, plan: Plan, place: Place):
        super().__init__()
        self.place = place
        self.resnets = nn.ModuleList(resnet(config, place.dim, place.dim) for _ in range(2))
        self.temp_convs = nn.ModuleList(plan.after_resnet(place) for _ in range(2))
        self.attentions = nn.ModuleList([attention(config, plan, place)])
        self.temp_attentions = nn.ModuleList([plan.after_attention(place)])

    def forward(self, x: Tensor, told: Told) -> Tensor:
        x = self.temp_convs[0](self.resnets[0](x, told.emb), told.frames)
        x = self.attentions[0](x, told.text, told.mask, told.look, told.frames)
        x = self.temp_attentions[0](x, told.frames)
        return self.temp_convs[1](self.resnets[1](x, told.emb), told.frames)


class TimeEmbedding(nn.Module):
    """b -> b 4d."""

    def __init__(self, dim: int):
        super().__init__()
        self.dim, self.linear_1, self.linear_2 = dim, nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, 4 * dim)

    def forward(self, time: Tensor, dtype: torch.dtype) -> Tensor:
        return self.linear_2(F.silu(self.linear_1(sinusoids(time, self.dim, scale=1.0).to(dtype))))


def resnet(config: UNetConfig, inner: int, outer: int) -> Resnet:
    return Resnet(inner, outer, time_dim=4 * config.widths[0], groups=config.groups, eps=config.eps)


def attention(config: UNetConfig, plan: Plan, place: Place) -> SpatialTransformer:
    return SpatialTransformer(place.dim, place.heads, config.context_dim, config.groups, plan.in_transformer(place))


# Temporal layers that a UNet is given later, or that are taken out of it


def grown(unet: UNet, plan: Plan) -> Layers:
    """New temporal layers of a plan for an image UNet; `lend` puts them in it."""
    layers = {name: made for name, make in places(unet).items() if (made := make(plan)) is not None}
    return Layers({name: layer for name, layer in layers.items() if [*layer.parameters()]})


def taken(unet: UNet) -> Layers:
    """The temporal layers out of a video UNet, to which they are lent from now on."""
    there = {name: layer for name, layer in unet.named_modules() if [*layer.parameters()]}
    layers = Layers({name: there[name] for name in places(unet) if name in there})
    layers.lend(unet)
    unet.plan = Plan()
    return layers


def whole(unet: UNet, layers: Layers, plan: Plan) -> UNet:
    """A video UNet of its own: copies of an image UNet's weights and of those lent to it."""
    net = UNet(unet.config, plan)
    net.load_state_dict(unet.state_dict() | layers.state_dict())
    return net.to(unet.dtype).eval()


def places(unet: UNet) -> dict[str, Callable[[Plan], nn.Module | None]]:
    """Every place of a temporal layer by name, with what a plan puts there."""
    top = unet.down_blocks[0].place
    found: dict[str, Callable[[Plan], nn.Module | None]] = {"transformer_in": lambda plan: plan.at_input(top)}
    for name, block in unet.named_modules():
        if isinstance(block, (Level, Middle)):
            rows = (
                ("temp_convs.{}", "after_resnet", block.temp_convs),
                ("temp_attentions.{}", "after_attention", block.temp_attentions),
                ("attentions.{}.transformer_blocks.0.temporal", "in_transformer", getattr(block, "attentions", ())),
            )
            for at, kind, layers in rows:
                for i in range(len(layers)):
                    found[f"{name}.{at.format(i)}"] = lambda plan, kind=kind, block=block: getattr(plan, kind)(
                        block.place
                    )
    return found
