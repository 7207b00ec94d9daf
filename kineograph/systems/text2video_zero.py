"""Text2Video-Zero (Khachatryan et al. 2023): an image system draws a film whose frames all look at the first one.

    noise ─ddim─> x_t1 ─ddim─> x_t0 ─> moved k times ─ddpm─> x_t1 of frame k ─┐
                    └─────────────────────────────────────────────────────────┴─ddim─> frames
                                                       self-attention reads the first frame

Needs no training. With `--motion` a video gives the film its shape: every frame begins from the same noise, and at each
step the edges, the depth or the pose of what is drawn are led to those of the video by their gradient (Bansal et al.
2023), where the paper has ControlNets. Or the video itself is edited: its frames are turned into the noise they come
from by DDIM inversion, and drawn again with the prompt, where the paper has Instruct-Pix2Pix.

A story's shots begin from the same noise; each is a film of its own, that looks at its own first frame.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from kineograph import video as videos
from kineograph.clip import Clip
from kineograph.config import option
from kineograph.geometry import shifted
from kineograph.models.depth import load_depth, load_pose
from kineograph.models.edges import edges, salient
from kineograph.models.temporal import first
from kineograph.processes.diffusion import Schedule
from kineograph.processes.samplers import Denoise, ddim, inverted
from kineograph.system import Progress, silent
from kineograph.systems._animator import Animator, AnimatorOptions, footage, shots
from kineograph.systems.latent_diffusion import LatentDiffusion

Maps = Callable[[Tensor], Tensor]  # n 3 h w in [-1, 1] -> n c h' w', with a gradient
Report = Callable[[float], None]
Draw = Callable[[list[int], Report], Tensor]  # the numbers of frames, the first among them -> latents 1 t c h w
ESTIMATED = {"depth": load_depth, "pose": load_pose}
GRID = 512  # to a side of the picture, of which a movement is so many


@dataclass(frozen=True)
class Config:
    """The image system by name."""

    image: str = "untrained toy"


@dataclass(frozen=True)
class Text2VideoZeroOptions(AnimatorOptions):
    """How the view moves; or which video is followed, and how; what the paper's code names has its name."""

    image_path: str = option("", "a picture to begin from")
    motion: str = option("", "a video to follow, in place of a straight movement")
    follow: str = option("edges", "what of the video", choices=("edges", "depth", "pose", "edit"))
    follow_strength: float = option(0.3, "how strictly edges, depth or pose are followed", minimum=0, maximum=10)
    estimator: str = option("", "of depth or pose: a model of transformers by folder or by name on the Hub")
    strength: float = option(0.8, "of an edit: 0 keeps the video, 1 keeps least", minimum=0, maximum=1)
    source_prompt: str = option("", "of an edit: what the video shows", maximum=4096)
    motion_field_strength_x: float = option(
        12.0, "512ths of the width that the view moves to the right each frame", minimum=-512, maximum=512
    )
    motion_field_strength_y: float = option(
        12.0, "512ths of the height that the view moves down each frame", minimum=-512, maximum=512
    )
    t0: float = option(0.88, "how noisy frames are when they are moved", minimum=0, maximum=1)
    t1: float = option(0.94, "how noisy they are made then", minimum=0, maximum=1)
    smooth_background: float = option(
        0.0, "how much of the background is the first frame's; the paper has 0.6", minimum=0, maximum=1
    )
    foreground: str = option("salient", "what is not background", choices=("salient", "centre"))
    chunk_size: int = option(8, "frames drawn at a time; the film does not depend on it", minimum=2, maximum=256)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.motion and self.image_path:
            raise ValueError("a film begins from image_path or follows motion; both are given")
        if self.motion and self.follow in ESTIMATED and not self.estimator:
            raise ValueError(f"to follow {self.follow} give --estimator, a model of transformers; edges need none")


class Text2VideoZero(Animator):
    Config, Options = Config, Text2VideoZeroOptions
    PRESETS = {"toy": Config(), "world": Config("latent_diffusion")}

    def build(self, config: Config) -> None:
        super().build(config)
        self.estimators: dict[tuple[str, str], Maps] = {}

    def generate(self, options: Text2VideoZeroOptions, progress: Progress = silent) -> Clip:
        total = sum(count for _, _, count in shots(options))
        image, size = self.drawn_by(options), (options.height, options.width)
        image.text.check([*(prompt for prompt, _, _ in shots(options)), options.negative_prompt, options.source_prompt])
        maps = self.maps(options) if options.motion and options.follow != "edit" else None
        driving = footage(options.motion, total, fps=options.fps, size=size) if options.motion else None
        with torch.inference_mode():
            film = self.film(image, driving, maps, options, progress)
            return Clip.joined(film, total, fps=options.fps, caption=options.prompt)

    def film(
        self, image: LatentDiffusion, driving: Tensor | None, maps: Maps | None, options: Text2VideoZeroOptions,
        progress: Progress,
    ) -> Iterator[Tensor]:  # fmt: skip
        """The frames, n 3 h w uint8, a chunk at a time.  driving: total 3 h w uint8."""
        net, null = partial(image.unet, look=first), image.told([options.negative_prompt])
        total = sum(count for _, _, count in shots(options))
        for prompt, begin, count in shots(options):
            denoise = image.diffusion.denoiser(net, image.told([prompt]), null, options.guidance_scale)
            if driving is None:
                draw = self.moving(image, denoise, options)
            elif maps is None:
                draw = self.editing(image, denoise, driving[begin : begin + count], options)
            else:
                draw = self.following(image, denoise, maps, driving[begin : begin + count], options)
            for known, new in chunks(count, options.chunk_size):

                def report(done: float, at: int = begin + new[0], size: int = len(new), what: str = prompt) -> None:
                    progress((at + done * size) / total, what)

                report(0.0)
                latents = draw(known + new, report)[:, len(known) :]
                yield Clip.of(image.codec.decode(latents)[0]).frames
        progress(1.0, "done")

    def moving(self, image: LatentDiffusion, denoise: Denoise, options: Text2VideoZeroOptions) -> Draw:
        """Frame k is the first one moved k times when all is still noise, noised once more, and drawn."""
        schedule = image.diffusion.schedule
        times = schedule.times(options.num_inference_steps)
        late, early = moments(times, schedule.steps, options.t0, options.t1)
        noise = self.noise_of(image, options)
        if options.image_path:
            picture = videos.read(options.image_path, size=(options.height, options.width), frames=1).video[None]
            known = image.codec.encode(picture.to(self.device))
            begun, far = (a * known + s * noise for a, s in (schedule.levels(times[k]) for k in (early, late)))
        else:
            begun = ddim(denoise, noise, schedule.levels, times[: early + 1])
            far = ddim(denoise, begun, schedule.levels, times[early : late + 1])

        def draw(numbers: list[int], report: Report) -> Tensor:
            others = [
                renoised(schedule, shifted(far, *cells(k, far, options)), self.noise_of(image, options, k),
                         times[late], times[early])
                for k in numbers[1:]
            ]  # fmt: skip
            x, passes = torch.cat([begun, *others], 1), 2 if options.smooth_background else 1
            latents = ddim(denoise, x, schedule.levels, times[early:], progress=lambda done: report(done / passes))
            if not options.smooth_background:
                return latents
            front = foreground(image.codec.decode(latents)[0], options.foreground, x.shape[-2:])
            x = smoothed(x, front, [cells(k, x, options) for k in numbers], options.smooth_background)
            return ddim(denoise, x, schedule.levels, times[early:], progress=lambda done: report((1 + done) / 2))

        return draw

    def following(
        self, image: LatentDiffusion, denoise: Denoise, maps: Maps, driving: Tensor, options: Text2VideoZeroOptions
    ) -> Draw:
        """Every frame from the same noise, led to what the maps show of the video's frame."""
        schedule, noise = image.diffusion.schedule, self.noise_of(image, options)
        times = schedule.times(options.num_inference_steps)

        def draw(numbers: list[int], report: Report) -> Tensor:
            wanted = maps(pictures(driving[numbers], self.device))
            lead = led(denoise, image.codec.decode, maps, wanted, schedule, options.follow_strength)
            return ddim(lead, noise.expand(-1, len(numbers), -1, -1, -1), schedule.levels, times, progress=report)

        return draw

    def editing(
        self, image: LatentDiffusion, denoise: Denoise, driving: Tensor, options: Text2VideoZeroOptions
    ) -> Draw:
        """The video's frames back to their noise as `source_prompt` tells it, and forth again as the prompt does."""
        schedule, source = image.diffusion.schedule, image.told([options.source_prompt])
        times = schedule.times(options.num_inference_steps, strength=options.strength)
        told = image.diffusion.denoiser(partial(image.unet, look=first), source, source, 1.0)

        def draw(numbers: list[int], report: Report) -> Tensor:
            known = image.codec.encode(pictures(driving[numbers], self.device)[None])
            x = inverted(told, known, schedule.levels, times, progress=lambda done: report(done / 2))
            return ddim(denoise, x, schedule.levels, times, progress=lambda done: report((1 + done) / 2))

        return draw

    def noise_of(self, image: LatentDiffusion, options: Text2VideoZeroOptions, number: int = 0) -> Tensor:
        """The noise of a frame, 1 1 c h w, whatever chunk it is drawn in."""
        factor, seed = image.codec.factor, (options.seed + 1_000_003 * number) % 2**63
        shape = image.codec.channels, options.height // factor, options.width // factor
        return self.noise(1, 1, *shape, seed=seed)

    def maps(self, options: Text2VideoZeroOptions) -> Maps:
        """What is looked at in pictures; an estimator is opened once."""
        if options.follow == "edges":
            return edges
        wanted = options.follow, options.estimator
        if wanted not in self.estimators:
            self.estimators = {wanted: ESTIMATED[options.follow](options.estimator).to(self.device)}
        return self.estimators[wanted]


def chunks(count: int, size: int) -> Iterator[tuple[list[int], list[int]]]:
    """The frames of a shot, at most `size` at a time: those only looked at again, which is the first, and the new."""
    yield [], [*range(min(count, size))]
    for k in range(size, count, size - 1):
        yield [0], [*range(k, min(count, k + size - 1))]


def moments(times: list[float], steps: int, t0: float, t1: float) -> tuple[int, int]:
    """The places in falling times, t0's after t1's, that are nearest to these shares of all steps.

    As 50 steps of Stable Diffusion have it: 881 and 941. Neither the first time, of nothing but noise, nor the end.
    """
    late, early = (min(range(len(times)), key=lambda k: abs(times[k] - share * steps)) for share in (t0, t1))
    early = max(1, min(early, len(times) - 3))
    return max(early + 1, min(late, len(times) - 2)), early


def renoised(schedule: Schedule, x: Tensor, noise: Tensor, start: float, end: float) -> Tensor:
    """DDPM's own way from one time to a noisier one: sqrt(a) x + sqrt(1 - a) noise, a the product of alphas."""
    kept = schedule.levels(end)[0] / schedule.levels(start)[0]
    return kept * x + math.sqrt(1 - kept**2) * noise


def cells(number: int, latents: Tensor, options: Text2VideoZeroOptions) -> tuple[int, int]:
    """How many cells of the latents the view of a frame is moved right and down.

    As where the published code looks: a field on a grid of 512 to a side, resized, nearest neighbours.
    """
    fields = options.motion_field_strength_x, options.motion_field_strength_y
    height, width = latents.shape[-2:]
    right, down = (round((number * by - 0.5) * n / GRID) for by, n in zip(fields, (width, height), strict=True))
    return right, down


def foreground(frames: Tensor, kind: str, size: torch.Size) -> Tensor:
    """Where the cells of each frame show what is not background, and two pixels around.  t 3 h w -> t 1 h' w' bool."""
    if kind == "centre":
        rows, columns = (torch.linspace(-1, 1, n, device=frames.device).abs() < 0.5 for n in size)
        return (rows[:, None] & columns).expand(len(frames), 1, -1, -1)
    wide = F.max_pool2d(salient(frames).float(), 5, 1, 2)
    return F.interpolate(wide, size=size, mode="nearest") > 0


def smoothed(x: Tensor, front: Tensor, moves: list[tuple[int, int]], share: float) -> Tensor:
    """Backgrounds mixed with the first frame's, moved along (optional in the paper).  x: 1 t c h w, front: t 1 h w."""
    frames = []
    for frame, mask, move in zip(x[0], front, moves, strict=True):
        back = ~mask & ~shifted(front[0], *move)
        frames.append(torch.where(back, frame.lerp(shifted(x[0, 0], *move), share), frame))
    return torch.stack([x[0, 0], *frames[1:]])[None]


def led(
    denoise: Denoise,
    decode: Callable[[Tensor], Tensor],
    maps: Maps,
    wanted: Tensor,
    schedule: Schedule,
    strength: float,
) -> Denoise:
    """denoise whose x_0 takes a step towards pictures that have the wanted maps (Bansal et al. 2023).

    The step is `strength` times as long as x_0 itself, frame by frame, and shrinks with the noise that is left.
    """

    def toward(x: Tensor, t: Tensor) -> Tensor:
        x0 = denoise(x, t)
        with torch.inference_mode(False), torch.enable_grad():
            z = x0.clone().requires_grad_()
            error = (maps(decode(z).flatten(0, 1)) - wanted.clone()).square().mean((1, 2, 3)).sum()
            (slope,) = torch.autograd.grad(error, z)
        unit = slope / root_mean_square(slope).clamp(min=torch.finfo(slope.dtype).tiny)
        return x0 - strength * schedule.levels(float(t[0]))[1] * root_mean_square(x0) * unit

    return toward


def root_mean_square(x: Tensor) -> Tensor:
    """Of each frame: b t c h w -> b t 1 1 1."""
    return x.square().mean((2, 3, 4), keepdim=True).sqrt()


def pictures(frames: Tensor, device: torch.device) -> Tensor:
    """t 3 h w uint8 -> the same in [-1, 1]."""
    return frames.to(device).float() / 127.5 - 1
