"""What an evaluation leaves: report.json for machines, report.md for people, and pictures."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kineograph import __version__, video
from kineograph.clip import Clip
from kineograph.data.world.scene import VOCABULARY
from kineograph.evaluation.plots import confusion

if TYPE_CHECKING:
    from kineograph.evaluation.fidelity import Score, Wish

SHOWN = 24  # clips on a sheet
CONFUSIONS = ("who", "act")


def write(
    folder: Path,
    facts: dict,
    asked: Sequence["Wish"],
    read: Sequence[Mapping[str, str]],
    films: Sequence[Clip],
    *,
    scores: Mapping[str, "Score"],
    trust: Mapping[str, "Score"],
) -> Path:
    """Writes the whole report; the path of its text.

    scores: of the generated clips. trust: the reader's own, on the same scenes as the World draws them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in CONFUSIONS:
        pairs = [(getattr(w.scene, name), r[name]) for w, r in zip(asked, read, strict=True) if name in w.asked]
        with video.replacing(folder / f"confusion-{name}.png") as partial:
            confusion(pairs, VOCABULARY[name], f"{name}: rows are asked, columns are read").save(partial, "PNG")
    video.write_sheet(folder / "sheet.png", films[:SHOWN], overwrite=True)
    failed = [
        replace(film, caption=f"{wish.prompt} [{'; '.join(misses(wish, r))}]")
        for wish, r, film in zip(asked, read, films, strict=True)
        if not wish.met(r)
    ]
    (folder / "failures.png").unlink(missing_ok=True)
    if failed:
        video.write_sheet(folder / "failures.png", failed[:SHOWN], overwrite=True)
    clips = [
        {
            "prompt": w.prompt,
            "seed": w.seed,
            "asked": w.labels,
            "read": dict(r),
        }
        for w, r in zip(asked, read, strict=True)
    ]
    figures = {name: figure(score) | {"on_drawings": figure(trust[name])} for name, score in scores.items()}
    whole = {"version": __version__} | facts | {"scores": figures, "clips": clips}
    put(folder / "report.json", json.dumps(whole, indent=1) + "\n")
    return put(folder / "report.md", text(whole, failures=min(len(failed), SHOWN)))


def misses(wish: "Wish", read: Mapping[str, str]) -> list[str]:
    """What was read in the place of what was asked, in words."""
    wrong = [(name, value) for name, value in wish.labels.items() if read[name] != value]
    return [f"{name}: {read[name] or 'none'}, not {value or 'none'}" for name, value in wrong]


def figure(score: "Score") -> dict:
    """A score as JSON."""
    low, high = score.interval
    return {"right": score.right, "count": score.count, "share": score.share, "low": low, "high": high}


def text(whole: dict, *, failures: int) -> str:
    """The report in Markdown."""
    system, prompts, options = whole["system"], whole["prompts"], whole["options"]
    lines = [
        f"# Prompt fidelity of {system['name']} on {prompts['count']} {prompts['set']} prompts",
        "",
        "A label counts where the prompt states it. Right: the clips in which the reader of labels finds what was",
        "asked, with Wilson's 95 % interval. On drawings: the same reader on the World's own clips of the same scenes.",
        "",
        "| label | asked | right | 95 % | on drawings | 95 % |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, score in whole["scores"].items():
        called = "all at once" if name == "all" else name
        lines.append(f"| {called} | {score['count']} | {cells(score)} | {cells(score['on_drawings'])} |")
    lines += [
        "",
        f"kineograph {whole['version']}; weights {system['weights'][:16]}; reader {whole['reader']['weights'][:16]}; "
        f"World {prompts['world_version']}, seed {prompts['world_seed']}; seeds {options['seed']} to "
        f"{options['seed'] + prompts['count'] - 1}.",
        f"Options: {', '.join(f'{k} {v}' for k, v in options.items() if k != 'seed' and v != '')}.",
        "",
        f"    {whole['command']}",
        "",
        "![who](confusion-who.png) ![act](confusion-act.png)",
        "",
        "![the first clips](sheet.png)",
    ]
    if failures:
        lines += [
            "",
            f"The first {failures} clips of which a label was read otherwise:",
            "",
            "![failures](failures.png)",
        ]
    return "\n".join(lines) + "\n"


def cells(score: dict) -> str:
    """A share and its interval, as two cells of a table."""
    return f"{score['share']:.1%} | {score['low']:.1%} to {score['high']:.1%}"


def put(path: Path, words: str) -> Path:
    """Writes a text file, whole or not at all."""
    with video.replacing(path) as partial:
        partial.write_text(words, encoding="utf-8")
    return path
