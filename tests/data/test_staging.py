"""Everyone gets a start of their own, and is in the middle of the way in the middle of the clip."""

from dataclasses import replace
from math import inf
from random import Random

import pytest

from kineograph.data.world.scene import SIDEWAYS, Scene
from kineograph.data.world.staging import Take, approach, arc, beside


def taken(direction: str = "", seed: int = 0) -> Take:
    return Take.draw(Random(seed), Scene("boy", "walks", "farm", direction), 2.0)


@pytest.mark.parametrize("duration", [0.125, 2, 60])
def test_a_clip_of_any_length_is_passed_through_in_its_middle(duration: float):
    take = replace(taken("left"), duration=duration, pace=1)
    assert take.along(40, duration / 2) == pytest.approx(take.x)
    assert take.along(40, duration / 2 + 1) == pytest.approx(take.x - 20)
    assert (take.share(0), take.share(duration), take.share(inf)) == (0, 1, 1)


@pytest.mark.parametrize("direction", ["", "towards", "away"])
def test_who_goes_nowhere_sideways_stays(direction: str):
    take = taken(direction)
    assert take.along(40, 0) == take.along(40, 2) == take.x


def test_who_comes_ends_where_who_goes_began():
    assert approach(taken("towards"), 0)[:2] == approach(taken("away"), 2)[:2] == (0.55, 72)
    assert approach(taken("towards"), 2) == (pytest.approx(1.17), 92, "front")
    assert approach(taken("away"), 0)[2] == "back"


def test_an_arc_leaves_the_ground_and_comes_back():
    take = taken()
    heights = [arc(take, i / 100, 1.0) for i in range(101)]
    assert min(heights) < 0.04
    assert max(heights) > 0.99
    assert heights[0] == pytest.approx(heights[-1])


def test_chance_gives_everyone_a_start_of_their_own():
    takes = [taken(seed=seed) for seed in range(50)]
    assert len({(t.x, t.ground, t.pace, t.phase) for t in takes}) == 50
    assert {t.front for t in takes} == {True, False}
    assert {t.facing for t in takes} == {1, -1}
    assert {taken("left", seed).facing for seed in range(9)} == {-1}


@pytest.mark.parametrize("direction", SIDEWAYS)
def test_a_second_actor_is_ahead_and_out_of_step(direction: str):
    take = taken(direction)
    other = beside(take, "beast", 22)
    assert (other.x - take.x) * take.facing == pytest.approx(22)
    assert other.kind == "beast"
    assert other.phase != take.phase
