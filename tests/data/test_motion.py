"""Acts are smooth functions of time that go where they say."""

from itertools import pairwise, product
from random import Random

import pytest

from kineograph.data.world.motion import MOTIONS
from kineograph.data.world.scene import ACTS, DEEP, KINDS, REPERTOIRE, SIDEWAYS, VOID, WATER, Scene
from kineograph.data.world.staging import Placement, Take

SECONDS = 2.0
EIGHTHS = [i / 8 for i in range(16)]
DONE = [(kind, act) for kind, acts in REPERTOIRE.items() for act in acts] + [("fowl", "swims")]
HEADED = [
    (kind, act, direction)
    for kind, acts in REPERTOIRE.items()
    for act, (_, _, directions) in acts.items()
    for direction in dict.fromkeys(directions)
    if direction
]
WHIRLED = ("spins",)  # a figure seen from the edge is never thinner than a fifth, so its width leaps there
LEAPING = ("swimmer", "jumps")  # dips into the water nose down and comes out nose up


def taken(kind: str, act: str, *, direction: str | None = None, where: str = "", seed: int = 0) -> Take:
    _, places, directions = REPERTOIRE[kind].get(act, (0, WATER, SIDEWAYS))
    scene = Scene(KINDS[kind][0], act, where or places[0], directions[0] if direction is None else direction)
    return Take.draw(Random(seed), scene, SECONDS)


def film(act: str, take: Take) -> list[Placement]:
    return [MOTIONS[act](take, seconds) for seconds in EIGHTHS]


def test_every_act_has_a_motion():
    assert set(MOTIONS) == set(ACTS)


@pytest.mark.parametrize(("kind", "act"), DONE)
def test_nothing_leaps_from_one_instant_to_the_next(kind: str, act: str):
    """At steps of a 500th of a second: nobody is faster than 600 units or turns more than 200 degrees in a second."""
    places = REPERTOIRE[kind].get(act, (0, WATER, ()))[1]
    waters = {where in WATER + DEEP + VOID and where: where for where in places}  # all dry land is alike
    for seed, where in product(range(2), waters.values()):
        take = taken(kind, act, where=where, seed=seed)
        for a, b in pairwise(MOTIONS[act](take, i / 500) for i in range(1001)):
            assert abs(a.x - b.x) < 1.2
            assert abs(a.y - b.y) < 1.2
            assert abs(a.scale - b.scale) < 0.02
            assert abs(a.rotate - b.rotate) < 0.4 or (kind, act) == LEAPING
            assert abs(a.stretch - b.stretch) < 0.04 or act in WHIRLED
            for name in ("arms", "legs", "elbows", "knees"):
                limbs = zip(getattr(a.pose, name), getattr(b.pose, name), strict=True)
                assert all(abs(u - v) < 0.1 for u, v in limbs), f"{name} of {act} at {a.pose.seconds}"


@pytest.mark.parametrize("act", ["floats up", "falls", "dives", "sits down", "launches"])
def test_what_happens_once_moves_a_little_with_each_frame(act: str):
    kind = "rocket" if act == "launches" else "person"
    path = film(act, taken(kind, act))
    assert max(abs(a.y - b.y) for a, b in pairwise(path)) < 14


@pytest.mark.parametrize(("kind", "act", "direction"), HEADED)
def test_everyone_goes_where_they_say(kind: str, act: str, direction: str):
    for seed in range(5):
        path = film(act, taken(kind, act, direction=direction, seed=seed))
        steps = [b.x - a.x for a, b in pairwise(path)]
        if direction == "left":
            assert all(step < 0 for step in steps)
            assert path[0].x - path[-1].x > 20
        elif direction == "right":
            assert all(step > 0 for step in steps)
            assert path[-1].x - path[0].x > 20
        else:
            assert abs(sum(steps)) < 4
            grown = path[-1].scale / path[0].scale
            assert grown > 1.5 if direction == "towards" else grown < 0.67
            assert (path[-1].y > path[0].y) == (direction == "towards")
            assert {p.pose.view for p in path} == {"front" if direction == "towards" else "back"}


@pytest.mark.parametrize(("kind", "act"), DONE)
def test_who_goes_sideways_faces_that_way_and_stays_in_the_picture(kind: str, act: str):
    for seed in range(20):
        for direction in REPERTOIRE[kind].get(act, (0, (), SIDEWAYS))[2]:
            take = taken(kind, act, direction=direction, seed=seed)
            assert direction not in SIDEWAYS or take.facing == (1 if direction == "right" else -1)
            path = film(act, take)
            assert all(-10 < p.x < 110 for p in path)
            assert any(0 < p.y < 110 for p in path), "it is never seen"


@pytest.mark.parametrize(
    ("kind", "act", "up"),
    [("person", "floats up", True), ("balloon", "floats up", True), ("rocket", "launches", True),
     ("person", "falls", False), ("beast", "falls", False), ("ball", "falls", False), ("person", "dives", False)],
)  # fmt: skip
def test_what_rises_rises_and_what_falls_falls(kind: str, act: str, up: bool):
    heights = [p.y for p in film(act, taken(kind, act))]
    assert heights == sorted(heights, reverse=up)
    assert abs(heights[-1] - heights[0]) > 40


@pytest.mark.parametrize(
    ("kind", "act", "height"), [("person", "jumps", 15), ("person", "hops", 8), ("ball", "bounces", 35)]
)
def test_what_jumps_leaves_the_ground_and_comes_back(kind: str, act: str, height: float):
    take = taken(kind, act)
    path = [MOTIONS[act](take, i / 64) for i in range(128)]
    assert max(p.lift for p in path) > height
    assert min(p.lift for p in path) < 1
    assert all(p.y + p.lift == pytest.approx(take.ground) for p in path), "its shadow stays on the ground"


def test_legs_swing_against_each_other():
    take = taken("person", "walks", direction="right")
    swings = [MOTIONS["walks"](take, seconds).pose.legs for seconds in EIGHTHS]
    assert all(near == -far for near, far in swings)
    assert max(near for near, _ in swings) > 0.3 > -0.3 > min(near for near, _ in swings)


def test_who_sits_down_has_sat_down_in_the_end():
    path = film("sits down", taken("person", "sits down"))
    assert path[0].pose.legs == (0, 0)
    assert min(path[-1].pose.legs) > 1.2
    assert path[-1].y > path[0].y + 10


def test_who_sleeps_has_closed_eyes_and_lies():
    path = film("sleeps", taken("person", "sleeps"))
    assert all(p.pose.asleep and abs(p.rotate) > 80 for p in path)


def test_who_spins_shows_front_and_back():
    path = film("spins", taken("person", "spins"))
    assert {p.pose.view for p in path} == {"front", "back"}
