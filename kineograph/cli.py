"""The command line: generate, train, world, evaluate, correlate, bench, systems, info, regenerate.

Modules are imported by the command that needs them, so that the quick commands are quick.
"""

import argparse
import importlib
import json
import re
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import NoReturn

from kineograph import __version__
from kineograph.catalogue import DEFAULT, bundled, catalogue, docstring, unknown

PATIENCE = 1.0  # seconds before a bar is drawn
USAGE, FAILURE, INTERRUPTED, TERMINATED = 2, 1, 130, 143
# module -> the extra that brings it
EXTRAS = {"skia": "world", "accelerate": "train", "transformers": "dev", "diffusers": "peers"}
DELEGATES = {
    "train": ("kineograph.training.run", "teach a system"),
    "world": ("kineograph.data.world.sheet", "draw the World, the film set that systems learn from"),
    "evaluate": ("kineograph.evaluation.command", "judge a system, or a folder of films, by the field's metrics"),
    "correlate": ("kineograph.evaluation.correlation", "show how the frames of a video hang together"),
    "study": ("kineograph.evaluation.study", "let people compare clips side by side, blind, and count their votes"),
    "bench": ("kineograph.bench", "measure time and memory on this machine"),
}


class Wrong(ValueError):
    """The command was typed wrong: exit code 2."""


class Parser(argparse.ArgumentParser):
    """argparse whose errors are one line, and reach `main` as exceptions."""

    def __init__(self, name: str, description: str) -> None:
        super().__init__(prog=f"kineograph {name}".strip(), description=description, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise Wrong(message)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0, 1 for a failure, 2 for a command typed wrong, 130 for Ctrl-C."""
    if argv is None:
        argv = sys.argv[1:]
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(TERMINATED))  # unwinds: no half file is left
    try:
        return dispatch(list(argv))
    except KeyboardInterrupt:
        return complain("interrupted", INTERRUPTED)
    except Wrong as error:
        return complain(error, USAGE)
    except ImportError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        return complain(f"{error}; install it with: pip install 'kineograph[{extra}]'" if extra else error)
    except MemoryError:
        return complain("not enough memory; ask for a smaller or shorter film")
    except RuntimeError as error:
        if "not enough memory" not in str(error) and "out of memory" not in str(error):
            raise
        return complain("not enough memory; ask for a smaller or shorter film")
    except (ValueError, OSError) as error:
        return complain(error)


def complain(problem: object, code: int = FAILURE) -> int:
    """Says in one line on standard error what is wrong."""
    if isinstance(problem, OSError) and problem.strerror:
        named = f": {problem.filename}" if problem.filename is not None else ""
        problem = f"{problem.strerror}{named}"
    print(f"kineograph: {' '.join(str(problem).split())}", file=sys.stderr)
    return code


def dispatch(argv: list[str]) -> int:
    """Finds the command and runs it."""
    commands: dict[str, tuple[Callable[[list[str]], int], str]] = {
        "generate": (generate, "turn a prompt, or a story in several, into a film"),
        "regenerate": (regenerate, "make a film again from what its file says, bit for bit"),
        "info": (info, "print how a film was made"),
        "systems": (systems, "list the systems there are, or tell what one can do"),
    }
    commands |= {k: (lambda rest, k=k: delegate(k, rest), about) for k, (_, about) in DELEGATES.items()}
    if not argv or argv[0] in ("-h", "--help", "help"):
        print("kineograph turns a prompt, or a story told in several prompts, into a video.\n")
        print("\n".join(f"  kineograph {name:<12} {about}" for name, (_, about) in commands.items()))
        print("\nkineograph COMMAND --help tells more of each.")
        return 0 if argv else USAGE
    if argv[0] in ("--version", "-V"):
        print(__version__)
        return 0
    if argv[0] not in commands:
        raise Wrong(unknown("command", argv[0], list(commands)))
    return commands[argv[0]][0]([hyphenated(word) for word in argv[1:]])


def hyphenated(word: str) -> str:
    """--num_frames=8 as --num-frames=8; everything else as it is."""
    return re.sub(r"^--\w+(?:[-_]\w+)*(?==|$)", lambda flag: flag[0].replace("_", "-"), word)


def systems(argv: list[str]) -> int:
    """Lists the systems, without importing them; or tells what one of them can do."""
    parser = Parser("systems", "list the systems there are, or tell what one can do: how it works, stages, options")
    parser.add_argument("name", nargs="?", help="of a system")
    args = parser.parse_args(argv)
    if args.name:
        print(told(args.name))
        return 0
    for name, line in catalogue().items():
        print(f"{name:<20} {line}")
    print(f"\nWeights are bundled of {', '.join(bundled())}. kineograph systems NAME tells what one can do.")
    return 0


def told(name: str) -> str:
    """How a system works, its weights, its stages and its options."""
    from kineograph import config, system

    kind = system.find(name)
    weights = "bundled" if name in bundled() else "none bundled"
    stages = {k: (step.__doc__ or "").partition("\n")[0] for k, step in kind.stages().items()}
    flags = {f"--{f.name.replace('_', '-')}": config.explained(f) for f in fields(kind.Options) if f.name != "prompt"}
    return "\n".join([
        docstring(name), "", f"presets: {', '.join(kind.PRESETS)}; weights: {weights}", "",
        f"kineograph train {name} --stage …" if stages else "no stages: nothing to train",
        *(f"  {k:<24} {about}" for k, about in stages.items()), "",
        f'kineograph generate --system {name} "…" …',
        *(f"  {flag:<24} {about}" for flag, about in flags.items()),
    ])  # fmt: skip


def info(argv: list[str]) -> int:
    """Prints a film's record."""
    parser = Parser("info", "print how a film was made, as JSON")
    parser.add_argument("file", type=Path)
    args = parser.parse_args(argv)

    from kineograph import video

    print(json.dumps(video.metadata(args.file), indent=2))
    return 0


def regenerate(argv: list[str]) -> int:
    """Makes a film again and says whether the frames are the same."""
    parser = Parser("regenerate", "make a film again from what its file says; fails unless every frame is the same")
    parser.add_argument("file", type=Path)
    add_output(parser)
    add_checkpoint(parser)
    args = parser.parse_args(argv)

    from kineograph import provenance, video

    if args.output:
        video.target(args.output, overwrite=args.overwrite)
    with Bar() as bar:
        clip = provenance.regenerate(args.file, checkpoint=args.checkpoint, progress=bar)
    print(f"the same {len(clip.frames)} frames, bit for bit: {clip.digest}")
    if args.output:
        print(clip.save(args.output, overwrite=args.overwrite))
    return 0


def generate(argv: list[str]) -> int:
    """Generates a film, or one for each line of a file of prompts, and prints the path of each."""
    args, options_class, maker = parse_generate(argv)
    from kineograph import config, provenance, video

    given = {k: v for k, v in vars(args).items() if k in config.schema(options_class)["properties"]}
    asked = [options_class(**given | {"prompt": prompt}) for prompt in prompts(args)]
    if args.prompt_path is None:
        places = [args.output or Path(provenance.file_name(args.system, asked[0]))]
    else:
        folder = args.output or Path()
        if folder.exists() and not folder.is_dir():
            raise Wrong(f"--output must be a folder for the films of --prompt-path; {folder} is a file")
        folder.mkdir(parents=True, exist_ok=True)
        places = [folder / provenance.file_name(args.system, options) for options in asked]
    if args.sheet:
        video.target(args.sheet, overwrite=args.overwrite)
    todo = []
    for place, options in zip(places, asked, strict=True):
        if args.prompt_path and place.exists() and not args.overwrite:
            print(f"{place} exists and is kept", file=sys.stderr)
        else:
            todo.append((video.target(place, overwrite=args.overwrite), options))

    system = maker() if todo else None
    for place, options in todo:
        with Bar() as bar:
            clip = provenance.make(system, options, bar)
        clip.save(place, overwrite=args.overwrite)
        print(place, flush=True)
    if args.sheet:
        films = [
            replace(video.read(place), caption=options.prompt) for place, options in zip(places, asked, strict=True)
        ]
        print(video.write_sheet(args.sheet, films, overwrite=args.overwrite))
    return 0


def parse_generate(argv: list[str]) -> tuple[argparse.Namespace, type, Callable]:
    """Reads the arguments of generate, whose flags are those of the system they name: args, its Options, its maker."""
    parser = Parser("generate", "turn a prompt, or a story told in several prompts, into a film")
    parser.add_argument("prompt", nargs="?", help='what to show; "a | b" is a story, "0-2s: a | 2-5s: b" a timed one')
    parser.add_argument("--prompt", dest="prompt_flag", help="the same, as a flag")
    parser.add_argument("--story", type=Path, metavar="YAML", help="a file of shots: a list of {prompt, seconds}")
    parser.add_argument("--prompt-path", type=Path, metavar="FILE", help="a film for each line of this file")
    parser.add_argument("--sheet", type=Path, metavar="FILE.png", help="also a contact sheet: a row for each film")
    add_output(parser)
    parser.add_argument("--system", default="", metavar="NAME", help=f"which system makes it [{DEFAULT}]")
    add_checkpoint(parser)
    parser.add_argument("--preset", default="", metavar="NAME", help="an untrained system of this size, to try things")

    head = Parser("generate", "")  # the system's name comes first: it says which flags there are
    head.add_argument("--system", default="")
    head.add_argument("--checkpoint", "--model-path", default="")
    known = head.parse_known_args([word for word in argv if word not in ("-h", "--help")])[0]

    from kineograph import config, system

    known.system = known.system or (system_of(known.checkpoint) if known.checkpoint else DEFAULT)
    made_by = system.find(known.system)
    config.add_flags(parser, made_by.Options, skip=("prompt",))
    args = parser.parse_args(argv)
    args.system = known.system
    if args.preset and args.checkpoint:
        raise Wrong("--preset builds an untrained system; it takes no --checkpoint")

    def maker() -> system.System:
        if args.preset:
            return made_by.preset(args.preset)
        if args.checkpoint:
            return made_by.load(args.checkpoint, dtype=system.quick_dtype())
        return system.load(args.system, dtype=system.quick_dtype())

    return args, made_by.Options, maker


def system_of(checkpoint: str) -> str:
    """The system whose weights a folder holds."""
    from kineograph.system import read_head

    return read_head(Path(checkpoint))["system"]


def add_output(parser: Parser) -> None:
    """The flags that say where a film goes."""
    where = "where to: .mp4, .gif, .webp or .png (a sheet of frames) [a name from prompt and seed, here]"
    parser.add_argument("-o", "--output", "--output-path", type=Path, metavar="FILE", help=where)
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")


def add_checkpoint(parser: Parser) -> None:
    """The flag that says whose weights are used."""
    where = "a folder of weights [those bundled with the system]"
    parser.add_argument("--checkpoint", "--model-path", default="", metavar="FOLDER", help=where)


def prompts(args: argparse.Namespace) -> list[str]:
    """The prompts asked for, in whichever of the four ways."""
    ways = [args.prompt, args.prompt_flag, args.story, args.prompt_path]
    if sum(way is not None for way in ways) != 1:
        how = "no prompt is given" if all(way is None for way in ways) else "more than one prompt is given"
        raise Wrong(f'{how}; say kineograph generate "a bear swims", or use one of --prompt, --story, --prompt-path')
    if args.story is not None:
        from kineograph.story import Story

        return [Story.from_yaml(args.story).text]
    if args.prompt_path is not None:
        try:
            lines = args.prompt_path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError as error:
            raise ValueError(f"{args.prompt_path} is not a text file") from error
        if not (found := [line.strip() for line in lines if line.strip()]):
            raise ValueError(f"{args.prompt_path} holds no prompts")
        return found
    return [args.prompt if args.prompt is not None else args.prompt_flag]


def delegate(name: str, argv: list[str]) -> int:
    """Runs a command whose arguments and work are its own module's."""
    module = importlib.import_module(DELEGATES[name][0])
    parser = Parser(name, DELEGATES[name][1])
    module.add_arguments(parser)
    return module.main(parser.parse_args(argv)) or 0


class Bar:
    """A progress callback that draws a bar, on a terminal only, for what takes more than a second."""

    def __init__(self) -> None:
        self.bar = None

    def __enter__(self) -> "Bar":
        if sys.stderr.isatty():
            from tqdm import tqdm

            shape = "{desc} {percentage:3.0f}% |{bar}| {elapsed}<{remaining}"
            options = {"bar_format": shape, "leave": False, "delay": PATIENCE, "mininterval": 0, "miniters": 0}
            self.bar = tqdm(total=1.0, file=sys.stderr, **options)
        return self

    def __call__(self, done: float, what: str) -> None:
        if self.bar is not None:
            self.bar.set_description_str(what, refresh=False)
            self.bar.update(done - self.bar.n)

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()


if __name__ == "__main__":
    sys.exit(main())
