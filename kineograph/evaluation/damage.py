"""Which damage is seen by which metric: clips of the World, spoilt in one way at a time, and measured.

    python -m kineograph.evaluation.damage docs/metrics.md

The table is written between the two marks in the file. A cell is bold where its interval lies apart from that of the
untouched clips. Metrics whose networks are not there are left out, and come with the next run once they are.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from kineograph import __version__
from kineograph.clip import Clip
from kineograph.data.world import world as worlds
from kineograph.data.world.world import World
from kineograph.evaluation.fidelity import SEED, Wish, wishes
from kineograph.evaluation.metrics import Figure, Manner, Subject, measure
from kineograph.evaluation.networks import Networks
from kineograph.evaluation.report import cells, put
from kineograph.evaluation.sources import Clips, Drawn

BEGIN, END = "<!-- damage: begin -->", "<!-- damage: end -->"
UNTOUCHED, WRONG = "untouched", "wrong caption"
OF_CAPTIONS = ("fidelity", "clipsim")
METRICS = (*OF_CAPTIONS, "consistency", "frechet", "is", "motion", "reconstruction")
# By metric and figure, the damages that it is there to see. The label reader is taught on soft and noisy clips, so that
# generated ones are not foreign to it: what is measured with it is blind to noise and blur by design.
MEANT = {
    ("fidelity", "all"): {"frozen", WRONG},
    ("clipsim", "CLIPSIM"): {WRONG},
    ("consistency", "frame consistency"): {"shuffled"},
    ("frechet", "World Frechet distance"): {"shuffled", "frozen"},
    ("frechet", "distance of random features"): {"noise", "blur", "frozen"},
    ("is", "World Inception Score"): {"frozen"},
    ("motion", "frozen"): {"frozen"},
    ("motion", "dynamic"): {"frozen"},
    ("motion", "flicker"): {"noise", "shuffled"},
    ("motion", "warping error"): {"noise", "shuffled"},
    ("reconstruction", "PSNR"): {"noise", "blur", "shuffled", "frozen"},
    ("reconstruction", "SSIM (luma)"): {"noise", "blur", "shuffled", "frozen"},
}


def noise(frames: Tensor, rng: torch.Generator) -> Tensor:
    """Of a deviation of 20 in 255, anew in every frame.  t 3 h w floats -> same."""
    return frames + 20 * torch.randn(frames.shape, generator=rng)


def blur(frames: Tensor, rng: torch.Generator) -> Tensor:
    """A quarter of the pixels, spread again.  t 3 h w -> same."""
    return F.interpolate(F.avg_pool2d(frames, 4), size=frames.shape[-2:], mode="bilinear")


def shuffled(frames: Tensor, rng: torch.Generator) -> Tensor:
    """The frames in an order by lot.  t 3 h w -> same."""
    return frames[torch.randperm(len(frames), generator=rng)]


def frozen(frames: Tensor, rng: torch.Generator) -> Tensor:
    """The first frame, held.  t 3 h w -> same."""
    return frames[:1].expand_as(frames)


DAMAGES: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "noise": noise, "blur": blur, "shuffled": shuffled, "frozen": frozen,
}  # fmt: skip
COLUMNS = (UNTOUCHED, *DAMAGES, WRONG)


class Damaged(Clips):
    """Clips spoilt in one way of `COLUMNS`, each with dice of its own; a wrong caption is that of the next clip."""

    def __init__(self, clips: Clips, how: str):
        self.clips, self.how, self.names = clips, how, clips.names
        self.captions = turned(clips.captions) if how == WRONG else clips.captions

    def clip(self, index: int) -> Clip:
        clip = replace(self.clips.clip(index), caption=self.captions[index])
        if self.how not in DAMAGES:
            return clip
        frames = DAMAGES[self.how](clip.frames.float(), torch.Generator().manual_seed(index))
        return replace(clip, frames=frames.round().clamp(0, 255).to(torch.uint8))


def turned(row: Sequence) -> list:
    """Each thing's place taken by the next one."""
    return [*row[1:], row[0]]


def spoilt(count: int, how: str, *, frames: int = 16, size: int = 64) -> Subject:
    """Clips of the World, spoilt, as metrics are given them; beside them the clips as they were, and other ones."""
    asked: list[Wish] = wishes("train", 2 * count)
    world = World(SEED, frames=frames, size=size)
    drawn, other = (
        Drawn(world, [w.scene for w in some], [w.prompt for w in some]) for some in (asked[:count], asked[count:])
    )
    third = Drawn(World(SEED + 1, frames=frames, size=size), other.scenes, other.captions)
    wished = turned(asked[:count]) if how == WRONG else asked[:count]
    made = Damaged(drawn, how)
    return Subject(made, prompts="the World's own captions", world=True, real=other, again=third, wishes=wished)


def figures_of(
    subject: Subject, networks: Mapping[str, Networks], manner: Manner, names: Sequence[str] = METRICS
) -> list[Figure]:
    """Every figure of `MEANT` that can be taken: far from other clips of the World, near to the clips as they were."""
    found: list[Figure] = []
    own = replace(subject, real=subject.clips.clips, again=None, alike=True)
    for name in names:
        given = (
            replace(subject, real=None) if name in ("motion", "consistency", "clipsim", "is", "fidelity") else subject
        )
        kinds = networks if name == "frechet" else {"": next(iter(networks.values()))}
        for some in kinds.values():
            found += measure([name], own if name == "reconstruction" else given, some, manner)[0]
    return [figure for figure in found if key(figure)]


def key(figure: Figure) -> tuple[str, str] | None:
    """The row of `MEANT` that a figure belongs to."""
    return next((k for k in MEANT if k[0] == figure.metric and figure.name.startswith(k[1])), None)


def apart(a: Figure, b: Figure) -> bool:
    """Whether two intervals do not meet."""
    return a.low > b.high or a.high < b.low


def table(columns: Mapping[str, Sequence[Figure]]) -> list[str]:
    """The figures of each damage as a table in Markdown."""
    lines = [f"| metric | {' | '.join(columns)} | meant to see |", f"|---|{'---:|' * len(columns)}---|"]
    for k, meant in MEANT.items():
        row = {how: next((f for f in figures if key(f) == k), None) for how, figures in columns.items()}
        if (whole := row[UNTOUCHED]) is None:
            continue
        shown = []
        for figure in row.values():
            text = " ".join([cells(figure)[0], f"({cells(figure)[1]})"]) if figure else "none"
            seen = figure is None or apart(figure, whole)
            shown.append(f"**{text}**" if seen else text)
        name = f"{k[1]}: {whole.name}" if whole.name == "all" else whole.name
        lines.append(f"| {k[0]}: {name} | {' | '.join(shown)} | {', '.join(h for h in columns if h in meant)} |")
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Measures every damage and writes the table into a file, or prints it."""
    parser = argparse.ArgumentParser(prog="python -m kineograph.evaluation.damage", description=__doc__.split("\n")[0])
    parser.add_argument("file", nargs="?", type=Path, help="Markdown with the two marks of the table [standard output]")
    parser.add_argument("--count", type=int, default=128, help="clips, 64 at least [128]")
    parser.add_argument("--frames", type=int, default=16, help="of each clip [16]")
    parser.add_argument("--size", type=int, default=64, help="of each clip, in pixels [64]")
    parser.add_argument("--reader", type=Path, metavar="FOLDER", help="a reader of labels [the bundled one]")
    parser.add_argument("--clip", metavar="NAME", help="a World CLIP [the bundled one]")
    args = parser.parse_args(argv)
    if args.count < 64:
        parser.error(f"--count must be 64 or more; got {args.count}")
    if args.file and not all(mark in args.file.read_text(encoding="utf-8") for mark in (BEGIN, END)):
        parser.error(f"{args.file} has no marks {BEGIN} and {END}")
    networks = {
        kind: Networks(reader=args.reader, clip=args.clip, features=kind, frames=args.frames)
        for kind in (None, "random")
    }  # the first one measures everything else, too
    columns: dict[str, list[Figure]] = {}
    for how in tqdm(COLUMNS, "damages", disable=None, leave=False):
        names = OF_CAPTIONS if how == WRONG else METRICS  # the others cannot tell
        columns[how] = figures_of(
            spoilt(args.count, how, frames=args.frames, size=args.size), networks, Manner(resamples=200), names
        )
    columns[WRONG] += [f for f in columns[UNTOUCHED] if f.metric not in OF_CAPTIONS]
    flags = f"--count {args.count} --frames {args.frames} --size {args.size}"
    lines = [
        f"{args.count} clips of the World {worlds.VERSION}, seed {SEED}, {args.frames} frames of {args.size} pixels; "
        f"kineograph {__version__}, `python -m kineograph.evaluation.damage {args.file or ''} {flags}`.", "",
        *table(columns),
    ]  # fmt: skip
    used = {n["name"]: n["sha256"] for some in networks.values() for n in some.used.values()}
    lines += ["", "Networks: " + "; ".join(f"{name}, sha256 {sha[:16] or 'none'}" for name, sha in used.items()) + "."]
    if args.file is None:
        print("\n".join(lines))
        return 0
    text = args.file.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    print(put(args.file, "\n".join([f"{before}{BEGIN}", "", *lines, "", f"{END}{after}"])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
