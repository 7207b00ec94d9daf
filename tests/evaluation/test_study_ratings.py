import numpy as np
import pytest

from kineograph.evaluation.ratings import bradley_terry, fleiss_kappa, points, sign_test

# Fleiss' table as it stands in the article on his kappa: 14 raters, 10 subjects, 5 categories
SUBJECTS = (
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
)  # fmt: skip
# Agresti, Categorical Data Analysis, table 10.10: wins in the American League of 1987, and R's estimates for them
TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
WINS = np.array(
    [
        (0, 7, 9, 7, 7, 9, 11),
        (6, 0, 7, 5, 11, 9, 9),
        (4, 6, 0, 7, 7, 8, 12),
        (6, 8, 6, 0, 6, 7, 10),
        (6, 2, 6, 7, 0, 7, 12),
        (4, 4, 5, 6, 6, 0, 6),
        (2, 4, 1, 3, 1, 7, 0),
    ]
)
ESTIMATES = (1.5814, 1.4364, 1.2945, 1.2476, 1.1077, 0.6839, 0.0)  # against Baltimore


def test_kappa_of_the_textbook():
    assert fleiss_kappa(SUBJECTS) == pytest.approx(0.20993, abs=1e-5)


def test_kappa_of_full_agreement_and_of_none():
    assert fleiss_kappa([(3, 0), (0, 3)]) == 1
    assert fleiss_kappa([(1, 1), (1, 1)]) == -1
    assert np.isnan(fleiss_kappa([(1, 0), (0, 1)]))  # nobody rated twice
    assert np.isnan(fleiss_kappa([(3, 0), (2, 0)]))  # only one category ever
    assert fleiss_kappa([*SUBJECTS, (1, 0, 0, 0, 0)]) == fleiss_kappa(SUBJECTS)


def test_ratings_of_a_known_league():
    strength = bradley_terry(WINS)
    assert strength - strength[-1] == pytest.approx(np.array(ESTIMATES), abs=1e-4)
    assert strength.mean() == pytest.approx(0, abs=1e-12)


def test_two_systems_differ_by_the_log_of_their_odds():
    strength = bradley_terry(np.array([(0, 30), (10, 0)]))
    assert strength[0] - strength[1] == pytest.approx(np.log(3))
    assert np.ptp(points(bradley_terry(np.array([(0, 10), (1, 0)])))) == pytest.approx(400)


def test_a_system_that_always_wins_needs_a_tie_beforehand():
    always = np.array([(0, 5, 5), (0, 0, 3), (0, 2, 0)])
    with pytest.raises(ValueError, match="no finite ratings"):
        bradley_terry(always)
    strength = bradley_terry(always, prior=1.0)
    assert strength[0] > strength[1] > strength[2]
    assert np.isfinite(strength).all()
    assert bradley_terry(np.zeros((3, 3)), prior=1.0) == pytest.approx(np.zeros(3))


@pytest.mark.parametrize(
    ("first", "second", "p"), [(0, 0, 1.0), (5, 5, 1.0), (6, 0, 0.03125), (0, 4, 0.125), (9, 1, 22 / 1024)]
)
def test_sign_tests_by_hand(first: int, second: int, p: float):
    assert sign_test(first, second) == p


@pytest.mark.parametrize(("first", "second"), [(3, 9), (40, 61), (512, 420), (17, 17)])
def test_sign_tests_as_scipy_counts_them(first: int, second: int):
    stats = pytest.importorskip("scipy.stats")
    assert sign_test(first, second) == pytest.approx(stats.binomtest(first, first + second).pvalue, rel=1e-9)
