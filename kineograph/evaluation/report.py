"""What an evaluation leaves: report.json for machines, report.md for people, and pictures."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy
import torch

from kineograph import __version__, video
from kineograph.data.world.scene import VOCABULARY
from kineograph.evaluation.plots import confusion, intervals

if TYPE_CHECKING:
    from kineograph.evaluation.metrics import Figure
    from kineograph.evaluation.sources import Clips

SHOWN = 24  # clips on a sheet
CONFUSIONS = ("who", "act")
TITLES = {
    "fidelity": "Prompt fidelity", "reading": "Prompts as read", "clipsim": "CLIPSIM",
    "consistency": "Frame consistency", "frechet": "Frechet distance", "fid": "FID", "is": "Inception Score",
    "motion": "Motion", "reconstruction": "Reconstruction",
}  # fmt: skip


def write(
    folder: Path,
    facts: Mapping[str, object],
    figures: Sequence["Figure"],
    why: Mapping[str, str],
    clips: "Clips",
    told: Mapping[str, dict],
) -> Path:
    """Writes the whole report; the path of its text.

    facts: what was judged, and all it depends on. why: the metrics that were not measured. told: facts of each clip.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = draw(folder, figures, clips, told)
    whole = {
        "title": facts["title"],
        "versions": {
            "kineograph": __version__, "python": platform.python_version(), "torch": torch.__version__,
            "numpy": numpy.__version__, "machine": platform.machine(),
        },
        **facts,
        "figures": [figure.record for figure in figures],
        "not_measured": dict(why),
        "clips": [{"name": name} | told[name] for name in clips.names],
        "pictures": pictures,
    }  # fmt: skip
    put(folder / "report.json", json.dumps(whole, indent=1, allow_nan=False) + "\n")
    return put(folder / "report.md", text(whole, figures))


def draw(folder: Path, figures: Sequence["Figure"], clips: "Clips", told: Mapping[str, dict]) -> dict[str, str]:
    """Writes the pictures: file -> what it shows. Those of an earlier report that have no place here are removed."""
    found = {"sheet.png": f"the first {min(SHOWN, len(clips))} of {len(clips)} clips"}
    video.write_sheet(folder / "sheet.png", [clips.clip(i) for i in range(min(SHOWN, len(clips)))], overwrite=True)
    if shares := [f for f in figures if f.share]:
        rows = [(f"{f.metric} {f.name}", span(f), span(f.real) if f.real else None) for f in shares]
        with video.replacing(folder / "shares.png") as partial:
            intervals(rows, "shares with 95 % intervals; grey: real clips").save(partial, "PNG")
        found["shares.png"] = "shares with their intervals"
    read = [(place, told[name]) for place, name in enumerate(clips.names) if "read" in told[name]]
    for label in CONFUSIONS if read else ():
        pairs = [(t["asked"][label], t["read"][label]) for _, t in read if label in t["asked"]]
        with video.replacing(folder / f"confusion-{label}.png") as partial:
            confusion(pairs, VOCABULARY[label], f"{label}: rows are asked, columns are read").save(partial, "PNG")
        found[f"confusion-{label}.png"] = f"{label}: asked and read"
    failed = [(place, wrong) for place, t in read if (wrong := misses(t["asked"], t["read"]))][:SHOWN]
    if failed:
        shown = [(clips.clip(place), wrong) for place, wrong in failed]
        sheet = [replace(clip, caption=f"{clip.caption} [{'; '.join(wrong)}]") for clip, wrong in shown]
        video.write_sheet(folder / "failures.png", sheet, overwrite=True)
        found["failures.png"] = f"the first {len(failed)} clips of which a label was read otherwise"
    for name in ("shares.png", "failures.png", *(f"confusion-{label}.png" for label in CONFUSIONS)):
        if name not in found:
            (folder / name).unlink(missing_ok=True)
    return found


def span(figure: "Figure") -> tuple[float, float, float]:
    """A value and its interval."""
    return figure.value, figure.low, figure.high


def misses(asked: Mapping[str, str], read: Mapping[str, str]) -> list[str]:
    """What was read in the place of what was asked, in words."""
    wrong = [(name, value) for name, value in asked.items() if read[name] != value]
    return [f"{name}: {read[name] or 'none'}, not {value or 'none'}" for name, value in wrong]


def text(whole: Mapping, figures: Sequence["Figure"]) -> str:
    """The report in Markdown."""
    lines = [f"# {whole['title']}", "", "Every value has its 95 % interval; N is what it was counted over.", ""]
    for metric, some in groupby(figures, key=lambda figure: figure.metric):
        lines += section(metric, list(some))
    if whole["not_measured"]:
        lines += ["## Not measured", ""]
        lines += [f"- {TITLES[metric]}: {reason}" for metric, reason in whole["not_measured"].items()] + [""]
    if whole.get("skipped"):
        lines += [f"## Left out: {len(whole['skipped'])} files", ""]
        lines += [f"- {name}: {reason}" for name, reason in whole["skipped"]] + [""]
    lines += ["## How", "", *(f"- {line}" for line in whole["how"])]
    lines += [f"- {role}: {n['name']}, sha256 {n['sha256'] or 'none'}" for role, n in whole["networks"].items()]
    lines += [f"- {', '.join(f'{name} {version}' for name, version in whole['versions'].items())}", ""]
    lines += [f"    {whole['command']}", ""]
    for name, about in whole["pictures"].items():
        lines += [f"{about[0].upper()}{about[1:]}:", "", f"![{about}]({name})", ""]
    return "\n".join(lines).rstrip() + "\n"


def section(metric: str, figures: Sequence["Figure"]) -> list[str]:
    """One metric's table, its protocol and its warnings."""
    head, beside = ["", "value", "95 %", "N"], any(figure.real for figure in figures)
    if beside:
        head += ["floor" if metric in ("frechet", "fid") else "real clips", "95 %"]
    lines = [f"## {TITLES[metric]}", "", row(head), f"|---|{'---:|' * (len(head) - 1)}"]
    for figure in figures:
        name = "all at once" if metric in ("fidelity", "reading") and figure.name == "all" else figure.name
        real = (cells(figure.real) if figure.real else ("", "")) if beside else ()
        lines.append(row([name, *cells(figure), str(figure.count), *real]))
    lines.append("")
    for protocol in dict.fromkeys(figure.protocol for figure in figures):
        lines += [f"{protocol[0].upper()}{protocol[1:]}.", ""]
    for warning in dict.fromkeys(w for f in figures for w in f.warnings):
        lines += [f"**Beware:** {warning}.", ""]
    return lines


def row(texts: Sequence[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(texts)} |"


def cells(figure: "Figure") -> tuple[str, str]:
    """A value and its interval, as two cells of a table."""
    shown = (lambda x: f"{x:.1%}") if figure.share else (lambda x: f"{x:.4g}")
    between = "" if figure.name == "floor" else f"{shown(figure.low)} to {shown(figure.high)}"
    return shown(figure.value), between


def put(path: Path, words: str) -> Path:
    """Writes a text file, whole or not at all."""
    with video.replacing(path) as partial:
        partial.write_text(words, encoding="utf-8")
    return path
