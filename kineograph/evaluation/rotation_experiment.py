"""What the turns of a video do to a film: the experiment that the article on embedding rotation leaves open.

    driving clips x prompts x seeds x arms -> films -> consistency, transfer, fidelity, warping error -> report.md

    python -m kineograph.evaluation.rotation_experiment --output-dir reports/rotation

What is there is not made again, so a run that was stopped goes on. The same driving clips, prompts and seeds are in
every arm; intervals are over driving clips, prompts and seeds drawn anew (a crossed bootstrap), for films that share
one of them are not independent.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from kineograph import __version__, video
from kineograph import config as configs
from kineograph.clip import Clip
from kineograph.data.world.world import World
from kineograph.evaluation import labels
from kineograph.evaluation.correlation import digest, of_pixels
from kineograph.evaluation.fidelity import SEED, Wish, wishes
from kineograph.evaluation.frechet import bootstrap
from kineograph.evaluation.labels import Reader
from kineograph.evaluation.motion import motion
from kineograph.evaluation.report import put
from kineograph.evaluation.sources import VIDEOS, small
from kineograph.system import System, find, opened

NAME = "embedding_rotation"
KINDS = ("text", "noise", "both")
ARMS: dict[str, dict[str, Any]] = {"no rotation": {"text_share": 0.0, "noise_share": 0.0}}
ARMS |= {kind: {"turn": kind} for kind in KINDS}
ARMS |= {f"{kind}, random planes": {"turn": kind, "path": "random"} for kind in KINDS}
ARMS |= {f"{kind}, straight line": {"turn": kind, "path": "straight"} for kind in KINDS}
ARMS |= {
    "text, aligned": {"align": True},
    "both, perturbation": {
        "turn": "both", "way": "perturbation", "text_share": 0.0055, "noise_share": 0.002, "renormalise": False
    },
}  # fmt: skip  # the middle of what the article's author used
SET_BY_ARMS = ("prompt", "seed", "motion", "turn", "path", "align", "way", "image_path", "strength")
FIGURES = {
    "consistency": "mean cosine of each frame's embedding with the next one's",
    "transfer": "correlation of the driving clip's curve of these cosines with the film's; none where one is flat",
    "transfer_pixels": "the same of curves of pixel correlations",
    "fidelity": "share of the labels asked that a still can show and the reader of labels reads",
    "clipsim": "mean cosine of the frames' embeddings with the prompt's",
    "warping_error": "of frames moved back along the flow, in squares of the range; of films that stand still none",
    "moves": "share of films that do not stand still",
}
LEAST = 1e-6  # deviation of a curve that is not flat
RESAMPLES = 1000


@dataclass(frozen=True)
class Film:
    """One cell of the experiment."""

    driving: Path
    wish: Wish
    seed: int
    arm: str

    @property
    def key(self) -> list[object]:
        return [self.driving.name, self.wish.prompt, self.seed, self.arm]


def main(argv: Sequence[str] | None = None) -> int:
    """Makes the films that are missing, measures them, writes the report and prints its path."""
    args = parsed(argv)
    folder, made_by = args.output_dir, find(NAME)
    folder.mkdir(parents=True, exist_ok=True)
    system = opened(NAME if args.preset else args.checkpoint or NAME, args.preset)
    given = {k: v for k, v in vars(args).items() if k in configs.schema(made_by.Options)["properties"]}
    options = made_by.Options(prompt="a prompt", **given)
    driving = videos(args.clips) if args.clips else drawn(folder / "driving", args.count, options)
    asked = [Wish(p, World(SEED).scene(0), frozenset()) for p in args.prompts] or list(wishes("train", args.count))
    seeds = [options.seed + k for k in range(args.seeds)]
    judge = Reader.load(args.reader) if args.reader.is_dir() else None
    facts = {
        "version": __version__, "weights": system.weights, "precision": system.precision,
        "reader": judge.weights if judge else "",
        "options": configs.dump(options) | {"prompt": "", "seed": 0},
        "driving": {path.name: digest(path) for path in driving},
    }  # fmt: skip
    same(folder / "facts.json", facts)
    films = [Film(*cell) for cell in product(driving, asked, seeds, args.arms)]
    rows = measured(system, options, films, judge, folder)
    print(report(folder, rows, [len(driving), len(asked), len(seeds)], args.arms, facts))
    return 0


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """The flags; those of the options that no arm sets are among them."""
    parser = argparse.ArgumentParser(prog=f"python -m {__spec__.name if __spec__ else __name__}", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--output-dir", type=Path, required=True, metavar="FOLDER", help="one that is there is gone on with")
    add("--clips", type=Path, metavar="FOLDER", help="driving videos [clips of the World]")
    add("--prompts", nargs="+", default=[], metavar="PROMPT", help="[prompts of the World, whose labels are known]")
    add("--count", type=int, default=5, help="how many clips and prompts of the World [5]")
    add("--seeds", type=int, default=3, help="how many seeds [3]")
    add("--arms", nargs="+", choices=ARMS, default=list(ARMS), metavar="ARM", help=f"of {'; '.join(ARMS)} [all]")
    add("--reader", type=Path, default=labels.CLIPS, metavar="FOLDER", help="of a reader of labels [the bundled one]")
    add("--checkpoint", default="", metavar="FOLDER", help="of weights [the bundled ones]")
    add("--preset", default="", metavar="NAME", help="an untrained system of this size, to try things")
    configs.add_flags(parser, find(NAME).Options, skip=tuple(name for name in SET_BY_ARMS if name != "seed"))
    args = parser.parse_args(argv)
    if args.count < 1 or args.seeds < 1:
        parser.error(f"--count and --seeds are at least 1; got {args.count} and {args.seeds}")
    return args


def videos(folder: Path) -> list[Path]:
    """The videos of a folder, by name."""
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() in VIDEOS)
    if not found:
        raise ValueError(f"{folder} holds no videos: {', '.join(VIDEOS)}")
    return found


def drawn(folder: Path, count: int, options: Any) -> list[Path]:
    """Files of clips of the World, each of another act."""
    folder.mkdir(exist_ok=True)
    world, found = World(SEED, frames=max(2, options.num_frames), fps=options.fps), {}
    for i in range(1000):
        if len(found) < count:
            found.setdefault(world.scene(i).act, i)
    paths = [folder / f"{index:04}-{act or 'still'}.mp4" for act, index in found.items()]
    for path, index in zip(paths, found.values(), strict=True):
        if not path.exists():
            world[index].save(path)
    return paths


def same(path: Path, facts: dict) -> None:
    """Writes down what the films depend on; ValueError where the folder's are other ones."""
    text = json.dumps(facts, indent=1, sort_keys=True) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise ValueError(f"{path.parent} holds films of other weights, options or clips: give another --output-dir")
    put(path, text)


def measured(system: System, options: Any, films: Sequence[Film], judge: Reader | None, folder: Path) -> list[dict]:
    """A row of figures for each film, in their order; a film whose row is there is not made."""
    path = folder / "films.jsonl"
    there = {json.dumps(row["film"]): row for row in written(path)}
    put(path, "".join(json.dumps(row) + "\n" for row in there.values()))
    shown = films[0]
    with path.open("a", encoding="utf-8") as log:
        for film in tqdm(films, "films", disable=None):
            if json.dumps(film.key) in there:
                continue
            asked = configs.load(
                type(options),
                configs.dump(options) | {"prompt": film.wish.prompt, "seed": film.seed, "motion": str(film.driving)}
                | ARMS[film.arm],
            )  # fmt: skip
            clip = system.generate(asked)
            if (film.driving, film.wish, film.seed) == (shown.driving, shown.wish, shown.seed):
                Clip(clip.frames, clip.fps).save(
                    folder / f"{film.arm.replace(', ', '-').replace(' ', '-')}.mp4", overwrite=True
                )
            row = {"film": film.key} | figures(system, asked, clip, film.wish, judge)
            there[json.dumps(film.key)] = row
            log.write(json.dumps(row) + "\n")
            log.flush()
    return [there[json.dumps(film.key)] for film in films]


def written(path: Path) -> Iterator[dict]:
    """The rows of a file, but for a last one that was cut off."""
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            yield json.loads(line)
        except ValueError:
            return


@torch.inference_mode()
def figures(system: Any, options: Any, clip: Clip, wish: Wish, judge: Reader | None) -> dict[str, float | None]:
    """All figures of a film; None for one that cannot be taken."""
    embedder = system.embedder(options.embedder or system.config.embedder)
    seen = torch.cat([embedder.encode_image(x.to(system.device)) for x in clip.video.split(32)]).double()
    driving = video.read(options.motion, fps=options.fps, size=64, frames=len(clip.frames)).frames
    curve, moved = neighbours(seen), motion(clip)
    led = neighbours(system.vectors(options, len(seen)))
    still = wish.still.labels
    found: dict[str, float | None] = dict.fromkeys(FIGURES)
    found |= {
        "consistency": float(curve.mean()), "transfer": correlated(led, curve), "warping_error": moved.warping_error,
        "moves": float(not moved.frozen),
    }  # fmt: skip
    if len(driving) == len(clip.frames):
        found["transfer_pixels"] = correlated(*(of_pixels(x).diagonal(1) for x in (driving, clip.frames)))
    if judge is not None and still:
        read = judge.read((small(clip.frames).float() / 127.5 - 1)[None])[0]
        found["fidelity"] = sum(read[name] == value for name, value in still.items()) / len(still)
    if hasattr(embedder, "encode_text"):
        said = embedder.encode_text([wish.prompt]).double()
        found["clipsim"] = float(F.cosine_similarity(seen, said).mean())
    return found


def neighbours(vectors: Tensor) -> Tensor:
    """The cosine of each vector with the next one.  t d -> t - 1."""
    return F.cosine_similarity(vectors[:-1], vectors[1:], dim=1)


def correlated(a: Tensor, b: Tensor) -> float | None:
    """Pearson's correlation of two curves; None where one of them is flat or has a gap."""
    if len(a) < 3 or not min(float(a.std()), float(b.std())) > LEAST:
        return None
    return float(torch.corrcoef(torch.stack([a.double().cpu(), b.double().cpu()]))[0, 1])


def interval(values: Tensor) -> tuple[float, float, float] | None:
    """The mean of clips x prompts x seeds with its 95 % interval, NaN left out; None of nothing."""
    value = float(values.nanmean())
    if math.isnan(value):
        return None

    def again(*places: Tensor) -> float:
        mean = float(values[places[0]][:, places[1]][:, :, places[2]].nanmean())
        return value if math.isnan(mean) else mean

    return value, *bootstrap(again, value, values.shape, resamples=RESAMPLES, rng=torch.Generator().manual_seed(0))


def report(folder: Path, rows: Sequence[dict], shape: Sequence[int], arms: Sequence[str], facts: dict) -> Path:
    """Writes report.json and report.md; the path of the latter."""
    cells = {
        name: torch.tensor([math.nan if row[name] is None else row[name] for row in rows], dtype=torch.float64)
        .reshape(*shape, len(arms)).unbind(-1) for name in FIGURES
    }  # fmt: skip
    means = {arm: {name: interval(cells[name][k]) for name in FIGURES} for k, arm in enumerate(arms)}
    gains = {
        kind: {name: interval(cells[name][arms.index(kind)] - cells[name][arms.index(control)]) for name in FIGURES}
        for kind in KINDS for control in [f"{kind}, random planes"] if {kind, control} <= set(arms)
    }  # fmt: skip
    whole = {"facts": facts, "shape": list(shape), "arms": means, "minus_random_planes": gains, "films": list(rows)}
    put(folder / "report.json", json.dumps(whole, indent=1) + "\n")
    told = [name for name in FIGURES if any(row[name] is not None for row in rows)]
    size = f"{shape[0]} driving clips x {shape[1]} prompts x {shape[2]} seeds"
    weights = f"weights {facts['weights'][:40]}, {facts['precision']}"
    text = [
        "# Embedding rotation: what a video's turns do to a film", "",
        f"{size}; {weights}. Means with 95 % intervals (crossed bootstrap).", "",
        *table("arm", means, told), "", "## Minus random planes of the same angles, in pairs", "",
        *table("arm", gains, told), "", *(f"- {name}: {FIGURES[name]}" for name in told), "",
    ]  # fmt: skip
    return put(folder / "report.md", "\n".join(text))


def table(corner: str, rows: dict[str, dict], names: Sequence[str]) -> list[str]:
    """Markdown."""
    said = [f"| {arm} | {' | '.join(cell(found[name]) for name in names)} |" for arm, found in rows.items()]
    return [f"| {corner} | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|", *said]


def cell(found: tuple[float, float, float] | None) -> str:
    """0.123 (0.100 to 0.150)."""
    return "-" if found is None else "{:.4g} ({:.4g} to {:.4g})".format(*found)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ValueError as error:
        sys.exit(f"rotation_experiment: {error}")
