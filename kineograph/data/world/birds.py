"""Birds: a duck, a small bird, an owl. They stand on their feet at (0, 0), and fly centred there.

A long wing beat, `pose.stride` of `ALOFT` and more, is flight; with less a bird stands or walks on its legs.
"""

import math
from functools import cache

import skia

from kineograph.data.world.brush import COLOURS, Brush, Colour, dark, light, luma, rounded
from kineograph.data.world.face import cheeks, eye, eyes
from kineograph.data.world.figure import turn
from kineograph.data.world.pose import Pose

ALOFT = 0.75
PINION = ((-3, -5), (8, -8), (19, -4), (21, 2), (15, 4), (13, 8), (7, 7), (4, 9), (-2, 6))
BEAK: Colour = (252, 162, 44)


def aloft(pose: Pose) -> bool:
    return pose.stride >= ALOFT


def wing(brush: Brush, x: float, y: float, span: float, beat: float, colour: Colour) -> None:
    """A wing rooted at (x, y) that points up for beat = 1 and down for -1, swept back, its feathers apart."""
    rise = -span * beat
    brush.polygon(
        [(x + 8, y + 1), (x + 4, y + rise * 0.6), (x - 4, y + rise), (x - 14, y + rise * 1.12),
         (x - 11, y + rise * 0.76), (x - 16, y + rise * 0.68), (x - 11.4, y + rise * 0.4), (x - 14, y + rise * 0.26),
         (x - 8, y + 3), (x + 2, y + 4)], colour,
    )  # fmt: skip


def folded(brush: Brush, x: float, y: float, length: float, flutter: float, colour: Colour) -> None:
    """A wing laid along the body."""
    with brush.at(x, y, rotate=-8 + flutter):
        brush.blob([(5, -5), (6, 2), (0, 6), (-length, 3.6), (-length - 1, 0.4), (-4, -5)], colour)


def bird_legs(brush: Brush, pose: Pose, hip: float, colour: Colour, *, gap: float = 3.0, foot: float = 3.6) -> None:
    """Two thin legs with broad toes, from the hip's height down to the ground."""
    for side, shade in ((-1, dark(colour, 0.15)), (1, colour)):
        if pose.view == "side":
            swing, x = side * math.sin(pose.phase) * pose.stride, side * -gap * 0.6 + 0.5
            u, lift = x + 6 * swing, 2.4 * pose.stride * max(0.0, side * math.cos(pose.phase))
        else:
            u, lift = side * gap * 1.2, 2.4 * pose.stride * max(0.0, side * math.sin(pose.phase))
            x = u
        brush.limb([(x, hip + pose.bob), (u, -1.6 - lift)], 2.2, shade)
        brush.oval(u + (1.4 if pose.view == "side" else side * 0.4), -1.5 - lift, foot, 1.7, shade)


def duck(brush: Brush, colour: Colour, pose: Pose) -> None:
    """A round duckling with a broad orange bill."""
    flying, face, back = aloft(pose), turn(pose), pose.view == "back"
    bill = BEAK if luma(colour) > 90 or colour[0] < 200 else COLOURS["yellow"]
    beat = 0.25 + 0.85 * math.sin(pose.phase) if flying else 0.0
    low = -8 if pose.asleep else 0
    height = 0 if flying else -18.5 - low + pose.bob
    if not flying and not pose.asleep:
        bird_legs(brush, pose, -10, bill, gap=5, foot=4.2)
    with brush.at(0, height):
        if flying and not face:
            for side in (-1, 1):
                with brush.at(side * 8, 0, rotate=-side * 50 * beat):
                    brush.oval(side * 7, 0, 9, 4.4, light(colour, 0.2))
        if face:
            if flying:
                wing(brush, 4, -3, 19, beat, dark(colour, 0.14))
                brush.line([(-6, 7.6), (-13, 9)], 2.4, BEAK)
            brush.blob([(-24, -8), (-14, -5), (-4, -7), (12, -9), (15, 4), (4, 11.4), (-10, 11), (-19, 5)], colour)
            brush.oval(-1, 5.6, 9, 3.6, light(colour, 0.4), outline=False)
        else:
            brush.oval(0, 1, 11.4, 10, colour)
            if back:
                brush.blob([(-5, 6), (-3, -1), (3, -1), (5, 6), (0, 8)], light(colour, 0.3))
            else:
                brush.oval(0, 3.6, 7, 6.4, light(colour, 0.45), outline=False)
        with brush.at((9 if face else 0) + pose.head, -13):
            brush.blob([(-4, -8), (-2, -13), (1, -11), (3, -13.4), (4, -8)], colour)
            brush.circle(0, 0, 10, colour)
            if not back:
                if face:
                    brush.blob([(5, 0), (10, 0), (16, 1.4), (17, 4.4), (10, 6), (5, 6.4)], bill)
                    brush.line([(8, 3.6), (14.4, 3.4)], 0.8, dark(bill, 0.4))
                    eyes(brush, 3.4, -2.4, 3.9, pose, radius=2.4, on=colour)
                    cheeks(brush, -0.4, 3, 0.6, radius=1.7)
                else:
                    brush.oval(0, 3.2, 5.6, 3, bill)
                    brush.line([(-3.6, 3.4), (3.6, 3.4)], 0.8, dark(bill, 0.4))
                    eyes(brush, 0, -2, 4.6, pose, radius=2.4, on=colour)
        if face and flying:
            wing(brush, -2, -2, 21, beat, light(colour, 0.25))
        elif face:
            folded(brush, -4, 1, 11, 14 * math.sin(2 * pose.phase) * pose.stride, light(colour, 0.25))
        elif not flying:
            for side in (-1, 1):
                brush.oval(side * 11, 1, 3, 6.6, light(colour, 0.2), rotate=side * -14)


def bird(brush: Brush, colour: Colour, pose: Pose) -> None:
    """A songbird with a crest, a light breast, a forked tail."""
    flying, face, back = aloft(pose), turn(pose), pose.view == "back"
    beat = 0.2 + 0.9 * math.sin(pose.phase) if flying else 0.0
    pale = light(colour, 0.68)
    low = -8 if pose.asleep else 0
    if not flying and not pose.asleep:
        bird_legs(brush, pose, -9, BEAK, gap=4.4, foot=3.2)
    with brush.at(0, 0 if flying else -17.5 - low + pose.bob):
        if face:
            if flying:
                wing(brush, 4, -3, 21, beat, dark(colour, 0.2))
            brush.polygon([(-8, -3), (-23, -7), (-19, -1.6), (-22, 3.6), (-7, 4)], dark(colour, 0.15))
            brush.oval(0, 0, 12.4, 9.4, colour)
            brush.oval(3, 3.4, 8, 5, pale, outline=False)
        else:
            for side in (-1, 1):
                with brush.at(side * 8, 0, rotate=side * (-55 * beat if flying else 76)):
                    brush.oval(side * (8 if flying else 2), 0, 10 if flying else 7.4, 4, dark(colour, 0.15))
            brush.oval(0, 0.6, 10.4, 10, colour)
            if back:
                brush.polygon([(-2, 2), (-5, 12), (0, 10), (5, 12), (2, 2)], dark(colour, 0.15))
            else:
                brush.oval(0, 3.4, 6.8, 6.2, pale, outline=False)
        with brush.at((8.4 if face else 0) + pose.head, -9.4):
            brush.polygon([(-5, -5), (-8 if face else -3, -14), (0, -10.6), (1 if face else 3, -14.6), (4, -6)], colour)
            brush.circle(0, 0, 9.4, colour)
            if not back:
                brush.oval(face, 3.6, 6.4, 4.4, pale, outline=False)
                if face:
                    brush.blob([(5.4, -0.6), (9, -0.6), (17.4, 2.6), (9, 5.4), (5.4, 5.4)], BEAK)
                else:
                    brush.polygon([(-2.6, 1.4), (2.6, 1.4), (0, 5.6)], BEAK)
                eyes(brush, face, -1.8, 4.2, pose, radius=2.4, on=colour)
        if face and flying:
            wing(brush, -2, -2, 22, beat, light(colour, 0.22))
        elif face:
            folded(brush, -3, 0, 11, 14 * math.sin(2 * pose.phase) * pose.stride, dark(colour, 0.12))


def owl(brush: Brush, colour: Colour, pose: Pose) -> None:
    """Always faces us, with enormous eyes; its wings beat to both sides."""
    flying, back, shift = aloft(pose), pose.view == "back", 0.5 * turn(pose)
    beat = math.sin(pose.phase)
    pale, plume = light(colour, 0.62), dark(colour, 0.22)
    sway = 0 if flying else 8 * math.sin(pose.phase) * pose.stride
    if not flying:
        bird_legs(brush, pose, -6, BEAK, gap=4, foot=3.8)
    with brush.at(0, 0 if flying else -22 + pose.bob, rotate=sway):
        for side in (-1, 1):
            if flying:
                with brush.at(side * 9, -3, rotate=-side * (6 + 38 * beat)):
                    brush.blob([(side * x, y) for x, y in PINION], plume)
            else:
                brush.oval(side * 12, 4, 4, 11, plume, rotate=side * (-10 - 26 * abs(beat) * pose.stride))
        if flying:
            for x in (-4, 4):
                brush.oval(x, 19.6, 2.8, 2.2, BEAK)
        brush.path(plump(), colour)
        if back:
            for x, y in ((-4, 3), (4, 3), (0, 8), (-5, -4), (5, -4)):
                brush.arc(x, y, 2.4, 2.4, 10, 160, 1.1, plume)
            return
        brush.oval(shift, 8, 8.4, 9, pale, outline=False)
        for x, y in ((-3.6, 5.4), (3.6, 5.4), (0, 9.4)):
            brush.arc(x + shift, y, 2, 2, 10, 160, 1, plume)
        for side in (-1, 1):
            x = shift + side * 5.6
            brush.circle(x, -6, 6, light(colour, 0.82))
            if pose.asleep:
                eye(brush, x, -6, 3.4, asleep=True)
            else:
                brush.circle(x, -6, 4.4, COLOURS["yellow"], outline=False)
                eye(brush, x + shift * 0.3, -6, 2.9)
        brush.polygon([(shift * 1.4 - 2.2, -4.4), (shift * 1.4 + 2.2, -4.4), (shift * 1.4, 1)], BEAK)


@cache
def plump() -> skia.Path:
    left = [(-5, 20.6), (-13, 14), (-14, -6), (-14, -25), (-5, -15.4)]
    return rounded([*left, *((-x, y) for x, y in reversed(left))])


BIRDS = {"duck": duck, "bird": bird, "owl": owl}
NATURAL: dict[str, Colour] = {
    "duck": (252, 214, 76),
    "bird": (232, 78, 66),
    "owl": (158, 112, 72),
}
