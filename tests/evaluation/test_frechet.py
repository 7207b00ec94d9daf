import json

import pytest
import torch
from torch import Tensor

from kineograph.evaluation.frechet import Moments, distance, extrapolated, frechet, measure


def normal(count: int, dim: int, seed: int = 0) -> Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def whitened(x: Tensor) -> Tensor:
    """n d -> n d whose mean is exactly 0 and covariance exactly I."""
    x = x - x.mean(0)
    return x @ torch.linalg.inv(torch.linalg.cholesky(x.T @ x / (len(x) - 1)).T)


@pytest.mark.parametrize("dim", [1, 2, 24])
def test_two_unit_gaussians_are_apart_by_the_square_of_their_shift(dim: int):
    x, shift = whitened(normal(400, dim)), torch.linspace(-1, 2, dim, dtype=torch.float64)
    assert frechet(x, x + shift) == pytest.approx(float(shift.square().sum()), abs=1e-9)


def test_scaled_gaussians_have_the_known_distance():
    x = whitened(normal(300, 6))
    assert frechet(x, 3 * x) == pytest.approx(6 * (3 - 1) ** 2, abs=1e-9)  # sum of (s_r - s_g)^2


@pytest.mark.parametrize(("count", "dim"), [(500, 16), (40, 160), (3, 400)])
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_identical_sets_are_at_zero_and_never_below(count: int, dim: int, scale: float):
    x = scale * normal(count, dim)
    assert 0 <= frechet(x, x.clone()) < 1e-6
    assert 0 <= frechet(x, x[torch.randperm(count)]) < 1e-6


def test_sets_that_do_not_vary_differ_by_their_means():
    assert frechet(torch.zeros(9, 4), torch.full((9, 4), 2.0)) == pytest.approx(16.0)


def test_it_is_symmetric_and_knows_rank():
    x, y = normal(20, 30), normal(80, 30, 1) * 2 + 1
    assert frechet(x, y) == pytest.approx(frechet(y, x), abs=1e-9)
    assert Moments.of(x).rank == 19
    assert Moments.of(y).rank == 30


@pytest.mark.parametrize("biased", [False, True])
def test_it_agrees_with_scipy_where_that_is_stable(biased: bool):
    linalg = pytest.importorskip("scipy.linalg")
    mixing = normal(40, 40, 7)
    x, y = normal(500, 40) @ mixing, normal(600, 40, 1) @ mixing.T * 0.7 + 0.3
    covariances = [torch.cov(z.T, correction=0 if biased else 1) for z in (x, y)]
    root = linalg.sqrtm((covariances[0] @ covariances[1]).numpy())
    wanted = float((x.mean(0) - y.mean(0)).square().sum()) + float(sum(c.trace() for c in covariances))
    wanted -= 2 * float(root.real.trace())
    assert frechet(x, y, biased=biased) == pytest.approx(wanted, rel=1e-9, abs=1e-6)


def test_a_measure_says_all_that_belongs_to_it():
    real, made, again = normal(100, 12), normal(90, 12, 1) + 0.5, normal(100, 12, 2)
    got = measure(real, made, name="toy distance", again=again, resamples=60, extrapolate=True)
    assert got.value == pytest.approx(frechet(real, made))
    assert 0 <= got.low < got.value < got.high
    assert got.floor == pytest.approx(frechet(real, again))
    assert got.floor < got.low  # the shift is seen
    assert (got.clips, got.samples, got.dim, got.rank) == ((100, 90), (100, 90), 12, (12, 12))
    assert got.warnings == ("the sets differ in size: compare only with values of these sizes",)
    assert json.loads(json.dumps(got.record))["infinite"] == got.infinite
    assert "toy distance" in str(got)
    assert "N 100 and 90, d 12" in str(got)


def test_the_same_seed_gives_the_same_interval_and_floor():
    real, made = normal(80, 6), normal(80, 6, 1)
    first, second, other = (measure(real, made, name="d", resamples=40, seed=seed) for seed in (3, 3, 4))
    assert first == second
    assert (first.low, first.high) != (other.low, other.high)
    assert first.floor_clips == (40, 40)
    assert any("the floor is of 40 clips" in w for w in first.warnings)


def test_few_clips_are_refused_unless_forced_and_warned_of():
    real, made = normal(63, 100), normal(63, 100, 1)
    with pytest.raises(ValueError, match="63 real and 63 made clips means nothing: 64 of each are the least"):
        measure(real, made, name="FVD")
    got = measure(real, made, name="FVD", force=True, resamples=20)
    assert got.rank == (62, 62)
    assert got.warnings[0] == "forced: fewer than 64 clips"
    assert "N 63 is not above d 100" in got.warnings[1]
    with pytest.raises(ValueError, match="at least 4 clips"):
        measure(real[:3], made, name="FVD", force=True)


def test_frames_of_a_clip_are_drawn_together_and_counted_once():
    each = normal(70, 5).repeat_interleave(4, 0) + 0.01 * normal(280, 5, 1)
    made = normal(70, 5, 2).repeat_interleave(4, 0)
    by_clip = measure(each, made, name="FID", rows=4, resamples=60)
    by_row = measure(each, made, name="FID", resamples=60)
    assert (by_clip.clips, by_clip.samples) == ((70, 70), (280, 280))
    assert by_clip.value == pytest.approx(by_row.value)
    assert by_clip.high - by_clip.low > 1.4 * (by_row.high - by_row.low)
    with pytest.raises(ValueError, match="64 of each"):
        measure(each[:200], made[:200], name="FID", rows=4)


def test_fewer_dimensions_change_nothing_where_rows_are_few():
    real, made = normal(66, 300), normal(66, 300, 1) + 0.2
    got = measure(real, made, name="d", resamples=20)
    assert got.value == pytest.approx(frechet(real, made), rel=1e-9)
    assert (got.dim, got.rank) == (300, (65, 65))


def test_extrapolation_takes_away_what_the_number_of_clips_adds():
    shift = 0.1
    real, made = normal(240, 20), normal(240, 20, 1) + shift
    got = measure(real, made, name="d", resamples=20, extrapolate=True)
    truth = 20 * shift**2
    assert abs(got.infinite - truth) < 0.5 * abs(got.value - truth)
    line = lambda x, y: 2.0 + 30 / len(x)
    assert extrapolated(line, real, made, torch.Generator()) == pytest.approx(2.0)
    with pytest.raises(ValueError, match="too few to extrapolate"):
        extrapolated(line, real[:5], made[:5], torch.Generator())


def test_bad_features_are_named():
    real, broken = normal(64, 4), normal(64, 4)
    broken[9, 2] = torch.nan
    with pytest.raises(ValueError, match="made features are not finite: row 9, of clip 4"):
        measure(real, broken, name="d", rows=2, force=True)
    with pytest.raises(ValueError, match="one width; got 4, 3"):
        measure(real, normal(64, 3), name="d")
    with pytest.raises(ValueError, match=r"made features are n d with 5 rows a clip; got \(64, 4\)"):
        measure(real[:60], broken, name="d", rows=5)
    with pytest.raises(ValueError, match="two samples or more"):
        Moments.of(torch.zeros(1, 3))
    with pytest.raises(ValueError, match="20 resamples"):
        measure(real, real, name="d", resamples=2)


def test_the_distance_of_moments_is_that_of_their_sets():
    x, y = normal(50, 5), normal(50, 5, 1)
    assert distance(Moments.of(x), Moments.of(y)) == frechet(x, y)
