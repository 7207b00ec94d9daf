"""The networks that measure, each loaded when a metric first asks for it, with what a report says of it.

A network that was named must be there. One of ours that is not bundled only leaves its metrics unmeasured.
"""

from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from kineograph.evaluation import labels
from kineograph.evaluation.clipsim import ImageTextSpace
from kineograph.evaluation.correlation import digest
from kineograph.evaluation.features import (
    I3D,
    INCEPTION_FROM,
    Extractor,
    Inception,
    RandomFeatures,
    Read,
    VideoMAE,
    middle,
)
from kineograph.evaluation.inception_score import C3D, Classifier
from kineograph.evaluation.labels import Reader
from kineograph.evaluation.reconstruction import LPIPS
from kineograph.models import vision
from kineograph.system import weights_hash

FEATURES = "world, random, i3d:FILE or videomae:NAME"


class Unmeasured(ValueError):
    """Why a metric cannot be taken of what was given: a line of the report, and no failure."""


class Networks:
    """reader, clip: folders of ours (clip: or a CLIP of transformers). features: as `FEATURES` says; classifier and
    inception: TorchScript files. None is the default: our own, and no Inception, which only its makers have.
    frames: how many of each clip are looked at.
    """

    def __init__(
        self,
        *,
        reader: Path | None = None,
        features: str | None = None,
        preprocessing: str = "stylegan-v",
        clip: str | None = None,
        classifier: Path | None = None,
        c3d_mean: Path | None = None,
        inception: Path | None = None,
        lpips: bool = False,
        frames: int = 16,
    ):
        self.named = {
            "reader": reader, "features": features, "clip": clip, "classifier": classifier, "inception": inception,
            "lpips": lpips or None,
        }  # fmt: skip
        self.preprocessing, self.c3d_mean, self.frames = preprocessing, c3d_mean, frames
        self.used: dict[str, dict[str, str]] = {}

    def check(self) -> None:
        """Loads those that were named, so that a missing file is known before the work."""
        for name, given in self.named.items():
            if given is not None:
                getattr(self, name)

    @cached_property
    def reader(self) -> Reader:
        """Reads labels of the World, of clips or of pictures."""
        folder = self.named["reader"] or labels.bundled(self.frames)
        if folder != self.named["reader"] and not folder.is_dir():
            raise Unmeasured(
                "no reader of labels is bundled: teach one with kineograph evaluate --learn-labels, and give --reader"
            )
        found = Reader.load(folder)
        self.used["reader"] = {"name": found.title, "sha256": found.weights}
        return found

    @cached_property
    def features(self) -> Extractor:
        """Gives the features that a Frechet distance of clips is of."""
        kind, _, where = (self.named["features"] or "world").partition(":")
        if kind == "i3d" and where:
            found: Extractor = I3D(where, self.preprocessing, frames=self.frames)
        elif kind == "videomae" and where:
            found = VideoMAE.load(where)
        elif kind == "random" and not where:
            found = RandomFeatures(frames=self.frames)
        elif kind == "world" and not where:
            found = Read(self.reader, frames=self.frames)
            found.name = f"World Frechet distance ({self.reader.title}, {self.frames} frames)"
        else:
            raise ValueError(f"--features is {FEATURES}; got {self.named['features']!r}")
        ours = self.reader.weights if kind == "world" else ""
        self.used["features"] = {"name": found.name, "sha256": hash_of(where) if where else ours}
        return found

    @cached_property
    def clip(self) -> ImageTextSpace:
        """Puts pictures and words in one space."""
        where = self.named["clip"] or vision.BUNDLED
        if where == vision.BUNDLED and not vision.BUNDLED.is_dir():
            raise Unmeasured(
                "no World CLIP is bundled: teach one with kineograph evaluate --learn-alignment, and give --clip"
            )
        found = ImageTextSpace(vision.load_image_text(where))
        self.used["clip"] = {"name": found.name, "sha256": hash_of(where)}
        return found

    @cached_property
    def classifier(self) -> Classifier:
        """Says how likely each class is."""
        path = self.named["classifier"]
        found: Classifier = C3D(path, self.c3d_mean) if path else ReadActs(self.reader, self.frames)
        self.used["classifier"] = {"name": found.name, "sha256": hash_of(path) if path else self.reader.weights}
        return found

    @cached_property
    def inception(self) -> Inception:
        """Gives the features that FID is of."""
        path = self.named["inception"]
        if path is None:
            raise Unmeasured(f"FID needs a file that is not ours, --inception FILE; it is {INCEPTION_FROM}")
        found = Inception(path, frames=self.frames)
        self.used["inception"] = {"name": found.name, "sha256": hash_of(path)}
        return found

    @cached_property
    def lpips(self) -> LPIPS | None:
        """Only where it was asked for."""
        if not self.named["lpips"]:
            return None
        found = LPIPS()
        self.used["lpips"] = {"name": found.name, "sha256": ""}
        return found


class ReadActs:
    """How likely our reader of labels finds each act: a classifier for clips of the World. C3D's is for UCF-101."""

    def __init__(self, reader: Reader, frames: int):
        self.reader, self.frames = reader, frames
        self.name = f"acts of the {reader.title}"

    @torch.inference_mode()
    def __call__(self, frames: Tensor) -> Tensor:
        video = middle(frames[:, : self.frames], self.reader.config.network.size) * 2 - 1
        scores = self.reader.network(video.to(self.reader.device))[self.reader.config.labels.index("act")]
        return scores.float().softmax(1)


def hash_of(where: str | Path) -> str:
    """SHA-256 of a file, or of a folder's weights; none of a name that is looked up elsewhere."""
    path = Path(where)
    if path.is_file():
        return digest(path)
    return weights_hash(path) if path.is_dir() else ""
