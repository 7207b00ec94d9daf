"""Tune-A-Video (Wu et al. 2023): an image system learns one clip, and shows its motion with another prompt.

    the clip, its caption ──> tune: queries, attention along time ──────────────┐
    the clip ──> codec ──> DDIM inversion ──> noise ──> UNet, a new prompt ──> latents ──> codec ──> frames
                                            frames read the first frame and the one before ──┘

Teach it with `kineograph train tune_a_video --stage learn_clip --data clip.mp4 --prompt "..." --batch-size 1`, then
generate with `--motion clip.mp4` and the prompt changed. A film longer than a window goes on from the last frames of
the window before; in it "the first frame" is the first of the window.
"""

from copy import deepcopy
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from kineograph.clip import Batch
from kineograph.models.temporal import TuneAVideoPlan, first_and_previous
from kineograph.models.unet import UNet, grown
from kineograph.nn.blocks import TransformerBlock
from kineograph.nn.lent import Layers
from kineograph.processes.diffusion import Diffusion
from kineograph.processes.flow import Network
from kineograph.system import stage
from kineograph.systems._animator import AnimatorOptions
from kineograph.systems._layered import Layered, check_overlap
from kineograph.systems.latent_diffusion import LatentDiffusion


@dataclass(frozen=True)
class Config:
    """The clip's frames and size, how far windows of longer films overlap, and the image system."""

    frames: int = 8
    size: int = 16
    overlap: int = 4
    image: str = "untrained toy"

    def __post_init__(self) -> None:
        check_overlap(self.frames, self.overlap)


class TuneAVideo(Layered):
    Config = Config
    Options = AnimatorOptions
    PRESETS = {
        "toy": Config(),
        "world": Config(frames=24, size=64, image="latent_diffusion"),  # the paper: 24 to 32 frames of 512 px
    }
    plan = TuneAVideoPlan()

    def build(self, config: Config) -> None:
        super().build(config)
        self.layers = self.fresh(self.image.unet)
        self.layers.lend(self.image.unet)

    def fresh(self, unet: UNet) -> Layers:
        """Attention along time, and copies of the queries of self- and cross-attention."""
        temporal = grown(unet, self.plan)
        layers = {place: temporal.get_submodule(place) for place in temporal.places}
        for name, block in unet.named_modules():
            if isinstance(block, TransformerBlock):
                for attention in ("attn1", "attn2"):
                    query = deepcopy(block.get_submodule(f"{attention}.to_q"))
                    layers[f"{name}.{attention}.to_q"] = query.requires_grad_(True)
        return Layers(layers)

    def parameters_of(self, part: str) -> list[nn.Parameter]:
        """Of the layers, what the authors teach: not the norm before the attention along time."""
        if part != "layers":
            return super().parameters_of(part)
        return [p for name, p in self.layers.named_parameters() if ".temporal.norm." not in name]

    def network(self, image: LatentDiffusion, options: AnimatorOptions | None = None) -> Network:
        return partial(image.unet, look=first_and_previous)

    def process(self, image: LatentDiffusion) -> Diffusion:
        """The image system's, without hidden captions: there is one clip, and one caption."""
        return Diffusion(image.diffusion.schedule, predicts=image.diffusion.predicts, drop=0.0)

    @stage("layers", through="codec")
    def learn_clip(self, batch: Batch) -> Tensor:
        return self.loss(batch)

    def samples(self, batch: Batch) -> tuple[str, ...]:
        return batch.captions[:1]
