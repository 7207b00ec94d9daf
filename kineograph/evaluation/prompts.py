"""Prompts and captions from files: lists of lines, tables, MSR-VTT's own formats, UCF-101's classes.

.txt           a line each; UCF-101's classInd.txt (`1 ApplyEyeMakeup`) through a template
.csv, .tsv     a column prompt, caption, sentence or text, as in MSR-VTT's JSFUSION list; maybe one that names a video
.jsonl         objects with such a field, or plain strings, a line each
.json          MSR-VTT's videos and sentences
"""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kineograph.evaluation.clipsim import msrvtt

WORDS = ("prompt", "caption", "sentence", "text")  # what a column of prompts is called, or begins with
VIDEOS = ("file_name", "file", "video", "path", "paths", "video_id", "name", "id")
TEMPLATE = "a person doing {}"  # UCF-101's classes have no published sentences; Make-A-Video's are not told
BESIDE = ("captions", "metadata", "prompts")  # names of a file of captions in a folder of videos


@dataclass(frozen=True)
class PromptSet:
    """Prompts in their order, and the words that say which they are; `videos` names what each one tells of, if said."""

    name: str
    prompts: tuple[str, ...]
    videos: tuple[str, ...]


def read(path: str | Path, *, template: str = TEMPLATE, protocol: str = "one caption", seed: int = 0) -> PromptSet:
    """The prompts of a file; ValueError says what a file lacks. protocol: which captions of MSR-VTT's JSON."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"there is no file {path} of prompts")
    if path.suffix.lower() == ".json":
        told, name = msrvtt(path, protocol, seed=seed)
        return of(path, name, [(words, video) for video, words in told])
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text file") from error
    if path.suffix.lower() in (".csv", ".tsv"):
        return of(path, path.name, table(path, text))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if path.suffix.lower() == ".jsonl":
        return of(path, path.name, [entry(path, number, line) for number, line in enumerate(lines, 1)])
    if path.suffix.lower() != ".txt":
        raise ValueError(f"prompts are read from .txt, .csv, .tsv, .jsonl or MSR-VTT's .json; got {path.name!r}")
    if lines and all(re.fullmatch(r"\d+ [A-Z]\w*", line) for line in lines):
        return of(path, f"UCF-101 classes, {template!r}", [(sentence(line, template), "") for line in lines])
    return of(path, path.name, [(line, "") for line in lines])


def of(path: Path, name: str, rows: Sequence[tuple[str, str]]) -> PromptSet:
    """A set of (prompt, video) pairs, each prompt on one line."""
    told = [(" ".join(words.split()), video) for words, video in rows if words.strip()]
    if not told:
        raise ValueError(f"{path} holds no prompts")
    return PromptSet(name, *map(tuple, zip(*told, strict=True)))


def table(path: Path, text: str) -> list[tuple[str, str]]:
    """(prompt, video) of each row."""
    reader = csv.DictReader(text.splitlines(keepends=True), delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
    columns = [c or "" for c in reader.fieldnames or []]
    if (words := column(columns, WORDS)) is None:
        there = ", ".join(columns) or "none"
        raise ValueError(f"{path} has no column of prompts ({', '.join(WORDS)}); its columns are {there}")
    video = next((c for c in VIDEOS if c in columns), None)
    return [(row[words] or "", (row[video] or "") if video else "") for row in reader]


def column(columns: Sequence[str], names: Sequence[str]) -> str | None:
    """The first column that is called by one of the names, or begins with one and an underscore."""
    exact = (c for name in names for c in columns if c.lower() == name)
    longer = (c for name in names for c in columns if c.lower().startswith(f"{name}_"))
    return next(iter((*exact, *longer)), None)


def entry(path: Path, number: int, line: str) -> tuple[str, str]:
    """(prompt, video) of a line of JSON."""
    try:
        data = json.loads(line)
    except ValueError as error:
        raise ValueError(f"{path}, line {number}: not JSON") from error
    if isinstance(data, str):
        return data, ""
    fields = data if isinstance(data, dict) else {}
    words = next((fields[k] for k in WORDS if isinstance(fields.get(k), str)), None)
    if words is None:
        raise ValueError(f"{path}, line {number}: no text called {', '.join(WORDS)}")
    return words, next((str(fields[k]) for k in VIDEOS if k in fields), "")


def sentence(line: str, template: str) -> str:
    """`1 ApplyEyeMakeup` -> a person doing apply eye makeup."""
    if "{}" not in template:
        raise ValueError(f"--template needs {{}} where the class's name goes; got {template!r}")
    name = line.partition(" ")[2]
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return template.replace("{}", words.lower())


def captions(folder: Path, videos: Sequence[Path], file: Path | None) -> tuple[Mapping[Path, str], str]:
    """The caption of each video that has one, and where they are from ("" if nowhere).

    file: a file of captions; without it, one of `BESIDE` in the folder, or name.txt beside each video. Rows belong to
    videos by name, path or stem; where a file names none, by the order of the videos' names.
    """
    suffixes = (".csv", ".tsv", ".jsonl", ".json", ".txt")
    beside = (p for name in BESIDE for suffix in suffixes if (p := folder / f"{name}{suffix}").is_file())
    if (file := file or next(beside, None)) is None:
        own = {v: v.with_suffix(".txt") for v in videos if v.with_suffix(".txt").is_file()}
        return {v: read(p).prompts[0] for v, p in own.items()}, "a file beside each video" if own else ""
    told = read(file)
    if not any(told.videos):
        if len(told.prompts) != len(videos):
            raise ValueError(f"{file} has {len(told.prompts)} captions and names no videos; {folder} has {len(videos)}")
        return dict(zip(videos, told.prompts, strict=True)), told.name
    named: dict[str, str] = {}
    for video, words in zip(told.videos, told.prompts, strict=True):
        named.setdefault(video, words)
    keys = {v: (v.relative_to(folder).as_posix(), v.name, v.stem) for v in videos}
    found = {v: next((named[k] for k in some if k in named), "") for v, some in keys.items()}
    if not any(found.values()):
        raise ValueError(f"{file} names no video of {folder}: its first is {told.videos[0]}")
    return {v: words for v, words in found.items() if words}, told.name
