"""What votes amount to: an exact sign test, agreement of raters, and Bradley-Terry ratings."""

import math
from collections.abc import Sequence

import numpy as np

ELO = 400 / math.log(10)  # points of a difference of 1 in log odds
MEAN = 1000.0  # points of an average system


def sign_test(first: int, second: int) -> float:
    """The exact two-sided p of so unequal a split if both were as likely (Dixon & Mood 1946); ties are left out."""
    if min(first, second) < 0:
        raise ValueError(f"counts are 0 or more; got {first} and {second}")
    count = first + second
    tail = sum(math.comb(count, i) for i in range(min(first, second) + 1))
    return min(1.0, 2 * tail / 2**count)


def fleiss_kappa(counts: Sequence[Sequence[int]]) -> float:
    """Agreement beyond chance (Fleiss 1971, eq. 7); nan where there is nothing to agree on.

    counts: how many raters chose each category, a row for each item. Rows of fewer than two raters say nothing and are
    left out; rows may differ in how many raters they have, each then has its own agreement (eq. 2) and counts alike.
    """
    table = np.array([row for row in counts if sum(row) > 1], dtype=float)
    if not len(table):
        return math.nan
    raters = table.sum(1)
    agreed = float((((table**2).sum(1) - raters) / (raters * (raters - 1))).mean())
    chance = float(((table.sum(0) / table.sum()) ** 2).sum())
    return math.nan if chance == 1 else (agreed - chance) / (1 - chance)


def bradley_terry(wins: np.ndarray, *, prior: float = 0.0) -> np.ndarray:
    """Log strengths of mean 0 that make P(i beats j) = 1 / (1 + exp(s_j - s_i)) likeliest (Bradley & Terry 1952).

    wins: n n, how often the row's beat the column's; a tie is half a win for both. prior: so many ties more between
    every two, without which one that always wins has no finite strength: ValueError where that is so.
    """
    count = len(wins)
    wins = np.array(wins, dtype=float) + prior / 2 * (1 - np.eye(count))
    if not connected(wins > 0):
        raise ValueError("one system, or a group, won or lost every comparison with the rest: no finite ratings")
    games, strength = wins + wins.T, np.zeros(count)
    for _ in range(100):  # Newton's method on a concave function; the added ones fix the mean
        chance = 1 / (1 + np.exp(strength[None] - strength[:, None]))
        slope = (wins - games * chance).sum(1)
        weight = games * chance * (1 - chance)
        step = np.linalg.solve(np.diag(weight.sum(1)) - weight + np.ones((count, count)) / count, slope)
        strength = strength + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-10:
            break
    return strength - strength.mean()


def connected(beats: np.ndarray) -> bool:
    """Whether each reaches each by a chain of wins (Ford 1957)."""
    reach = beats | np.eye(len(beats), dtype=bool)
    for middle in range(len(beats)):
        reach = reach | (reach[:, middle : middle + 1] & reach[middle])
    return bool(reach.all())


def points(strength: np.ndarray) -> np.ndarray:
    """Log strengths as Elo's points: 400 more is ten times the odds."""
    return MEAN + ELO * strength
