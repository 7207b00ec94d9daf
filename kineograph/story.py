"""Stories: a film told in several prompts, each a shot that continues from the last frames of the one before."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LONGEST_PROMPT = 4096  # characters
LONGEST_SHOT = 3600.0  # seconds

TIMED = re.compile(r"(\d+(?:\.\d+)?)\s*s?\s*[-\u2013]\s*(\d+(?:\.\d+)?)\s*s\s*:(.*)", re.DOTALL)
LOOKS_TIMED = re.compile(r"[-+]?[\d.]+\s*s?\s*[-\u2013][-+\s]*[\d.]+\s*s?\s*:")


@dataclass(frozen=True)
class Shot:
    """One prompt, and how long it is shown; without seconds, as long as the options say."""

    prompt: str
    seconds: float | None = None

    def __post_init__(self) -> None:
        if not self.prompt.strip():
            raise ValueError("the prompt is empty; say what the film is to show")
        if len(self.prompt) > LONGEST_PROMPT:
            given = len(self.prompt)
            raise ValueError(f"a prompt has at most {LONGEST_PROMPT:,} characters; this one has {given:,}")
        if any((ord(c) < 32 and not c.isspace()) or 0xD800 <= ord(c) < 0xE000 for c in self.prompt):
            raise ValueError("a prompt is plain text; this one holds control characters or broken Unicode")
        if self.seconds is not None and not 0 < self.seconds <= LONGEST_SHOT:
            raise ValueError(f"a shot lasts more than 0 and at most {LONGEST_SHOT:g} seconds; got {self.seconds:g}")


@dataclass(frozen=True)
class Story:
    """Shots in the order they are shown: all of them timed, or none."""

    shots: tuple[Shot, ...]

    def __post_init__(self) -> None:
        if not self.shots:
            raise ValueError("a story needs at least one shot")
        if len({shot.seconds is None for shot in self.shots}) == 2:
            raise ValueError("either every shot of a story says how long it lasts, or none does")

    def __iter__(self) -> Iterator[Shot]:
        return iter(self.shots)

    def __len__(self) -> int:
        return len(self.shots)

    @classmethod
    def parse(cls, text: str | Path) -> "Story":
        """From `"a bear | a fish"`, `"0-2s: a bear | 2-5s: a fish"`, or a Path to a YAML file of shots."""
        if isinstance(text, Path):
            return cls.from_yaml(text)
        parts = [part.strip() for part in text.split("|")]
        if not all(parts):
            raise ValueError("a prompt of the story is empty" if len(parts) > 1 else "the prompt is empty")
        timed = [bool(LOOKS_TIMED.match(part)) for part in parts]
        if not any(timed):
            return cls(tuple(Shot(part) for part in parts))
        if not all(timed):
            raise ValueError('either every shot of a story has its times, as in "0-2s: a | 2-5s: b", or none has')
        shots, clock = [], 0.0
        for part in parts:
            if not (match := TIMED.match(part)):
                raise ValueError(f'times are written "0-2s: a | 2-5s: b"; got {part[:40]!r}')
            start, end = float(match[1]), float(match[2])
            if start != clock:
                problem = "overlaps the shot before it, which ends" if start < clock else "leaves a gap: the film is"
                raise ValueError(f"the shot {match[1]}-{match[2]}s {problem} at {clock:g}s")
            if end <= start:
                raise ValueError(f"the shot {match[1]}-{match[2]}s ends before it has begun")
            shots.append(Shot(match[3].strip(), round(end - start, 6)))
            clock = end
        return cls(tuple(shots))

    @classmethod
    def from_yaml(cls, path: str | Path) -> "Story":
        """From a YAML file: a list of `{prompt: ..., seconds: ...}`; plain text stands for a shot without seconds."""
        import yaml

        try:
            data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is not a YAML file of shots: {' '.join(str(error).split())}") from error
        if not isinstance(data, list) or not data:
            raise ValueError(f"{path} must hold a list of shots, each with a prompt and seconds")
        try:
            return cls(tuple(shot(entry) for entry in data))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    @property
    def text(self) -> str:
        """The story as a prompt that parses to it again."""
        if self.shots[0].seconds is None:
            return " | ".join(shot.prompt for shot in self.shots)
        ends = [round(sum(shot.seconds for shot in self.shots[: i + 1]), 6) for i in range(len(self.shots))]
        pairs = zip([0.0, *ends], ends, self.shots, strict=False)
        return " | ".join(f"{number(start)}-{number(end)}s: {shot.prompt}" for start, end, shot in pairs)

    def frames(self, *, num_frames: int, fps: float) -> tuple[int, ...]:
        """How many frames each shot has; rounding does not add up over a long story. num_frames: for shots untimed."""
        counts, clock, shown = [], 0.0, 0
        for shot in self.shots:
            clock += num_frames / fps if shot.seconds is None else shot.seconds
            counts.append(max(1, round(clock * fps) - shown))
            shown += counts[-1]
        return tuple(counts)


def shot(entry: object) -> Shot:
    """One entry of a YAML story."""
    if isinstance(entry, str):
        entry = {"prompt": entry}
    if not isinstance(entry, dict) or not isinstance(entry.get("prompt"), str):
        raise ValueError(f"a shot is written {{prompt: ..., seconds: ...}}; got {entry!r}")
    if unknown := set(entry) - {"prompt", "seconds"}:
        raise ValueError(f"a shot has prompt and seconds, and no {', '.join(map(str, sorted(unknown, key=str)))}")
    seconds = entry.get("seconds")
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, (int, float))):
        raise ValueError(f"seconds must be a number; got {seconds!r}")
    prompt = " ".join(entry["prompt"].split())
    if "|" in prompt or LOOKS_TIMED.match(prompt):
        raise ValueError(f"a shot's prompt holds neither | nor times; got {prompt[:60]!r}")
    return Shot(prompt, seconds)


def number(x: float) -> str:
    """A time as people write it: 2, 2.5."""
    return f"{x:.6f}".rstrip("0").rstrip(".")
