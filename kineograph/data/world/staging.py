"""Staging: the numbers drawn for an actor before the camera rolls, and where a moment of an act puts it.

Distances are in units of the 100 x 100 picture, angles in radians but for `Placement.rotate` (degrees).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import cos, pi, sin
from random import Random

from kineograph.data.world.pose import Pose
from kineograph.data.world.scene import KIND, SIDEWAYS, Scene

TURN = 2 * pi
SIZES = {"small": 0.7, "": 1.0, "big": 1.26}
PAIR = 0.74  # the scale of two actors who share the picture
APART = 42.0  # from the middle of one to the middle of the other
TOGETHER = 0.65  # how much of the usual way two go who go somewhere, or they would leave the picture
ROOM = {"walks a dog": 0.86, "plays with a ball": 0.86, "washes a window": 0.86}  # the scale that leaves room for it
PROFILE = 0.4  # radians from which a camera beside a figure sees its side


@dataclass(frozen=True)
class Take:
    """What is drawn by lot for one actor in one clip: start, speed, rhythm, scale."""

    kind: str
    where: str
    direction: str
    duration: float
    x: float  # the middle of the way
    ground: float  # where feet stand
    facing: int  # 1 right, -1 left
    pace: float  # 0.85 .. 1.15, scales every speed
    way: float  # scales how far the actor gets
    phase: float
    front: bool  # in-place acts may face us
    scale: float

    @classmethod
    def draw(cls, rng: Random, scene: Scene, duration: float) -> "Take":
        facing = {"left": -1, "right": 1}.get(scene.direction, rng.choice((-1, 1)))
        together = scene.relation in ("chases", "walks with")
        return cls(
            kind=KIND[scene.who],
            where=scene.where,
            direction=scene.direction,
            duration=duration,
            x=rng.uniform(45, 55),
            ground=rng.uniform(84, 90),
            facing=facing,
            pace=rng.uniform(0.85, 1.15),
            way=TOGETHER if together else 1.0,
            phase=rng.uniform(0, TURN),
            front=rng.random() < 0.75,
            scale=SIZES[scene.size]
            * rng.uniform(0.93, 1.07)
            * ROOM.get(scene.act, 1)
            * (PAIR if scene.companion else 1),
        )

    def along(self, distance: float, seconds: float) -> float:
        """x after `seconds`, at `distance` units per two seconds; half-way through the clip it is `self.x`."""
        moving = self.facing * self.way if self.direction in SIDEWAYS else 0
        return self.x + moving * self.pace * distance * (seconds - self.duration / 2) / 2

    def share(self, seconds: float) -> float:
        """The share of the clip that is over, 0 .. 1."""
        return min(1.0, seconds / self.duration)


@dataclass(slots=True)
class Placement:
    """Where a figure is drawn: its feet (or middle) at x, y; turned, mirrored and scaled; how high over the ground."""

    x: float
    y: float
    pose: Pose
    rotate: float = 0.0
    stretch: float = 1.0
    scale: float = 1.0
    lift: float = 0.0  # how far over its shadow; the shadow is drawn where grounded
    grounded: bool = True


Act = Callable[[Take, float], Placement]


def approach(take: Take, seconds: float) -> tuple[float, float, str]:
    """Scale, ground and view of a figure that comes towards us or goes away."""
    near = take.share(seconds) if take.direction == "towards" else 1 - take.share(seconds)
    return 0.55 + 0.62 * near, 72 + 20 * near, "front" if take.direction == "towards" else "back"


def arc(take: Take, seconds: float, rate: float) -> float:
    """0 .. 1 .. 0, over and over: the height of a hop."""
    return abs(sin(pi * rate * seconds + take.phase / 2))


def beside(take: Take, kind: str, offset: float, scale: float = PAIR) -> Take:
    """The take of a second actor `offset` units ahead of the first, out of step with it."""
    return replace(take, kind=kind, x=take.x + offset * take.facing, phase=take.phase + 1.3, scale=scale)


def circled(place: Placement, angle: float) -> Placement:
    """A moment as a camera sees it that stands `angle` radians to the right of where it faces the stage.

    Who faces us in the middle shows a profile from either side; anyone else becomes narrower.
    """
    pose = place.pose
    if pose.view != "front" or abs(angle) < PROFILE:
        return replace(place, stretch=place.stretch * cos(angle))
    side = 1 if angle < 0 else -1
    if side * place.stretch < 0:  # from there the other arm and leg are the nearer ones
        pose = replace(
            pose, arms=pose.arms[::-1], elbows=pose.elbows[::-1], legs=pose.legs[::-1], knees=pose.knees[::-1]
        )
    return replace(place, pose=replace(pose, view="side"), stretch=side * abs(place.stretch))
