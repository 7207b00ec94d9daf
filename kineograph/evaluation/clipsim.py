"""CLIPSIM: how near a clip's frames are to its caption, for a network that puts pictures and words in one space.

    CLIPSIM = mean over clips of mean over frames of cos(image(frame), text(caption))        (GODIVA, Wu et al. 2021)

Not multiplied by a hundred. Published values are of CLIP ViT-B/32 on MSR-VTT's test clips, of which there are several
choices: they are asked for by name, and the name belongs to the number. World CLIP's values are on a scale of its own:

    space = ImageTextSpace(load_image_text())                                  for clips of the World
    space = ImageTextSpace(load_image_text("openai/clip-vit-base-patch32"))    for published tables
"""

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from kineograph.clip import Clip
from kineograph.evaluation.features import shortest
from kineograph.evaluation.frechet import bootstrap
from kineograph.models.vision import ImageText

WAYS = ("frames", "clip")
PROTOCOLS = {
    "all captions": "every caption of the test clips, a clip generated for each (Make-A-Video: 59,794 of them)",
    "one caption": "one caption of each test clip, by lot (Video LDM, ModelScope, Kandinsky Video: 2,990)",
}


class Space(Protocol):
    """Whatever puts pictures and words in one space."""

    name: str

    def images(self, frames: Tensor) -> Tensor:
        """n 3 h w uint8 -> n d."""

    def texts(self, captions: Sequence[str]) -> Tensor:
        """n captions -> n d."""


class ImageTextSpace:
    """World CLIP, or any CLIP of transformers, as `models.vision` gives them.

    Pictures are prepared as CLIP's processor does: the shorter side resized by Pillow, bicubic, and the middle cut.
    """

    def __init__(self, network: ImageText, *, batch: int = 32):
        self.network, self.batch, self.name = network, batch, network.name

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    @torch.inference_mode()
    def images(self, frames: Tensor) -> Tensor:
        fitted = shortest(frames, self.network.size, Image.Resampling.BICUBIC)
        some = (x.to(self.device).float() / 127.5 - 1 for x in fitted.split(self.batch))
        return torch.cat([self.network.encode_image(x) for x in some]).cpu()

    @torch.inference_mode()
    def texts(self, captions: Sequence[str]) -> Tensor:
        some = (captions[i : i + self.batch] for i in range(0, len(captions), self.batch))
        return torch.cat([self.network.encode_text(x) for x in some]).cpu()


@dataclass(frozen=True)
class Similarity:
    """CLIPSIM of a set of clips with its 95 % interval; `relative` to the real clips' (GODIVA's RM), where given."""

    space: str
    protocol: str
    way: str
    value: float
    low: float
    high: float
    clips: tuple[float, ...]
    relative: float | None = None

    @property
    def record(self) -> dict:
        """As plain data for JSON."""
        return asdict(self)


def clipsim(
    space: Space,
    clips: Iterable[tuple[str, Clip]],
    *,
    protocol: str,
    way: str = "frames",
    every: int = 1,
    real: float | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Similarity:
    """The similarity of (name, clip) pairs with the clips' own captions.

    protocol: which prompts these are, in words. every: looks at one frame of so many. real: the real clips' value.
    """
    each = torch.tensor([similarity(space, named, way=way, every=every) for named in clips], dtype=torch.float64)
    if len(each) < 2:
        raise ValueError(f"CLIPSIM with an interval needs two clips or more; got {len(each)}")
    value, rng = float(each.mean()), torch.Generator().manual_seed(seed)
    low, high = bootstrap(lambda rows: float(each[rows].mean()), value, [len(each)], resamples=resamples, rng=rng)
    relative = None if real is None else value / real
    return Similarity(space.name, protocol, way, value, low, high, tuple(each.tolist()), relative)


def similarity(space: Space, named: tuple[str, Clip], *, way: str = "frames", every: int = 1) -> float:
    """Of one clip: the mean cosine of its frames ("frames"), or the cosine of its frames' mean direction ("clip")."""
    if way not in WAYS:
        raise ValueError(f"CLIPSIM is taken of {' or '.join(WAYS)}; got {way!r}")
    if every < 1:
        raise ValueError(f"every must be 1 or more; got {every}")
    name, clip = named
    if not clip.caption:
        raise ValueError(f"{name} has no caption to compare it with")
    scores = of_frames(space, clip.frames[::every], clip.caption, way=way)
    if not bool(torch.isfinite(scores).all()):
        raise ValueError(f"the features of {name} are not finite")
    return float(scores.mean())


def of_frames(space: Space, frames: Tensor, caption: str, *, way: str = "frames") -> Tensor:
    """t 3 h w uint8 -> the cosine of each frame with the caption, t; or, for "clip", of all of them, 1."""
    images = F.normalize(space.images(frames), dim=1)
    if way == "clip":
        images = F.normalize(images.mean(0, keepdim=True), dim=1)
    return images @ F.normalize(space.texts([caption]), dim=1)[0]


def consistency(vectors: Tensor, pairs: str = "neighbours") -> float:
    """t d -> the mean cosine of neighbouring frames (Gen-1), or of "all" pairs (Tune-A-Video); 1 if nothing moves.

    A frozen clip is perfectly consistent: read it with `motion`.
    """
    if pairs not in ("neighbours", "all"):
        raise ValueError(f"consistency is of neighbours or of all pairs; got {pairs!r}")
    if len(vectors) < 2:
        raise ValueError("consistency needs two frames or more")
    unit = F.normalize(vectors.double(), dim=1)
    if pairs == "neighbours":
        return float((unit[1:] * unit[:-1]).sum(1).mean())
    count = len(unit)
    return float(((unit @ unit.T).sum() - count) / (count * (count - 1)))


def msrvtt(path: str | Path, protocol: str = "one caption", *, seed: int = 0) -> tuple[list[tuple[str, str]], str]:
    """(video, caption) of MSR-VTT's test clips by a protocol of `PROTOCOLS`, and the words to say with the number.

    path: test_videodatainfo.json, or the file of all splits, of which the test clips are taken.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"there is no protocol {protocol!r}; there are {', '.join(PROTOCOLS)}")
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"there is no file {path}: MSR-VTT's test_videodatainfo.json is wanted")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        test = {video["video_id"] for video in data["videos"] if video["split"] == "test"}
        told = [(s["video_id"], s["caption"].strip()) for s in sorted(data["sentences"], key=lambda s: s["sen_id"])]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not MSR-VTT's JSON of videos and sentences") from error
    told = [pair for pair in told if pair[0] in test and pair[1]]
    if not told:
        raise ValueError(f"{path} holds no captions of test clips")
    if protocol == "one caption":
        of: dict[str, list[str]] = {}
        for video, caption in told:
            of.setdefault(video, []).append(caption)
        rng = random.Random(seed)
        told = [(video, rng.choice(captions)) for video, captions in of.items()]
    by_lot = f", seed {seed}" if protocol == "one caption" else ""
    return told, f"MSR-VTT test, {protocol}: {len(told)} captions of {len({v for v, _ in told})} clips{by_lot}"
