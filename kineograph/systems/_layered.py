"""What animators that learn share: layers of their own in the UNet of an image system, films window by window.

    image system ──> text, codec, UNet with our layers in it ──> latents of a window ──> frames
    last frames of the window before ───────────────────┘
    a video to follow ──> DDIM inversion ──> noise ─────┘

Frames that are known are kept: at every step they replace what the network says of the clean clip (the replacement
method of Ho et al. 2022, sec. 3.1). So a shot goes on from the last frames before it, and needs no training for that.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import torch
from torch import Tensor, nn

from kineograph import video as videos
from kineograph.clip import Batch, Clip
from kineograph.condition import Condition
from kineograph.hub import Published
from kineograph.models.temporal import Plan
from kineograph.models.unet import UNet, grown, whole
from kineograph.nn.lent import Layers
from kineograph.processes.diffusion import Diffusion, kept
from kineograph.processes.flow import Network
from kineograph.processes.samplers import Denoise, Report, ddim, inverted, unwatched
from kineograph.system import Progress, System, silent
from kineograph.systems._animator import Animator, AnimatorOptions, footage, shots
from kineograph.systems.latent_diffusion import LatentDiffusion

SHOWN = 32  # frames decoded at a time
SAMPLES = (  # prompts of the sheets that training shows
    "a bear walks to the right in the snow",
    "an astronaut dances on mars",
    "a red car drives to the left in the city",
    "a pencil drawing of a cat jumping in a meadow",
)


class Layered(Animator):
    """An image system whose UNet holds the part `layers`. Config has frames, size, image, and overlap of windows."""

    layers: Layers
    precision = System.precision  # of the own layers

    @property
    def plan(self) -> Plan:
        """Where the temporal layers stand."""
        raise NotImplementedError

    @property
    def codec(self) -> nn.Module:
        """The image system's codec, through which stages see clips."""
        return self.image.codec

    def fresh(self, unet: UNet) -> Layers:
        """New layers for a UNet, which leave what it says unchanged."""
        return grown(unet, self.plan)

    def drawn_by(self, options: AnimatorOptions) -> LatentDiffusion:
        """The image system asked for, with our layers in its UNet; ValueError where they do not fit."""
        new = options.image_system not in ("", *self.borrowed)
        image = super().drawn_by(options)
        if new:
            try:
                self.fit(image.unet, options.image_system)
            except ValueError:
                self.borrowed = {}
                raise
        return image

    def fit(self, unet: UNet, name: str) -> None:
        """Puts our layers in another UNet."""
        with torch.device("meta"):
            wanted = {k: tuple(v.shape) for k, v in self.fresh(unet).state_dict().items()}
        ours = {k: tuple(v.shape) for k, v in self.layers.state_dict().items()}
        if wrong := [k for k in sorted(ours | wanted) if ours.get(k) != wanted.get(k)]:
            theirs, given = (d.get(wrong[0], "absent") for d in (wanted, ours))
            raise ValueError(f"the UNet of {name} does not take these layers: {wrong[0]} is {given}, not {theirs}")
        self.layers.lend(unet)

    def unet_of(self, image: LatentDiffusion) -> UNet:
        """The UNet that stands for that of an image system."""
        return image.unet

    # films

    def network(self, image: LatentDiffusion, options: AnimatorOptions | None = None) -> Network:
        """What denoises: net(x, t, cond)."""
        return self.unet_of(image)

    def process(self, image: LatentDiffusion) -> Diffusion:
        """How noise is added and taken away."""
        return image.diffusion

    def spread(self, denoise: Denoise) -> Denoise:
        """denoise for as many frames as a window may have."""
        return denoise

    def at_once(self, known: int, wanted: int) -> int:
        """How many new frames a window has beside those known."""
        return min(wanted, self.config.frames - known)

    def generate(self, options: AnimatorOptions, progress: Progress = silent) -> Clip:
        total = sum(count for *_, count in shots(options))
        image = self.drawn_by(options)
        with torch.inference_mode():
            return Clip.joined(self.film(image, options, progress), total, fps=options.fps, caption=options.prompt)

    def film(self, image: LatentDiffusion, options: AnimatorOptions, progress: Progress) -> Iterator[Tensor]:
        """The story's frames, t 3 height width uint8, a few at a time."""
        told = list(shots(options))
        image.text.check([*(prompt for prompt, *_ in told), options.negative_prompt])
        total, size = sum(count for *_, count in told), (options.height, options.width)
        source = footage(options.motion, total, fps=options.fps, size=size) if options.motion else None
        net, null = self.network(image, options), image.told([options.negative_prompt])
        known, windows = self.beginning(image, options), 0
        for prompt, begin, count in told:
            cond, done = image.told([prompt]), begin
            while done < begin + count:
                given = known.shape[1]
                new = self.at_once(given, begin + count - done)

                def report(share: float, at: int = done, new: int = new, what: str = prompt) -> None:
                    progress((at + share * new) / total, what)

                report(0.0)
                if source is None:
                    seed = (options.seed + 1_000_003 * windows) % 2**63
                    noise = self.noise(1, given + new, *known.shape[2:], seed=seed)
                else:
                    where = torch.arange(done - given, done + new).clamp(min=0)
                    noise = self.traced(net, image, source[where], options, lambda share, f=report: f(share / 2))
                    report = halved(report)
                latents = self.window(net, image, cond, null, noise, known, options, report)
                known = torch.cat([known, latents], 1)[:, -self.config.overlap :]
                for part in latents.split(SHOWN, 1):
                    yield Clip.of(image.codec.decode(part)[0]).frames
                done, windows = done + new, windows + 1
        progress(1.0, "done")

    def window(
        self, net: Network, image: LatentDiffusion, cond: Condition, null: Condition, noise: Tensor, known: Tensor,
        options: AnimatorOptions, report: Report = unwatched,
    ) -> Tensor:  # fmt: skip
        """Noise 1 t c h w -> the latents of the frames after those that are known, 1 k c h w with k from 0."""
        process, given = self.process(image), known.shape[1]
        times = self.times(process, options)
        denoise = self.spread(process.denoiser(net, cond, null, options.guidance_scale))
        if given:
            painted = torch.arange(noise.shape[1], device=noise.device)[:, None, None, None] >= given
            denoise = kept(denoise, torch.cat([known, torch.zeros_like(noise[:, given:])], 1), painted)
            if not options.motion:
                alpha, sigma = process.schedule.levels(times[0])
                noise = torch.cat([alpha * known + sigma * noise[:, :given], noise[:, given:]], 1)
        return ddim(denoise, noise, process.schedule.levels, times, progress=report)[:, given:]

    def traced(
        self, net: Network, image: LatentDiffusion, frames: Tensor, options: AnimatorOptions, report: Report
    ) -> Tensor:
        """The noise that would become these frames, t 3 h w uint8 -> 1 t c h w: DDIM inversion, without a prompt."""
        process, empty = self.process(image), image.told([""])
        denoise = self.spread(process.denoiser(net, empty, empty, 1.0))
        x = image.codec.encode(Clip(frames).video[None].to(self.device))
        return inverted(denoise, x, process.schedule.levels, self.times(process, options), progress=report)

    def times(self, process: Diffusion, options: AnimatorOptions) -> list[float]:
        """The sampling times; those at which nothing is left of the data cannot be inverted, and are left out then."""
        times = process.schedule.times(options.num_inference_steps)
        return [t for t in times if process.schedule.levels(t)[0] > 0] if options.motion else times

    def beginning(self, image: LatentDiffusion, options: AnimatorOptions) -> Tensor:
        """The latents of the given picture or of the video's last frames, 1 k c h w; k is 0 if none is given."""
        size = (options.height, options.width)
        if not options.image_path:
            cells = (side // image.codec.factor for side in size)
            return torch.zeros(1, 0, image.codec.channels, *cells, device=self.device)
        video = videos.read(options.image_path, fps=options.fps, size=size).video[None, -self.config.overlap :]
        return image.codec.encode(video.to(self.device))

    # teaching

    def loss(self, batch: Batch) -> Tensor:
        """Clips as latents -> the loss of what the network predicts, weighed as the image system weighs its own."""
        image, x = self.image, batch.video.float()
        cond, null = image.told(batch.captions), image.told([""])
        return self.process(image).loss(self.network(image), x, cond, null, image.importance(x, batch.scenery))

    @torch.no_grad()
    def validate(self, stage: str, batch: Batch) -> tuple[dict[str, float], list[Clip]]:
        """The loss of a held-out batch (pixels), and clips for a sheet."""
        loss = self.stages()[stage](self, self.encode(stage, batch))
        side = max(self.config.size, 16)
        wishes = [self.Options(p, num_frames=self.config.frames, height=side, width=side) for p in self.samples(batch)]
        return {"loss": float(loss)}, [self.generate(wish) for wish in wishes]

    def samples(self, batch: Batch) -> tuple[str, ...]:
        """The prompts of a sheet."""
        return SAMPLES

    def published(self) -> Published:
        """Copies of the parts for `hub.written`, which diffusers opens where it knows such a codec and text encoder."""
        image, process = self.image, self.process(self.image)
        unet = whole(self.unet_of(image), self.layers, self.plan)
        return Published(unet, image.codec, image.text, asdict(process.schedule), process.predicts)


def halved(report: Report) -> Report:
    """The progress of the second half of a window's work."""
    return lambda share: report((1 + share) / 2)


@contextmanager
def frozen(*parts: nn.Module) -> Iterator[None]:
    """What is computed inside does not teach these parts."""
    weights = [p for part in parts for p in part.parameters() if p.requires_grad]
    for p in weights:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in weights:
            p.requires_grad_(True)


def check_overlap(frames: int, overlap: int) -> None:
    """ValueError unless a window has room for new frames beside those it continues from."""
    if not 1 <= overlap < frames:
        raise ValueError(f"windows of {frames} frames overlap by 1 to {frames - 1}; got {overlap}")
