"""`kineograph study`: people compare clips side by side, blind; `make` prepares it, `serve` asks, `report` counts.

    clips of two or more systems, same prompts ──make──> folder ──serve──> votes ──report──> report.md, report.json

folder/study.json    what raters may see: prompts, questions, pairs of files with names that mean nothing
folder/media/        the clips, written anew and alike, without what their files told of their makers
folder/key.json      which side is whose, and which pairs only check attention; the page never sees it
folder/votes.sqlite  the votes
"""

import argparse
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path

import torch
import torch.nn.functional as F
from tqdm import tqdm

from kineograph import config as configs
from kineograph import video
from kineograph.catalogue import names
from kineograph.clip import Clip
from kineograph.evaluation import prompts
from kineograph.evaluation.sources import videos_of
from kineograph.system import Options, opened

FORMAT = 1
QUESTIONS = {"text": "Which clip fits the text better?", "liking": "Which clip do you like better?"}
NOISE = "noise"  # what stands in the key on the side of a check that no one who looks can choose
GRAIN = 8  # pixels
EXAMPLES = """examples:
  kineograph study make studies/a kineograph phenaki --prompts prompts.txt
  kineograph study make studies/b films/before films/after --checks 5
  kineograph study serve studies/b --port 8080
  kineograph study report studies/b
"""


@dataclass(frozen=True)
class Pair:
    """What raters are shown: a prompt and two files of media/."""

    prompt: str
    left: str
    right: str


@dataclass(frozen=True)
class Sides:
    """Whose clips a pair's sides are; `NOISE` on one of them where attention is checked."""

    left: str
    right: str

    @property
    def check(self) -> bool:
        return NOISE in (self.left, self.right)


@dataclass(frozen=True)
class Study:
    """A study as raters see it."""

    pairs: tuple[Pair, ...]
    questions: Mapping[str, str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `kineograph study`."""

    def alike(**how: object) -> argparse.ArgumentParser:
        inner = argparse.ArgumentParser(**how, allow_abbrev=False)
        inner.error = parser.error
        return inner

    parser.formatter_class, parser.epilog = argparse.RawDescriptionHelpFormatter, EXAMPLES
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", parser_class=alike)
    make_arguments(actions.add_parser("make", help="pair the clips of systems, or of folders, on the same prompts"))

    add = (serve := actions.add_parser("serve", help="ask people, on a page of this machine")).add_argument
    serve.set_defaults(do=serve_study)
    add("folder", type=Path)
    add("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for the network around [127.0.0.1]")
    add("--port", type=int, default=8080, help="0 for any that is free [8080]")

    add = (told := actions.add_parser("report", help="count the votes: report.md and report.json")).add_argument
    told.set_defaults(do=report_study)
    add("folder", type=Path)
    share = "raters who pass a smaller share of their attention checks are left out [0.75]"
    add("--attention", type=float, default=0.75, metavar="SHARE", help=share)


def make_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(do=make_study)
    add = parser.add_argument
    add("folder", type=Path, help="the study's")
    add(
        "source", nargs="+", help="a system's name, a folder of its weights, or a folder of videos; or NAME=any of them"
    )
    add("--prompts", type=Path, metavar="FILE", help="a .txt, .csv, .jsonl, .json [the captions that all folders have]")
    add("--count", type=int, help="at most so many prompts")
    add("--checks", type=int, default=3, help="pairs that check attention: a clip beside noise [3]")
    add("--dice", type=int, default=0, metavar="SEED", help="of what is left and right, and of the order [0]")
    add("--side", type=int, default=256, help="clips are shown as middle squares of so many pixels [256]")
    add("--preset", default="", metavar="NAME", help="untrained systems of this size, to try things")
    group = parser.add_argument_group("options of the systems")
    configs.add_flags(group, Options, skip=("prompt", "image_path"))


def main(args: argparse.Namespace) -> int:
    """Makes, serves or reports."""
    return args.do(args)


def serve_study(args: argparse.Namespace) -> int:
    from kineograph.evaluation.study_server import serve

    return serve(args.folder, args.host, args.port)


def report_study(args: argparse.Namespace) -> int:
    from kineograph.evaluation.study_report import write

    print(write(args.folder, attention=args.attention))
    return 0


def make_study(args: argparse.Namespace) -> int:
    if args.count is not None and args.count < 1:
        raise ValueError(f"--count must be at least 1; got {args.count}")
    if args.checks < 0:
        raise ValueError(f"--checks must be 0 or more; got {args.checks}")
    if not 16 <= args.side <= 2048 or args.side % 2:
        raise ValueError(f"--side must be an even number of pixels, 16 to 2048; got {args.side}")
    if args.folder.exists() and (not args.folder.is_dir() or any(args.folder.iterdir())):
        raise ValueError(f"{args.folder} exists and is kept; name a new folder")
    given = {k: getattr(args, k) for k in configs.schema(Options)["properties"] if hasattr(args, k)}
    sources = named(args.source)
    folders = {name: captioned(Path(word)) for name, word in sources.items() if is_videos(word, args.preset)}
    texts = asked(args.prompts, folders)[: args.count]
    makers = {name: Maker(sources[name], args.preset, given) for name in sources if name not in folders}
    clips = {name: Films(folders[name], args.side) if name in folders else makers[name] for name in sources}
    facts = {name: clips[name].facts() for name in clips}
    write(args.folder, texts, clips, facts, checks=args.checks, seed=args.dice, side=args.side)
    print(args.folder)
    return 0


def named(words: Sequence[str]) -> dict[str, str]:
    """`films/a`, `b=films/c` -> {a: films/a, b: films/c}."""
    found: dict[str, str] = {}
    for word in words:
        name, given, place = word.partition("=")
        name, place = (name, place) if given else (Path(word).name, word)
        if not name or name == NOISE or name in found:
            raise ValueError(f"each source has a name of its own, not {NOISE!r}: give NAME={place}; got {name!r}")
        found[name] = place
    if len(found) < 2:
        raise ValueError(f"two sources or more are compared; got {', '.join(found)}")
    return found


def is_videos(word: str, preset: str) -> bool:
    """Whether a word is a folder of videos, and no system."""
    return word not in names() and not preset and Path(word).is_dir() and not (Path(word) / "system.json").is_file()


def captioned(folder: Path) -> dict[str, Path]:
    """The first video of each caption of a folder."""
    found: dict[str, Path] = {}
    for path, words in prompts.captions(folder, videos_of(folder), None)[0].items():
        found.setdefault(" ".join(words.split()), path)
    if not found:
        raise ValueError(f"the videos of {folder} have no captions: a captions.csv, or name.txt beside each")
    return found


def asked(file: Path | None, folders: Mapping[str, Mapping[str, Path]]) -> list[str]:
    """The prompts of the file, or those that all folders have videos of, each once."""
    if file is None and not folders:
        raise ValueError("--prompts FILE is needed: what the systems shall show")
    first = next(iter(folders.values()), {})
    texts = list(dict.fromkeys(prompts.read(file).prompts if file else first))
    shared = [text for text in texts if all(text in videos for videos in folders.values())]
    if not shared:
        raise ValueError(f"no prompt has a video in each of {', '.join(folders)}")
    return shared


class Films:
    """The videos of a folder by caption, middle squares."""

    def __init__(self, videos: Mapping[str, Path], side: int):
        self.videos, self.side = videos, side

    def clip(self, prompt: str) -> Clip:
        return video.read(self.videos[prompt], size=self.side)

    def facts(self) -> dict[str, object]:
        """What the key says of these clips."""
        return {"videos": next(iter(self.videos.values())).parent.name}


class Maker:
    """A system, asked for a film of each prompt."""

    def __init__(self, word: str, preset: str, given: Mapping[str, object]):
        self.system = opened(word, preset)
        self.options = dict(given)

    def clip(self, prompt: str) -> Clip:
        return self.system.generate(self.system.Options(prompt=prompt, **self.options))

    def facts(self) -> dict[str, object]:
        system = self.system
        return {
            "system": system.name(), "weights": system.weights, "precision": system.precision, "options": self.options
        }  # fmt: skip


def write(
    folder: Path,
    texts: Sequence[str],
    clips: Mapping[str, Films | Maker],
    facts: Mapping[str, object],
    *,
    checks: int,
    seed: int,
    side: int,
) -> None:
    """Writes a study's folder; study.json comes last, so that one that has it is whole."""
    dice = random.Random(seed)
    (folder / "media").mkdir(parents=True, exist_ok=True)
    rows: list[tuple[Pair, Sides]] = []
    checked = dice.sample(range(len(texts)), min(checks, len(texts)))
    for number, text in enumerate(tqdm(texts, "clips", disable=None, leave=False, delay=1)):
        made = {name: square(source.clip(text), side) for name, source in clips.items()}
        files = {name: put(folder, clip, dice) for name, clip in made.items()}
        rows += [shuffled(text, files, pair, dice) for pair in combinations(files, 2)]
        if number in checked:
            name = dice.choice(list(made))
            files = {name: files[name], NOISE: put(folder, noise(made[name], dice.getrandbits(63)), dice)}
            rows.append(shuffled(text, files, (name, NOISE), dice))
    dice.shuffle(rows)
    sides = [asdict(sides) for _, sides in rows]
    key = {"format": FORMAT, "seed": seed, "side": side, "systems": dict(facts), "sides": sides}
    put_json(folder / "key.json", key, private=True)
    shown = {"format": FORMAT, "questions": QUESTIONS, "pairs": [asdict(pair) for pair, _ in rows]}
    put_json(folder / "study.json", shown)


def shuffled(text: str, files: Mapping[str, str], pair: tuple[str, str], dice: random.Random) -> tuple[Pair, Sides]:
    """One of the two on the left, the other on the right."""
    left, right = pair if dice.random() < 0.5 else pair[::-1]
    return Pair(text, files[left], files[right]), Sides(left, right)


def square(clip: Clip, side: int) -> Clip:
    """The middle square of each frame, side x side."""
    height, width = clip.frames.shape[-2:]
    if (height, width) == (side, side):
        return clip
    inner = min(height, width)
    top, left = (height - inner) // 2, (width - inner) // 2
    frames = clip.frames[..., top : top + inner, left : left + inner].float()
    frames = F.interpolate(frames, size=(side, side), mode="bilinear", antialias=True)
    return Clip(frames.round().clamp(0, 255).to(torch.uint8), clip.fps)


def noise(clip: Clip, seed: int) -> Clip:
    """Coloured grains in the shape of a clip."""
    t, _, h, w = clip.frames.shape
    shape = (t, 3, -(-h // GRAIN), -(-w // GRAIN))
    grains = torch.randint(256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
    frames = grains.repeat_interleave(GRAIN, 2).repeat_interleave(GRAIN, 3)[..., :h, :w]
    return Clip(frames.contiguous(), clip.fps)


def put(folder: Path, clip: Clip, dice: random.Random) -> str:
    """Writes a clip, and nothing of what it knows of itself, under a name that says nothing."""
    name = f"{dice.getrandbits(64):016x}.mp4"
    video.write(folder / "media" / name, clip)
    return name


def put_json(path: Path, data: object, *, private: bool = False) -> None:
    """Writes JSON, whole or not at all; a private file is its owner's alone."""
    with video.replacing(path) as partial:
        if private:
            partial.chmod(0o600)
        partial.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def read(folder: Path) -> Study:
    """What raters see of a study; ValueError where the folder holds none."""
    data = told(folder, "study.json")
    return Study(tuple(Pair(**pair) for pair in data["pairs"]), data["questions"])


def read_key(folder: Path) -> tuple[list[Sides], dict]:
    """Whose sides they are, pair by pair, and all else that the key says."""
    data = told(folder, "key.json")
    return [Sides(**sides) for sides in data["sides"]], data


def told(folder: Path, name: str) -> dict:
    """A JSON file of a study."""
    if not (path := folder / name).is_file():
        raise ValueError(f"{folder} holds no study: it has no {name}; make one with `kineograph study make`")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError(f"{path} is not of format {FORMAT}")
    return data


def order(pairs: int, rater: str) -> Iterator[int]:
    """The pairs in an order of the rater's own, the same each time."""
    return iter(random.Random(rater).sample(range(pairs), pairs))
