"""Things that belong to acts: what is washed, slept on, splashed through, held, and what goes off in the sky."""

import math
from collections.abc import Iterable
from functools import cache

import skia

from kineograph.data.world.brush import WHITE, Brush, Colour, Point, dark, light, polyline
from kineograph.data.world.shapes import GLASS, boxes, soft, solid, trim

WATER: Colour = (110, 178, 236)
FOAM: Colour = (228, 246, 255)
FRAME: Colour = (236, 230, 216)
DUST: Colour = (236, 226, 206)
SPONGE: Colour = (250, 208, 70)


def surfboard(brush: Brush, colour: Colour) -> None:
    """A board under the feet, 44 units long, its nose lifted towards +x."""
    brush.path(solid((-15, 3), (-19.5, 10), (-10.5, 4)), dark(colour))
    rim = (
        (26, -6.5),
        (26, -6.5),
        (21, 4.5),
        (8, 6),
        (-12, 5.6),
        (-25, 3),
        (-24, -2),
        (-12, -1.8),
        (8, -1.6),
        (17, -2.6),
    )
    brush.path(soft(*rim), colour)
    brush.path(soft((-21, 0.6), (-8, 0.6), (10, 0.8), (23, -3.4), (16, 3.6), (-8, 3.4)), trim(colour), outline=False)


def window(brush: Brush, seconds: float) -> None:
    """A big house window, 36 wide and 44 tall around (0, 0): four panes with sky and a soapy shine that wanders."""
    brush.box(-18, -22, 36, 44, FRAME, radius=1.6)
    brush.box(-20, 20, 40, 4, FRAME, radius=1.4)
    brush.path(boxes(14, 18, 0.6, (-15.2, -19.2), (1.2, -19.2), (-15.2, 0.6), (1.2, 0.6)), GLASS)
    cloud = soft((-14, -4), (-13, -9), (-9, -9), (-8, -13), (-3, -12), (-2.4, -8), (-2, -4))
    brush.path(cloud, WHITE, outline=False)
    brush.path(soft((3, 14), (4, 9), (8, 8), (10, 10), (14, 11), (14, 14)), WHITE, outline=False)
    for x, y in ((-15.2, -19.2), (1.2, -19.2), (-15.2, 0.6), (1.2, 0.6)):
        with brush.at(x, y):
            brush.path(solid((8, 1), (11, 1), (4, 15), (1, 15)), WHITE, alpha=150, outline=False)
    for k in range(5):
        age = (0.35 * seconds + 0.2 * k) % 1
        x, y = 13 * math.sin(2.4 * k + 1) + math.sin(8 * age), 16 - 30 * age
        brush.circle(x, y, 1.3 + 0.35 * k, FOAM, alpha=int(230 * min(1, 2 - 2 * age)))


def sponge(brush: Brush, x: float, y: float) -> None:
    """A yellow sponge in a hand at (x, y), with foam."""
    with brush.at(x, y):
        for u, v, r in ((-5, 3.4, 2.2), (5, 3.8, 2.6), (0.4, 4.4, 2.2)):
            brush.circle(u, v, r, FOAM)
        brush.box(-6.2, -4, 12.4, 7.6, SPONGE, radius=2)
        brush.path(boxes(1.7, 1.7, 0.85, (-4, -2), (0, 0.6), (2.6, -2.4)), dark(SPONGE, 0.3), outline=False)


def puddle(brush: Brush, splash: float) -> None:
    """A puddle 40 units wide around (0, 0); `splash` 0 .. 1 runs from the step in to the last ring."""
    rim = ((-21, 0), (-15, -4.4), (-2, -3.6), (10, -5), (21, -2), (18, 3.4), (6, 4.8), (-8, 4.4), (-17, 4))
    brush.path(soft(*rim), WATER)
    brush.oval(-8, -1, 5, 0.9, FOAM, alpha=200, outline=False)
    for late in (0.0, 0.3):
        age = splash - late
        if 0 < age < 1:
            brush.arc(0, 0.3, 3 + 14 * age, 0.8 + 3 * age, 0, 360, 1.1 * (1 - age) + 0.3, FOAM)
    if splash < 0.7:
        drops(brush, 0, 0, splash / 0.7, 15, 13)


def splash(brush: Brush, x: float, y: float, age: float) -> None:
    """Water thrown up from a surface at (x, y): a crown, then drops; `age` 0 .. 1."""
    if 0 <= age < 0.6:
        tall = math.sin(math.pi * age / 0.6)
        with brush.at(x, y, scale=max(tall, 0.05), stretch=(0.7 + 0.5 * age) / max(tall, 0.05)):
            left = ((-11, -9), (-11, -9), (-6, -3), (-4.5, -13), (-4.5, -13), (0, -4))
            right = ((4.5, -13), (4.5, -13), (6, -3), (11, -9), (11, -9), (7, 1.5))
            brush.path(soft((-7, 1.5), *left, *right), light(WATER, 0.3))
            brush.path(soft((-5, 1), (-4, -6), (0, -1), (4, -6), (5, 1)), FOAM, outline=False)
    drops(brush, x, y, age, 14, 17)


def drops(brush: Brush, x: float, y: float, age: float, reach: float, height: float) -> None:
    """Seven drops that fly up and fall within `age` 0 .. 1."""
    if not 0 < age < 1:
        return
    for k in range(7):
        side = (k - 3) / 3
        tall = height * (1 - 0.45 * abs(side)) * (1 if k % 2 else 0.72)
        u, v = x + side * reach * (0.25 + 0.75 * age), y - 4 * tall * age * (1 - age)
        brush.circle(u, v, 1.9 - 0.8 * age, light(WATER, 0.15), outline=brush.style == "pencil")


def lead(brush: Brush, hand: Point, collar: Point) -> None:
    """A dog's lead that sags between a hand and a collar."""
    (x, y), (u, v) = hand, collar
    points = [(x + (u - x) * s / 6, y + (v - y) * s / 6 + 5 * (s / 6) * (1 - s / 6) * 2) for s in range(7)]
    brush.limb(points, 0.9, (226, 62, 60))


def pillow_and_blanket(brush: Brush, colour: Colour) -> None:
    """A pillow at -x and a blanket over the sleeper on the ground at (0, 0), 60 units long."""
    pillow = ((-33, -1), (-33.5, -9), (-24, -8), (-14, -9.4), (-14, -1), (-24, 0.6))
    brush.path(soft(*pillow), WHITE)
    rim = ((-13, 1), (-13, 1), (-13, -8), (-6, -13.5), (8, -14), (22, -10.5), (30, -6), (31, 1), (31, 1))
    brush.path(soft(*rim), colour)
    brush.path(soft((-12.6, -1), (-12.8, -8), (-7, -13), (-5, -8), (-6, 0.4)), trim(colour), outline=False)
    for x, y in ((2, -8), (11, -4), (18, -8), (24, -3.4)):
        brush.circle(x, y, 1.7, trim(colour), outline=False)


@cache
def letter_z() -> skia.Path:
    return polyline([(-3, -3.4), (3, -3.4), (-3, 3.4), (3, 3.4)])


def zzz(brush: Brush, seconds: float) -> None:
    """Three Zs that rise from a sleeper's head at (0, 0), grow and fade."""
    pen = brush.pen
    for k in range(3):
        age = (0.4 * seconds + k / 3) % 1
        alpha = int(255 * min(1.0, 6 * age, 3 * (1 - age)))
        x, y = 2 * math.sin(5 * age) + 16 * age, -34 * age
        with brush.at(x, y, rotate=8 * math.sin(6 * age), scale=0.6 + 1.1 * age):
            for width, colour in ((3.6, brush.tint(WHITE)), (1.7, brush.edge((110, 130, 240)))):
                pen.setColor(skia.Color(*colour, alpha))
                pen.setStrokeWidth(width)
                brush.canvas.drawPath(letter_z(), pen)


@cache
def rays(count: int, inner: float, outer: float, turn: float) -> skia.Path:
    """Lines from one circle to another around (0, 0)."""
    path = skia.Path()
    for k in range(count):
        u, v = (f(2 * math.pi * (k + turn) / count) for f in (math.cos, math.sin))
        path.moveTo(u * inner, v * inner)
        path.lineTo(u * outer, v * outer)
    return path


@cache
def stars(count: int, radius: float, size: float, turn: float) -> skia.Path:
    """Dots on a circle around (0, 0)."""
    path = skia.Path()
    for k in range(count):
        angle = 2 * math.pi * (k + turn) / count
        path.addCircle(radius * math.cos(angle), radius * math.sin(angle), size)
    return path


def firework(brush: Brush, x: float, y: float, colour: Colour, age: float) -> None:
    """A rocket that rises to (x, y) until age 0.25, bursts to 16 units around and sinks and fades until age 1."""
    if not 0 <= age < 1:
        return
    if age < 0.25:
        rise = y + 46 * (1 - age / 0.25) ** 1.5
        brush.line([(x, rise), (x, rise + 9)], 1.2, light(colour, 0.3), alpha=170)
        brush.circle(x, rise, 1.5, light(colour, 0.7), outline=False)
        return
    burst = (age - 0.25) / 0.75
    spread, alpha = 1 - (1 - burst) ** 4, int(255 * min(1.0, 2.4 * (1 - burst)))
    bright = light(colour, 0.5)
    with brush.at(x, y + 5 * burst * burst, scale=max(spread, 0.1)):
        if burst < 0.25:
            brush.circle(0, 0, 10, light(colour, 0.8), alpha=int(255 * (1 - burst / 0.25)), outline=False)
        streak(brush, rays(12, 5 if burst < 0.4 else 10, 14, 0.0), 1.9, colour, alpha)
        if burst < 0.7:
            streak(brush, rays(8, 2, 7, 0.5), 1.5, bright, alpha)
        sketched = brush.style == "pencil"
        brush.path(stars(12, 14.6, 1.5, 0.0), colour, alpha=alpha, outline=sketched)
        brush.path(stars(8, 9.4, 1.1, 0.5), bright, alpha=alpha, outline=sketched)


def streak(brush: Brush, path: skia.Path, width: float, colour: Colour, alpha: int) -> None:
    """Strokes of light; a pencil leaves them thin and dark."""
    shade = brush.edge(colour) if brush.style == "pencil" else brush.tint(colour)
    brush.pen.setColor(skia.Color(*shade, alpha))
    brush.pen.setStrokeWidth(0.4 * width if brush.style == "pencil" else width)
    brush.canvas.drawPath(path, brush.pen)


def bubbles(brush: Brush, points: Iterable[Point], seconds: float) -> None:
    """Bubbles that rise 30 units from each point and begin again."""
    for k, (x, y) in enumerate(points):
        age = (0.45 * seconds + 0.37 * k) % 1
        radius = 1.5 + 0.6 * (k % 3)
        u, v = x + 1.4 * math.sin(9 * age + k), y - 30 * age
        brush.circle(u, v, radius, FOAM, alpha=int(210 * min(1.0, 3 * (1 - age))))
        brush.circle(u - 0.35 * radius, v - 0.35 * radius, 0.3 * radius, WHITE, outline=False)


def motion_dust(brush: Brush, x: float, y: float, phase: float) -> None:
    """Three puffs behind a runner's feet at (x, y); `phase` counts steps."""
    for k in range(3):
        age = (phase + k / 3) % 1
        u, v, alpha = x + 5 * math.sin(2.6 * k), y - 1.5 - 6 * age, int(240 * min(1, 2 - 2 * age))
        brush.circle(u, v, 1.8 + 3.2 * age, DUST, alpha=alpha)
