"""`kineograph evaluate`: judges a system, a folder of videos, or one folder against another, in one report.

    prompts -> system -> clips ─┐
    folder of videos -> clips ──┼─> metrics -> reports/x/report.md, report.json, *.png
    real clips ─────────────────┘

reports/x/clips.u8      the clips that a system made: what is there is not generated again
reports/x/prompts.txt   their prompts, a line each
"""

import argparse
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from kineograph import config as configs
from kineograph.catalogue import DEFAULT, names, unknown
from kineograph.data.world import world as worlds
from kineograph.data.world.scene import VOCABULARY
from kineograph.data.world.world import World
from kineograph.evaluation import alignment, inception_score, labels, prompts, report
from kineograph.evaluation.clipsim import PROTOCOLS
from kineograph.evaluation.features import WAYS
from kineograph.evaluation.fidelity import PROMPTS, SEED, Wish, wishes
from kineograph.evaluation.metrics import METRICS, Manner, Subject, measure
from kineograph.evaluation.networks import FEATURES, Networks
from kineograph.evaluation.sources import Clips, Drawn, Folder, Made, videos_of
from kineograph.models.prompt_reader import PromptReader
from kineograph.system import Options, System, opened

COUNT, SIZE = 500, 64  # prompts of the World, and the side of its clips
OF_FOLDERS = ("num_frames", "fps")  # options that say how videos are read
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
EXAMPLES = """examples:
  kineograph evaluate kineograph --prompts held_out --count 500 --output-dir reports/held-out
  kineograph evaluate runs/a/system --prompts test_videodatainfo.json --clip folder/of/clip --output-dir reports/msrvtt
  kineograph evaluate films --captions captions.csv --output-dir reports/films
  kineograph evaluate real generated --features i3d:i3d_torchscript.pt --output-dir reports/fvd
"""


@dataclass(frozen=True)
class Judged:
    """What is judged, and what the report says of it: a title, facts for JSON, lines for people."""

    subject: Subject
    title: str
    facts: dict[str, object]
    how: list[str]
    told: dict[str, dict]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `kineograph evaluate`."""
    parser.formatter_class, parser.epilog = argparse.RawDescriptionHelpFormatter, EXAMPLES
    add = parser.add_argument
    what = f"a system's name or folder of weights; a folder of videos; or two: real, generated [{DEFAULT}]"
    add("source", nargs="*", help=what)
    add("--output-dir", type=Path, metavar="FOLDER", help="the report's; one that is there is gone on with")
    add("--overwrite", action="store_true", help="generate again what the folder has")
    add("--metrics", default="", metavar="NAMES", help=f"of {','.join(METRICS)} [what the input allows]")
    add("--count", type=int, help=f"how many prompts, or videos by name [{COUNT} of the World, else all]")
    add("--preset", default="", metavar="NAME", help="an untrained system of this size, to try things")
    add("--precision", choices=PRECISIONS, help="of the system's weights [as kineograph generate takes them]")
    add("--size", type=int, help=f"judge middle squares of so many pixels [{SIZE} for the World's prompts, else whole]")

    add = parser.add_argument_group("prompts and captions").add_argument
    add("--prompts", metavar="SET", help=f"{', '.join(PROMPTS)} (the World's), or a .txt, .csv, .jsonl, .json [train]")
    add("--list-prompts", action="store_true", help="print them, one a line, and do nothing else")
    add("--captions", type=Path, metavar="FILE", help="of a folder's videos [captions.csv and the like, or name.txt]")
    add("--reference", type=Path, metavar="FOLDER", help="real videos to measure Frechet distances from")
    add("--template", default=prompts.TEMPLATE, metavar="TEXT", help=f"of UCF-101's classes [{prompts.TEMPLATE!r}]")
    add("--msrvtt", choices=PROTOCOLS, default="one caption", help="which captions of MSR-VTT's .json [one caption]")

    add = parser.add_argument_group("networks that measure").add_argument
    add("--reader", type=Path, metavar="FOLDER", help="a reader of labels [the bundled one]")
    add("--clip", metavar="NAME", help="a World CLIP, or a CLIP of transformers by folder or name [the bundled one]")
    add("--features", metavar="KIND", help=f"of Frechet distances: {FEATURES} [world]")
    add("--preprocessing", choices=WAYS, default="stylegan-v", help="of I3D [stylegan-v]")
    add("--classifier", type=Path, metavar="FILE", help="C3D as TorchScript, for the Inception Score [label reader]")
    add("--c3d-mean", type=Path, metavar="FILE", help="the mean volume that C3D subtracts, where it does not itself")
    add("--inception", type=Path, metavar="FILE", help="InceptionV3 as TorchScript, for FID")
    add("--lpips", action="store_true", help="with reconstruction, by the package lpips")

    add = parser.add_argument_group("how figures are taken").add_argument
    add("--is-protocol", choices=inception_score.PROTOCOLS, default="stylegan-v", help="parts [stylegan-v]")
    add("--force", action="store_true", help="Frechet distances of fewer than 64 clips, too")
    add("--extrapolate", action="store_true", help="Frechet distances of infinitely many clips, too")

    group = parser.add_argument_group("options of the system; of videos, --num-frames and --fps")
    configs.add_flags(group, Options, skip=("prompt", "image_path"))
    alone = "one that this system alone has, such as sampler=dpm; may be given again"
    group.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=alone)
    add = parser.add_argument_group("teaching the networks that measure").add_argument
    flags = "what follows are flags of kineograph train"
    add("--learn-labels", nargs=argparse.REMAINDER, metavar="FLAGS", help=f"a reader; {flags}, and --through FOLDER")
    add("--learn-alignment", nargs=argparse.REMAINDER, metavar="FLAGS", help=f"World CLIP; {flags}")


def main(args: argparse.Namespace) -> int:
    """Judges what was named and prints the path of the report; or teaches one of the networks that judge."""
    if args.learn_labels is not None:
        return labels.learn(args.learn_labels)
    if args.learn_alignment is not None:
        return alignment.learn(args.learn_alignment)
    if args.count is not None and args.count < 1:
        raise ValueError(f"--count must be at least 1; got {args.count}")
    if args.size is not None and not 16 <= args.size <= 2048:
        raise ValueError(f"--size must be 16 to 2048 pixels; got {args.size}")
    if args.list_prompts:
        print("\n".join(asked(args)[0]))
        return 0
    if args.output_dir is None:
        raise ValueError("--output-dir is needed: the report's folder")
    if args.output_dir.exists() and not args.output_dir.is_dir():
        raise ValueError(f"{args.output_dir} is a file; a report is a folder")
    chosen = [name.strip() for name in args.metrics.split(",") if name.strip()]
    for name in chosen:
        if name not in METRICS:
            raise ValueError(unknown("metric", name, list(METRICS)))
    networks = Networks(
        reader=args.reader, features=args.features, preprocessing=args.preprocessing, clip=args.clip,
        classifier=args.classifier, c3d_mean=args.c3d_mean, inception=args.inception, lpips=args.lpips,
    )  # fmt: skip
    print(write(judged(args, networks), networks, chosen, args))
    return 0


def write(what: Judged, networks: Networks, chosen: Sequence[str], args: argparse.Namespace) -> Path:
    """Takes the figures and writes the report; ValueError where there is no figure at all."""
    manner = Manner(force=args.force, extrapolate=args.extrapolate, parts=args.is_protocol)
    figures, why, told = measure(chosen or defaults(what.subject, networks), what.subject, networks, manner)
    for metric, reason in why.items():
        print(f"{metric} is not measured: {reason}", file=sys.stderr)
    if not figures:
        raise ValueError(f"nothing was measured: {'; '.join(f'{metric}: {reason}' for metric, reason in why.items())}")
    facts = {
        "title": what.title,
        **what.facts,
        "bootstrap": {"seed": manner.seed, "resamples": manner.resamples},
        "networks": networks.used,
        "command": shlex.join(["kineograph", *sys.argv[1:]]),
        "how": what.how,
    }
    each = {name: what.told[name] | told[name] for name in what.subject.clips.names}
    return report.write(args.output_dir, facts, figures, why, what.subject.clips, each)


def defaults(subject: Subject, networks: Networks) -> list[str]:
    """The metrics that have a meaning for what is judged; those of networks of the user only where named."""
    fits = {
        "fidelity": bool(subject.wishes),
        "reading": bool(subject.wishes) and subject.reads is not None,
        "clipsim": any(subject.clips.captions),
        "frechet": subject.real is not None,
        "fid": networks.named["inception"] is not None,
        "is": subject.world or networks.named["classifier"] is not None,
        "reconstruction": subject.world and subject.codec is not None,
    }
    return [name for name in METRICS if fits.get(name, True)]


def judged(args: argparse.Namespace, networks: Networks) -> Judged:
    """Whatever the command names, its clips made or found."""
    given = {k: getattr(args, k) for k in configs.schema(Options)["properties"] if hasattr(args, k)}
    words = args.source or [DEFAULT]
    if len(words) > 2:
        raise ValueError(f"one thing is judged, or a folder against another; got {', '.join(words)}")
    if len(words) == 1 and (args.preset or is_system(words[0])):
        return of_system(words[0], args, given, networks)
    return of_folders([Path(word) for word in words], args, given, networks)


def is_system(word: str) -> bool:
    """Whether a word names a system or weights; what is no folder is left to `load` to complain of."""
    return word in names() or not Path(word).is_dir() or (Path(word) / "system.json").is_file()


def asked(args: argparse.Namespace) -> tuple[list[str], str, list[Wish]]:
    """The prompts, the words that say which they are, and, of the World's, their wishes."""
    which = args.prompts or "train"
    if which in PROMPTS:
        found = wishes(which, args.count or COUNT)
        return [wish.prompt for wish in found], which, found
    if not Path(which).suffix:
        raise ValueError(f"--prompts is {', '.join(PROMPTS)} or a file; got {which!r}")
    told = prompts.read(which, template=args.template, protocol=args.msrvtt)
    count = args.count or len(told.prompts)  # beyond the last, prompts come again, with other seeds
    return [told.prompts[i % len(told.prompts)] for i in range(count)], told.name, []


def of_system(word: str, args: argparse.Namespace, given: Mapping[str, object], networks: Networks) -> Judged:
    """What a system makes of prompts, beside the World's own clips of the same scenes, or videos of --reference."""
    if args.captions is not None:
        raise ValueError("--captions is for a folder of videos; a system is given --prompts")
    if args.preset and args.precision:
        raise ValueError("--preset builds an untrained system, in float32; it takes no --precision")
    texts, which, wished = asked(args)
    system = opened(word, args.preset, dtype=PRECISIONS.get(args.precision))
    options = configs.set_pairs(system.Options(prompt="a prompt", **given), args.set)
    networks.frames = options.num_frames
    networks.check()
    size = args.size or (SIZE if wished else 0)
    clips = Made(
        system, texts, options, args.output_dir / "clips.u8", called=which, size=size, overwrite=args.overwrite
    )
    subject = Subject(
        clips, prompts=told_of(which, wished), world=bool(wished), wishes=wished, codec=codec_of(system),
        reads=reads_of(system),
    )  # fmt: skip
    subject = beside(subject, args, frames=options.num_frames, fps=options.fps, size=size)
    said = {k: v for k, v in configs.dump(options).items() if k != "prompt"}
    facts = {
        "system": {"name": system.name(), "weights": system.weights, "precision": system.precision},
        "options": said,
        "prompts": {"set": which, "count": len(texts), "world_seed": SEED, "world_version": worlds.VERSION},
        "skipped": skipped(subject),
    }  # fmt: skip
    how = [
        f"{system.name()}, weights {system.weights}, {system.precision}",
        f"{subject.prompts}: {len(texts)}, seeds {clips.seeds[0]} to {clips.seeds[-1]}",
        ", ".join(f"{k} {v}" for k, v in said.items() if k != "seed" and v != ""),
        f"clips are judged {f'as middle squares of {size} pixels' if size else 'whole'}",
    ]
    told = {
        name: {"prompt": text, "seed": seed, "sha256": clips.clip(i).digest}
        for i, (name, text, seed) in enumerate(zip(clips.names, texts, clips.seeds, strict=True))
    }
    return Judged(subject, f"{system.name()} on {len(texts)} prompts: {which}", facts, how, told)


def of_folders(
    folders: Sequence[Path], args: argparse.Namespace, given: Mapping[str, object], networks: Networks
) -> Judged:
    """The videos of a folder; of two, those of the first are the real ones."""
    given = given | {name: value for name in ("precision", "set") if (value := getattr(args, name))}
    if wrong := sorted(set(given) - set(OF_FOLDERS)):
        raise ValueError(f"--{wrong[0].replace('_', '-')} is for a system; {folders[-1]} is a folder of videos")
    if len(folders) == 2 and args.reference is not None:
        raise ValueError("the first of two folders is the real one; --reference is for one folder, or a system")
    made = folders[-1]
    frames = int(given.get("num_frames", 16))
    networks.frames = frames
    networks.check()
    told, where = prompts.captions(made, existing(made), args.captions)
    shape = {"frames": frames, "fps": given.get("fps"), "size": args.size}
    clips = Folder(made, told if where else None, count=args.count, **shape)
    wished = granted(clips, args) if args.prompts else []
    subject = Subject(
        clips, prompts=told_of(args.prompts if wished else where, wished), world=bool(wished), wishes=wished
    )
    args.reference = folders[0] if len(folders) == 2 else args.reference
    subject = beside(subject, args, **shape)
    facts = {"folder": made.name, "captions": where, "reference": args.reference and args.reference.name}
    rate = f"{given['fps']} a second" if "fps" in given else "one for one"
    how = [
        f"{len(clips)} videos of {made.name}, {len(clips.skipped)} left out; captions: {subject.prompts or 'none'}",
        f"the first {frames} frames of each, {rate}, "
        f"{f'middle squares of {args.size} pixels' if args.size else 'whole'}",
    ]
    each = {n: {"prompt": c, "sha256": d} for n, c, d in zip(clips.names, clips.captions, clips.digests, strict=True)}
    title = f"{len(clips)} videos of {made.name}" + (f" against {args.reference.name}" if args.reference else "")
    return Judged(subject, title, facts | {"skipped": skipped(subject)}, how, each)


def existing(folder: Path) -> list[Path]:
    """The videos of a folder that is there."""
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}")
    return videos_of(folder)


def granted(clips: Clips, args: argparse.Namespace) -> list[Wish]:
    """The wish of each video whose caption is a prompt of the World, as it is where another system was given them."""
    if args.prompts not in PROMPTS:
        raise ValueError(
            f"with a folder, --prompts is {', '.join(PROMPTS)}, if its captions are those; else --captions"
        )
    known = {wish.prompt: wish for wish in wishes(args.prompts, max(args.count or 0, COUNT))}
    for name, caption in zip(clips.names, clips.captions, strict=True):
        if caption not in known:
            raise ValueError(
                f"the caption of {name}, {caption!r}, is none of the first {len(known)} {args.prompts} prompts, which "
                "--list-prompts prints"
            )
    return [known[caption] for caption in clips.captions]


def beside(subject: Subject, args: argparse.Namespace, *, frames: int, fps: int | None, size: int | None) -> Subject:
    """The same with what it is compared with: videos of --reference, or else the World's clips of what was wished."""
    if args.reference is not None:
        existing(args.reference)
        real: Clips = Folder(args.reference, frames=frames, fps=fps, size=size or None)
        return replace(subject, real=real)
    if not subject.wishes:
        return subject
    world = World(SEED, frames=frames, fps=fps or 8, size=size or SIZE)
    scenes, words = [wish.scene for wish in subject.wishes], [wish.prompt for wish in subject.wishes]
    again = Drawn(world, scenes, words, again=True)
    return replace(subject, real=Drawn(world, scenes, words), again=again, alike=True)


def told_of(which: str, wished: Sequence[Wish]) -> str:
    """Which prompts these are, in words for a protocol."""
    return f"the World's {which} prompts, version {worlds.VERSION}, seed {SEED}" if wished else which


def codec_of(system: System) -> object:
    """The part that encodes and decodes, if there is one."""
    parts = [getattr(system, name, None) for name in ("codec", "tokenizer")]
    return next((part for part in parts if hasattr(part, "encode") and hasattr(part, "decode")), None)


def skipped(subject: Subject) -> list[tuple[str, str]]:
    """The videos that were left out, and why."""
    return [row for clips in (subject.clips, subject.real) for row in getattr(clips, "skipped", [])]


def reads_of(system: System) -> Callable[[Sequence[str]], list[dict[str, str]]] | None:
    """What a system itself reads in prompts, if it has a reader that knows the World's labels."""
    reader = getattr(system, "reader", None)
    if not isinstance(reader, PromptReader) or reader.config.classes != tuple(map(len, VOCABULARY.values())):
        return None

    @torch.inference_mode()
    def read(prompts: Sequence[str]) -> list[dict[str, str]]:
        places = reader.likeliest(system.told(prompts).vector).tolist()
        pairs = list(VOCABULARY.items())
        return [{name: values[p] for (name, values), p in zip(pairs, row, strict=True)} for row in places]

    return read
