"""What `kineograph train` is asked for: its flags, and the settings, system and clips they name."""

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import torch

from kineograph import config as configs
from kineograph.data.footage import Footage
from kineograph.data.loader import seed_of
from kineograph.system import System, fill, find, unknown
from kineograph.training.trainer import Settings, best_precision

ALIASES = {"learning_rate": "--lr", "max_train_steps": "--train-steps"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `kineograph train`; the names are those of the diffusers example scripts."""
    add = parser.add_argument
    add("system", help="which system, such as kineograph")
    add("--stage", help="which of its stages; none given, they are listed")
    add("--preset", default="world", help="its size [world]")
    add(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="one value of its config, such as generator.depth=8",
    )
    add("--output-dir", type=Path, help="the run's folder")
    add(
        "--init-from",
        type=Path,
        metavar="FOLDER",
        help="take weights from a folder that an earlier run or `save` wrote",
    )
    add("--init-parts", metavar="A,B", help="only these parts of it [all it has]")
    add("--grow", action="store_true", help="layers that those weights have not yet got start fresh [an error]")
    add("--resume-from-checkpoint", metavar="latest|PATH", help="go on from a checkpoint, bit for bit")
    add("--train-batch-size", "--batch-size", type=int, default=32, help="clips a step, over all processes [32]")
    add("--hours", type=float, default=0.0, help="stop after this time, counted anew in each sitting [no limit]")
    add(
        "--cooldown-minutes",
        type=float,
        default=0.0,
        help="last minutes of --hours, over which the learning rate falls to 1 %% [none]",
    )
    add("--data", default="world", metavar="world|FILE", help="where clips come from: the World, or one video file")
    add("--prompt", default="", help="what the video file shows")
    add(
        "--often",
        action="append",
        default=[],
        metavar="LABEL=VALUE",
        help="what every second clip of the World shows, such as 'act=watches fireworks'",
    )
    add("--clips", type=int, default=0, help="train on this many clips only [all the World has]")
    add(
        "--cache",
        type=Path,
        metavar="FOLDER",
        help="keep clips or their encodings, and what is known of them, on disk; needs --clips",
    )
    add("--rebuild-cache", action="store_true", help="replace a cache that was made of something else")
    add("--workers", type=int, default=2, help="processes that render ahead [2]")
    add("--logging-steps", type=int, default=50, help="steps between two lines of the log [50]")
    add("--checkpointing-minutes", type=float, default=10.0, help="minutes between two checkpoints [10]")
    add("--checkpointing-steps", type=int, default=0, help="steps between two checkpoints [by time only]")
    add("--validation-minutes", type=float, default=10.0, help="minutes between two validations [10]")
    add("--validation-steps", type=int, default=0, help="steps between two validations [by time only]")
    add("--validation-clips", type=int, default=16, help="held-out clips a validation sees; 0 for no validation [16]")
    add(
        "--save-dtype",
        default="float32",
        choices=("float32", "float16", "bfloat16"),
        help="of the weights in the run's system folder [float32]",
    )
    add("--dry-run", action="store_true", help="check everything, say what would be trained, and write nothing")
    configs.add_flags(parser, Settings, skip=("mixed_precision", *ALIASES))
    add(
        "--mixed-precision",
        default="auto",
        choices=("auto", "bf16", "no"),
        help="weights in training [auto: bf16 if quick here]",
    )
    for f in fields(Settings):
        if f.name in ALIASES:
            add(
                f"--{f.name.replace('_', '-')}",
                ALIASES[f.name],
                type=configs.flag_type(type(f.default)),
                dest=f.name,
                default=argparse.SUPPRESS,
                help=f"{f.metadata['help']} [{f.default}]",
            )


def settings_of(args: argparse.Namespace, device: torch.device) -> Settings:
    """The training settings among the flags."""
    given = {f.name: getattr(args, f.name) for f in fields(Settings) if hasattr(args, f.name)}
    if given["mixed_precision"] == "auto":
        given["mixed_precision"] = best_precision(device)
    return Settings(**given)


def build(args: argparse.Namespace, kind: type[System] | None = None) -> System:
    """The system (or one of `kind`) of the asked preset and values, with what --init-from has of its parts."""
    kind = kind or find(args.system)
    if args.preset not in kind.PRESETS:
        raise ValueError(unknown(f"preset of {args.system}", args.preset, sorted(kind.PRESETS)))
    config = configs.set_pairs(kind.PRESETS[args.preset], args.set)
    with torch.random.fork_rng():
        torch.manual_seed(seed_of(getattr(args, "seed", 0), "init"))
        system = kind(config)
    if args.init_parts and not args.init_from:
        raise ValueError("--init-parts names parts of --init-from, which is not given")
    if args.grow and not args.init_from:
        raise ValueError("--grow takes what is not yet there beside --init-from, which is not given")
    if args.init_from:
        parts = system.parts()
        names = args.init_parts.split(",") if args.init_parts else [n for n in parts if part_file(args, n).exists()]
        if not names:
            raise ValueError(f"{args.init_from} has weights of none of the parts {', '.join(parts)}")
        for name in names:
            if name not in parts:
                raise ValueError(unknown(f"part of {args.system}", name, list(parts)))
            fill(parts[name], part_file(args, name), grown=args.grow)
    return system


def part_file(args: argparse.Namespace, name: str) -> Path:
    """Where --init-from keeps a part."""
    return args.init_from / f"{name}.safetensors"


def stage_of(system: System, name: str | None) -> str:
    """The stage of this name; ValueError lists those there are."""
    if name not in system.stages():
        raise ValueError(unknown(f"stage of {system.name()}", name or "", list(system.stages())))
    return name


def clips_of(args: argparse.Namespace, split: str, frames: int, size: int) -> Sequence:
    """The clips of --data: a sequence of Clip with `caption(index, variant)` and `fps`."""
    if args.prompt and args.data == "world":
        raise ValueError("--prompt says what the video of --data FILE shows; the World has captions of its own")
    often = dict(pair.partition("=")[::2] for pair in args.often)
    if often and args.data != "world":
        raise ValueError("--often asks for labels, which the World's clips have and a video file has not")
    if args.data != "world":
        return Footage(args.data, args.prompt, frames=frames, size=size)
    try:
        from kineograph.data.world.world import World
    except ImportError as error:
        raise ImportError(f"training on the World needs Skia: pip install kineograph[world] ({error})") from error
    return World(split=split, frames=frames, size=size, often=often if split == "train" else None)
