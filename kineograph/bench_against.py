"""`kineograph bench --against FILE`: figures of before and of now, and which got worse beyond their noise."""

import json
import statistics
from collections.abc import Iterator
from pathlib import Path

SLOWER, NOISES, LEAST = 0.08, 3.0, 0.002  # worse is: more by this share, and so many times the noise, and 2 ms
SAME = ("processor", "threads", "gpu")  # of machines whose figures can be compared


def read(path: Path) -> dict:
    """The figures that an earlier bench wrote."""
    if not path.is_file():
        raise ValueError(f"there is no file {path} of earlier figures")
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON") from error
    if not isinstance(figures, dict) or not {"system", "machine", "film", "warm", "first_frame", "cold"} <= set(
        figures
    ):
        raise ValueError(f"{path} holds no figures of a film; write some with `kineograph bench --output FILE`")
    return figures


def compared(before: dict, after: dict) -> Iterator[dict]:
    """Each figure of before and now, with the median of its runs, and whether it got worse beyond its noise.

    A figure varies by its runs' median distance from their median, before or now, whichever is more.
    """
    alike = {"machine": SAME, "film": tuple(before["film"] | after["film"]), "system": ("name", "precision")}
    for what, keys in alike.items():
        for key in keys:
            if (old := before[what].get(key)) != (new := after[what].get(key)):
                raise ValueError(f"figures of another {what} say nothing of these: {key} was {old!r} and is {new!r}")

    def runs(of: dict) -> dict[str, list[float]]:
        rest = {"first frame": of["first_frame"]["runs"], "cold": of["cold"]["runs"], "peak MiB": of["cold"]["peaks"]}
        return of["warm"]["runs"] | rest

    old, new = runs(before), runs(after)
    for name in (name for name in new if name in old):
        a, b = statistics.median(old[name]), statistics.median(new[name])
        noise = max(spread(old[name]), spread(new[name]))
        yield {
            "name": name,
            "before": a,
            "now": b,
            "noise": noise,
            "worse": b > a * (1 + SLOWER) + NOISES * noise + LEAST,
        }


def spread(values: list[float]) -> float:
    """The median distance from the median."""
    middle = statistics.median(values)
    return statistics.median(abs(v - middle) for v in values)


def table(rows: list[dict]) -> Iterator[str]:
    """Before and now, for people."""
    yield f"  {'':<20}{'before':>10}{'now':>10}{'change':>9}"
    for row in rows:
        change = f"{row['now'] / row['before'] - 1:+.0%}" if row["before"] else ""
        mark = "  WORSE" if row["worse"] else ""
        yield f"  {row['name']:<20}{row['before']:10.3f}{row['now']:10.3f}{change:>9}{mark}"
