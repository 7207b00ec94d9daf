"""The Inception Score: how sure a classifier is of each clip, and how different the clips are (Salimans et al. 2016).

    IS = exp(mean over clips of KL(p(y|clip) | p(y)))          1 at least, the number of classes at most

Published values are of C3D taught on UCF-101, of 2048 clips, and are a mean over parts with the spread of the parts;
what the parts are differs, so a protocol is asked for by name. The interval is a bootstrap over clips.
"""

import math
import zipfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from kineograph.clip import Clip
from kineograph.evaluation.features import collected, consecutive
from kineograph.evaluation.frechet import bootstrap
from kineograph.models.watchers import scripted

C3D_FROM = "https://www.dropbox.com/s/jxpu7avzdc9n97q/c3d_ucf101.pt (StyleGAN-V's evaluation)"
MEAN_FROM = "https://github.com/rezoo/tgan2/releases/download/v1.0/mean2.npz"


@dataclass(frozen=True)
class Parts:
    """How the probabilities are cut: clips the custom asks for, parts, and the seed they are shuffled with before."""

    clips: int
    parts: int
    shuffle: int | None


PROTOCOLS = {
    "stylegan-v": Parts(2048, 10, 42),  # isv2048_ucf: one set, shuffled, in ten
    "tganv2": Parts(20480, 10, None),  # ten sets of 2048, one after the other
    "whole": Parts(2048, 1, None),
}


class Classifier(Protocol):
    """Whatever says how likely each class is."""

    name: str
    frames: int

    def __call__(self, frames: Tensor) -> Tensor:
        """b t 3 h w uint8 -> b k probabilities."""


@dataclass(frozen=True)
class InceptionScore:
    """Mean and spread over the parts, as published; `value` is of all clips at once, between `low` and `high`."""

    protocol: str
    mean: float
    std: float
    value: float
    low: float
    high: float
    clips: int
    classes: int
    parts: int
    warnings: tuple[str, ...] = ()

    @property
    def record(self) -> dict:
        """As plain data for JSON."""
        return asdict(self)


def score(probabilities: Tensor) -> float:
    """n k -> exp of the mean divergence of the rows from their mean; 0 log 0 is 0."""
    p = probabilities.double()
    divergence = torch.xlogy(p, p) - torch.xlogy(p, p.mean(0))
    return float(divergence.sum(1).mean().exp())


def inception_score(
    probabilities: Tensor, protocol: str = "stylegan-v", *, resamples: int = 200, seed: int = 0
) -> InceptionScore:
    """The score of probabilities n k by a protocol of `PROTOCOLS`."""
    if protocol not in PROTOCOLS:
        raise ValueError(f"there is no protocol {protocol!r}; there are {', '.join(PROTOCOLS)}")
    p, how = distributions(probabilities), PROTOCOLS[protocol]
    count = len(p)
    if count < 2 * how.parts:
        raise ValueError(f"{protocol} cuts the clips in {how.parts}; {count} are too few")
    order = np.arange(count) if how.shuffle is None else np.random.RandomState(how.shuffle).permutation(count)
    mixed = p[torch.from_numpy(order)]
    bounds = [i * count // how.parts for i in range(how.parts + 1)]
    scores = [score(mixed[a:b]) for a, b in pairwise(bounds)]
    value, rng = score(p), torch.Generator().manual_seed(seed)
    low, high = bootstrap(lambda rows: score(p[rows]), value, [count], resamples=resamples, rng=rng)
    doubts = [f"{count} clips where the custom is {how.clips}: not to be compared"] if count != how.clips else []
    return InceptionScore(
        protocol, float(np.mean(scores)), float(np.std(scores)), value, max(1.0, low), min(high, float(p.shape[1])),
        count, p.shape[1], how.parts, tuple(doubts),
    )  # fmt: skip


def distributions(p: Tensor) -> Tensor:
    """n k float64; ValueError where the rows are no probabilities (scores before a softmax, or broken)."""
    p = p.double()
    if p.ndim != 2 or 0 in p.shape:
        raise ValueError(f"probabilities are n k; got {tuple(p.shape)}")
    wrong = ~(torch.isfinite(p).all(1) & (p >= 0).all(1) & ((p.sum(1) - 1).abs() < 1e-3))
    if bool(wrong.any()):
        row = int(wrong.nonzero()[0])
        raise ValueError(f"clip {row} has no probabilities: they are 0 or more and add up to 1; take a softmax first")
    return p


def classify(classifier: Classifier, clips: Iterable[tuple[str, Clip]], *, batch: int = 8) -> Tensor:
    """(name, clip) pairs -> n k probabilities, of the first frames of each clip."""
    return collected(classifier, clips, classifier.frames, batch)


class C3D:
    """C3D as TorchScript, from a file of the user's, that sees clips as TGANv2's evaluation shows them to it.

    mean: the file of the mean volume, which the published network subtracts after making colours b g r; without it the
    network is taken to do that itself, and is given bytes b 3 t h w. logits: it ends before the softmax.
    """

    frames = 16

    def __init__(self, path: str | Path, mean: str | Path | None = None, *, logits: bool = True):
        self.network = scripted(path, "the Inception Score of UCF-101", C3D_FROM)
        self.mean = None if mean is None else mean_volume(Path(mean))
        self.logits = logits
        self.name = f"C3D {Path(path).name}"

    @torch.inference_mode()
    def __call__(self, frames: Tensor) -> Tensor:
        x = consecutive(frames, self.frames)
        out = self.network(x.transpose(1, 2) if self.mean is None else c3d(x, self.mean))  # b t c h w -> b c t h w
        return out.double().softmax(1) if self.logits else out


def c3d(frames: Tensor, mean: Tensor) -> Tensor:
    """b 16 3 h w uint8 -> b 3 16 112 112 as C3D was taught: b g r in 0 to 256, less the mean 3 16 112 112.

    Resized with corners aligned, as Chainer's resize_images does.
    """
    video = frames.float() / 127.5 - 1
    x = video.flip(2).flatten(0, 1) * 128  # (b t) c h w
    x = F.interpolate(x, size=(112, 112), mode="bilinear", align_corners=True)
    return x.unflatten(0, frames.shape[:2]).transpose(1, 2) + (128 - mean)  # b c t h w


def mean_volume(path: Path) -> Tensor:
    """The mean clip of C3D's training, cut as TGANv2's evaluation cuts it -> 3 16 112 112."""
    if not path.is_file():
        raise ValueError(f"there is no file {path}, which C3D needs; it comes from {MEAN_FROM}")
    try:
        with np.load(path) as data:
            mean = torch.from_numpy(data["mean"]).float()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise ValueError(f"cannot read {path}: not a mean volume; {MEAN_FROM} is one") from error
    if mean.shape[-3:-2] != (16,) or mean.numel() // math.prod(mean.shape[-3:]) != 3 or min(mean.shape[-2:]) < 120:
        raise ValueError(f"{path} holds no mean volume 3 16 h w of 120 pixels or more; got {tuple(mean.shape)}")
    return mean.reshape(3, *mean.shape[-3:])[..., 8:120, 8:120]
