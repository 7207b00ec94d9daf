"""`kineograph bench`: what a film costs on this machine: time by part, from a shell that knows nothing, and memory.

warm   one process, after a first film: seconds in each part, and in writing the mp4; the median of several films
cold   a process of its own: from the command typed to the mp4 closed, and the most memory it ever held
"""

import argparse
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
from pathlib import Path
from typing import TYPE_CHECKING

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
    parser.add_argument("--runs", type=int, default=5, help="warm films after a first one; at most three cold ones [5]")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long a film plays [2]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures, too")
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")


def main(args: argparse.Namespace) -> int:
    from kineograph import system as systems
    from kineograph import video

    if args.runs < 1:
        raise ValueError(f"--runs must be at least 1; got {args.runs}")
    if args.json and not args.json.parent.is_dir():
        raise ValueError(f"there is no folder {args.json.parent} to write in")
    if not 0 < args.seconds <= 600:
        raise ValueError(f"--seconds must be more than 0 and at most 600; got {args.seconds:g}")
    if args.json and args.json.exists() and not args.overwrite:
        raise ValueError(f"{args.json} exists and is kept; give --overwrite, or another name")
    if args.preset:
        system = systems.find(args.system).preset(args.preset)
    else:
        system = systems.load(args.system, dtype=systems.quick_dtype())  # as `generate` takes it
    options = system.Options(args.prompt)
    options = system.Options(args.prompt, num_frames=max(1, round(args.seconds * options.fps)))
    figures = {
        "system": {"name": system.name(), "weights": system.weights, "precision": system.precision},
        "machine": machine(),
        "film": {"frames": options.num_frames, "fps": options.fps, "height": options.height, "width": options.width},
        "parameters": parameters(system),
        "warm": warm(system, options, args.runs),
        "cold": cold(args, options, min(args.runs, COLD_RUNS)),
    }
    print("\n".join(table(figures)))
    if args.json:
        with video.replacing(args.json) as partial:
            partial.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def machine() -> dict[str, object]:
    """Where the figures hold."""
    import torch

    return {
        "platform": platform.platform(), "python": platform.python_version(), "torch": torch.__version__,
        "processors": os.cpu_count(), "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "",
    }  # fmt: skip


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
    first, *totals = [row["total"] for row in rows]
    median = {what: statistics.median(row[what] for row in rows[1:]) for what in rows[-1]}
    return {"seconds": median, "per_second_of_film": median["total"] / clip.seconds, "runs": totals, "first": first}


@contextmanager
def watched(system: "System") -> Iterator[dict[str, float]]:
    """Adds up the seconds in each part while the block runs; a part inside another counts for itself alone."""
    import torch

    spent: dict[str, float] = defaultdict(float)
    inner: list[float] = []  # the seconds that parts inside the running ones took
    wrapped = []

    def timed(what: str, call: Callable) -> Callable:
        def timing(*args: object, **kwargs: object) -> object:
            inner.append(0.0)
            begin = time.perf_counter()
            try:
                out = call(*args, **kwargs)
                if torch.cuda.is_available():
                    torch.cuda.synchronize()
                return out
            finally:
                took = time.perf_counter() - begin
                spent[what] += took - inner.pop()
                if inner:
                    inner[-1] += took

        return timing

    for name, part in system.named_children():
        for method in METHODS:
            if (call := getattr(part, method, None)) is not None:
                setattr(part, method, timed(name if method == "forward" else f"{name} {method}", call))
                wrapped.append((part, method))
    try:
        yield spent
    finally:
        for part, method in wrapped:
            delattr(part, method)


def cold(args: argparse.Namespace, options: "Options", runs: int) -> dict:
    """Median seconds from the command to the closed mp4, and the most memory of any run, in MiB."""
    how = ["--system", args.system] if args.system in names() else ["--checkpoint", args.system]
    how += ["--preset", args.preset] if args.preset else []
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
    return {"seconds": statistics.median(seconds), "peak_mib": max(peaks), "runs": seconds}


def table(figures: dict) -> Iterator[str]:
    """The figures for people."""
    film, where, warm, cold = (figures[key] for key in ("film", "machine", "warm", "cold"))
    name, precision = figures["system"]["name"], figures["system"]["precision"]
    size = f"{film['width']} x {film['height']}"
    yield f"{name} in {precision}: {film['frames']} frames of {size}, {film['frames'] / film['fps']:g} s of film"
    yield f"{where['gpu'] or 'CPU'}, {where['threads']} of {where['processors']} processors, torch {where['torch']}\n"
    for what, seconds in warm["seconds"].items():
        yield f"  {what:<20}{seconds:9.3f} s"
    median = f"median of {len(warm['runs'])}; the first film took {warm['first']:.3f} s"
    yield f"  {'per second of film':<20}{warm['per_second_of_film']:9.3f} s, {median}"
    yield f"  {'from the shell':<20}{cold['seconds']:9.3f} s, median of {len(cold['runs'])}"
    yield f"  {'peak memory':<20}{cold['peak_mib']:9.0f} MiB\n"
    for name, count in figures["parameters"].items():
        yield f"  {name:<20}{count / 1e6:9.3f} M parameters"
    yield f"  {'in all':<20}{sum(figures['parameters'].values()) / 1e6:9.3f} M parameters"
