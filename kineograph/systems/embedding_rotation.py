"""Embedding rotation (Tarzan3668, Habr 2024): the turns of a video's embeddings turn the prompt of an image system.

    driving frames ─> embedder ─> v_0, v_1, ... ─> R_i: v_i to v_i+1, in their plane
    prompt ─> tokens ─> R_0 tokens ─> R_1 R_0 tokens ─> ...  ─┐
    seed ──> noise ──> R_0 noise ───> R_1 R_0 noise ───> ...  ─┴─> image system ─> a picture for each frame

Needs no training. The article has tokens and embeddings in spaces of one size, those of one CLIP. Where sizes differ,
the embeddings are laid into the larger space by a fixed isometry (into a smaller one by its transpose), so that planes
are carried over and angles stay as they are. Noise is cut into rows as long as its size allows, up to that of an
embedding, and every row turned: it stays as normal as it was.

A story's shots follow the video one after the other: the noise turns on through all of them, the prompt of each from
its first frame. Without a video the embedding runs along a circle drawn by lot.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from kineograph import video as videos
from kineograph.clip import Clip
from kineograph.condition import Condition
from kineograph.config import option
from kineograph.geometry import Rotation
from kineograph.models.vision import BUNDLED, load_image_text
from kineograph.system import Progress, silent
from kineograph.systems._animator import Animator, AnimatorOptions, footage, shots
from kineograph.systems.latent_diffusion import LatentDiffusion

CIRCLE = 256  # dimensions of the embedding where there is no video
BATCH = 8  # frames drawn at a time
SEEN = 32  # frames embedded at a time


@dataclass(frozen=True)
class Config:
    """The image system by name, and what embeds driving frames: "pixels", "world_clip" or a CLIP of transformers."""

    image: str = "untrained toy"
    embedder: str = "pixels"


@dataclass(frozen=True)
class EmbeddingRotationOptions(AnimatorOptions):
    """What turns, how far, and against which frame. The article's own way is "perturbation", by 0.0035 to 0.0075."""

    image_path: str = option("", "a picture to begin from")
    strength: float = option(0.7, "how far to go from image_path: 0 keeps it, 1 forgets it", minimum=0, maximum=1)
    motion: str = option("", "a video whose turns are followed; without one, an even turn in a plane drawn by lot")
    turn: str = option("text", "what is turned", choices=("text", "noise", "both"))
    way: str = option(
        "full", "how: turned; soft, mixed with what was by cos^power; or perturbation, added to what was",
        choices=("full", "soft", "perturbation"),
    )  # fmt: skip
    against: str = option("neighbour", "what a driving frame is compared with", choices=("neighbour", "anchor"))
    text_share: float = option(
        1.0, "of each angle for the text; of perturbation, how much is added", minimum=0, maximum=10
    )
    noise_share: float = option(0.3, "the same for the noise, whose turns are to be small", minimum=0, maximum=10)
    power: float = option(1.0, "of the soft way", minimum=0, maximum=100)
    renormalise: bool = option(True, "keep the length of what is turned")
    align: bool = option(False, "lay the mean of the video's embeddings on the mean of the text's tokens")
    path: str = option(
        "rotation", "for comparison: random planes of the same angles; or straight from the first frame to the last",
        choices=("rotation", "random", "straight"),
    )  # fmt: skip
    degrees: float = option(6.0, "that each frame turns without a video", minimum=0, maximum=180)
    embedder: str = option("", 'of the video: "pixels", "world_clip", or a CLIP of transformers by folder or name')


class Embedder(Protocol):
    """Whatever turns pictures into vectors; size: the side it looks at."""

    size: int

    def encode_image(self, images: Tensor) -> Tensor:
        """n 3 s s in [-1, 1] -> n d."""


class Pixels:
    """No learned embedding: the picture itself, averaged to 8 x 8."""

    size = 64

    def encode_image(self, images: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(images, 8).flatten(1)


class EmbeddingRotation(Animator):
    Config, Options = Config, EmbeddingRotationOptions
    PRESETS = {"toy": Config(), "world": Config("latent_diffusion", "world_clip")}

    def build(self, config: Config) -> None:
        super().build(config)
        self.embedders: dict[str, Embedder] = {}

    def generate(self, options: EmbeddingRotationOptions, progress: Progress = silent) -> Clip:
        total = sum(count for _, _, count in shots(options))
        image = self.drawn_by(options)
        image.text.check([*(prompt for prompt, _, _ in shots(options)), options.negative_prompt])
        vectors = self.vectors(options, total)
        with torch.inference_mode():
            return Clip.joined(
                self.film(image, vectors, options, progress), total, fps=options.fps, caption=options.prompt
            )

    def film(
        self, image: LatentDiffusion, vectors: Tensor, options: EmbeddingRotationOptions, progress: Progress
    ) -> Iterator[Tensor]:
        """The frames, n 3 h w uint8, a few at a time.  vectors: total d."""
        noise = self.noises(image, vectors, options)
        null, known = image.told([options.negative_prompt]), self.known(image, options)
        for prompt, begin, count in shots(options):
            cond = conditions(image.told([prompt]), vectors[begin : begin + count], options)
            for some in torch.arange(count).split(BATCH):

                def report(
                    share: float, at: int = begin + int(some[0]), size: int = len(some), what: str = prompt
                ) -> None:
                    progress((at + share * size) / len(vectors), what)

                report(0.0)
                told = cond.map(lambda x, rows=some: x[rows.to(x.device)])
                start = None if known is None else known.expand(len(some), -1, -1, -1, -1)
                latents = image.diffusion.sample(
                    image.unet, noise[begin + some, None], told, null, steps=options.num_inference_steps,
                    guidance=options.guidance_scale, data=start, strength=1.0 if known is None else options.strength,
                    progress=report,
                )  # fmt: skip
                yield Clip.of(image.codec.decode(latents)[:, 0]).frames
        progress(1.0, "done")

    def noises(self, image: LatentDiffusion, vectors: Tensor, options: EmbeddingRotationOptions) -> Tensor:
        """The noise of each frame, total c h w: one draw of the seed, turned or not."""
        factor = image.codec.factor
        shape = image.codec.channels, options.height // factor, options.width // factor
        x = self.noise(*shape, seed=options.seed)
        if options.turn == "text":
            return x.expand(len(vectors), *shape)
        rows = x.reshape(-1, row_length(x.numel(), vectors.shape[1]))
        return turned(rows, vectors, options, options.noise_share, align=False).reshape(-1, *shape)

    def known(self, image: LatentDiffusion, options: EmbeddingRotationOptions) -> Tensor | None:
        """The latents of the picture to begin from, if one is given: 1 1 c h w."""
        if not options.image_path:
            return None
        picture = videos.read(options.image_path, size=(options.height, options.width), frames=1).video[None]
        return image.codec.encode(picture.to(self.device))

    def vectors(self, options: EmbeddingRotationOptions, total: int) -> Tensor:
        """What the video's frames are to the embedder, one for each frame of the film: total d, float64."""
        if not options.motion:
            return circle(total, options.degrees, options.seed).to(self.device)
        embedder = self.embedder(options.embedder or self.config.embedder)
        frames = footage(options.motion, total, fps=options.fps, size=embedder.size)
        with torch.inference_mode():
            some = [embedder.encode_image(x.to(self.device).float() / 127.5 - 1) for x in frames.split(SEEN)]
            return torch.cat(some).double()

    def embedder(self, name: str) -> Embedder:
        """The embedder of a name, opened once."""
        if name not in self.embedders:
            opened = Pixels() if name == "pixels" else load_image_text(BUNDLED if name == "world_clip" else name)
            self.embedders = {name: opened if name == "pixels" else opened.to(self.device)}
        return self.embedders[name]


def conditions(cond: Condition, vectors: Tensor, options: EmbeddingRotationOptions) -> Condition:
    """The condition of each frame: its tokens row by row, and its vector, such as the image embedding of a prior.

    cond: of one row, vectors: t e -> the same of t rows.
    """
    if options.turn == "noise":
        return cond.map(lambda x: x.expand(len(vectors), *x.shape[1:]))
    rows = {name: x[0] if name == "tokens" else x for name, x in cond.items().items() if name in ("tokens", "vector")}
    film = {name: turned(x, vectors, options, options.text_share, align=options.align) for name, x in rows.items()}
    if "vector" in film:
        film["vector"] = film["vector"][:, 0]
    return Condition(mask=None if cond.mask is None else cond.mask.expand(len(vectors), -1), **film)


def turned(
    x: Tensor, vectors: Tensor, options: EmbeddingRotationOptions, share: float, *, align: bool = False
) -> Tensor:
    """Rows as they are at each frame.  x: n d at the first one, vectors: t e -> t n d."""
    turns, steps = rotations(vectors, x, options, align=align), [x]
    for i in range(len(vectors) - 1):
        steps.append(changed(steps[0 if options.against == "anchor" else -1], turns[i], options, share))
    film = torch.stack(steps)
    if options.path == "straight":
        shares = torch.linspace(0, 1, len(film)).to(x)[:, None, None]
        film = film[:1].lerp(film[-1:], shares)
    return film * (x.norm(dim=-1) / film.norm(dim=-1).clamp(min=1e-12))[..., None] if options.renormalise else film


def rotations(vectors: Tensor, x: Tensor, options: EmbeddingRotationOptions, *, align: bool) -> Rotation:
    """From each frame, or the first, to each next one, in the space of x: angles as they are, planes carried over."""
    starts = slice(0, 1) if options.against == "anchor" else slice(0, len(vectors) - 1)
    there = laid(vectors, x.shape[-1])
    if align:
        there = Rotation.between(there.mean(0), x.double().mean(0))(there)
    planes = Rotation.between(there[starts], there[1:])
    if options.path == "random":
        lots = torch.Generator().manual_seed((options.seed + 1) % 2**63)
        a, b = torch.randn(2, *planes.n1.shape, generator=lots, dtype=torch.float64).to(x.device)
        planes = Rotation.between(a, b)
    angles = Rotation.between(vectors[starts], vectors[1:]).angle
    return Rotation(planes.n1.to(x), planes.n2.to(x), angles.to(x))


def changed(x: Tensor, turn: Rotation, options: EmbeddingRotationOptions, share: float) -> Tensor:
    """The rows of the next frame.  n d -> n d."""
    if options.way == "perturbation":
        return x + share * turn(x)
    if options.way == "soft":
        return x.lerp(turn(x, share), turn.angle.cos().clamp(min=0) ** options.power)
    return turn(x, share)


def laid(vectors: Tensor, dim: int) -> Tensor:
    """Vectors in a space of `dim` dimensions, by a fixed isometry, or into a smaller space by its transpose.

    t e -> t dim; a space of the same size is taken for the same space, as the article does.
    """
    here = vectors.shape[1]
    if here == dim:
        return vectors
    lots = torch.randn(max(here, dim), min(here, dim), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    basis = torch.linalg.qr(lots).Q.to(vectors.device)
    return vectors @ (basis.T if here < dim else basis)


def row_length(size: int, longest: int) -> int:
    """The longest rows, up to `longest`, that so many numbers can be cut into; a single one where only 1 divides."""
    return next((n for n in range(min(size, longest), 1, -1) if size % n == 0), size)


def circle(total: int, degrees: float, seed: int) -> Tensor:
    """Embeddings that run evenly along a circle in a plane drawn by lot: total d, float64."""
    a, b = torch.randn(2, CIRCLE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    plane = Rotation.between(a, b)
    angles = torch.deg2rad(degrees * torch.arange(total, dtype=torch.float64))[:, None]
    return angles.cos() * plane.n1 + angles.sin() * plane.n2
