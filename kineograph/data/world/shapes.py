"""Shapes that are built once, and the small parts that machines share: a head at the wheel, a fire, a trim."""

import math
from functools import cache

import skia

from kineograph.data.world.brush import INK, WHITE, Brush, Colour, Point, polyline, rounded

GLASS: Colour = (182, 226, 250)
TYRE: Colour = (50, 48, 58)
METAL: Colour = (206, 210, 218)
LAMP: Colour = (255, 236, 130)
SIGNAL: Colour = (236, 44, 44)
SKIN: Colour = (250, 206, 168)
HAIR: Colour = (96, 60, 40)
WOOD: Colour = (176, 120, 70)
FIRE: Colour = (255, 150, 40)
GLOW: Colour = (255, 232, 110)
SMOKE: Colour = (236, 238, 244)


@cache
def solid(*points: Point) -> skia.Path:
    """A polygon."""
    return polyline(points, closed=True)


@cache
def soft(*points: Point) -> skia.Path:
    """A smooth closed shape; a point given twice becomes a corner."""
    return rounded(points)


@cache
def boxes(width: float, height: float, radius: float, *corners: Point) -> skia.Path:
    """Equal rounded boxes in one path, each by its left upper corner: a row of windows."""
    path = skia.Path()
    for x, y in corners:
        path.addRoundRect(skia.Rect.MakeXYWH(x, y, width, height), radius, radius)
    return path


@cache
def sectors(count: int, radius: float, share: float) -> skia.Path:
    """`count` slices that take a share of a cake around (0, 0): spokes, the stripes of a beach ball."""
    path = skia.Path()
    for k in range(count):
        angles = [2 * math.pi * (k + share * (s / 6 - 0.5)) / count for s in range(7)]
        rim = [skia.Point(radius * math.cos(a), radius * math.sin(a)) for a in angles]
        path.addPoly([skia.Point(0, 0), *rim], True)
    return path


def trim(colour: Colour, other: Colour = (214, 62, 58)) -> Colour:
    """The stripe that shows on a colour: white, or `other` where the colour itself is white."""
    return other if min(colour) > 200 else WHITE


def accent(colour: Colour) -> Colour:
    """A small bright part that shows on a colour: red, or yellow on reds."""
    return GLOW if colour[0] > 200 and colour[1] < 150 else SIGNAL


def head(brush: Brush, x: float, y: float, r: float, hat: Colour = HAIR, *, front: bool = False) -> None:
    """A small person's head that looks towards +x or towards us."""
    brush.circle(x, y, r, SKIN, outline=False)
    with brush.at(x, y, scale=r):
        if front:
            cap = soft((-1.15, 0.1), (-1.15, 0.1), (-1.3, -1.5), (1.3, -1.5), (1.15, 0.1), (1.15, 0.1), (0, -0.5))
            brush.path(boxes(0.34, 0.5, 0.17, (-0.6, -0.1), (0.26, -0.1)), INK, outline=False)
        else:
            cap = soft((-1.2, 0.6), (-1.4, -1.4), (1.5, -1.5), (0.9, -0.2), (-0.2, -0.3))
            brush.circle(0.5, 0.15, 0.22, INK, outline=False)
        brush.path(cap, hat, outline=False)


def flame(brush: Brush, x: float, y: float, size: float, seconds: float, turn: float = 180) -> None:
    """A flickering fire whose root is at (x, y); `turn` 180 burns upwards, 0 downwards."""
    flicker = 1 + 0.22 * math.sin(23 * seconds) + 0.1 * math.sin(41 * seconds + 1)
    with brush.at(x, y, rotate=turn, scale=size * flicker, stretch=1 / flicker):
        brush.path(soft((-6, -1), (-6, 6), (-2, 9), (0, 19), (0, 19), (2, 9), (6, 6), (6, -1)), FIRE)
        brush.path(soft((-3.2, -1), (-3.4, 4), (0, 13), (0, 13), (3.4, 4), (3.2, -1)), GLOW, outline=False)
