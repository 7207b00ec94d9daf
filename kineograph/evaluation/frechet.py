"""The Frechet distance of two sets of features, with all that says how far it can be trusted.

    d = |m_r - m_g|^2 + Tr(S_r + S_g - 2 (S_r^1/2 S_g S_r^1/2)^1/2)      (Dowson & Landau 1982; Heusel et al. 2017)

The last trace is the sum of the singular values of S_r^1/2 S_g^1/2, both roots by eigendecomposition in float64. No
root is ever taken of a product, so null directions stay null: identical sets are 0, and nothing is negative.

The distance depends on how many clips there are at least as much as on the clips: a value is given with its N, with the
distance of real clips from other real ones (the floor), and never for fewer than 64 clips unless forced.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

FEWEST = 64  # clips, below which a distance means nothing
HALVINGS = 8  # random halves of the real clips that the floor is the mean of
SIZES, SUBSETS = 8, 4  # how many sizes the extrapolation looks at, and subsets of each


@dataclass(frozen=True)
class Moments:
    """What the distance needs of a set of features: mean d, the root of the covariance d d, its trace and its rank."""

    mean: Tensor
    root: Tensor
    trace: float
    rank: int

    @classmethod
    def of(cls, x: Tensor, *, biased: bool = False) -> "Moments":
        """x: n d. biased: the covariance divides by n, as StyleGAN-V's does, and not by n - 1."""
        if x.ndim != 2 or len(x) < 2:
            raise ValueError(f"a covariance needs features n d of two samples or more; got {tuple(x.shape)}")
        x = x.double()
        mean = x.mean(0)
        centred = x - mean
        values, vectors = torch.linalg.eigh(centred.T @ centred / (len(x) - (not biased)))
        noise = len(values) * torch.finfo(values.dtype).eps * values[-1].clamp(min=0)
        values = torch.where(values > noise, values, 0)
        root = (vectors * values.sqrt()) @ vectors.T
        return cls(mean, root, float(values.sum()), int((values > 0).sum()))


def distance(a: Moments, b: Moments) -> float:
    """Between two normal distributions; 0 or more."""
    shared = float(torch.linalg.svdvals(a.root @ b.root).sum())
    return max(0.0, float((a.mean - b.mean).square().sum()) + a.trace + b.trace - 2 * shared)


def frechet(x: Tensor, y: Tensor, *, biased: bool = False) -> float:
    """The bare distance of features n d and m d, without the care that `measure` takes."""
    return distance(Moments.of(x, biased=biased), Moments.of(y, biased=biased))


@dataclass(frozen=True)
class Distance:
    """A distance and its 95 % interval; pairs are (real, made). `infinite`: extrapolated to infinitely many clips."""

    name: str
    value: float
    low: float
    high: float
    floor: float
    floor_clips: tuple[int, int]
    clips: tuple[int, int]
    samples: tuple[int, int]
    dim: int
    rank: tuple[int, int]
    covariance: str
    resamples: int
    seed: int
    infinite: float | None = None
    warnings: tuple[str, ...] = ()

    @property
    def record(self) -> dict:
        """As plain data for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        said = f"{self.name} {self.value:.4g} ({self.low:.4g} to {self.high:.4g}); real from real {self.floor:.4g}"
        size = f"N {self.samples[0]} and {self.samples[1]}, d {self.dim}, rank {self.rank[0]} and {self.rank[1]}"
        return "; ".join([said, size, *self.warnings])


def measure(
    real: Tensor,
    made: Tensor,
    *,
    name: str,
    again: Tensor | None = None,
    rows: int = 1,
    biased: bool = False,
    force: bool = False,
    resamples: int = 200,
    seed: int = 0,
    extrapolate: bool = False,
) -> Distance:
    """The distance of features of real and made clips, n d and m d, with everything that belongs to it.

    again: features of other real clips, for the floor; without them the floor is of halves of `real`, and higher.
    rows: how many successive rows are of one clip (the frames of a clip): clips are resampled, not rows.
    extrapolate: also fit the distance over 1 / N and read it at 0 (Chong & Forsyth 2020).
    """
    sets = [
        checked(x, rows, what) for x, what in ((real, "real"), (made, "made"), (again, "other real")) if x is not None
    ]
    if len({x.shape[-1] for x in sets}) != 1:
        raise ValueError(f"features have one width; got {', '.join(str(x.shape[-1]) for x in sets)}")
    counts, dim = (len(sets[0]), len(sets[1])), sets[0].shape[-1]
    if min(counts) < FEWEST and not force:
        raise ValueError(
            f"{name} of {counts[0]} real and {counts[1]} made clips means nothing: {FEWEST} of each are the least, "
            "2048 the custom; force it to see a number all the same"
        )
    if min(counts) < 4:
        raise ValueError(f"{name} needs at least 4 clips of each, forced or not; got {counts[0]} and {counts[1]}")
    sets = narrowed(sets)
    real, made, rng = sets[0], sets[1], torch.Generator().manual_seed(seed)

    def between(x: Tensor, y: Tensor) -> float:
        return frechet(x.flatten(0, 1), y.flatten(0, 1), biased=biased)

    a, b = (Moments.of(x.flatten(0, 1), biased=biased) for x in (real, made))
    value = distance(a, b)
    draw = lambda r, m: between(real[r], made[m])  # noqa: E731
    low, high = bootstrap(draw, value, counts, resamples=resamples, rng=rng)
    if len(sets) == 3:
        floor, floor_clips = between(real, sets[2]), (len(real), len(sets[2]))
    else:
        half = min(len(real) // 2, len(made))
        cuts = [torch.randperm(len(real), generator=rng) for _ in range(HALVINGS)]
        floor = sum(between(real[cut[:half]], real[cut[half : 2 * half]]) for cut in cuts) / len(cuts)
        floor_clips = (half, half)
    samples = tuple(n * rows for n in counts)
    return Distance(
        name, value, max(0.0, low), high, floor, floor_clips, counts, samples, dim, (a.rank, b.rank),
        "biased" if biased else "unbiased", resamples, seed,
        infinite=extrapolated(between, real, made, rng) if extrapolate else None,
        warnings=tuple(doubts(counts, samples, dim, floor_clips)),
    )  # fmt: skip


def checked(x: Tensor, rows: int, what: str) -> Tensor:
    """(n rows) d -> n rows d float64; ValueError where these are no features."""
    if x.ndim != 2 or 0 in x.shape or len(x) % rows:
        raise ValueError(f"{what} features are n d with {rows} rows a clip; got {tuple(x.shape)}")
    if not bool(torch.isfinite(x).all()):
        row = int((~torch.isfinite(x).all(1)).nonzero()[0])
        raise ValueError(f"{what} features are not finite: row {row}, of clip {row // rows}")
    return x.double().unflatten(0, (-1, rows))


def narrowed(sets: Sequence[Tensor]) -> list[Tensor]:
    """The same distances in fewer dimensions, where there are more of these than rows in all.  n rows d each."""
    whole = torch.cat([x.flatten(0, 1) for x in sets])
    if len(whole) >= whole.shape[1]:
        return list(sets)
    basis = torch.linalg.qr(whole.T).Q  # d n
    return [x @ basis for x in sets]


def bootstrap(
    statistic: Callable[..., float], value: float, sizes: Sequence[int], *, resamples: int, rng: torch.Generator
) -> tuple[float, float]:
    """A 95 % interval around a value: the spread of the statistic of places drawn with replacement from each set.

    A resample holds fewer different clips than its set, which moves these statistics as a smaller N would; so the
    spread around the resamples' own mean is what is taken, and laid around the value.
    """
    if resamples < 20:
        raise ValueError(f"an interval needs at least 20 resamples; got {resamples}")
    draws = torch.tensor(
        [statistic(*(torch.randint(n, (n,), generator=rng) for n in sizes)) for _ in range(resamples)],
        dtype=torch.float64,
    )
    low, high = (draws - draws.mean()).quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return value + low, value + high


def extrapolated(between: Callable[[Tensor, Tensor], float], real: Tensor, made: Tensor, rng: torch.Generator) -> float:
    """The distance of infinitely many clips: a line through distances of subsets over 1 / N, at 0; 0 or more."""
    most = min(len(real), len(made))
    sizes = sorted({int(n) for n in torch.linspace(max(4, most // 4), most, SIZES)})
    if len(sizes) < 3:
        raise ValueError(f"{most} clips are too few to extrapolate from")
    points = []
    for size in sizes:
        for _ in range(SUBSETS):
            some = [x[torch.randperm(len(x), generator=rng)[:size]] for x in (real, made)]
            points.append((1 / size, between(*some)))
    x, y = torch.tensor(points, dtype=torch.float64).T
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
    return max(0.0, float(y.mean() - slope * x.mean()))


def doubts(counts: Sequence[int], samples: Sequence[int], dim: int, floor_clips: Sequence[int]) -> list[str]:
    """What a reader of the number has to know."""
    found = []
    if min(counts) < FEWEST:
        found.append(f"forced: fewer than {FEWEST} clips")
    if min(samples) <= dim:
        found.append(
            f"N {min(samples)} is not above d {dim}: the covariance lacks directions, and the value is too high"
        )
    if counts[0] != counts[1]:
        found.append("the sets differ in size: compare only with values of these sizes")
    if max(floor_clips) < min(counts):
        found.append(f"the floor is of {floor_clips[0]} clips, and lower for {min(counts)}")
    return found
