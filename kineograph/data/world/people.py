"""People: an astronaut, a superhero, a girl, a boy, a mother; `PEOPLE` names everyone who walks on two legs."""

import math
from functools import cache

import skia

from kineograph.data.world.brush import COLOURS, INK, WHITE, Brush, Colour, dark, light, mix, rounded
from kineograph.data.world.face import BLUSH, cheeks, eyes, grin, smile
from kineograph.data.world.figure import Limbs, head, lower, turn, upper
from kineograph.data.world.mascots import MASCOTS
from kineograph.data.world.mascots import NATURAL as NATURAL_MASCOTS
from kineograph.data.world.pose import Pose

SKIN: Colour = (255, 214, 178)
SUIT: Colour = (242, 244, 250)
DENIM: Colour = (66, 92, 150)


def astronaut(brush: Brush, colour: Colour, pose: Pose) -> None:
    """A white suit; the colour goes into its stripes."""
    back, shift = pose.view == "back", turn(pose)
    stripe = COLOURS["red"] if min(colour) > 200 else colour
    limbs = Limbs(SUIT, light(stripe, 0.1), SUIT, mix(stripe, SUIT, 0.1), arm_width=6.8, leg_width=7.2, band=stripe)
    if not back:
        brush.box(-15 if shift else -11, -30 + pose.bob, 13 if shift else 22, 18, (168, 174, 192), radius=3)
    lower(brush, pose, limbs)
    with brush.at(0, pose.bob):
        brush.oval(0, -18, 9.4, 10, SUIT)
        brush.line([(-7.4, -11.6), (7.4, -11.6)], 1.8, stripe)
        if not back:
            brush.box(-4.4 + shift, -21.4, 8.8, 6.4, (120, 160, 220), radius=1.4)
            brush.circle(-1.6 + shift, -18.2, 1.3, COLOURS["red"], outline=False)
            brush.circle(1.8 + shift, -18.2, 1.3, COLOURS["yellow"], outline=False)
    upper(brush, pose, limbs)
    if back:
        with brush.at(0, pose.bob):
            brush.box(-9.4, -30, 18.8, 18, (168, 174, 192), radius=3)
            brush.line([(0, -27), (0, -15)], 1.4, (120, 126, 146))
            brush.box(-6, -20, 12, 3.4, stripe, radius=1, outline=False)
    with head(brush, pose) as face:
        brush.circle(0, 0, 13.2, SUIT)
        if back:
            brush.arc(0, 0, 9, 9, 200, 140, 1.6, stripe)
        else:
            brush.arc(-face * 0.3, 0, 12, 12, 248, 44, 2.2, stripe)
            brush.oval(face, 0.8, 10, 9, (34, 54, 116))
            brush.oval(face * 1.15, 2, 7.2, 6.2, mix(SKIN, (60, 90, 170), 0.12), outline=False)
            eyes(brush, face * 1.25, 1, 3.4, pose, radius=1.8)
            smile(brush, face * 1.25, 4, 2.2)
            brush.arc(face, 0.8, 7.8, 6.9, 196, 62, 1.7, (190, 224, 255))


def superhero(brush: Brush, colour: Colour, pose: Pose) -> None:
    """A suit in the colour, a cape that flows behind in another, a mask, an emblem."""
    back, shift = pose.view == "back", turn(pose)
    reddish = colour[0] > 1.5 * max(colour[1], colour[2])
    trim = COLOURS["blue"] if reddish else COLOURS["red"]
    limbs = Limbs(colour, trim, colour, trim)
    if not back:
        cape(brush, trim, pose)
    lower(brush, pose, limbs)
    with brush.at(0, pose.bob):
        brush.blob([(-10.5, -29), (10.5, -29), (9, -18), (7.6, -7), (-7.6, -7), (-9, -18)], colour)
        brush.line([(-6.4, -12.4), (6.4, -12.4)], 2.2, COLOURS["yellow"])
        if not back:
            with brush.at(shift):
                brush.path(star(), COLOURS["yellow"])
    upper(brush, pose, limbs)
    if back:
        cape(brush, trim, pose)
    with head(brush, pose) as face:
        hair = (64, 44, 40)
        brush.oval(0, 0, 12, 10.8, hair if back else SKIN)
        if not back:
            brush.path(quiff(), hair)
            brush.box(-11.6 + face * 0.8, -4.6, 21.6 if face else 23.2, 7, trim, radius=3.4, outline=False)
            for x in (-4.8, 4.8):
                brush.oval(face + x, -1.2, 3.1, 2.9, WHITE, outline=False)
            eyes(brush, face * 1.15, -1.1, 4.7, pose, radius=1.9)
            grin(brush, face * 1.2, 4.6, 2.9)


def cape(brush: Brush, colour: Colour, pose: Pose) -> None:
    """Hangs, and blows out behind the faster the legs swing."""
    sway = math.sin(pose.seconds * 7 + pose.phase) * 1.6
    with brush.at(0, pose.bob):
        if pose.view == "side":
            blow = 4 + 9 * min(1.0, pose.stride + abs(pose.legs[0] - pose.legs[1]) * 0.6)
            brush.blob(
                [(5, -30), (-5, -31), (-9 - blow * 0.6, -22 + sway), (-12 - blow * 1.2, -8 - blow * 0.4 - sway),
                 (-9 - blow, -2 - blow * 0.4 + sway), (-2 - blow * 0.3, -4 + sway), (3, -10)], colour,
            )  # fmt: skip
        else:
            brush.blob(
                [(-8, -32), (8, -32), (11, -20), (16 + sway, -4), (8 + sway, -1), (2, -3.4), (-6 + sway, -1),
                 (-16 + sway, -4), (-11, -20)], colour,
            )  # fmt: skip


@cache
def star() -> skia.Path:
    points = [
        skia.Point(r * math.sin(k * math.pi / 5), -20.2 - r * math.cos(k * math.pi / 5))
        for k, r in enumerate([4.8, 2.2] * 5)
    ]
    return skia.Path.Polygon(points, True)


@cache
def quiff() -> skia.Path:
    return rounded([
        (-13, 0), (-13.4, -9), (-6, -14.6), (4, -15.4), (12, -11), (13.2, 0), (11.4, -5), (6, -8.6),
        (1, -5.4), (-7, -8), (-11.4, -5),
    ])  # fmt: skip


def girl(brush: Brush, colour: Colour, pose: Pose) -> None:
    """A dress in the colour, pigtails that swing with the steps."""
    back, hair = pose.view == "back", (140, 84, 46)
    limbs = Limbs(SKIN, SKIN, SKIN, dark(colour, 0.3), arm_width=5.8, leg_width=6, sleeve=colour)
    swing = 7 * math.sin(pose.phase) * min(1.0, pose.stride) - 4 * pose.bob
    lower(brush, pose, limbs)
    with brush.at(0, pose.bob):
        brush.path(dress(), colour)
        brush.line([(-8.4, -10.6), (0, -9.4), (8.4, -10.6)], 1.6, light(colour, 0.7))
        if not back:
            brush.oval(turn(pose), -27, 4.4, 2.4, WHITE, outline=False)
    upper(brush, pose, limbs)
    with head(brush, pose) as face:
        for side in (-1, 1):
            with brush.at(side * 11.4 - face * 0.5, -3, rotate=-side * (24 + swing)):
                brush.oval(0, 7, 3.7, 7.4, hair)
        brush.oval(0, 0, 12.4, 10.8, hair if back else SKIN)
        if back:
            brush.line([(0, -10), (0, 9)], 0.9, dark(hair, 0.3))
        else:
            brush.path(fringe(), hair)
            eyes(brush, face, 0, 4.9, pose, radius=2.4)
            smile(brush, face * 1.2, 4, 2.8)
            cheeks(brush, face, 4, 7.8)
        for side in (-1, 1):
            brush.circle(side * 11.2 - face * 0.5, -4.4, 2.4, light(colour, 0.2))


@cache
def dress() -> skia.Path:
    return rounded([(-7.4, -29.5), (7.4, -29.5), (7, -19), (14, -6.6), (0, -4.6), (-14, -6.6), (-7, -19)])


@cache
def fringe() -> skia.Path:
    return rounded([
        (-13.6, 4), (-13.8, -8), (-7, -13.6), (7, -13.6), (13.8, -8), (13.6, 4), (11.4, -4), (4, -5),
        (-1, -8), (-6, -4), (-11.4, -3),
    ])  # fmt: skip


def boy(brush: Brush, colour: Colour, pose: Pose) -> None:
    """A shirt and a cap in the colour, shorts, sneakers."""
    back, hair = pose.view == "back", (214, 150, 70)
    limbs = Limbs(SKIN, SKIN, SKIN, (236, 236, 240), arm_width=5.8, leg_width=6, sleeve=colour)
    lower(brush, pose, limbs)
    with brush.at(0, pose.bob):
        brush.box(-8.2, -15, 16.4, 8.4, DENIM, radius=2.6)
        brush.blob([(-9.4, -29.6), (9.4, -29.6), (9.6, -19), (9.4, -10.8), (-9.4, -10.8), (-9.6, -19)], colour)
        brush.line([(-7.2, -18.6), (7.2, -18.6)], 2.6, light(colour, 0.75))
    upper(brush, pose, limbs)
    with head(brush, pose) as face:
        for side in (-1, 1):
            if not face or side < 0:
                brush.circle(side * 11.8 + face, 1.4, 2.6, SKIN)
        brush.oval(0, 0, 12.2, 10.8, hair if back else SKIN)
        if not back:
            brush.oval(-10.4 + face * 0.3, -1.6, 1.8, 3.2, hair, outline=False)
            brush.oval(10.4 + face * 0.3, -1.6, 1.8, 3.2, hair, outline=False)
            eyes(brush, face, 0.4, 4.8, pose)
            brush.circle(face * 1.5, 3, 1, BLUSH, outline=False)
            grin(brush, face * 1.25, 4.8, 2.7)
            cheeks(brush, face, 4, 7.8)
        brush.path(crown(), colour)
        brush.circle(0, -12.6, 1.5, light(colour, 0.6))
        if face:
            brush.oval(11, -4.8, 7.6, 2.1, dark(colour, 0.18), rotate=6)
        elif not back:
            brush.oval(0, -4.8, 9.6, 2.4, dark(colour, 0.18))


@cache
def crown() -> skia.Path:
    return rounded([(-12.8, -3.4), (-13.2, -9), (-7, -14), (7, -14), (13.2, -9), (12.8, -3.4), (0, -4.6)])


def mother(brush: Brush, colour: Colour, pose: Pose) -> None:
    """A woman: long hair, a long dress in the colour under an apron."""
    back, shift, hair = pose.view == "back", turn(pose), (96, 54, 38)
    limbs = Limbs(colour, SKIN, SKIN, dark(colour, 0.35), arm_width=5.8, leg_width=5.6, spread=6.8)
    if not back:
        with brush.at(pose.head - shift * 0.7, pose.bob):
            brush.path(mane(), hair)
    lower(brush, pose, limbs)
    with brush.at(0, pose.bob):
        brush.path(gown(), colour)
        if not back:
            with brush.at(shift):
                brush.path(apron(), WHITE, outline=False)
        brush.line([(-6, -16.6), (6, -16.6)], 1.5, WHITE if back else light(colour, 0.4))
    upper(brush, pose, limbs)
    if back:
        with brush.at(pose.head, pose.bob):
            brush.path(mane(), hair)
            brush.arc(0, -41, 12, 10, 205, 130, 2.2, light(colour, 0.3))
    with head(brush, pose) as face:
        if not back:
            brush.oval(0, 0.4, 11.6, 10.4, SKIN)
            brush.path(parting(), hair)
            for side in (-1, 1):
                brush.line([(face + side * 6.6, -1.4), (face + side * 8.4, -2.8)], 0.9, INK)
            eyes(brush, face, 0.2, 4.7, pose, radius=2.2)
            smile(brush, face * 1.2, 4, 2.7, colour=(206, 50, 70), width=1.5)
            cheeks(brush, face, 4, 7.4)


@cache
def mane() -> skia.Path:
    return rounded([
        (-12, -52.6), (12, -52.6), (15, -42), (14, -28), (15, -18.6), (5, -17), (-5, -17), (-15, -18.6),
        (-14, -28), (-15, -42),
    ])  # fmt: skip


@cache
def gown() -> skia.Path:
    return rounded([(-7, -29.5), (7, -29.5), (6, -18), (14, -4.6), (0, -2), (-14, -4.6), (-6, -18)])


@cache
def apron() -> skia.Path:
    return rounded([(-4.6, -24), (4.6, -24), (4.6, -16), (8.4, -5), (-8.4, -5), (-4.6, -16)])


@cache
def parting() -> skia.Path:
    return rounded([
        (-13, 8), (-14, -8), (-7, -13.4), (7, -13.4), (14, -8), (13, 8), (10.6, -2), (4, -6),
        (0, -9.6), (-4, -6), (-10.6, -2),
    ])  # fmt: skip


PEOPLE = {
    **MASCOTS,
    "astronaut": astronaut,
    "superhero": superhero,
    "girl": girl,
    "boy": boy,
    "mother": mother,
}
NATURAL: dict[str, Colour] = {
    **NATURAL_MASCOTS,
    "astronaut": COLOURS["red"],
    "superhero": COLOURS["blue"],
    "girl": (240, 96, 130),
    "boy": (62, 146, 220),
    "mother": (150, 96, 196),
}
