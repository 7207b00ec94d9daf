"""`kineograph bench`: what a film costs on this machine, and how near that is to what the machine could do.

warm    one process, after a first film: seconds in each part, and in writing the mp4; the median of several films
roofs   matrix products at the model's own shapes, and memory: what this machine reaches at best
work    operations and bytes of each part, the seconds the roofs allow, and which share of the real ones that is
cold    a process of its own: from the command typed to the mp4 closed, and the most memory it ever held
peers   the same work in other implementations that are installed beside this one
"""

import argparse
import inspect
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kineograph import bench_against
from kineograph import config as configs
from kineograph.catalogue import DEFAULT, names

if TYPE_CHECKING:
    from kineograph.system import Options, System

PROMPT = "A teddy bear is swimming in the ocean"
METHODS = ("forward", "encode", "decode")  # of a part, whose time is its own
COLD_RUNS = 3  # at most
# Runs a command and prints its seconds and its peak in KiB. A process between us and the command, for Linux counts the
# memory of whoever starts a process to its peak, and we hold the system.
WATCH = """
import json, resource, subprocess, sys, time
begin = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
seconds = time.perf_counter() - begin
print(json.dumps([done.returncode, seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "system",
        nargs="?",
        default=DEFAULT,
        metavar="SYSTEM",
        help=f"a system's name, or a folder of weights [{DEFAULT}]",
    )
    parser.add_argument("--preset", default="", metavar="NAME", help="an untrained system of this size, to try things")
    parser.add_argument("--prompt", default=PROMPT, help=f"what to show [{PROMPT}]")
    what = "another option of the system, such as motion=walk.mp4; may be given again"
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=what)
    parser.add_argument("--runs", type=int, default=5, help="warm films after a first one; at most three cold ones [5]")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long a film plays [2]")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write all figures as JSON, too")
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    parser.add_argument("--against", type=Path, metavar="FILE", help="figures of before: fails where one got worse")
    parser.add_argument("--peers", action="store_true", help="time other implementations, beside ours and nothing else")


def main(args: argparse.Namespace) -> int:
    if args.runs < 1:
        raise ValueError(f"--runs must be at least 1; got {args.runs}")
    if args.output and not args.output.parent.is_dir():
        raise ValueError(f"there is no folder {args.output.parent} to write in")
    if not 0 < args.seconds <= 600:
        raise ValueError(f"--seconds must be more than 0 and at most 600; got {args.seconds:g}")
    if args.output and args.output.exists() and not args.overwrite:
        raise ValueError(f"{args.output} exists and is kept; give --overwrite, or another name")
    if args.peers and args.set:
        raise ValueError("--set is for the options of a film; --peers makes none")
    if args.peers and args.against:
        raise ValueError("--against compares films with films; it goes without --peers")
    before = bench_against.read(args.against) if args.against else None
    figures, lines = beside_peers(args) if args.peers else of_film(args)
    print("\n".join(lines))
    if args.output:
        from kineograph import video

        with video.replacing(args.output) as partial:
            partial.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if before is None:
        return 0
    rows = list(bench_against.compared(before, figures))
    print("\n" + "\n".join(bench_against.table(rows)))
    return int(any(row["worse"] for row in rows))


def beside_peers(args: argparse.Namespace) -> tuple[dict, list[str]]:
    """What --peers finds."""
    from kineograph import bench_peers

    rows = list(bench_peers.measure(args.preset or "world", rounds=args.runs))
    return {"machine": machine(), "peers": rows}, list(bench_peers.table(rows))


def of_film(args: argparse.Namespace) -> tuple[dict, list[str]]:
    """Everything about one system's films, and the same for people."""
    from kineograph import bench_roofs
    from kineograph import system as systems

    system = systems.opened(args.system, args.preset)  # as `generate` takes it
    options = configs.set_pairs(system.Options(args.prompt), args.set)
    options = replace(options, num_frames=max(1, round(args.seconds * options.fps)))
    stages, shapes = work(system, options)
    figures = {
        "system": {"name": system.name(), "weights": system.weights, "precision": system.precision},
        "machine": machine(),
        "film": {"frames": options.num_frames, "fps": options.fps, "height": options.height, "width": options.width}
        | ({"set": args.set} if args.set else {}),
        "parameters": parameters(system),
        "roofs": bench_roofs.roofs(shapes, system.device),
        "warm": warm(system, options, args.runs),
        "first_frame": first_frame(system, options, args.runs),
        "cold": cold(args, options, min(args.runs, COLD_RUNS)),
    }
    figures |= near(stages, figures)
    return figures, list(table(figures))


def machine() -> dict[str, object]:
    """Where the figures hold."""
    import torch

    return {
        "platform": platform.platform(), "python": platform.python_version(), "torch": torch.__version__,
        "processor": processor(), "processors": os.cpu_count(), "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "",
    }  # fmt: skip


def processor() -> str:
    """What the processor calls itself."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8").splitlines() if told.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())


def parameters(system: "System") -> dict[str, int]:
    """How many numbers each part is made of."""
    sizes = {name: sum(p.numel() for p in part.parameters()) for name, part in system.named_children()}
    return {name: size for name, size in sizes.items() if size}


def warm(system: "System", options: "Options", runs: int) -> dict:
    """Medians in a process that has made a film before, and the seconds of every run."""
    from kineograph import provenance

    rows = []
    with tempfile.TemporaryDirectory() as folder, watched(system) as spent:
        for i in range(runs + 1):
            spent.clear()
            begin = time.perf_counter()
            clip = provenance.make(system, options)
            made = time.perf_counter()
            clip.save(Path(folder) / f"{i}.mp4")
            end = time.perf_counter()
            rows.append(
                dict(spent) | {"rest": made - begin - sum(spent.values()), "mp4": end - made, "total": end - begin}
            )
    runs = {what: [row[what] for row in rows[1:]] for what in rows[-1]}
    median = {what: statistics.median(took) for what, took in runs.items()}
    share = median["total"] / clip.seconds
    return {"seconds": median, "per_second_of_film": share, "runs": runs, "first": rows[0]["total"]}


def first_frame(system: "System", options: "Options", runs: int) -> dict:
    """Seconds until the first frames are there, of a system that makes a film window by window; else of the film."""
    import torch

    from kineograph.system import silent

    stream = getattr(system, "film", None)
    windows = stream is not None and [*inspect.signature(stream).parameters] == ["options", "progress"]
    took = []
    for _ in range(runs):
        begin = time.perf_counter()
        with torch.inference_mode():
            _ = next(stream(options, silent)) if windows else system.generate(options)
        took.append(time.perf_counter() - begin)
    return {"seconds": statistics.median(took), "runs": took, "windows": windows}


def work(system: "System", options: "Options") -> tuple[dict[str, dict], list]:
    """Calls, operations and bytes of each part in one film, and the matrix shapes with most of the work.

    Bytes are those no implementation can avoid: each call's inputs and outputs, and the weights that it reads.
    """
    import torch
    from torch.utils._pytree import tree_leaves

    from kineograph.bench_roofs import SHAPES, Work

    stages: dict[str, dict] = {}
    inner: list[int] = []  # the operations of parts inside the running ones
    counter = Work()

    def size(values: object) -> int:
        leaves = (getattr(x, "items", lambda x=x: x)() for x in tree_leaves(values))  # a Condition's tensors, too
        return sum(x.nbytes for leaf in leaves for x in tree_leaves(leaf) if isinstance(x, torch.Tensor))

    def counted(what: str, part: torch.nn.Module, call: Callable) -> Callable:
        weights = {p.untyped_storage().data_ptr(): p.nbytes for p in part.parameters()}

        def counting(*args: object, **kwargs: object) -> object:
            inner.append(0)
            begin, outer, counter.read = counter.flops, counter.read, set()
            out = call(*args, **kwargs)
            flops = counter.flops - begin
            row = stages.setdefault(what, {"calls": 0, "flops": 0, "bytes": 0})
            row["calls"] += 1
            row["flops"] += flops - inner.pop()
            row["bytes"] += size((args, kwargs, out)) + sum(weights.get(at, 0) for at in counter.read)
            counter.read |= outer
            if inner:
                inner[-1] += flops
            return out

        return counting

    with wrapped(system, counted), counter:
        system.generate(options)
    return stages, [shape for shape, _ in counter.shapes.most_common(SHAPES)]


def near(stages: dict[str, dict], figures: dict) -> dict:
    """What the roofs allow each part, and which share of its seconds that is; and of the whole film."""
    roofs, seconds = figures["roofs"], figures["warm"]["seconds"]
    peak = roofs["peak_flops"].get(figures["system"]["precision"], float("inf"))
    rows = {}
    for what, row in stages.items():
        bound = max(row["flops"] / peak, row["bytes"] / roofs["bandwidth"])
        took = seconds[what]
        rows[what] = row | {"bound": bound, "share": bound / took, "per_call": took / row["calls"]}
    return {"work": rows, "efficiency": sum(row["bound"] for row in rows.values()) / seconds["total"]}


@contextmanager
def watched(system: "System") -> Iterator[dict[str, float]]:
    """Adds up the seconds in each part while the block runs; a part inside another counts for itself alone."""
    from kineograph.bench_roofs import now

    spent: dict[str, float] = defaultdict(float)
    inner: list[float] = []  # the seconds that parts inside the running ones took

    def timed(what: str, part: object, call: Callable) -> Callable:
        def timing(*args: object, **kwargs: object) -> object:
            inner.append(0.0)
            begin = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                took = now() - begin
                spent[what] += took - inner.pop()
                if inner:
                    inner[-1] += took

        return timing

    with wrapped(system, timed):
        yield spent


@contextmanager
def wrapped(system: "System", wrap: Callable[[str, object, Callable], Callable]) -> Iterator[None]:
    """Every part's methods as `wrap` makes them of name, part and method, while the block runs."""
    found = []
    for name, part in system.named_children():
        for method in METHODS:
            if (call := getattr(part, method, None)) is not None:
                setattr(part, method, wrap(name if method == "forward" else f"{name} {method}", part, call))
                found.append((part, method))
    try:
        yield
    finally:
        for part, method in found:
            delattr(part, method)


def cold(args: argparse.Namespace, options: "Options", runs: int) -> dict:
    """Median seconds from the command to the closed mp4, and the most memory of any run, in MiB."""
    how = ["--system", args.system] if args.system in names() else ["--checkpoint", args.system]
    how += ["--preset", args.preset] if args.preset else []
    for pair in args.set:
        name, _, value = pair.partition("=")
        how.append(f"--{name.replace('_', '-')}={value}")
    seconds, peaks = [], []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(runs):
            film = ["--prompt", options.prompt, "--num-frames", str(options.num_frames), "-o", f"{folder}/{i}.mp4"]
            command = [sys.executable, "-c", WATCH, sys.executable, "-m", "kineograph", "generate", *how, *film]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            code, took, peak = json.loads(done.stdout)
            if code:
                raise ValueError(f"the film from the shell failed with exit code {code}")
            seconds.append(took)
            peaks.append(peak / (2**20 if sys.platform == "darwin" else 2**10))
    return {"seconds": statistics.median(seconds), "peak_mib": max(peaks), "runs": seconds, "peaks": peaks}


def table(figures: dict) -> Iterator[str]:
    """The figures for people."""
    film, where, warm, cold = (figures[key] for key in ("film", "machine", "warm", "cold"))
    name, precision = figures["system"]["name"], figures["system"]["precision"]
    size = f"{film['width']} x {film['height']}"
    yield f"{name} in {precision}: {film['frames']} frames of {size}, {film['frames'] / film['fps']:g} s of film"
    yield f"{where['gpu'] or 'CPU'}, {where['threads']} of {where['processors']} processors, torch {where['torch']}\n"
    yield f"  {'':<20}{'seconds':>9}{'calls':>7}{'GFLOP':>10}{'MB':>9}{'roof':>9}{'share':>7}"
    for what, seconds in warm["seconds"].items():
        row = figures["work"].get(what)
        yield f"  {what:<20}{seconds:9.3f}" + (worked(row) if row else "")
    median = f"median of {len(warm['runs']['total'])}; the first film took {warm['first']:.3f} s"
    first = "" if figures["first_frame"]["windows"] else ": this system makes its film at once"
    yield f"\n  {'per second of film':<20}{warm['per_second_of_film']:9.3f} s, {median}"
    yield f"  {'first frame':<20}{figures['first_frame']['seconds']:9.3f} s{first}"
    yield f"  {'from the shell':<20}{cold['seconds']:9.3f} s, median of {len(cold['runs'])}"
    yield f"  {'peak memory':<20}{cold['peak_mib']:9.0f} MiB"
    yield f"  {'of what is possible':<20}{figures['efficiency']:9.1%} of the time to a film\n"
    for precision, rows in figures["roofs"]["gemm"].items():
        for shape, flops in rows.items():
            yield f"  {precision:<10}{shape:<24}{flops / 1e9:9.0f} GFLOP/s"
    yield f"  {'memory':<34}{figures['roofs']['bandwidth'] / 1e9:9.1f} GB/s\n"
    for name, count in figures["parameters"].items():
        yield f"  {name:<20}{count / 1e6:9.3f} M parameters"
    yield f"  {'in all':<20}{sum(figures['parameters'].values()) / 1e6:9.3f} M parameters"


def worked(row: dict) -> str:
    """A part's work in the table's columns."""
    amounts = f"{row['calls']:7}{row['flops'] / 1e9:10.3f}{row['bytes'] / 1e6:9.1f}"
    return f"{amounts}{row['bound']:9.4f}{row['share']:7.1%}"
