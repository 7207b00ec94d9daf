"""Every metric of `kineograph evaluate` under one signature: what is judged -> figures with intervals, facts of clips.

A metric that has no meaning for what was given raises `Unmeasured` with the reason, which the report prints; features
that are no numbers are an error that names the clip.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import torch
from torch import nn

from kineograph.clip import Clip
from kineograph.evaluation import clipsim as similarities
from kineograph.evaluation import features, frechet, inception_score, motion, reconstruction
from kineograph.evaluation import fidelity as wished
from kineograph.evaluation.fidelity import Wish
from kineograph.evaluation.networks import Networks, Unmeasured
from kineograph.evaluation.sources import Clips

MEANS = "mean over clips, 95 % by bootstrap over clips"
FOREIGN = "{} was taught on drawings of the World: of other clips its figures say little; name another network"


@dataclass(frozen=True)
class Figure:
    """One number, its 95 % interval, how many clips or labels it is of, and how it came to be.

    real: the same of real clips, the best that can be hoped for. share: it is a part of 1, of counted things.
    """

    metric: str
    name: str
    value: float
    low: float
    high: float
    count: int
    protocol: str
    real: "Figure | None" = None
    share: bool = False
    warnings: tuple[str, ...] = ()
    details: Mapping[str, object] = field(default_factory=dict)

    @property
    def record(self) -> dict:
        """As plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Subject:
    """What is judged. prompts: which captions these are, in words. world: whether the clips are of the World.

    real: what a perfect maker would give, and what Frechet distances are from. again: other real clips, for the floor.
    alike: real clip i is of the same prompt as clip i. codec: what `reconstruction` tries on the real clips. reads: the
    labels that the system itself reads in prompts.
    """

    clips: Clips
    prompts: str = ""
    world: bool = False
    real: Clips | None = None
    again: Clips | None = None
    alike: bool = False
    wishes: Sequence[Wish] = ()
    codec: nn.Module | None = None
    reads: Callable[[Sequence[str]], list[dict[str, str]]] | None = None


@dataclass(frozen=True)
class Manner:
    """How figures are taken. force: Frechet distances of fewer than 64 clips, too. parts: of the Inception Score."""

    seed: int = 0
    resamples: int = 1000
    force: bool = False
    extrapolate: bool = False
    parts: str = "stylegan-v"


Found = tuple[list[Figure], dict[str, dict]]  # figures; what there is to say of each clip, by its name


def fidelity(subject: Subject, networks: Networks, manner: Manner) -> Found:
    """The labels that prompts state, found in the clips; beside them, in the World's own clips of the same scenes.

    Of a picture, none that only motion shows.
    """
    if not subject.wishes:
        raise Unmeasured("the prompts are not the World's: --prompts train, held_out or unseen are")
    read = wished.judge_all(networks.reader, subject.clips, "reading labels")
    wishes = [wish if networks.frames > 1 else wish.still for wish in subject.wishes]
    scores, trust = wished.tally(wishes, read), {}
    if subject.real is not None and subject.alike:
        trust = wished.tally(wishes, wished.judge_all(networks.reader, subject.real, "reading drawings"))
    protocol = (
        f"labels that the prompt states, as the {networks.reader.title} finds them in middle "
        "squares of 64 pixels; Wilson's 95 % interval; beside them the same reader on the World's own clips of the "
        "same scenes, which is how far it can be trusted"
    )
    figures = []
    for name, score in scores.items():
        own = Figure("fidelity", name, score.share, *score.interval, score.count, protocol, share=True)
        other = trust.get(name)
        real = other and replace(own, value=other.share, low=other.interval[0], high=other.interval[1])
        figures.append(replace(own, real=real))
    told = {
        name: {"asked": wish.labels, "read": r} for name, wish, r in zip(subject.clips.names, wishes, read, strict=True)
    }
    return figures, told


def reading(subject: Subject, networks: Networks, manner: Manner) -> Found:
    """The labels that prompts state, as the system itself reads them before it draws anything."""
    if not subject.wishes:
        raise Unmeasured("the prompts are not the World's: --prompts train, held_out or unseen are")
    if subject.reads is None:
        raise Unmeasured("the system has no reader of prompts that knows the World's labels")
    scores = wished.tally(subject.wishes, subject.reads([wish.prompt for wish in subject.wishes]))
    protocol = "the likeliest value of each label that the prompt states, by the system's own reader; Wilson's interval"
    return [
        Figure("reading", name, score.share, *score.interval, score.count, protocol, share=True)
        for name, score in scores.items()
    ], {}


def clipsim(subject: Subject, networks: Networks, manner: Manner) -> Found:
    """How near frames are to their captions; beside it that of real clips."""
    if not all(subject.clips.captions):
        raise Unmeasured("the clips have no captions: give --captions FILE, or a name.txt beside each video")
    if len(subject.clips) < 2:
        raise Unmeasured("an interval needs two clips or more")
    space, doubts = networks.clip, foreign(subject, networks.clip.name)

    def measured(clips: Clips, what: str) -> similarities.Similarity:
        return similarities.clipsim(
            space, clips.watched(what), protocol=subject.prompts, resamples=manner.resamples, seed=manner.seed
        )

    real = None
    if subject.real is not None and all(subject.real.captions):
        real = measured(subject.real, "CLIPSIM of real clips")
    found = measured(subject.clips, "CLIPSIM")
    protocol = (
        f"{space.name}; {subject.prompts}; mean over all frames of the cosine, not times 100; {MEANS} (GODIVA, 2021)"
    )
    own = Figure(
        "clipsim", "CLIPSIM", found.value, found.low, found.high, len(found.clips), protocol, warnings=doubts,
        details={"relative_to_real": found.value / real.value if real and real.value > 0 else None},
    )  # fmt: skip
    if real:
        own = replace(own, real=replace(own, value=real.value, low=real.low, high=real.high, count=len(real.clips)))
    return [own], {n: {"clipsim": v} for n, v in zip(subject.clips.names, found.clips, strict=True)}


def consistency(subject: Subject, networks: Networks, manner: Manner) -> Found:
    """How alike neighbouring frames are. Frozen clips, which would win, are left out."""
    space = networks.clip

    def measured(clips: Clips, what: str) -> tuple[Figure, dict[str, dict]]:
        each: dict[str, dict] = {}
        for name, clip in clips.watched(what):
            if len(clip.frames) > 1 and not motion.frozen(motion.reduced(clip.frames)):
                value = similarities.consistency(space.images(clip.frames))
                if value != value:
                    raise ValueError(f"the features of {name} are not finite")
                each[name] = {"consistency": value}
        if len(each) < 2:
            raise Unmeasured(f"fewer than two of {len(clips)} clips move; of a frozen clip it is 1")
        mean = reconstruction.averaged("", [e["consistency"] for e in each.values()], manner.resamples, manner.seed)
        protocol = f"{space.name}; mean cosine of neighbouring frames (Gen-1), of clips that move; {MEANS}"
        doubts = foreign(subject, space.name)
        name = "frame consistency"
        return Figure("consistency", name, mean.value, mean.low, mean.high, len(each), protocol, warnings=doubts), each

    own, each = measured(subject.clips, "consistency")
    if subject.real is not None:
        own = replace(own, real=measured(subject.real, "consistency of real clips")[0])
    return [own], each


def distance(subject: Subject, networks: Networks, manner: Manner) -> Found:
    """The Frechet distance of clips, called by what its features are of."""
    enough(subject, manner)
    return between(subject, networks.features, manner, "frechet", foreign(subject, networks.features.name))


def fid(subject: Subject, networks: Networks, manner: Manner) -> Found:
    """FID of frames."""
    enough(subject, manner)
    return between(subject, networks.inception, manner, "fid", ())


def enough(subject: Subject, manner: Manner) -> None:
    """Raises `Unmeasured` where a Frechet distance means nothing."""
    if subject.real is None:
        raise Unmeasured("there are no real clips to measure from: give two folders, or --reference FOLDER")
    fewest = min(len(subject.clips), len(subject.real))
    if fewest < frechet.FEWEST and not manner.force:
        raise Unmeasured(f"{fewest} clips are too few: {frechet.FEWEST} are the least, 2048 the custom; or --force it")
    if fewest < 4:
        raise Unmeasured(f"{fewest} clips are too few: 4 are the least, forced or not")


def between(
    subject: Subject, extractor: features.Extractor, manner: Manner, metric: str, doubts: tuple[str, ...]
) -> Found:
    """A Frechet distance with its floor."""
    clips = {"real": subject.real, "made": subject.clips, "other real": subject.again}
    seen = {k: features.extract(extractor, c.watched(f"features, {k}")) for k, c in clips.items() if c is not None}
    found = frechet.measure(
        seen["real"], seen["made"], again=seen.get("other real"), name=extractor.name, rows=extractor.rows,
        biased=extractor.biased, force=manner.force, extrapolate=manner.extrapolate, seed=manner.seed,
    )  # fmt: skip
    protocol = (
        f"{found.name}; {found.covariance} covariance; N {found.samples[0]} real and {found.samples[1]} made, "
        f"d {found.dim}, rank {found.rank[0]} and {found.rank[1]}; 95 % by bootstrap over clips; floor: real from "
        f"other real clips, {found.floor_clips[0]} and {found.floor_clips[1]}"
    )
    floor = Figure(metric, "floor", found.floor, found.floor, found.floor, min(found.floor_clips), protocol)
    own = Figure(
        metric, found.name, found.value, found.low, found.high, found.clips[1], protocol, floor,
        warnings=found.warnings + doubts, details=found.record,
    )  # fmt: skip
    return [own], {}


def inception(subject: Subject, networks: Networks, manner: Manner) -> Found:
    """The Inception Score, of the classifier that was named."""
    parts = inception_score.PROTOCOLS[manner.parts].parts
    if len(subject.clips) < 2 * parts:
        raise Unmeasured(f"{len(subject.clips)} clips are too few for {manner.parts}, which cuts them in {parts}")
    classifier = networks.classifier
    doubts = () if networks.named["classifier"] else foreign(subject, classifier.name)
    name = "Inception Score" if networks.named["classifier"] else "World Inception Score"

    def measured(clips: Clips, what: str) -> Figure:
        found = inception_score.inception_score(
            inception_score.classify(classifier, clips.watched(what)), manner.parts, seed=manner.seed
        )
        protocol = (
            f"{classifier.name}; {manner.parts}: {found.mean:.4g} with a spread of {found.std:.2g} over {found.parts} "
            "parts, as published; the value is of all clips at once, 95 % by bootstrap"
        )
        return Figure(
            "is", name, found.value, found.low, found.high, found.clips, protocol, warnings=found.warnings + doubts,
            details=found.record,
        )  # fmt: skip

    own = measured(subject.clips, "Inception Score")
    if subject.real is not None and len(subject.real) >= 2 * parts:
        own = replace(own, real=measured(subject.real, "Inception Score of real clips"))
    return [own], {}


def movement(subject: Subject, networks: Networks, manner: Manner) -> Found:
    """What moves, by optical flow."""
    if len(subject.clips[0][1].frames) < 2:
        raise Unmeasured("motion needs two frames or more; the clips have one")
    found, each = motion.measure(subject.clips.watched("motion"), resamples=manner.resamples, seed=manner.seed)
    real: Mapping[str, motion.Figure | None] = {}
    if subject.real is not None:
        real, _ = motion.measure(subject.real.watched("motion of real clips"), resamples=manner.resamples)
    protocol = (
        "our own pyramidal Lucas-Kanade flow, sides of 128 pixels and 8 frames a second at most; frozen and dynamic "
        "are shares (Wilson), speed is in sides a second; flicker and warping error leave frozen clips out"
    )

    def figure(name: str, f: motion.Figure) -> Figure:
        share = name in ("frozen", "dynamic")
        return Figure("motion", name.replace("_", " "), f.value, f.low, f.high, f.clips, protocol, share=share)

    figures = [
        replace(figure(name, f), real=figure(name, r) if (r := real.get(name)) else None)
        for name, f in found.items()
        if f is not None
    ]
    return figures, {name: asdict(m) for name, m in each.items()}


def given_back(subject: Subject, networks: Networks, manner: Manner) -> Found:
    """PSNR and SSIM of a codec's copies of the real clips, or of clips that are themselves copies of real ones."""
    if subject.real is None:
        raise Unmeasured("there are no real clips to give back: give two folders, or prompts of the World")
    if subject.codec is None and not set(subject.clips.names) <= set(subject.real.names):
        raise Unmeasured("the system has no codec that encodes and decodes, and the two sets have no names in common")
    if min(len(subject.real), len(subject.clips)) < 2:
        raise Unmeasured("an interval needs two clips or more")
    what = "a codec's copies of real clips" if subject.codec is not None else "the clips as copies of those of one name"
    found = reconstruction.measure(
        copies(subject), lpips=networks.lpips, resamples=manner.resamples, seed=manner.seed
    )  # fmt: skip
    protocol = f"{what}; of each frame, mean over frames; {MEANS}; PSNR in dB"
    return [
        Figure("reconstruction", name, q.value, q.low, q.high, len(q.clips), protocol) for name, q in found.items()
    ], {}


@torch.inference_mode()
def copies(subject: Subject) -> Iterator[tuple[str, Clip, Clip]]:
    """(name, copy, real clip)."""
    assert subject.real is not None, "copies are of real clips"
    if subject.codec is None:
        places = {name: i for i, name in enumerate(subject.real.names)}
        for name, clip in subject.clips.watched("reconstruction"):
            yield name, clip, subject.real.clip(places[name])
        return
    device = next(subject.codec.parameters()).device
    for name, clip in subject.real.watched("reconstruction"):
        latents = subject.codec.encode(clip.video[None].to(device))
        yield name, Clip.of(subject.codec.decode(latents)[0], fps=clip.fps), clip


def foreign(subject: Subject, name: str) -> tuple[str, ...]:
    """The warning that a network of the World's looks at other clips."""
    ours = name.startswith(("World ", "acts "))
    return (FOREIGN.format(name),) if ours and not subject.world else ()


Metric = Callable[[Subject, Networks, Manner], Found]
METRICS: dict[str, Metric] = {
    "fidelity": fidelity,
    "reading": reading,
    "clipsim": clipsim,
    "consistency": consistency,
    "frechet": distance,
    "fid": fid,
    "is": inception,
    "motion": movement,
    "reconstruction": given_back,
}


def measure(
    names: Sequence[str], subject: Subject, networks: Networks, manner: Manner
) -> tuple[list[Figure], dict[str, str], dict[str, dict]]:
    """Metrics by name -> their figures, why some have none, and what there is to say of each clip."""
    figures: list[Figure] = []
    why: dict[str, str] = {}
    clips: dict[str, dict] = {name: {} for name in subject.clips.names}
    for metric in names:
        try:
            found, each = METRICS[metric](subject, networks, manner)
        except Unmeasured as reason:
            why[metric] = str(reason)
            continue
        figures += found
        for name, facts in each.items():
            clips[name] |= facts
    return figures, why, clips
