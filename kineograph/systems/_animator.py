"""What animators without weights of their own share: the image system they hold, and footage to follow."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from kineograph import video as videos
from kineograph.config import option
from kineograph.system import Options, System
from kineograph.systems.latent_diffusion import LatentDiffusion, image_system


@dataclass(frozen=True)
class AnimatorOptions(Options):
    """The common options, for frames of an image system, and which one that is."""

    image_system: str = option(
        "", "what draws the frames: a folder of latent_diffusion or Stable Diffusion, or owner/name on the Hub"
    )
    motion: str = option("", "a video to take the motion from")
    height: int = option(64, "pixels", minimum=16, maximum=1024, multiple_of=8)
    width: int = option(64, "pixels", minimum=16, maximum=1024, multiple_of=8)
    num_inference_steps: int = option(20, "sampling steps: more are slower and finer", minimum=3, maximum=1000)
    guidance_scale: float = option(3.0, "how strictly to follow the prompt; 1 is not at all", minimum=1, maximum=30)


class Animator(System):
    """Moves the pictures of an image system, `config.image`; has nothing to save but its name."""

    def build(self, config: object) -> None:
        self.image = image_system(config.image)
        self.image.external = True
        self.borrowed: dict[str, LatentDiffusion] = {}

    @classmethod
    def load(cls, folder: str | Path, *, dtype: torch.dtype = torch.float32) -> "Animator":
        """As it was saved. Its weights are the image system's, with its own if it has any: films change with both."""
        animator = super().load(folder, dtype=dtype)
        animator.image.draw_as(dtype)
        both = f"{animator.weights} {animator.image.weights}"
        own = bool(animator.parts())
        animator.weights = hashlib.sha256(both.encode()).hexdigest() if own else animator.image.weights
        return animator

    @property
    def precision(self) -> str:
        return str(self.image.unet.dtype).removeprefix("torch.")

    def drawn_by(self, options: AnimatorOptions) -> LatentDiffusion:
        """The image system asked for, kept for the next film, or the one that is held."""
        name = options.image_system
        if name and name not in self.borrowed:
            image = image_system(name).to(self.device)
            image.draw_as(self.image.unet.dtype)
            self.borrowed = {name: image}
        return self.borrowed[name] if name else self.image


def shots(options: Options) -> Iterator[tuple[str, int, int]]:
    """(prompt, first frame, frames) of each shot."""
    begin, counts = 0, options.story.frames(num_frames=options.num_frames, fps=options.fps)
    for shot, count in zip(options.story, counts, strict=True):
        yield shot.prompt, begin, count
        begin += count


def footage(path: str, total: int, *, fps: float, size: int | tuple[int, int]) -> Tensor:
    """The first frames of a video at a rate; where they are too few they run back and forth.  total 3 h w uint8."""
    frames = videos.read(path, fps=fps, size=size, frames=total).frames
    last = len(frames) - 1
    places = torch.arange(total).remainder(max(2 * last, 1))
    return frames[torch.minimum(places, 2 * last - places)] if last else frames.expand(total, -1, -1, -1)
