"""How a film was made, told by the film: what is written into its file, and making it again from that."""

import hashlib
import re
from pathlib import Path

import torch

from kineograph import __version__, config, system, video
from kineograph.clip import Clip
from kineograph.system import Options, Progress, System, silent

UNTRAINED = "untrained "
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def make(maker: System, options: Options, progress: Progress = silent) -> Clip:
    """What the system generates, with the record of how in its meta."""
    clip = maker.generate(options, progress)
    record = {
        "generator": f"kineograph {__version__}",
        "system": maker.name(),
        "weights": maker.weights,
        "precision": maker.precision,
        "prompt": options.prompt,
        "seed": options.seed,
        "options": config.dump(options),
        "frames_sha256": clip.digest,
    }
    return Clip(clip.frames, clip.fps, clip.caption or options.prompt, clip.meta | record)


def regenerate(path: str | Path, *, checkpoint: str = "", progress: Progress = silent) -> Clip:
    """The same frames again, bit for bit; ValueError where the weights or the frames differ from the file's record."""
    record = video.metadata(path)
    wanted = {"system": str, "weights": str, "options": dict, "frames_sha256": str}
    if missing := [key for key, kind in wanted.items() if not isinstance(record.get(key), kind)]:
        raise ValueError(f"{path} does not say how it was made: its record lacks {', '.join(missing)}")
    maker = remake(record["system"], record["weights"], checkpoint, str(record.get("precision", "float32")))
    if maker.weights != record["weights"]:
        ours, theirs = maker.weights[:12] or "none", record["weights"][:12]
        raise ValueError(f"{path} was made with weights {theirs}, and these are {ours}; name theirs with --checkpoint")
    clip = make(maker, config.load(maker.Options, record["options"]), progress)
    if clip.digest != record["frames_sha256"]:
        made = record.get("generator", "another version")
        raise ValueError(f"the frames differ from those of {path}, made by {made}; this is kineograph {__version__}")
    return clip


def remake(name: str, weights: str, checkpoint: str, precision: str) -> System:
    """The system a record speaks of: from a folder if one is given, else untrained or bundled as the record says."""
    if precision not in PRECISIONS:
        raise ValueError(f"the record's precision is {precision!r}; it can be {', '.join(PRECISIONS)}")
    if weights.startswith(UNTRAINED) and not checkpoint:
        return system.find(name).preset(weights.removeprefix(UNTRAINED))
    return system.load(Path(checkpoint) if checkpoint else name, dtype=PRECISIONS[precision])


def file_name(name: str, options: Options, suffix: str = ".mp4") -> str:
    """A file name from the prompt and the seed, the same for the same options: `a-bear-swims-1024-3fa9c1.mp4`."""
    words = re.sub(r"[^a-z0-9]+", "-", options.prompt.lower()).strip("-")[:48].strip("-") or "film"
    tag = hashlib.sha256(f"{name} {sorted(config.dump(options).items())}".encode()).hexdigest()[:6]
    return f"{words}-{options.seed}-{tag}{suffix}"
