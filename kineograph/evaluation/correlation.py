"""`kineograph correlate`: how the frames of a video hang together, in their pixels and in a space of embeddings.

    frames x_i -> pixels      C[i, j] = the correlation of x_i and x_j
               -> embedder -> v_i    C[i, j] = cos(v_i, v_j)    displacement D[i, j] = v_j - v_i

FILE-correlation/matrices.png, neighbours.png     the two correlations and the lengths |D|; their neighbour curves
FILE-correlation/*.csv                            the same as figures, and the vectors v that D is made of
FILE-correlation/displacement.npy                 all of D, frames x frames x width, where --tensor asks for it
FILE-correlation/correlation.json                 what was read, how, and the means of the curves

Memory is bounded by --frames and --size, however long and large the video is.
"""

import argparse
import csv
import hashlib
import io
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from kineograph import __version__, video
from kineograph.clip import Clip
from kineograph.evaluation.features import middle
from kineograph.evaluation.report import put
from kineograph.models.watchers import scripted

MOST_FRAMES, MOST_PIXELS = 1024, 512
BLOCK = 4096  # pixels of each frame that are correlated at a time
PLOT, MARGIN = 320, 44  # pixels of a figure
INK, PAPER, VOID = (16, 64, 128), (255, 255, 255), (200, 200, 200)
CURVES = {"pixels": (16, 64, 128), "embedding": (170, 20, 20)}


class Embedder(Protocol):
    """Whatever turns pictures into vectors."""

    name: str

    def __call__(self, frames: Tensor) -> Tensor:
        """n 3 h w uint8 -> n d."""


class Pooled:
    """No learned embedding: the picture itself, averaged to a few cells, in [-1, 1]."""

    def __init__(self, size: int = 16):
        self.size, self.name = size, f"pixels averaged to {size} x {size} (nothing learned)"

    def __call__(self, frames: Tensor) -> Tensor:
        return F.interpolate(frames.float() / 127.5 - 1, size=(self.size, self.size), mode="area").flatten(1)


class Scripted:
    """A TorchScript file that takes pictures n 3 s s in [0, 1], the middle square of each, and gives vectors n d."""

    def __init__(self, path: str | Path, size: int = 224):
        self.network, self.size = scripted(path, "correlate", "whoever gave you the embedder"), size
        self.name = f"TorchScript {Path(path).name} at {size} x {size}, sha256 {digest(Path(path))[:16]}"

    @torch.inference_mode()
    def __call__(self, frames: Tensor) -> Tensor:
        return self.network(middle(frames[:, None], self.size)[:, 0])


@dataclass(frozen=True)
class Correlation:
    """Of t frames: correlations t t of pixels and of embeddings, lengths t t of the displacements, vectors t d."""

    pixels: Tensor
    embedding: Tensor
    lengths: Tensor
    vectors: Tensor

    @property
    def neighbours(self) -> dict[str, list[float]]:
        """Each matrix just beside its diagonal: frame i with i + 1."""
        pairs = {"pixels": self.pixels, "embedding": self.embedding, "displacement": self.lengths}
        return {name: matrix.diagonal(1).tolist() for name, matrix in pairs.items()}


def correlate(clip: Clip, embedder: Embedder, *, batch: int = 32) -> Correlation:
    """All matrices of a clip's frames."""
    if len(clip.frames) < 2:
        raise ValueError("correlations need two frames or more; the video has one")
    vectors = torch.cat([embedder(some).detach().cpu().flatten(1) for some in clip.frames.split(batch)]).double()
    bad = ~torch.isfinite(vectors).all(1)
    if bool(bad.any()):
        raise ValueError(f"the embedding of frame {int(bad.nonzero()[0])} is not finite")
    lengths = torch.cdist(vectors, vectors, compute_mode="donot_use_mm_for_euclid_dist")
    return Correlation(of_pixels(clip.frames), cosines(vectors), lengths, vectors)


def of_pixels(frames: Tensor) -> Tensor:
    """t 3 h w uint8 -> t t, Pearson's correlation of all pixels and colours; NaN with a frame of one value only."""
    flat = frames.flatten(1)
    means = torch.stack([frame.double().mean() for frame in flat])
    gram = torch.zeros(len(flat), len(flat), dtype=torch.float64)
    for block in flat.split(BLOCK, 1):
        centred = block.double() - means[:, None]
        gram += centred @ centred.T
    return scaled(gram)


def cosines(vectors: Tensor) -> Tensor:
    """t d -> t t; NaN with a vector that is 0."""
    return scaled(vectors.double() @ vectors.double().T)


def scaled(gram: Tensor) -> Tensor:
    """Products t t -> the same of unit vectors, exactly symmetric, exactly 1 with themselves."""
    sizes = gram.diagonal().sqrt()
    out = ((gram + gram.T) / 2 / (sizes * sizes[:, None])).clamp(-1, 1)
    return torch.where(torch.eye(len(out), dtype=torch.bool) & ~out.isnan(), 1.0, out)


def displacement(vectors: Tensor) -> Tensor:
    """D[i, j] = v_j - v_i.  t d -> t t d."""
    return vectors[None] - vectors[:, None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `kineograph correlate`."""
    add = parser.add_argument
    add("file", type=Path, help="a video, or a gif")
    add("--output-dir", type=Path, metavar="FOLDER", help="where to [FILE-correlation, here]")
    add("--frames", type=int, default=128, help=f"the first so many frames, {MOST_FRAMES} at most [128]")
    add("--fps", type=float, default=None, help="take so many frames a second [each frame of the file]")
    add("--start", type=float, default=0.0, metavar="SECONDS", help="begin there [0]")
    add("--size", type=int, default=160, help=f"pixels of the longer side, {MOST_PIXELS} at most [160]")
    add("--embedder", type=Path, metavar="FILE.pt", help="TorchScript: n 3 s s in [0, 1] -> n d [averaged pixels]")
    add("--embedder-size", type=int, default=224, metavar="SIZE", help="s, the side it takes pictures of [224]")
    add("--tensor", action="store_true", help="write the whole displacement tensor, too")
    add("--overwrite", action="store_true", help="replace what the folder has")


def main(args: argparse.Namespace) -> int:
    """Reads the video, correlates its frames and writes the folder."""
    for flag, value, most in (
        ("--frames", args.frames, MOST_FRAMES), ("--size", args.size, MOST_PIXELS),
        ("--embedder-size", args.embedder_size, 2048),
    ):  # fmt: skip
        least = 2 if flag == "--frames" else 16
        if not least <= value <= most:
            raise ValueError(f"{flag} must be {least} to {most}; got {value}")
    folder = args.output_dir or Path(f"{args.file.stem}-correlation")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; a folder is wanted")
    if (folder / "correlation.json").exists() and not args.overwrite:
        raise ValueError(f"{folder} holds a correlation and is kept; give --overwrite, or another --output-dir")
    if not folder.parent.is_dir():
        raise ValueError(f"there is no folder {folder.parent} to write in")
    embedder = Scripted(args.embedder, args.embedder_size) if args.embedder else Pooled()
    clip = read(args.file, args.size, fps=args.fps, start=args.start, frames=args.frames)
    found = correlate(clip, embedder)
    facts = {
        "version": __version__, "file": args.file.name, "sha256": digest(args.file), "fps": clip.fps,
        "start": args.start, "frames": len(clip.frames), "height": clip.frames.shape[-2],
        "width": clip.frames.shape[-1], "embedder": embedder.name,
        "command": shlex.join(["kineograph", *sys.argv[1:]]),
    }  # fmt: skip
    write(folder, found, facts, tensor=args.tensor)
    print(folder)
    return 0


def read(path: Path, size: int, *, fps: float | None, start: float, frames: int) -> Clip:
    """A clip whose longer side is `size` at most, uncropped."""
    height, width = video.read(path, start=start, frames=1).frames.shape[-2:]
    scale = size / max(height, width)
    small = None if scale >= 1 else (max(1, round(height * scale)), max(1, round(width * scale)))
    return video.read(path, fps=fps, start=start, frames=frames, size=small)


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(folder: Path, found: Correlation, facts: dict, *, tensor: bool = False) -> Path:
    """Writes figures, tables and, last, correlation.json; its path."""
    folder.mkdir(exist_ok=True)
    place = folder / "correlation.json"
    place.unlink(missing_ok=True)
    curves, rows = found.neighbours, range(len(found.vectors))
    matrices = {"pixels": found.pixels, "embedding": found.embedding, "displacement": found.lengths}
    for name, matrix in matrices.items():
        table(folder / f"{name}.csv", ["frame", *rows], [[i, *row] for i, row in enumerate(matrix.tolist())])
    times = [i / facts["fps"] for i in rows[:-1]]
    table(
        folder / "neighbours.csv", ["frame", "seconds", *curves],
        [list(row) for row in zip(rows, times, *curves.values(), strict=False)],
    )  # fmt: skip
    width = range(found.vectors.shape[1])
    vectors = [[i, *row] for i, row in enumerate(found.vectors.tolist())]
    table(folder / "vectors.csv", ["frame", *(f"v{k}" for k in width)], vectors)
    titles = {"pixels": "correlation of pixels", "embedding": "cosine of embeddings", "displacement": "length of D"}
    drawn = [heat(matrix, titles[name]) for name, matrix in matrices.items()]
    save(folder / "matrices.png", beside(drawn))
    save(folder / "neighbours.png", plot({name: curves[name] for name in CURVES}, "each frame with the next"))
    (folder / "displacement.npy").unlink(missing_ok=True)
    if tensor:
        save_tensor(folder / "displacement.npy", found.vectors)
    means = {name: mean(values) for name, values in curves.items()}
    put(place, json.dumps(facts | {"neighbour_means": means}, indent=1) + "\n")
    return place


def save_tensor(path: Path, vectors: Tensor) -> None:
    """D as float32 on disk, a row at a time."""
    count, width = vectors.shape
    with video.replacing(path) as partial:
        out = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float32, shape=(count, count, width))
        for i in range(count):
            out[i] = (vectors - vectors[i]).numpy()
        out.flush()


def mean(values: Sequence[float]) -> float | None:
    """Of what is a number."""
    fine = [value for value in values if value == value]
    return sum(fine) / len(fine) if fine else None


def table(path: Path, head: Sequence[object], rows: Sequence[Sequence[object]]) -> None:
    """Writes a CSV; what is not a number is left empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([[shown(cell) for cell in row] for row in rows])
    put(path, text.getvalue())


def shown(cell: object) -> object:
    """A cell of a table, six figures after the point."""
    if not isinstance(cell, float):
        return cell
    return "" if cell != cell else f"{cell:.6f}"


def save(path: Path, page: Image.Image) -> None:
    """A picture, whole or not at all."""
    with video.replacing(path) as partial:
        page.save(partial, "PNG")


def limits(values: Tensor) -> tuple[float, float]:
    """The least and the greatest number, apart from each other."""
    fine = values[~values.isnan()]
    low, high = (float(fine.min()), float(fine.max())) if len(fine) else (0.0, 1.0)
    return (low, high) if high - low > 1e-9 else (low - 0.5, high + 0.5)


def heat(matrix: Tensor, title: str) -> Image.Image:
    """A matrix t t as a picture, darker where greater, from its least to its greatest number; grey where none is."""
    low, high = limits(matrix)
    share = ((matrix - low) / (high - low)).nan_to_num()[..., None].numpy()
    colours = np.array(PAPER) + share * (np.array(INK) - np.array(PAPER))
    colours[matrix.isnan().numpy()] = VOID
    cells = Image.fromarray(colours.round().astype(np.uint8)).resize((PLOT, PLOT), Image.Resampling.NEAREST)
    page, draw = sheet(title)
    page.paste(cells, (MARGIN, MARGIN))
    draw.rectangle((MARGIN - 1, MARGIN - 1, MARGIN + PLOT, MARGIN + PLOT), outline=VOID)
    draw.text((MARGIN, MARGIN + PLOT + 4), f"0 to {len(matrix) - 1}; white {low:.4g}, blue {high:.4g}", "black")
    return page


def plot(curves: dict[str, Sequence[float]], title: str) -> Image.Image:
    """Curves over the frames, in the colours of `CURVES`; gaps where there is no number."""
    low, high = limits(torch.tensor([list(values) for values in curves.values()], dtype=torch.float64))
    page, draw = sheet(title)
    draw.rectangle((MARGIN, MARGIN, MARGIN + PLOT, MARGIN + PLOT), outline=VOID)
    for row, (name, values) in enumerate(curves.items()):
        step = PLOT / max(len(values) - 1, 1)
        dots = [(MARGIN + step * i, MARGIN + PLOT * (high - value) / (high - low)) for i, value in enumerate(values)]
        for a, b in pairwise(dots):
            if a[1] == a[1] and b[1] == b[1]:
                draw.line((a, b), fill=CURVES[name], width=2)
        for x, y in dots:
            if y == y:
                draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=CURVES[name])
        draw.text((MARGIN + 140 * row, MARGIN - 18), name, CURVES[name])
    draw.text((MARGIN - 4, MARGIN), f"{high:.4f}", "black", anchor="ra")
    draw.text((MARGIN - 4, MARGIN + PLOT), f"{low:.4f}", "black", anchor="rd")
    longest = max(map(len, curves.values()))
    draw.text((MARGIN, MARGIN + PLOT + 4), f"frames 0 to {longest - 1}", "black")
    return page


def sheet(title: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """White paper with a title, and what draws on it."""
    page = Image.new("RGB", (PLOT + 2 * MARGIN, PLOT + 2 * MARGIN), "white")
    draw = ImageDraw.Draw(page)
    draw.text((MARGIN, 6), title, "black", ImageFont.load_default(14))
    return page, draw


def beside(pages: Sequence[Image.Image]) -> Image.Image:
    """Pictures of one height in a row."""
    row = Image.new("RGB", (sum(page.width for page in pages), pages[0].height), "white")
    for i, page in enumerate(pages):
        row.paste(page, (sum(p.width for p in pages[:i]), 0))
    return row
