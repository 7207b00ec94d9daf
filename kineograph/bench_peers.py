"""`kineograph bench --peers`: the same work here and in public implementations that are installed beside this one.

Ours and theirs are timed in turns, so that what slows the machine down slows both. Where a peer has the same network,
its weights are copied and outputs compared; where it has another of its own, sizes are alike, weights are random, and
what is said beside it is how much work each of them does.
"""

import importlib
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from types import ModuleType, SimpleNamespace

import torch
from torch import Tensor, nn

from kineograph.bench_absent import absent
from kineograph.bench_roofs import Work, seconds
from kineograph.condition import Condition
from kineograph.hub import named_as_ours
from kineograph.models.cvivit import CViViT, CViViTConfig
from kineograph.models.quantizers import CodebookConfig
from kineograph.models.temporal import AnimateDiffPlan, ModelScopePlan, Plan
from kineograph.models.transformer import TokenTransformer, TokenTransformerConfig
from kineograph.models.unet import UNet, UNetConfig
from kineograph.processes.masked import Masked

WARMUPS = 2
STEPS, GUIDANCE = 12, 3.0  # of sampling tokens


@dataclass(frozen=True)
class Size:
    """What the networks are made of, and what they are given."""

    widths: tuple[int, int]
    heads: int
    frames: int
    latent: int  # pixels a side
    dim: int
    depth: int
    codes: int
    video: int  # pixels a side
    words: int = 16
    text: int = 64  # numbers a word


SIZES = {
    "toy": Size((16, 32), 2, 4, 8, 32, 1, 64, 16),
    "world": Size((64, 128), 4, 16, 32, 192, 3, 4096, 64, text=384),
}


@dataclass(frozen=True)
class Case:
    """The same work twice. apart: the largest difference of outputs from the same weights; None of other networks."""

    ours: Callable[[], object]
    theirs: Callable[[], object]
    apart: float | None = None


def measure(size: str, *, rounds: int) -> Iterator[dict]:
    """Each case's figures, or why there are none. rounds: how often each side is timed, in turns."""
    if size not in SIZES:
        raise ValueError(f"peers are timed in sizes {', '.join(SIZES)}; got {size!r}")
    for name, (package, make) in CASES.items():
        try:
            with torch.random.fork_rng():
                torch.manual_seed(0)
                case = make(SIZES[size])
        except ImportError as error:
            yield {"name": name, "peer": package, "skipped": f"not installed ({error})"}
            continue
        yield {"name": name, "peer": f"{package} {version(package)}", "apart": case.apart} | timed(case, rounds)


def timed(case: Case, rounds: int) -> dict:
    """Seconds of both, in turns; theirs by ours in each round, its median and what that lies between."""
    took: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(WARMUPS):
        case.ours(), case.theirs()
    for i in range(rounds):
        for name in ("ours", "theirs") if i % 2 else ("theirs", "ours"):
            took[name].append(seconds(getattr(case, name)))
    ratios = sorted(b / a for a, b in zip(took["ours"], took["theirs"], strict=True))
    first = rank(rounds)
    return {
        "ours": statistics.median(took["ours"]),
        "theirs": statistics.median(took["theirs"]),
        "ratio": statistics.median(ratios),
        "interval": (ratios[first], ratios[-1 - first]),
        "flops": {name: flops(getattr(case, name)) for name in took},
        "runs": took,
    }


def rank(count: int, share: float = 0.025) -> int:
    """How many of `count` sorted values may be left out at each end, and the rest hold the median with 95 %.

    With fewer than six there are too few even for all of them, and the interval is their whole range.
    """
    chance, ways, first = 0.0, 1, 0
    for i in range(count // 2):
        chance += ways / 2**count
        if chance > share:
            break
        first, ways = i, ways * (count - i) // (i + 1)
    return first


def flops(work: Callable[[], object]) -> int:
    """The operations of matrix products in work."""
    with Work() as counter:
        work()
    return counter.flops


# Networks that are the same: their weights are copied


def image_unet(size: Size) -> Case:
    """diffusers' UNet of images, each frame one."""
    from diffusers import UNet2DConditionModel

    kinds = {"down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"), "attention_head_dim": size.heads}
    theirs = UNet2DConditionModel(**shape(size), **kinds, up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"))
    net = copied(theirs, size, Plan(), (size.heads, size.heads))
    x, time, text = given(size)
    flat = x.flatten(0, 1), time.repeat_interleave(size.frames), text.repeat_interleave(size.frames, 0)
    return same(partial(net, x, time, Condition(tokens=text)), lambda: theirs(*flat).sample.view_as(x))


def video_unet(size: Size) -> Case:
    """diffusers' UNet of ModelScope. Its argument attention_head_dim is the channels of a head."""
    from diffusers import UNet3DConditionModel

    channels = size.widths[0] // size.heads
    kinds = {"down_block_types": ("CrossAttnDownBlock3D", "DownBlock3D"), "attention_head_dim": channels}
    theirs = UNet3DConditionModel(**shape(size), **kinds, up_block_types=("UpBlock3D", "CrossAttnUpBlock3D"))
    net = copied(theirs, size, ModelScopePlan(), tuple(width // channels for width in size.widths))
    x, time, text = given(size)
    frames_last = x.transpose(1, 2)
    return same(
        partial(net, x, time, Condition(tokens=text)), lambda: theirs(frames_last, time, text).sample.transpose(1, 2)
    )


def shape(size: Size) -> dict:
    """Arguments that diffusers' UNets share."""
    return {
        "in_channels": 4, "out_channels": 4, "block_out_channels": size.widths, "layers_per_block": 2,
        "cross_attention_dim": size.text, "norm_num_groups": 8,
    }  # fmt: skip


def copied(theirs: nn.Module, size: Size, plan: Plan, heads: tuple[int, ...]) -> UNet:
    """Our UNet with the weights of theirs, every one of which is moved first: none is zero."""
    with torch.no_grad():
        for p in theirs.eval().parameters():
            p.add_(torch.randn_like(p), alpha=0.02)
    net = UNet(unet_config(size, attends=(True, False), heads=heads), plan)
    net.load_state_dict(named_as_ours(theirs.state_dict()))
    return net.eval()


def unet_config(size: Size, *, attends: tuple[bool, ...], heads: tuple[int, ...]) -> UNetConfig:
    return UNetConfig(widths=size.widths, attends=attends, heads=heads, depth=2, context_dim=size.text)


def given(size: Size) -> tuple[Tensor, Tensor, Tensor]:
    """x b t c h w, time b, text b n d."""
    x = torch.randn(1, size.frames, 4, size.latent, size.latent)
    return x, torch.tensor([500]), torch.randn(1, size.words, size.text)


def same(ours: Callable[[], Tensor], theirs: Callable[[], Tensor]) -> Case:
    """A case of one network twice."""
    case = Case(torch.inference_mode()(ours), torch.inference_mode()(theirs))
    return Case(case.ours, case.theirs, float((case.ours() - case.theirs()).abs().max()))


# Networks of the same sizes, with weights of their own


def codec(size: Size) -> Case:
    """A video through the codebook and back."""
    ours, theirs = codecs(size)
    video = torch.rand(1, 1 + size.frames, 3, size.video, size.video) * 2 - 1
    frames_last = video.transpose(1, 2).contiguous()
    return unlike(lambda: ours(video), lambda: theirs(frames_last, return_recons_only=True))


def codec_step(size: Size) -> Case:
    """A training step of the codec: pixels only, forwards and backwards."""
    ours, theirs = codecs(size)
    video = torch.rand(2, 1 + size.frames, 3, size.video, size.video) * 2 - 1
    frames_last = video.transpose(1, 2).contiguous()

    def step(net: nn.Module, loss: Callable[[], Tensor]) -> None:
        net.train().zero_grad()
        loss().backward()

    def pixels() -> Tensor:
        return (theirs(frames_last, return_recons_only=True) - frames_last).square().mean()

    return Case(lambda: step(ours, lambda: (ours(video)[0] - video).square().mean()), lambda: step(theirs, pixels))


def sampling(size: Size) -> Case:
    """A window of tokens from nothing in twelve guided rounds, decoded."""
    peer, (ours, theirs) = phenaki_pytorch(), codecs(size)
    grid = (ours.steps(1 + size.frames), *ours.tokens)
    count, heads = grid[0] * grid[1] * grid[2], size.dim // 32
    net = TokenTransformer(
        TokenTransformerConfig(size.codes, grid, dim=size.dim, depth=size.depth, heads=heads, text_dim=size.text)
    )
    dream = peer.MaskGit(
        dim=size.dim, num_tokens=size.codes, max_seq_len=count, heads=heads, dim_head=32, depth=size.depth,
        dim_context=size.text,
    )  # fmt: skip
    encoder = importlib.import_module("phenaki_pytorch.t5")
    encoder.T5_CONFIGS[encoder.DEFAULT_T5_NAME] = {"config": SimpleNamespace(d_model=size.text)}  # downloads nothing
    phenaki = peer.Phenaki(maskgit=dream, cvivit=theirs, steps=STEPS, text_embed_dim=size.text)
    text = torch.randn(1, size.words, size.text)
    phenaki.encode_texts = lambda texts, output_device: text
    masked, cond = Masked(size.codes), Condition(tokens=text)
    hidden, dice = torch.full((1, count), size.codes), torch.Generator().manual_seed(0)

    def ourselves() -> Tensor:
        tokens = masked.sample(net, hidden, cond, net.nothing(), steps=STEPS, guidance=GUIDANCE, generator=dice)
        return ours.decode(tokens.view(1, *grid))

    return unlike(
        ourselves, lambda: phenaki.sample(num_frames=1 + size.frames, texts="a bear swims", cond_scale=GUIDANCE)
    )


def codecs(size: Size) -> tuple[CViViT, nn.Module]:
    """Our C-ViViT and theirs, of one size: no critic, no perceptual loss, a codebook of cosines."""
    heads, patch, depth = size.dim // 32, 8, size.depth
    ours = CViViT(
        CViViTConfig(size.video, (2, patch, patch), size.dim, heads, depth, depth, CodebookConfig(size.codes, size.dim))
    )
    theirs = phenaki_pytorch().CViViT(
        dim=size.dim, codebook_size=size.codes, image_size=size.video, patch_size=patch, temporal_patch_size=2,
        spatial_depth=depth, temporal_depth=depth, dim_head=32, heads=heads, use_vgg_and_gan=False,
        lookup_free_quantization=False,
    )  # fmt: skip
    return ours.eval(), theirs.eval()


def phenaki_pytorch() -> ModuleType:
    """The peer, which imports libraries for its training data."""
    from transformers import T5EncoderModel, T5Tokenizer  # noqa: F401  first, for it asks what is installed

    with absent("torchvision", "cv2"):
        import phenaki_pytorch as peer
    return peer


def make_a_video(size: Size) -> Case:
    """Their UNet of pseudo-3D convolutions against ours whose frames meet after each resnet, of the same widths."""
    from make_a_video_pytorch import SpaceTimeUnet

    theirs = SpaceTimeUnet(
        dim=size.widths[0], channels=4, dim_mult=(1, 2), self_attns=(False, True), temporal_compression=(False, False),
        resnet_block_depths=(1, 1), attn_dim_head=size.widths[1] // size.heads, attn_heads=size.heads,
    )  # fmt: skip
    return beside(size, theirs.eval())


def video_diffusion(size: Size) -> Case:
    """Their UNet of factorised attention against ours whose frames meet after each resnet, of the same widths."""
    with absent("torchvision"):  # of its training data
        from video_diffusion_pytorch import Unet3D

    theirs = Unet3D(
        dim=size.widths[0], dim_mults=(1, 2), channels=4, attn_heads=size.heads,
        attn_dim_head=size.widths[0] // size.heads,
    )  # fmt: skip
    return beside(size, theirs.eval())


def beside(size: Size, theirs: nn.Module) -> Case:
    """A UNet of another plan beside ours, both told the time."""
    plan = AnimateDiffPlan(heads=size.heads)
    net = UNet(unet_config(size, attends=(False, True), heads=(size.heads, size.heads)), plan).eval()
    x, time, text = given(size)
    frames_last = x.transpose(1, 2).contiguous()
    return unlike(partial(net, x, time, Condition(tokens=text)), lambda: theirs(frames_last, time.float()))


def unlike(ours: Callable[[], object], theirs: Callable[[], object]) -> Case:
    """A case of two networks."""
    return Case(torch.inference_mode()(ours), torch.inference_mode()(theirs))


CASES: dict[str, tuple[str, Callable[[Size], Case]]] = {
    "image UNet": ("diffusers", image_unet),
    "video UNet": ("diffusers", video_unet),
    "C-ViViT": ("phenaki-pytorch", codec),
    "C-ViViT, training step": ("phenaki-pytorch", codec_step),
    "sampling of tokens": ("phenaki-pytorch", sampling),
    "pseudo-3D UNet": ("make-a-video-pytorch", make_a_video),
    "factorised UNet": ("video-diffusion-pytorch", video_diffusion),
}


def table(rows: list[dict]) -> Iterator[str]:
    """The figures for people."""
    yield f"  {'':<24}{'peer':<32}{'ours':>9}{'theirs':>9}{'ratio':>7}  {'interval':<14}{'GFLOP':>16}"
    for row in rows:
        if "skipped" in row:
            yield f"  {row['name']:<24}{row['peer']:<32}{row['skipped']}"
            continue
        low, high = row["interval"]
        work = " / ".join(f"{row['flops'][side] / 1e9:.2f}" for side in ("ours", "theirs"))
        note = "another network" if row["apart"] is None else f"the same weights, {row['apart']:.1e} apart"
        seconds = f"{row['ours']:9.4f}{row['theirs']:9.4f}{row['ratio']:7.2f}"
        yield f"  {row['name']:<24}{row['peer']:<32}{seconds}  {f'{low:.2f} to {high:.2f}':<14}{work:>16}  {note}"
