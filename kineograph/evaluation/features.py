"""Features of clips, by networks whose published preprocessing is asked for by name.

    clips -> preprocessing -> network -> features n d, for `frechet.measure`

The name of an extractor is what a distance over its features may be called: FVD is I3D's and VideoMAE's, FID is
Inception's, and what is measured with features of our own is never called either. Weights are files of the user's.
"""

import math
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from kineograph.clip import Clip
from kineograph.models.vision import load_video_mae
from kineograph.models.watchers import I3D_FROM, SHORTEST, scripted

if TYPE_CHECKING:
    from kineograph.evaluation.labels import Reader

INCEPTION_FROM = "https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/inception-2015-12-05.pt"
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean, deviation


class Extractor(Protocol):
    """Whatever gives features. `rows` of them are of one clip; `biased`: its protocol's covariance divides by n."""

    name: str
    frames: int
    rows: int
    biased: bool

    def __call__(self, frames: Tensor) -> Tensor:
        """b t 3 h w uint8 -> (b rows) d."""


def extract(extractor: Extractor, clips: Iterable[tuple[str, Clip]], *, batch: int = 8) -> Tensor:
    """(name, clip) pairs -> (n rows) d, of the first frames of each clip."""
    return collected(extractor, clips, extractor.frames, batch)


def collected(look: Callable[[Tensor], Tensor], clips: Iterable[tuple[str, Clip]], frames: int, batch: int) -> Tensor:
    """What a network says of the first frames of each clip, put together; ValueError names the clip it fails on."""
    found: list[Tensor] = []
    names: list[str] = []
    waiting: list[Tensor] = []

    def flush() -> None:
        out = look(torch.stack(waiting)).detach().cpu()
        fine = torch.isfinite(out.reshape(len(waiting), -1)).all(1)
        if not bool(fine.all()):
            raise ValueError(f"the features of {names[int((~fine).nonzero()[0])]} are not finite")
        found.append(out)
        names.clear()
        waiting.clear()

    for name, clip in clips:
        if len(clip.frames) < frames:
            raise ValueError(f"{name} has {len(clip.frames)} frames; {frames} are looked at")
        if waiting and clip.frames.shape[1:] != waiting[0].shape[1:]:
            flush()
        names.append(name)
        waiting.append(clip.frames[:frames])
        if len(waiting) == batch:
            flush()
    if waiting:
        flush()
    if not found:
        raise ValueError("there are no clips to take features of")
    return torch.cat(found)


class I3D:
    """I3D of Kinetics-400 as TorchScript: its 400 scores before the softmax, after StyleGAN-V's or VideoGPT's way."""

    rows = 1

    def __init__(self, path: str | Path, way: str = "stylegan-v", *, frames: int = 16):
        if way not in WAYS:
            raise ValueError(f"there is no preprocessing {way!r} for I3D; there are {', '.join(WAYS)}")
        if frames < SHORTEST:
            raise ValueError(f"I3D looks at {SHORTEST} frames or more; got {frames}")
        self.network, self.frames = scripted(path, "FVD", I3D_FROM), frames
        self.prepare, self.inside, self.biased = WAYS[way]
        self.name = f"FVD (I3D, {way}, {frames} frames)"

    @torch.inference_mode()
    def __call__(self, frames: Tensor) -> Tensor:
        video = self.prepare(consecutive(frames, self.frames))
        return self.network(video, rescale=self.inside, resize=self.inside, return_features=True)


class VideoMAE:
    """A VideoMAEModel of transformers, such as `models.vision.load_video_mae` gives: the mean of its tokens."""

    rows, biased = 1, True  # as content-debiased FVD

    def __init__(self, model: nn.Module, *, called: str = ""):
        config = model.config
        self.model, self.frames, self.size = model.eval(), config.num_frames, config.image_size
        self.name = f"FVD (VideoMAE {called}".rstrip() + f", {self.frames} frames)"

    @classmethod
    def load(cls, name: str | Path) -> "VideoMAE":
        """From a folder with config.json and model.safetensors, or by its name on the hub; needs transformers."""
        return cls(load_video_mae(name), called=Path(name).name)

    @torch.inference_mode()
    def __call__(self, frames: Tensor) -> Tensor:
        device = next(self.model.parameters()).device
        video = videomae(consecutive(frames, self.frames), self.size).to(device)
        return self.model(pixel_values=video).last_hidden_state.mean(1)


class Inception:
    """InceptionV3 as TorchScript: 2048 features of each frame, for FID."""

    biased = False

    def __init__(self, path: str | Path, *, frames: int = 16):
        self.network = scripted(path, "FID", INCEPTION_FROM)
        self.frames = self.rows = frames
        self.name = f"FID (Inception, {frames} frames of each clip)"

    @torch.inference_mode()
    def __call__(self, frames: Tensor) -> Tensor:
        return self.network(consecutive(frames, self.frames).flatten(0, 1), return_features=True)  # (b t) d


class Read:
    """What our reader of labels knows of a clip just before it says the labels: for clips of the World.

    frames: how many of a clip are shown to it, of which it looks at its own number, evenly.
    """

    rows, biased = 1, False

    def __init__(self, reader: "Reader", *, frames: int = 16):
        self.reader, self.frames = reader, frames
        self.name = f"World distance ({reader.title}, {frames} frames)"

    @torch.inference_mode()
    def __call__(self, frames: Tensor) -> Tensor:
        network, size = self.reader.network, self.reader.config.network.size
        video = middle(consecutive(frames, self.frames), size) * 2 - 1
        kept: list[Tensor] = []
        hook = network.heads.register_forward_pre_hook(lambda module, given: kept.append(given[0]))
        try:
            network(video.to(self.reader.device))
        finally:
            hook.remove()
        return kept[0].float()


class RandomFeatures:
    """Two layers of convolution in space and time with random weights: for tests, and where nothing is taught.

    The first layer's kernels add up to 0, and half of them do at every place: those see edges, these only changes.
    Features are logarithms of how much each kernel finds, so that motion counts beside pictures.
    """

    rows, biased = 1, False

    def __init__(self, *, frames: int = 16, size: int = 32, widths: tuple[int, ...] = (3, 12, 12), seed: int = 0):
        if frames < 2 * len(widths) - 1:
            raise ValueError(f"random features need {2 * len(widths) - 1} frames or more; got {frames}")
        rng = torch.Generator().manual_seed(seed)
        self.frames, self.size = frames, size
        self.weights = [
            torch.randn(b, a, 3, 3, 3, generator=rng) * math.sqrt(2 / (27 * a)) for a, b in pairwise(widths)
        ]
        edges, changes = self.weights[0].chunk(2)
        edges -= edges.mean((2, 3, 4), keepdim=True)
        changes -= changes.mean(2, keepdim=True)
        self.name = f"distance of random features (seed {seed})"

    @torch.inference_mode()
    def __call__(self, frames: Tensor) -> Tensor:
        x = (middle(consecutive(frames, self.frames), self.size) * 2 - 1).transpose(1, 2)  # b c t h w
        seen = []
        for weight in self.weights:
            x = F.relu(F.conv3d(x, weight.to(x.device), stride=(1, 2, 2), padding=(0, 1, 1)))
            seen += [x.mean((2, 3, 4)), x.std((2, 3, 4))]
        return (torch.cat(seen, 1) + 0.01).log()


def consecutive(frames: Tensor, count: int) -> Tensor:
    """The first frames of clips.  b t 3 h w uint8 -> b count 3 h w; ValueError where they are something else."""
    if frames.dtype != torch.uint8 or frames.ndim != 5 or frames.shape[2] != 3:
        raise ValueError(f"clips to look at are uint8, b t 3 h w; got {frames.dtype}, {tuple(frames.shape)}")
    if frames.shape[1] < count:
        raise ValueError(f"clips of {frames.shape[1]} frames; {count} are looked at")
    return frames[:, :count]


def stylegan_v(frames: Tensor) -> Tensor:
    """b t 3 h w uint8 -> b 3 t h w uint8: the network resizes and rescales by itself."""
    return frames.transpose(1, 2).contiguous()


def videogpt(frames: Tensor, size: int = 224) -> Tensor:
    """b t 3 h w uint8 -> b 3 t s s in [-1, 1]: the shorter side resized, bilinear without smoothing; the middle cut."""
    height, width = frames.shape[-2:]
    scale = size / min(height, width)
    wanted = (size, math.ceil(width * scale)) if height < width else (math.ceil(height * scale), size)
    x = F.interpolate(frames.flatten(0, 1).float() / 255, size=wanted, mode="bilinear", align_corners=False)
    top, left = (wanted[0] - size) // 2, (wanted[1] - size) // 2
    x = x[..., top : top + size, left : left + size] * 2 - 1
    return x.unflatten(0, frames.shape[:2]).transpose(1, 2).contiguous()  # b c t h w


WAYS = {  # what is done to clips, whether the network resizes and rescales by itself, and how the covariance is taken
    "stylegan-v": (stylegan_v, True, True),
    "videogpt": (videogpt, False, False),
}


def videomae(frames: Tensor, size: int = 224) -> Tensor:
    """b t 3 h w uint8 -> b t 3 s s as transformers prepares clips for the published VideoMAEs."""
    x = shortest(frames.flatten(0, 1), size, Image.Resampling.BILINEAR)
    return normalized(x, *IMAGENET).unflatten(0, frames.shape[:2])


def shortest(frames: Tensor, size: int, resample: Image.Resampling) -> Tensor:
    """n 3 h w uint8 -> n 3 s s uint8: the shorter side resized by Pillow, the middle cut, as in transformers."""
    height, width = frames.shape[-2:]
    short, long = min(height, width), max(height, width)
    longer = int(size * long / short)
    wanted = (longer, size) if height <= width else (size, longer)  # width, height
    left, top = (wanted[0] - size) // 2, (wanted[1] - size) // 2
    out = np.empty((len(frames), size, size, 3), np.uint8)
    for i, frame in enumerate(frames):
        image = Image.fromarray(frame.permute(1, 2, 0).cpu().numpy()).resize(wanted, resample)  # c h w -> h w c
        out[i] = np.asarray(image)[top : top + size, left : left + size]
    return torch.from_numpy(out).permute(0, 3, 1, 2)  # n c h w


def normalized(frames: Tensor, mean: tuple[float, ...], deviation: tuple[float, ...]) -> Tensor:
    """n 3 h w uint8 -> floats whose channels have this mean and deviation taken away."""
    means, deviations = (torch.tensor(x, device=frames.device).reshape(3, 1, 1) for x in (mean, deviation))
    return (frames.float() / 255 - means) / deviations


def middle(frames: Tensor, size: int) -> Tensor:
    """b t 3 h w uint8 -> b t 3 s s in [0, 1]: the middle square, areas averaged."""
    height, width = frames.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = frames[..., top : top + side, left : left + side].flatten(0, 1).float() / 255
    return F.interpolate(square, size=(size, size), mode="area").unflatten(0, frames.shape[:2])
