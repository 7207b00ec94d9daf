"""ModelScope (Wang et al. 2023): an image system's UNet with layers along time, taught on clips and single images.

    prompt ──> text encoder ──> Condition ──┐
    noise of all frames ──> UNet: [resnet · convolutions along time · attention · attention along time] ──> latents
    latents ──> codec ──> frames

A film longer than a window goes on from the last frames of the window before. `--checkpoint` also opens
ali-vilab/text-to-video-ms-1.7b and its like, from a folder in diffusers' layout or from the Hub.
"""

from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from kineograph import hub
from kineograph.clip import Batch
from kineograph.models.temporal import ModelScopePlan
from kineograph.models.unet import UNet, taken
from kineograph.system import stage
from kineograph.systems._animator import AnimatorOptions
from kineograph.systems._layered import Layered, check_overlap, frozen
from kineograph.systems._windows import one_frame
from kineograph.systems.latent_diffusion import LatentDiffusion
from kineograph.tensors import as_dtype


@dataclass(frozen=True)
class Config:
    """Windows of `frames` frames of `size` that overlap; the image system, and whether its UNet was taught as well.

    images: the share of steps that see single images. published: a folder in diffusers' layout, or owner/name on the
    Hub, whose parts are used in place of all these.
    """

    frames: int = 8
    size: int = 16
    overlap: int = 4
    image: str = "untrained toy"
    tuned: bool = False
    images: float = 0.125
    published: str = ""

    def __post_init__(self) -> None:
        check_overlap(self.frames, self.overlap)


class ModelScope(Layered):
    Config = Config
    Options = AnimatorOptions
    PRESETS = {
        "toy": Config(tuned=True),
        "world": Config(frames=16, size=64, image="latent_diffusion"),
    }
    plan = ModelScopePlan()

    def build(self, config: Config) -> None:
        if config.published:
            self.hold(config.published)
            return
        super().build(config)
        self.layers = self.fresh(self.image.unet)
        self.layers.lend(self.image.unet)
        if config.tuned:
            self.own()

    def hold(self, name: str) -> None:
        """Published parts: they stay where they are, and are neither saved nor taught here."""
        theirs = hub.opened(name)
        if theirs.unet.plan != self.plan:
            raise ValueError(f"{name} is not ModelScope's: its UNet is that of {type(theirs.unet.plan).__name__}")
        self.layers = taken(theirs.unet).requires_grad_(False)
        self.image, self.borrowed = LatentDiffusion.around(theirs), {}
        self.layers.external = self.image.external = True

    def own(self) -> None:
        """Takes a copy of the image system's UNet, to be taught and saved."""
        self.unet = deepcopy(self.image.unet).requires_grad_(True)
        self.unet.external = False
        self.layers.lend(self.unet)

    def begin(self, stage: str) -> None:
        """Before a stage starts or is resumed: the image system's UNet becomes our own if it is to be taught."""
        if stage == "learn_jointly" and not self.config.tuned:
            self.config = replace(self.config, tuned=True)
            self.own()

    @classmethod
    def load(cls, folder: str | Path, *, dtype: torch.dtype = torch.float32) -> "ModelScope":
        """As it was saved; or as published, from a folder in diffusers' layout or from the Hub."""
        if not hub.published(folder):
            return super().load(folder, dtype=dtype)
        system = cls(Config(frames=16, size=256, published=str(folder)))
        as_dtype(system.layers, dtype)
        system.image.draw_as(dtype)
        return system.eval()

    def unet_of(self, image: LatentDiffusion) -> UNet:
        return self.unet if image is self.image and self.config.tuned else image.unet

    @stage("layers", through="codec", wants=("scenery",))
    def learn_motion(self, batch: Batch) -> Tensor:
        """The layers along time alone."""
        with frozen(*[self.unet] if self.config.tuned else []):
            return self.loss(self.clips_or_images(batch))

    @stage("layers", "unet", through="codec", wants=("scenery",))
    def learn_jointly(self, batch: Batch) -> Tensor:
        """The whole UNet, as in the paper; single images keep it from forgetting what it knows of them."""
        return self.loss(self.clips_or_images(batch))

    def clips_or_images(self, batch: Batch) -> Batch:
        """A whole batch of clips, or of single frames of them."""
        return one_frame(batch) if torch.rand(()) < self.config.images else batch
