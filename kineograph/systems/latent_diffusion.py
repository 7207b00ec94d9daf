"""Latent diffusion (Rombach et al. 2022): text to image, the system that the animators make move.

    prompt ──> text encoder ──> reader ──> Condition ──┐
    noise ────────────────────────────> UNet (ddim) ──> latents ──> codec ──> picture
    a picture, a mask ──> latents, where they are known ──┘

A story becomes one picture a shot, shown for as long as the shot lasts. With a picture it is image-to-image, and with a
mask beside it inpainting. `--checkpoint` also opens Stable Diffusion 1 and 2, from a folder in diffusers' layout or
from the Hub.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from kineograph import hub
from kineograph import video as videos
from kineograph.clip import Batch, Clip
from kineograph.condition import Condition
from kineograph.config import option
from kineograph.hub import Published
from kineograph.models.frame_codec import FrameCodec, FrameCodecConfig
from kineograph.models.prompt_reader import PromptReader, PromptReaderConfig, cut_short
from kineograph.models.temporal import Plan
from kineograph.models.text import ByteText, MiniLM
from kineograph.models.unet import UNet, UNetConfig
from kineograph.processes.diffusion import Diffusion, Schedule, kept
from kineograph.processes.reconstruction import psnr
from kineograph.processes.samplers import Sampler, ddim, ddpm, dpm, heun
from kineograph.system import Options, Progress, System, load, silent, stage
from kineograph.systems._windows import few, one_frame
from kineograph.systems._world import READER
from kineograph.tensors import as_dtype

SAMPLERS: dict[str, Sampler] = {"ddim": ddim, "ddpm": ddpm, "heun": heun, "dpm": dpm}
ACTORS = 4.0  # how many times as much an error counts where an actor is
UNSEEN = 0.1  # the most by which the latents of a cell differ, of about unit variance, where there is none
UNTRAINED = "untrained "  # before the name of a preset whose weights are random
SAMPLES = (  # prompts of the sheets that training shows
    "a bear in the snow",
    "an astronaut on mars",
    "a red car in the city",
    "a pencil drawing of a cat in a meadow",
)


@dataclass(frozen=True)
class Config:
    """Clips are fed as `frames` frames of `size`, of which diffusion learns one; the parts; the noise.

    published: a folder in diffusers' layout, or owner/name on the Hub, whose parts are used in place of all these.
    """

    frames: int = 4
    size: int = 16
    text: str = "bytes"  # or "minilm"
    reader: PromptReaderConfig = field(default_factory=PromptReaderConfig)
    codec: FrameCodecConfig = field(default_factory=FrameCodecConfig)
    unet: UNetConfig = field(default_factory=UNetConfig)
    schedule: Schedule = field(default_factory=lambda: Schedule(zero_snr=True, spacing="trailing"))
    predicts: str = "v"
    published: str = ""


@dataclass(frozen=True)
class LatentDiffusionOptions(Options):
    """The common options for pictures: one frame a shot, at the size the codec works at."""

    image_path: str = option("", "a picture to begin from, or to paint in")
    mask_path: str = option("", "a picture that is black where image_path is to be kept; the rest is painted")
    strength: float = option(0.7, "how far to go from image_path: 0 keeps it, 1 forgets it", minimum=0, maximum=1)
    num_frames: int = option(1, "frames for which each shot's picture is shown", minimum=1, maximum=4096)
    height: int = option(64, "pixels", minimum=16, maximum=1024, multiple_of=8)
    width: int = option(64, "pixels", minimum=16, maximum=1024, multiple_of=8)
    num_inference_steps: int = option(20, "sampling steps: more are slower and finer", minimum=1, maximum=1000)
    guidance_scale: float = option(3.0, "how strictly to follow the prompt; 1 is not at all", minimum=1, maximum=30)
    sampler: str = option("ddim", "how to go from noise to a picture", choices=tuple(SAMPLERS))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mask_path and not self.image_path:
            raise ValueError("mask_path says where to paint, but there is no image_path to paint in")


class LatentDiffusion(System):
    Config, Options = Config, LatentDiffusionOptions
    PRESETS = {
        "toy": Config(),
        "world": Config(
            frames=4, size=64, text="minilm",
            reader=READER,
            codec=FrameCodecConfig(22, (), (64, 128), (), (1, 3)),
            unet=UNetConfig(22, 22, (128, 192), (False, True), (4, 6), depth=1, context_dim=384, groups=32),
            predicts="x0",
        ),
    }  # fmt: skip

    def build(self, config: Config) -> None:
        if config.published:
            self.hold(hub.opened(config.published, motion=False))
            if type(self.unet.plan) is not Plan:
                raise ValueError(f"{config.published} makes videos; an image system is wanted")
            return
        if config.text not in ("bytes", "minilm"):
            raise ValueError(f"text is {config.text!r}; it can be bytes or minilm")
        if not config.codec.channels == config.unet.in_channels == config.unet.out_channels:
            raise ValueError(f"the UNet's channels are those of the codec, {config.codec.channels}")
        self.text = MiniLM() if config.text == "minilm" else ByteText(config.unet.context_dim)
        self.reader: PromptReader | None = PromptReader(config.reader)
        self.codec = FrameCodec(config.codec)
        self.unet = UNet(config.unet)
        self.diffusion = Diffusion(config.schedule, predicts=config.predicts)

    def hold(self, theirs: Published) -> None:
        """Published parts: they stay where they are, and are neither saved nor taught here."""
        if theirs.text is None:
            raise ValueError("without a text encoder there is nothing that reads a prompt")
        self.text, self.reader, self.codec, self.unet = theirs.text, None, theirs.codec, theirs.unet
        external(self)
        self.diffusion = Diffusion(Schedule(**theirs.schedule), predicts=theirs.predicts)

    @classmethod
    def around(cls, theirs: Published) -> "LatentDiffusion":
        """A system of published parts that are open already."""
        system = cls(Config())
        system.hold(theirs)
        return system.eval()

    @classmethod
    def load(cls, folder: str | Path, *, dtype: torch.dtype = torch.float32) -> "LatentDiffusion":
        """As it was saved; or Stable Diffusion, from a folder in diffusers' layout or from the Hub."""
        if not hub.published(folder):
            return super().load(folder, dtype=dtype)
        system = cls(Config(published=str(folder)))
        system.draw_as(dtype)
        return system.eval()

    def draw_as(self, dtype: torch.dtype) -> None:
        """The weights of what draws as dtype; what reads stays as it is."""
        for part in (self.codec, self.unet):
            as_dtype(part, dtype)

    def generate(self, options: LatentDiffusionOptions, progress: Progress = silent) -> Clip:
        story = options.story
        counts = story.frames(num_frames=options.num_frames, fps=options.fps)
        self.text.check([*(shot.prompt for shot in story.shots), options.negative_prompt])
        pictures = []
        with torch.inference_mode():
            picture, painted = self.given(options)
            for k, shot in enumerate(story.shots):
                watch = partial(reported, progress, shot.prompt, k, len(story.shots))
                watch(0.0)
                latents = self.draw(self.told([shot.prompt]), options, k, picture, painted, watch)
                drawn = self.codec.decode(latents)[0]  # 1 3 h w
                if picture is not None and painted is not None:
                    drawn = torch.where(painted, drawn, picture[0])
                pictures.append(Clip.of(drawn).frames)
        progress(1.0, "done")
        shown = [frame.expand(count, -1, -1, -1) for frame, count in zip(pictures, counts, strict=True)]
        return Clip(torch.cat(shown), options.fps, options.prompt)

    def draw(
        self, cond: Condition, options: LatentDiffusionOptions, number: int, picture: Tensor | None,
        painted: Tensor | None, progress: Callable[[float], None],
    ) -> Tensor:  # fmt: skip
        """The latents of one shot's picture, 1 1 c h w; picture: 1 1 3 h w, painted: 1 1 h w bool."""
        factor, seed = self.codec.factor, (options.seed + 1_000_003 * number) % 2**63
        x = self.noise(1, 1, self.codec.channels, options.height // factor, options.width // factor, seed=seed)
        denoise = self.diffusion.denoiser(self.unet, cond, self.told([options.negative_prompt]), options.guidance_scale)
        schedule, strength = self.diffusion.schedule, 1.0 if picture is None else options.strength
        times = schedule.times(options.num_inference_steps, strength=strength)
        if picture is not None:
            known = self.codec.encode(picture)
            alpha, sigma = schedule.levels(times[0])
            x = alpha * known + sigma * x
            if painted is not None:
                cells = F.max_pool2d(painted.float(), factor) > 0
                denoise = kept(denoise, known, cells[:, None])
        sampler = SAMPLERS[options.sampler]
        if sampler is ddpm:
            sampler = partial(ddpm, generator=torch.Generator().manual_seed((seed + 1) % 2**63))
        return sampler(denoise, x, schedule.levels, times, progress=progress)

    def given(self, options: LatentDiffusionOptions) -> tuple[Tensor | None, Tensor | None]:
        """The picture, 1 1 3 h w in [-1, 1], and where to paint, 1 1 h w bool, if they are given."""
        size, picture, painted = (options.height, options.width), None, None
        if options.image_path:
            picture = videos.read(options.image_path, size=size, frames=1).video[None].to(self.device)
        if options.mask_path:
            mask = videos.read(options.mask_path, size=size, frames=1).video.to(self.device)
            painted = mask.mean(1, keepdim=True) > 0
        return picture, painted

    def importance(self, x: Tensor, scenery: Tensor | None = None) -> Tensor | float:
        """How much errors in latents count: by channel, of published codecs all alike; and more where actors are.

        x: b t c h w latents, scenery: b t 3 H W, the same frames without their actors, if it is known -> as broad as x.
        """
        channels = self.codec.importance[:, None, None] if isinstance(self.codec, FrameCodec) else 1.0
        return channels if scenery is None else channels * self.emphasis(x, scenery)

    @torch.no_grad()
    def emphasis(self, x: Tensor, scenery: Tensor) -> Tensor:
        """How much an error counts in each cell, 1 or `ACTORS`.

        x: b t c h w latents, scenery: b t 3 H W, the same frames without their actors -> b t 1 h w.
        """
        there = (x - self.codec.encode(scenery)).abs().amax(2, keepdim=True) > UNSEEN
        return torch.where(there, ACTORS, 1.0)

    def told(self, prompts: Sequence[str]) -> Condition:
        """What the UNet attends to: of our own systems, what is read from prompts before their words."""
        cond = self.text(prompts)
        if self.reader is None:
            return cond
        with torch.no_grad():  # reading is learnt from words alone
            return replace(self.reader(cond, self.text.words(prompts)), vector=None)

    def clip_shape(self, stage: str) -> tuple[int, int]:
        return 0 if stage == "learn_words" else self.config.frames, self.config.size

    @stage("reader", wants=("labels",))
    def learn_words(self, batch: Batch) -> Tensor:
        """What captions say, from clips whose labels are known; no picture is drawn for it."""
        said = cut_short(batch.captions)
        return self.reader.loss(self.text(said), batch.labels, self.text.words(said))

    @stage("codec")
    def learn_codec(self, batch: Batch) -> Tensor:
        """A few frames of each clip, so that a batch shows many scenes."""
        return self.codec.loss(few(batch.video))

    @stage("unet", through="codec", wants=("scenery",))
    def learn_diffusion(self, batch: Batch) -> Tensor:
        """One frame of each clip, another one every time."""
        batch = one_frame(batch)
        x, cond, null = batch.video.float(), self.told(batch.captions), self.told([""])
        return self.diffusion.loss(self.unet, x, cond, null, self.importance(x, batch.scenery))

    @torch.no_grad()
    def validate(self, stage: str, batch: Batch) -> tuple[dict[str, float], list[Clip]]:
        """Figures on a held-out batch (pixels), and clips for a sheet."""
        if stage == "learn_words":
            said = batch.captions
            return self.reader.right(self.text(said), batch.labels, self.text.words(said)), []
        if stage == "learn_codec":
            out = self.codec.decode(self.codec.encode(batch.video)).clamp(-1, 1)
            pairs = [Clip.of(v) for pair in zip(batch.video[:6], out[:6], strict=True) for v in pair]
            return {"psnr": psnr(out, batch.video)}, pairs
        loss = self.learn_diffusion(self.encode(stage, batch))
        size = {"height": max(self.config.size, 16), "width": max(self.config.size, 16)}
        return {"loss": float(loss)}, [self.generate(LatentDiffusionOptions(p, **size)) for p in SAMPLES]


def reported(progress: Progress, prompt: str, number: int, shots: int, done: float) -> None:
    """The progress of one shot as a part of the story's."""
    progress((number + done) / shots, prompt)


def image_system(name: str) -> LatentDiffusion:
    """The image system of a name, for others to animate: all of its parts are external.

    name: "latent_diffusion" for the bundled one, "untrained toy" for a preset, a folder that `save` wrote, a folder of
    Stable Diffusion in diffusers' layout or its name on the Hub. ValueError for anything else.
    """
    if name.startswith(UNTRAINED):
        image = LatentDiffusion.preset(name.removeprefix(UNTRAINED))
    else:
        image = load(name) if name == LatentDiffusion.name() else LatentDiffusion.load(name)
    external(image)
    return image


def external(image: LatentDiffusion) -> None:
    """Marks all parts as another's: neither saved nor taught."""
    for part in image.children():
        part.external = True
        part.requires_grad_(False)
