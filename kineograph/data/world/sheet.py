"""`kineograph world`: looks at the World without training anything: a contact sheet, or clips as files."""

import argparse
import time
from pathlib import Path

from kineograph import video
from kineograph.data.world.world import SPLITS, World


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE.png", help="write a contact sheet: rows are clips, columns are frames"
    )
    parser.add_argument(
        "--clips", type=Path, metavar="FOLDER", help="write each clip as an mp4 that carries its labels"
    )
    parser.add_argument("--captions", action="store_true", help="print the captions")
    parser.add_argument("--speed", action="store_true", help="print how many clips a second one core draws")
    parser.add_argument("--count", type=int, default=12, help="how many clips [12]")
    parser.add_argument("--start", type=int, default=0, help="the first clip's number [0]")
    parser.add_argument("--seed", type=int, default=0, help="of the World [0]")
    parser.add_argument("--split", choices=SPLITS, default="train", help="combinations to show [train]")
    parser.add_argument("--size", type=int, default=128, help="pixels [128]")
    parser.add_argument("--frames", type=int, default=16, help="frames of a clip [16]")
    parser.add_argument("--fps", type=float, default=8.0, help="frames a second [8]")
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")


def main(args: argparse.Namespace) -> int:
    if args.count < 1:
        raise ValueError(f"--count must be at least 1; got {args.count}")
    if args.start < 0:
        raise ValueError(f"--start must be at least 0; got {args.start}")
    if args.sheet:
        video.target(args.sheet, overwrite=args.overwrite)  # said before the drawing, not after it
    if not (args.sheet or args.clips or args.captions or args.speed):
        raise ValueError("say what to do: --sheet FILE.png, --clips FOLDER, --captions or --speed")
    world = World(args.seed, split=args.split, frames=args.frames, fps=args.fps, size=args.size)
    wanted = range(args.start, args.start + args.count)
    if args.captions:
        for i in wanted:
            print(world.caption(i))
    if args.speed:
        world[args.start]  # imports and caches
        begin = time.perf_counter()
        for i in wanted:
            world[i]
        rate = args.count / (time.perf_counter() - begin)
        print(f"{rate:.1f} clips/s of {args.frames} frames at {args.size} px on one core")
    if args.sheet:
        print(video.write_sheet(args.sheet, [world[i] for i in wanted], overwrite=args.overwrite))
    if args.clips:
        args.clips.mkdir(parents=True, exist_ok=True)
        for i in wanted:
            print(world[i].save(args.clips / f"{args.split}-{args.seed}-{i:06d}.mp4", overwrite=args.overwrite))
    return 0
