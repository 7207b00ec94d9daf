"""AnimateDiff (Guo et al. 2024): motion modules move an image system that is left as it is; others can be put in.

    prompt ──> text encoder ──> Condition ──┐
    noise of all frames ──> UNet of the image system + motion modules ──> latents ──> codec ──> frames
                                 │                 └─ MotionLoRA: motions learned later from few clips
                                 └─ domain adapter: what training clips look like, left out of films

A shot longer than a window is denoised in windows that overlap, whose answers are averaged at every step; a story's
next shot keeps the last frames of the one before. `--motion-adapter` takes published motion modules.
"""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from kineograph import hub
from kineograph.clip import Batch, Clip
from kineograph.config import option
from kineograph.hub import Published
from kineograph.models.temporal import AnimateDiffPlan
from kineograph.models.unet import whole
from kineograph.nn.blocks import Attention
from kineograph.nn.lent import Layers
from kineograph.nn.lora import LoRAs
from kineograph.processes.diffusion import Diffusion
from kineograph.processes.flow import Network
from kineograph.processes.samplers import Denoise
from kineograph.system import Progress, silent, stage
from kineograph.systems._animator import AnimatorOptions
from kineograph.systems._layered import Layered, check_overlap, frozen
from kineograph.systems._windows import one_frame
from kineograph.systems.latent_diffusion import LatentDiffusion


@dataclass(frozen=True)
class Config:
    """Windows of `frames` frames of `size` that overlap; the image system; motion modules, noise, ranks.

    positions: the most frames a motion module can tell apart; middle: whether one stands at the bottom, as in the
    second version. betas: of the noise, "linear" in the paper, "" as the image system was taught.
    """

    frames: int = 8
    size: int = 16
    overlap: int = 4
    image: str = "untrained toy"
    heads: int = 2
    positions: int = 16
    middle: bool = False
    betas: str = ""
    domain_rank: int = 4
    lora_rank: int = 4

    def __post_init__(self) -> None:
        check_overlap(self.frames, self.overlap)
        if self.frames > self.positions:
            raise ValueError(f"motion modules that tell {self.positions} frames apart are taught no {self.frames}")


@dataclass(frozen=True)
class AnimateDiffOptions(AnimatorOptions):
    """Those of an animator; which motion modules, and how much of what was learned beside them."""

    motion_adapter: str = option(
        "", "motion modules in diffusers' layout in place of its own: a folder, or owner/name on the Hub"
    )
    motion_lora: float = option(1.0, "how much of MotionLoRA is applied", minimum=0, maximum=2)
    domain_adapter: float = option(0.0, "how much of the training clips' look is kept", minimum=0, maximum=1)


class AnimateDiff(Layered):
    Config, Options = Config, AnimateDiffOptions
    PRESETS = {
        "toy": Config(),
        "world": Config(frames=16, size=64, image="latent_diffusion", heads=8, positions=32),  # the paper: 8 heads, 24
    }

    def build(self, config: Config) -> None:
        super().build(config)
        unet = self.image.unet
        self.layers = self.fresh(unet)
        self.domain = LoRAs(unet, projections(unet), config.domain_rank)
        self.lora = LoRAs(self.layers, projections(self.layers), config.lora_rank)
        self.lora.attach(self.layers)
        self.domain.attach(unet)  # and to no other, for it knows what this one drew
        self.layers.lend(unet)

    @property
    def plan(self) -> AnimateDiffPlan:
        return AnimateDiffPlan(self.config.heads, self.config.positions, self.config.middle)

    def network(self, image: LatentDiffusion, options: AnimatorOptions | None = None) -> Network:
        adapter = getattr(options, "motion_adapter", "")
        return hub.animated(image.unet, adapter) if adapter else image.unet

    def process(self, image: LatentDiffusion) -> Diffusion:
        if not self.config.betas:
            return image.diffusion
        schedule = replace(image.diffusion.schedule, betas=self.config.betas)
        return Diffusion(schedule, predicts=image.diffusion.predicts)

    def spread(self, denoise: Denoise) -> Denoise:
        return in_windows(denoise, self.config.frames, self.config.overlap)

    def at_once(self, known: int, wanted: int) -> int:
        """All: `spread` sees to it."""
        return wanted

    def generate(self, options: AnimateDiffOptions, progress: Progress = silent) -> Clip:
        self.domain.scale, self.lora.scale = options.domain_adapter, options.motion_lora
        return super().generate(options, progress)

    @stage("domain", through="codec")
    def learn_domain(self, batch: Batch) -> Tensor:
        """What the clips look like, from single frames, so that motion modules need not learn it."""
        self.domain.scale, self.lora.scale = 1.0, 0.0
        with frozen(self.layers):
            return self.loss(one_frame(batch))

    @stage("layers", through="codec", wants=("scenery",))
    def learn_motion(self, batch: Batch) -> Tensor:
        """How things move, beside the domain adapter."""
        self.domain.scale, self.lora.scale = 1.0, 0.0
        with frozen(self.domain):
            return self.loss(batch)

    @stage("lora", through="codec")
    def learn_motion_lora(self, batch: Batch) -> Tensor:
        """A motion more, from few clips that show it."""
        self.domain.scale, self.lora.scale = 0.0, 1.0
        with frozen(self.layers):
            return self.loss(batch)

    @torch.no_grad()
    def published(self) -> Published:
        """Copies of the parts for `hub.written`, MotionLoRA added to the motion modules, without the domain adapter."""
        layers = deepcopy(self.layers)
        for place in self.lora.places:
            lora = self.lora.get_submodule(place)
            layers.get_submodule(place).weight += lora.up.weight @ lora.down.weight
        return replace(super().published(), unet=whole(self.image.unet, layers, self.plan))


def projections(net: nn.Module | Layers) -> Iterable[str]:
    """The names of all linear layers of a network's attentions."""
    names = [name for name, layer in net.named_modules() if isinstance(layer, Attention)]
    return [f"{name}.{part}" for name in names for part in ("to_q", "to_k", "to_v", "to_out.0")]


def in_windows(denoise: Denoise, frames: int, overlap: int) -> Denoise:
    """denoise for any number of frames: windows of `frames` that overlap are asked one by one and averaged."""

    def average(x: Tensor, t: Tensor) -> Tensor:
        last = x.shape[1] - frames
        if last <= 0:
            return denoise(x, t)
        total, seen = torch.zeros_like(x), x.new_zeros(1, x.shape[1], 1, 1, 1)
        for start in [*range(0, last, frames - overlap), last]:
            total[:, start : start + frames] += denoise(x[:, start : start + frames], t)
            seen[:, start : start + frames] += 1
        return total / seen

    return average
