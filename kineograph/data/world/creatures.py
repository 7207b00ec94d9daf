"""Every creature that does not walk on two legs, by name; here the two that fit nowhere else: a butterfly, a dragon."""

import math
from functools import cache

import skia

from kineograph.data.world import animals, birds, swimmers
from kineograph.data.world.brush import COLOURS, INK, WHITE, Brush, Colour, dark, joint, light, luma, rounded
from kineograph.data.world.face import cheeks, eyes, smile
from kineograph.data.world.figure import turn
from kineograph.data.world.pose import Pose


def butterfly(brush: Brush, colour: Colour, pose: Pose) -> None:
    """Two pairs of patterned wings that open and close around a tilted body."""
    pale, dots = light(colour, 0.62), COLOURS["yellow"] if colour[0] < 225 or colour[1] < 150 else COLOURS["pink"]
    opening = 0.34 + 0.66 * (0.5 + 0.5 * math.sin(pose.phase)) if pose.stride > 0 else 0.8
    with brush.at(rotate=22 if pose.view == "side" else 0):
        for side in (-1, 1):
            with brush.at(side * 1.6, 0, stretch=side * opening * (0.86 if side > 0 and pose.view == "side" else 1)):
                brush.path(hind_wing(), dark(colour, 0.12))
                brush.circle(9, 9.6, 2.8, dots, outline=False)
                brush.path(fore_wing(), colour)
                brush.oval(14.4, -9.6, 4.6, 4, pale, outline=False)
                brush.circle(20, -14.4, 1.7, WHITE, outline=False)
        brush.line([(-1.4, -14), (-4.6, -20.6)], 1.1, (70, 52, 60))
        brush.line([(1.4, -14), (4.6, -20.6)], 1.1, (70, 52, 60))
        brush.limb([(0, -6), (0, 12)], 4.4, (96, 70, 78))
        brush.circle(0, -10.4, 6.4, (250, 214, 170))
        if pose.view != "back":
            eyes(brush, 0.4, -11, 2.5, pose, radius=1.8)
            smile(brush, 0.4, -8.2, 1.7)


@cache
def fore_wing() -> skia.Path:
    return rounded([(0, -2), (6, -16), (20, -23), (26, -12), (19, 0), (8, 3.4), (0, 3)])


@cache
def hind_wing() -> skia.Path:
    return rounded([(0, 0), (12, 0), (19, 8), (13, 19), (4, 15), (0, 6)])


def dragon(brush: Brush, colour: Colour, pose: Pose) -> None:
    """Round and friendly; it stands on its feet at (0, 0), and flies centred there with a lick of flame."""
    flying, face, back = birds.aloft(pose), turn(pose), pose.view == "back"
    beat = math.sin(pose.phase) * (1 if flying else 0.35 * pose.stride) + (0 if flying else 0.25)
    fin = COLOURS["orange"] if abs(luma(colour) - 160) > 30 or colour[1] > colour[0] else COLOURS["purple"]
    with brush.at(0, 21 if flying else 0, rotate=14 if flying and face else 0):
        if face:
            membrane(brush, 1, beat, dark(fin, 0.16))
        dragon_legs(brush, colour, pose, flying)
        with brush.at(0, pose.bob):
            wag = 3 * math.sin(pose.phase) * min(1.0, pose.stride + 0.3)
            if not back:
                dragon_tail(brush, colour, fin, wag)
            if not face and not back:
                for side in (-1, 1):
                    membrane(brush, side, beat, fin, side * 5)
            brush.oval(0, -17, 9.6, 11, colour)
            if back:
                dragon_tail(brush, colour, fin, wag)
                for side in (-1, 1):
                    membrane(brush, side, beat, fin, side * 5)
            else:
                brush.oval(face * 0.9, -15.4, 6.2, 8, (252, 230, 160), outline=False)
                for y in (-18, -14.6, -11.2):
                    brush.line([(face * 0.9 - 3.8, y), (face * 0.9 + 3.8, y)], 0.9, (226, 186, 104))
                for side in (-1, 1):
                    x = face * 0.8 + side * 7
                    brush.limb([(x, -21), (x + (3.4 if face else side * 3), -17.4 + 2 * beat * side)], 4.2, colour)
            dragon_head(brush, colour, fin, pose, flying)
        if face:
            membrane(brush, -1, beat, fin)


def dragon_head(brush: Brush, colour: Colour, fin: Colour, pose: Pose, flying: bool) -> None:
    face = turn(pose)
    with brush.at(pose.head + face * 0.7, -34):
        for side in (-1, 1):
            brush.polygon([(side * 4, -7), (side * 8.4 - face, -15), (side * 8.4, -5)], (252, 236, 196))
        brush.polygon([(-3 - face, -7), (-1 - face, -14), (3, -8.6)], fin)
        if face and flying and not pose.asleep:
            flare = 1 + 0.3 * math.sin(pose.seconds * 23)
            brush.blob([(15, 3), (21, 0.4), (25 + 5 * flare, 5), (21, 9), (15, 7)], COLOURS["orange"], outline=False)
            brush.oval(18 + flare, 5, 3 + flare, 1.6, COLOURS["yellow"], outline=False)
        brush.oval(0, 0, 11.4, 9.6, colour)
        if pose.view == "back":
            return
        brush.oval(face * 2.6, 4.2, 8.4 if face else 7.6, 4.8, light(colour, 0.35))
        for x in (-2.2, 2.2):
            brush.circle(face * 3.4 + x, 2.6, 0.9, dark(colour, 0.6), outline=False)
        brush.arc(face * 2.8, 3.8, 5, 3.6, 30, 120, 1, INK)
        eyes(brush, face, -3, 4.8, pose, radius=2.5, on=colour)
        cheeks(brush, face * 0.6, 2.4, 8.4)


def dragon_tail(brush: Brush, colour: Colour, fin: Colour, wag: float) -> None:
    tip = (-22, -10 + wag)
    brush.polygon([(tip[0] + 3, tip[1] - 2.4), (tip[0] - 3, tip[1] - 8.4), (tip[0] - 6.4, tip[1] + 0.6)], fin)
    brush.limb([(-4, -11), (-12, -7.4), (-18, -7 + 0.4 * wag), tip], 5, colour)


def dragon_legs(brush: Brush, colour: Colour, pose: Pose, flying: bool) -> None:
    for side, skin in ((1, dark(colour, 0.15)), (-1, colour)):
        cycle = pose.phase + (math.pi if side > 0 else 0)
        if flying:
            u, v = side * 4 - 4, -3.4 + 0.6 * math.sin(cycle)
        elif pose.view == "side":
            angle = 0.8 * pose.stride * math.sin(cycle)
            u, v = joint(side * 3, -10, angle, 4, 4, -pose.stride * max(0.0, math.cos(cycle)))[2]
        else:
            u, v = side * 5, -2 - 2.2 * pose.stride * max(0.0, math.sin(cycle))
        brush.limb([(side * (3 if pose.view == "side" else 5), -10 + pose.bob), (u, v)], 6.4, skin)
        brush.oval(u + (1.6 if pose.view == "side" else 0), v - 0.2, 4.4, 2.4, skin)


def membrane(brush: Brush, side: int, beat: float, colour: Colour, x: float = 0) -> None:
    """A bat's wing; it beats around its root behind the shoulder. `x` != 0 spreads it to that side."""
    spread = {0: -1 if side < 0 else -0.8}.get(x, side * 1.0)
    with brush.at(x or -3 + 3 * side, -23, rotate=(-1 if spread > 0 else 1) * 42 * beat, stretch=spread):
        brush.path(bat_wing(), colour)


@cache
def bat_wing() -> skia.Path:
    points = [(0, 3), (3, -6), (10, -14), (22, -13), (18, -7.6), (19, -1), (13, -3), (11, 3.6), (6, 0.6)]
    return skia.Path.Polygon([skia.Point(*p) for p in points], True)


CREATURES = {**animals.ANIMALS, **birds.BIRDS, **swimmers.SWIMMERS, "butterfly": butterfly, "dragon": dragon}
NATURAL: dict[str, Colour] = {
    **animals.NATURAL,
    **birds.NATURAL,
    **swimmers.NATURAL,
    "butterfly": (240, 120, 60),
    "dragon": (104, 190, 98),
}
