"""The teaching of World CLIP (2026): drawn pictures and their captions are drawn together, the others apart.

    two frames of each clip -> softened, noisy -> image tower -> mean direction ─┐
                                                                                 ├─> who belongs to whom; labels
    its caption -> frozen text encoder -> text tower -> direction ───────────────┘

It is taught by the trainer of systems, with its flags, resume and log, and then copied to where it is looked for:

    kineograph evaluate --learn-alignment --output-dir runs/clip --clips 40000 --cache cache/world_clip
    cp runs/clip/system/system.json runs/clip/system/network.safetensors kineograph/checkpoints/world_clip/
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.clip import Batch, Clip
from kineograph.data.cache import identity
from kineograph.data.world.scene import VOCABULARY
from kineograph.data.world.world import World
from kineograph.evaluation.labels import SECONDS, Flags, blurred, labels_of
from kineograph.models.world_clip import WorldCLIP, WorldCLIPConfig, encoder_of, together
from kineograph.system import System, stage
from kineograph.training import run

SEEN = 2  # frames of a clip that a step looks at
CROWD = 100  # captions among which the right one is looked for
LABELS = (
    "who", "act", "where", "direction", "colour", "style", "companion", "size", "time", "weather", "prop",
)  # fmt: skip  # that a single frame can show
IGNORED = -100  # the class of a label that a caption does not state
SHARE = 0.2  # of each label's cross-entropy in the loss


@dataclass(frozen=True)
class Telling:
    """How a clip is told: a wording, its labels, and which of those the words state."""

    text: str
    labels: dict[str, str]
    asked: frozenset[str]

    def dump(self) -> str:
        """As the JSON that stands in the place of a caption."""
        return json.dumps({"text": self.text, "labels": self.labels, "asked": sorted(self.asked)})

    @classmethod
    def parse(cls, text: str) -> "Telling":
        told = json.loads(text)
        return cls(told["text"], told["labels"], frozenset(told["asked"]))


class Told(Sequence[Clip]):
    """The World's clips, whose captions are tellings; they are cached as the World's own."""

    def __init__(self, world: World):
        self.world, self.fps, self.fingerprint = world, world.fps, identity(world)

    def __len__(self) -> int:
        return len(self.world)

    def __getitem__(self, index: int) -> Clip:
        clip = self.world[index]
        return Clip(clip.frames, clip.fps, self.caption(index), clip.meta)

    def caption(self, index: int, variant: int = 0) -> str:
        scene = self.world.scene(index)
        words = self.world.caption_of(scene, index, variant)
        return Telling(words.text, labels_of(scene), words.asked).dump()


@dataclass(frozen=True)
class Config:
    """Frames that are kept of each clip, evenly over its seconds, their size, and the network."""

    frames: int = 4
    size: int = 64
    network: WorldCLIPConfig = field(default_factory=WorldCLIPConfig)


class Alignment(System):
    """World CLIP, and heads that read labels from its space to teach it sooner what matters; those are not kept."""

    Config = Config
    PRESETS: ClassVar = {
        "toy": Config(),
        "world": Config(
            network=WorldCLIPConfig(
                64, (16, 32, 96, 192), (1, 1, 1), layout=48, text="minilm", questions=8, hidden=384, dim=256
            )
        ),
    }

    def build(self, config: Config) -> None:
        self.text = encoder_of(config.network)
        self.network = WorldCLIP(config.network)
        self.heads = nn.Linear(config.network.dim, sum(len(VOCABULARY[name]) for name in LABELS))
        self.heads.weight.muon = False

    @stage("network", "heads")
    def learn_alignment(self, batch: Batch) -> Tensor:
        """Symmetric InfoNCE (Radford et al. 2021), and the labels' cross-entropies read from both towers."""
        told = [Telling.parse(text) for text in batch.captions]
        images, words = self.directions(some_frames(batch.video, SEEN)), self.read(told)
        scores = self.network.scale * images @ words.T  # b b
        diagonal = torch.arange(len(scores), device=scores.device)
        pairing = (F.cross_entropy(scores, diagonal) + F.cross_entropy(scores.T, diagonal)) / 2
        return pairing + SHARE * (self.labelling(images, told, stated=False) + self.labelling(words, told, stated=True))

    def directions(self, video: Tensor) -> Tensor:
        """b t 3 s s -> b d."""
        frames = worn(video) if self.network.training else video
        return together(self.network.see(frames.flatten(0, 1)).unflatten(0, video.shape[:2]))

    def read(self, told: Sequence[Telling]) -> Tensor:
        """b wordings -> b d."""
        return self.network.read(self.text([telling.text for telling in told]))

    def labelling(self, vectors: Tensor, told: Sequence[Telling], *, stated: bool) -> Tensor:
        """Cross-entropies, summed over the labels; `stated`: only of those that the words state.  b d -> a number."""
        wide = vectors.shape[1] ** 0.5 * vectors  # of length one, they would be read too faintly
        scores = self.heads(wide.to(self.heads.weight.dtype)).float().split([len(VOCABULARY[x]) for x in LABELS], 1)
        wanted = targets(told, stated=stated).to(vectors.device)
        sums = [F.cross_entropy(s, w, reduction="sum") for s, w in zip(scores, wanted, strict=True)]
        return sum(sums) / len(told)

    def validate(self, stage: str, batch: Batch) -> tuple[dict[str, float], list[Clip]]:
        """How often the right one of a hundred is the nearest, and how near right and wrong ones are."""
        told = [Telling.parse(text) for text in batch.captions]
        images = torch.cat([self.directions(some) for some in batch.video.split(32)])
        words = torch.cat([self.read(told[i : i + 32]) for i in range(0, len(told), 32)])
        right = (images * words).sum(1).mean()
        wrong = (images * words.roll(1, 0)).sum(1).mean()
        return {
            "captions_of_clips": retrieved(images, words),
            "clips_of_captions": retrieved(words, images),
            "cosine_right": float(right),
            "cosine_wrong": float(wrong),
            "scale": float(self.network.scale),
        }, []


def some_frames(video: Tensor, count: int) -> Tensor:
    """So many frames of each clip by lot, none twice.  b t c h w -> b count c h w."""
    places = torch.rand(video.shape[:2], device=video.device).argsort(1)[:, :count]  # b count
    return video[torch.arange(len(video), device=video.device)[:, None], places]


def worn(video: Tensor) -> Tensor:
    """Half of the clips as soft as generated ones, all with some noise.  b t 3 h w -> same."""
    half = len(video) // 2
    video = torch.cat([blurred(video[:half]), video[half:]])
    strength = 0.1 * torch.rand(len(video), 1, 1, 1, 1, device=video.device)
    return video + strength * torch.randn_like(video)


def targets(told: Sequence[Telling], *, stated: bool) -> Tensor:
    """labels b: the place of each value among those the label can have; with `stated`, IGNORED where it is not told."""
    rows = [
        [IGNORED if stated and name not in t.asked else VOCABULARY[name].index(t.labels[name]) for t in told]
        for name in LABELS
    ]
    return torch.tensor(rows)


def retrieved(questions: Tensor, answers: Tensor, *, crowd: int = CROWD) -> float:
    """R@1: how often, among so many, the nearest answer is the question's own.  n d, n d -> a share.

    Rows are taken `crowd` at a time; a last crowd that is smaller is left out, unless it is the only one.
    """
    crowd = min(crowd, len(questions))
    right = [
        (q @ a.T).argmax(1) == torch.arange(crowd, device=q.device)
        for q, a in zip(questions.split(crowd), answers.split(crowd), strict=True)
        if len(q) == crowd
    ]
    return float(torch.cat(right).float().mean())


def learn(flags: Sequence[str]) -> int:
    """Teaches World CLIP; the flags are those of `kineograph train`, with defaults that suit it."""
    parser = Flags(prog="kineograph evaluate --learn-alignment", allow_abbrev=False)
    run.add_arguments(parser)
    parser.set_defaults(
        train_batch_size=256, learning_rate=3e-3, lr_warmup_steps=40, ema_decay=0.99, max_train_steps=600,
        cooldown_steps=360, validation_clips=400, validation_minutes=3.0, save_dtype="float16", logging_steps=20,
    )  # fmt: skip
    args = parser.parse_args(["alignment", "--stage", "learn_alignment", *flags])
    return run.main(
        args,
        kind=Alignment,
        clips=lambda split, frames, size: Told(World(split=split, frames=frames, fps=frames / SECONDS, size=size)),
    )
