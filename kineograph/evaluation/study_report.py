"""What a study found: report.md and report.json.

Raters who fail too many attention checks are left out. Of the rest, each pair goes to the side with more votes, or is a
tie: so a pair counts once, however many have seen it, and intervals and tests are about prompts. A share of wins is of
all pairs, ties among them; the sign test leaves ties out; for ratings a tie is half a win for both.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from kineograph import __version__, video
from kineograph.evaluation import study as studies
from kineograph.evaluation.intervals import wilson
from kineograph.evaluation.ratings import bradley_terry, fleiss_kappa, points, sign_test
from kineograph.evaluation.study import NOISE, Sides
from kineograph.evaluation.votes import Vote, opened

TIE = "tie"
RESAMPLES = 1000
PRIOR = 1.0  # ties between every two systems that ratings are given beforehand, so that all of them are finite
SHORT = 12  # of a hash


@dataclass(frozen=True)
class Item:
    """A pair, what systems it compares, and who was chosen how often: a system's name, or tie."""

    prompt: str
    systems: tuple[str, str]
    votes: Counter

    @property
    def winner(self) -> str:
        """The system with more votes than the other."""
        first, second = (self.votes[name] for name in self.systems)
        return TIE if first == second else self.systems[first < second]


def write(folder: Path, *, attention: float = 0.75) -> Path:
    """Counts the votes and writes the report; the path of its text. attention: the least share of checks passed."""
    if not 0 <= attention <= 1:
        raise ValueError(f"--attention must be 0 to 1; got {attention}")
    found = summary(folder, attention)
    studies.put_json(folder / "report.json", found)
    with video.replacing(folder / "report.md") as partial:
        partial.write_text(text(found), encoding="utf-8")
    return folder / "report.md"


def summary(folder: Path, attention: float) -> dict:
    """Everything that is in report.json."""
    study, (sides, key) = studies.read(folder), studies.read_key(folder)
    if not (folder / "votes.sqlite").is_file():
        raise ValueError(f"{folder} has no votes yet; `kineograph study serve` asks for them")
    with opened(folder / "votes.sqlite") as file:
        votes = [vote for vote in file.all() if vote.pair < len(sides)]
    raters = attended(votes, sides, attention)
    kept = [vote for vote in votes if raters[vote.rater]["kept"] and not sides[vote.pair].check]
    if not kept:
        raise ValueError(f"{folder} has no votes that count; {len(votes)} are there, of {len(raters)} raters")
    prompts, systems = [pair.prompt for pair in study.pairs], list(key["systems"])
    return {
        "version": __version__,
        "systems": key["systems"],
        "pairs": sum(not side.check for side in sides),
        "checks": sum(side.check for side in sides),
        "attention": attention,
        "raters": raters,
        "bootstrap": {"resamples": RESAMPLES, "seed": 0, "of": "prompts"},
        "prior_ties": PRIOR,
        "questions": {
            name: {"words": words} | judged(items([v for v in kept if v.question == name], prompts, sides), systems)
            for name, words in study.questions.items()
        },
    }


def attended(votes: Sequence[Vote], sides: Sequence[Sides], attention: float) -> dict[str, dict]:
    """Of each rater: votes, attention checks answered and failed, and whether the votes are kept."""
    found: dict[str, dict] = {}
    for vote in votes:
        row = found.setdefault(vote.rater, {"votes": 0, "checks": 0, "failed": 0})
        row["votes"] += 1
        if (side := sides[vote.pair]).check:
            row["checks"] += 1
            row["failed"] += chosen(vote, side) in (TIE, NOISE)
    for row in found.values():
        row["kept"] = row["checks"] - row["failed"] >= attention * row["checks"]
    return found


def chosen(vote: Vote, sides: Sides) -> str:
    """Whose clip was chosen."""
    return TIE if vote.choice == TIE else getattr(sides, vote.choice)


def items(votes: Sequence[Vote], prompts: Sequence[str], sides: Sequence[Sides]) -> list[Item]:
    """The pairs that have votes, in the order they stand."""
    counts: dict[int, Counter] = {}
    for vote in votes:
        counts.setdefault(vote.pair, Counter())[chosen(vote, sides[vote.pair])] += 1
    return [Item(prompts[i], tuple(sorted((sides[i].left, sides[i].right))), counts[i]) for i in sorted(counts)]


def judged(found: Sequence[Item], systems: Sequence[str]) -> dict:
    """One question: every two systems against each other, agreement, ratings."""
    duels = [duel([item for item in found if item.systems == both], both) for both in combinations(sorted(systems), 2)]
    tables = [[item.votes[name] for name in (*item.systems, TIE)] for item in found]
    kappa = fleiss_kappa(tables)
    resampled = [fleiss_kappa([tables[i] for i in some]) for some in resamples([item.prompt for item in found])]
    return {
        "votes": sum(item.votes.total() for item in found),
        "duels": [row for row in duels if row["pairs"]],
        "kappa": None if np.isnan(kappa) else {"value": kappa, **between(resampled)},
        "rated_twice": sum(item.votes.total() > 1 for item in found),
        "ratings": ratings(found, systems),
    }


def duel(found: Sequence[Item], both: tuple[str, str]) -> dict:
    """Two systems: pairs won by each, with intervals, and the chance of so unequal a split between equals."""
    wins = Counter(item.winner for item in found)
    sides = {
        name: {"wins": wins[name], "share": wins[name] / max(len(found), 1), "interval": wilson(wins[name], len(found))}
        for name in both
    }
    votes = sum((item.votes for item in found), Counter())
    row = {"pairs": len(found), "ties": wins[TIE], "systems": sides, "sign_test": sign_test(*(wins[n] for n in both))}
    return row | {"votes": {name: votes[name] for name in (*both, TIE)}}


def ratings(found: Sequence[Item], systems: Sequence[str]) -> dict[str, dict]:
    """Points of each system, intervals by drawing prompts again."""
    value = points(bradley_terry(won(found, systems), prior=PRIOR))
    some = resamples([item.prompt for item in found])
    drawn = np.array([points(bradley_terry(won([found[i] for i in s], systems), prior=PRIOR)) for s in some])
    return {name: {"value": float(value[i]), **between(drawn[:, i])} for i, name in enumerate(systems)}


def won(found: Sequence[Item], systems: Sequence[str]) -> np.ndarray:
    """How many pairs the row's system won of the column's; a tie is half a win for both."""
    wins, place = np.zeros((len(systems), len(systems))), {name: i for i, name in enumerate(systems)}
    for item in found:
        first, second = (place[name] for name in item.systems)
        share = {item.systems[0]: 1.0, TIE: 0.5}.get(item.winner, 0.0)
        wins[first, second] += share
        wins[second, first] += 1 - share
    return wins


def resamples(prompts: Sequence[str]) -> list[list[int]]:
    """Places of items, as many times as resampled: prompts are drawn, and all items of one come together."""
    groups: dict[str, list[int]] = {}
    for place, prompt in enumerate(prompts):
        groups.setdefault(prompt, []).append(place)
    rows, dice = list(groups.values()), np.random.default_rng(0)
    draws = dice.integers(len(rows), size=(RESAMPLES, len(rows)))
    return [[place for i in draw for place in rows[i]] for draw in draws]


def between(values: Sequence[float]) -> dict[str, float | None]:
    """The middle 95 %; of those that are numbers."""
    known = [v for v in values if not np.isnan(v)]
    low, high = np.percentile(known, (2.5, 97.5)) if known else (None, None)
    return {"low": low if low is None else float(low), "high": high if high is None else float(high)}


def text(found: Mapping) -> str:
    """The report in Markdown."""
    kept = sum(row["kept"] for row in found["raters"].values())
    lines = [
        f"# {' against '.join(found['systems'])}, side by side",
        "",
        f"{found['pairs']} pairs and {found['checks']} attention checks; {len(found['raters'])} raters, {kept} kept.",
        "",
    ]
    for question in found["questions"].values():
        lines += [f"## {question['words']}", "", *duels(question), "", *agreement(question), ""]
        if len(found["systems"]) > 2:
            lines += [*rated(question), ""]
    lines += ["## Raters", "", "| | votes | checks | failed | |", "|---|---:|---:|---:|---|"]
    for name, row in found["raters"].items():
        name = name.replace("|", "\\|")
        lines.append(
            f"| {name} | {row['votes']} | {row['checks']} | {row['failed']} | {'' if row['kept'] else 'left out'} |"
        )
    lines += ["", "## How", "", *(f"- {line}" for line in how(found))]
    return "\n".join(lines) + "\n"


def duels(question: Mapping) -> list[str]:
    """The table of every two systems."""
    lines = [
        "| | wins | share | 95 % | ties | pairs | sign test p | votes |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in question["duels"]:
        for name, side in row["systems"].items():
            other = next(n for n in row["systems"] if n != name)
            low, high = side["interval"]
            lines.append(
                f"| {name} over {other} | {side['wins']} | {side['share']:.1%} | {low:.1%} to {high:.1%} | "
                f"{row['ties']} | {row['pairs']} | {row['sign_test']:.3g} | {row['votes'][name]} |"
            )
    return lines


def agreement(question: Mapping) -> list[str]:
    """Fleiss' kappa in a sentence."""
    if (kappa := question["kappa"]) is None:
        return [f"Fleiss' kappa: none, of {question['rated_twice']} pairs with two votes or more."]
    low, high = kappa["low"], kappa["high"]
    of = f"of {question['rated_twice']} pairs with two votes or more"
    return [f"Fleiss' kappa {kappa['value']:.2f} (95 %: {low:.2f} to {high:.2f}), {of}."]


def rated(question: Mapping) -> list[str]:
    """The table of ratings, the best first."""
    rows = sorted(question["ratings"].items(), key=lambda row: -row[1]["value"])
    lines = ["| | rating | 95 % |", "|---|---:|---:|"]
    return lines + [f"| {name} | {r['value']:.0f} | {r['low']:.0f} to {r['high']:.0f} |" for name, r in rows]


def how(found: Mapping) -> Iterator[str]:
    """What the figures mean."""
    for name, facts in found["systems"].items():
        said = {k: str(v)[:SHORT] if k == "weights" and len(str(v)) == 64 else v for k, v in facts.items() if v}
        yield f"{name}: {', '.join(f'{k} {v}' for k, v in said.items())}"
    share = f"{found['attention']:.0%}"
    yield f"raters who pass less than {share} of their attention checks (a clip beside noise) are left out"
    yield "a pair goes to the clip with more votes, else it is a tie; shares are of all pairs, with Wilson's interval"
    yield "sign test: exact, two-sided, ties left out; kappa: over first system, second system, tie"
    if len(found["systems"]) > 2:
        yield (
            "ratings: Bradley-Terry in Elo's points, mean 1000, a tie half a win for both, "
            f"{found['prior_ties']:g} tie beforehand between every two"
        )
    yield f"intervals of kappa and ratings: prompts drawn again {found['bootstrap']['resamples']} times"
    yield f"kineograph {found['version']}"
