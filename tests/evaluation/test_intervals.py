import pytest

from kineograph.evaluation.intervals import wilson


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (1, 20, 0.0089, 0.2361), (0, 0, 0.0, 1.0)],
)
def test_the_interval_is_the_published_one(right: int, count: int, low: float, high: float):
    assert wilson(right, count) == pytest.approx((low, high), abs=5e-5)


def test_more_trials_narrow_it_and_it_mirrors():
    low, high = wilson(300, 500)
    assert wilson(30, 50)[0] < low < 0.6 < high < wilson(30, 50)[1]
    assert wilson(200, 500) == pytest.approx((1 - high, 1 - low))


def test_no_share_is_above_one():
    with pytest.raises(ValueError, match="11 of 10"):
        wilson(11, 10)
