"""The limbs of whoever stands on two legs: a chibi frame, 54 units tall, that heads and clothes are hung on.

A figure is drawn back to front: `lower`, then its torso, then `upper`, then its head within `head`.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kineograph.data.world.brush import Brush, Colour, Point, dark, joint
from kineograph.data.world.pose import Pose

HIP, SHOULDER, HEAD = -12.0, -26.0, -40.0
TURN = 3.0  # how far a face is shifted towards +x in the three-quarter view
NEAR, FAR = 0, 1


@dataclass(frozen=True, slots=True)
class Limbs:
    """Colours and widths of arms and legs, hands and feet."""

    arm: Colour
    hand: Colour
    leg: Colour
    foot: Colour
    arm_width: float = 6.2
    leg_width: float = 6.6
    band: Colour | None = None  # a stripe around the forearms
    sleeve: Colour | None = None  # short sleeves over bare arms
    spread: float = 7.4  # half the distance between the shoulders seen from the front


def turn(pose: Pose) -> float:
    return TURN if pose.view == "side" else 0.0


def lower(brush: Brush, pose: Pose, limbs: Limbs) -> None:
    """What the torso covers: the legs, from the side the far arm too."""
    if pose.view == "side":
        arm(brush, pose, limbs, FAR)
    leg(brush, pose, limbs, FAR)
    leg(brush, pose, limbs, NEAR)


def upper(brush: Brush, pose: Pose, limbs: Limbs) -> None:
    """What covers the torso: the near arm, from the front both."""
    if pose.view != "side":
        arm(brush, pose, limbs, FAR)
        arm(brush, pose, limbs, NEAR)
    else:
        arm(brush, pose, limbs, NEAR)


@contextmanager
def head(brush: Brush, pose: Pose, height: float = HEAD) -> Iterator[float]:
    """Moves the origin to the middle of the head, yields how far the face is turned."""
    with brush.at(pose.head, height + pose.bob):
        yield turn(pose)


def hand(pose: Pose, which: int = NEAR, spread: float = 7.4) -> Point:
    """Where a hand is."""
    return bones(pose, which, spread)[2]


def bones(pose: Pose, which: int, spread: float) -> list[Point]:
    """Shoulder, elbow, hand. An arm stretched up grows, or it would not get past a head this large."""
    angle, bend = pose.arms[which], pose.elbows[which]
    up = max(0.0, -math.cos(angle))
    if pose.view == "side":
        side, x = 1, -3.0 if which == NEAR else 4.0
    else:
        side = -1 if (which == NEAR) == (pose.view == "front") else 1
        x = side * (spread + 2.5 * up)
        angle = min((angle if angle > 0 else 0.3 * angle) + 0.3 * max(0.0, math.cos(angle)), 2.6)
    reach = 1 + (1.35 * up**1.5 if pose.view == "side" else 0.5 * up)
    return joint(x, SHOULDER + pose.bob - 2 * up, side * angle, 6.8 * reach, 5.6 * reach, side * bend)


def arm(brush: Brush, pose: Pose, limbs: Limbs, which: int) -> None:
    skin, palm = limbs.arm, limbs.hand
    if pose.view == "side" and which == FAR:
        skin, palm = dark(skin, 0.14), dark(palm, 0.1)
    points = bones(pose, which, limbs.spread)
    brush.limb(points, limbs.arm_width, skin)
    if limbs.sleeve:
        (u, v), (ex, ey) = points[:2]
        brush.limb([(u, v), (u + (ex - u) * 0.45, v + (ey - v) * 0.45)], limbs.arm_width + 0.8, limbs.sleeve)
    if limbs.band:
        (ex, ey), (wx, wy) = points[1:]
        brush.line([(ex + (wx - ex) * 0.3, ey + (wy - ey) * 0.3), (ex + (wx - ex) * 0.5, ey + (wy - ey) * 0.5)],
                   limbs.arm_width * 0.9, limbs.band)  # fmt: skip
    if limbs.hand != limbs.arm:
        brush.circle(*points[2], limbs.arm_width * 0.54, palm)


def leg(brush: Brush, pose: Pose, limbs: Limbs, which: int) -> None:
    """From the front a swing forward shows as a lifted foot; the hip follows the body, the foot stays on the ground."""
    angle, bend = pose.legs[which], pose.knees[which]
    skin, foot = limbs.leg, limbs.foot
    if pose.view == "side":
        x = -3.2 if which == NEAR else 3.2
        if which == FAR:
            skin, foot = dark(skin, 0.14), dark(foot, 0.12)
        (_, _), knee, (u, v) = joint(x, HIP, angle, 5.2, 4.6, -bend)
        brush.limb([(x, HIP + pose.bob), knee, (u, v)], limbs.leg_width, skin)
        brush.oval(u + 1.5, v - 0.4, 4.6, 2.6, foot, rotate=-35 * (angle - bend))
    else:
        side = -1 if (which == NEAR) == (pose.view == "front") else 1
        u = side * (4.4 + 4.5 * math.sin(angle))
        v = -2.2 - 2.2 * abs(math.sin(angle)) - 2.5 * math.sin(min(bend, 1.5))
        brush.limb([(side * 4.2, HIP + pose.bob), (u, v)], limbs.leg_width, skin)
        brush.oval(u + side * 0.4, v - 0.2, 3.9, 2.6, foot)
