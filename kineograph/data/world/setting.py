"""What every place is made from: its span, wide ridges and waves, and many strokes joined into one path."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from math import cos, pi, sin
from random import Random

import skia

from kineograph.data.world.brush import Brush, Colour, Point, luma, mix

LEFT, RIGHT, TOP, BOTTOM = -70, 170, -30, 130  # painted; the picture itself is 0 .. 100, the camera pans
Shade = Callable[[Colour], Colour]


class Setting:
    """A place without its sky. Chance has its say at birth only: one setting always draws the same film."""

    horizon = 60.0
    clouded = True  # whether clouds drift before it; not where things reach the upper edge

    def __init__(self, sky, rng: Random):
        """sky: the `Sky` above the place, whose `shade` is the light that falls on it."""
        self.sky, self.shade = sky, sky.shade

    def paint(self, brush: Brush) -> None:
        """What stands still."""

    def animate(self, brush: Brush, seconds: float) -> None:
        """What moves behind the actors."""

    def front(self, brush: Brush, seconds: float) -> None:
        """What moves before the actors."""


def spread(rng: Random, step: float, *, jitter: float = 0.3, calm: tuple[float, float] = (0, 0)) -> list[float]:
    """x from edge to edge, about `step` apart, none of them inside `calm`."""
    count = round((RIGHT - LEFT) / step)
    xs = [LEFT + (i + 0.5 + rng.uniform(-jitter, jitter)) * step for i in range(count)]
    return [x for x in xs if not calm[0] < x < calm[1]]


def scatter(rng: Random, count: int, top: float, bottom: float, *, calm: tuple[float, float] = (0, 0)) -> list[Point]:
    """Points all over a strip, the nearest last."""
    points = [(rng.uniform(LEFT, RIGHT), rng.uniform(top, bottom)) for _ in range(count)]
    return sorted((p for p in points if not calm[0] < p[0] < calm[1]), key=lambda p: p[1])


def ridge(y: float, swells: Sequence[tuple[float, float, float]], *, bottom: float = BOTTOM) -> skia.Path:
    """Everything below a sum of sines around height y; swells: amplitude, length, phase."""
    xs = range(LEFT, RIGHT + 1, 4)
    top = [(x, y + sum(a * sin(2 * pi * (x / length + phase)) for a, length, phase in swells)) for x in xs]
    return lines([[*top, (RIGHT, bottom), (LEFT, bottom)]], closed=True)


def crest(y: float, amplitude: float, length: float) -> tuple[skia.Path, skia.Path]:
    """A wave as (the water below it, its rim), a length wider than the place so that it can roll on for ever."""
    xs = [LEFT - length + i * length / 8 for i in range(round((RIGHT - LEFT) / length * 8) + 18)]
    top = [(x, y + amplitude * (abs(sin(pi * (x - LEFT) / length)) - 0.5)) for x in xs]
    return lines([[*top, (xs[-1], BOTTOM), (xs[0], BOTTOM)]], closed=True), lines([top])


def lines(strokes: Iterable[Sequence[Point]], *, closed: bool = False) -> skia.Path:
    """Many polylines as one path."""
    path = skia.Path()
    for stroke in strokes:
        path.addPoly([skia.Point(x, y) for x, y in stroke], closed)
    return path


def dots(points: Iterable[Point], rx: float, ry: float | None = None) -> skia.Path:
    """Many ovals as one path."""
    path, ry = skia.Path(), rx if ry is None else ry
    for x, y in points:
        path.addOval(skia.Rect.MakeLTRB(x - rx, y - ry, x + rx, y + ry))
    return path


def boxes(corners: Iterable[Point], width: float, height: float) -> skia.Path:
    """Many equal rectangles as one path, given their left upper corners."""
    path = skia.Path()
    for x, y in corners:
        path.addRect(skia.Rect.MakeXYWH(x, y, width, height))
    return path


def hexagons(points: Iterable[Point], r: float) -> skia.Path:
    """Many near-circles as one path, which takes half the time of true ones: flakes, bubbles, stars."""
    corners = [(r * cos(k * pi / 3), r * sin(k * pi / 3)) for k in range(6)]
    return lines(([(x + u, y + v) for u, v in corners] for x, y in points), closed=True)


def visible(brush: Brush, x: float, reach: float) -> bool:
    """Whether anything within `reach` of x can be in the picture."""
    view = brush.canvas.getLocalClipBounds()
    return view.left() - reach < x < view.right() + reach


@cache
def bunch(circles: tuple[tuple[float, float, float], ...]) -> skia.Path:
    """The outline around overlapping circles (x, y, r): a cloud, a tree's crown, smoke."""
    whole = skia.Path()
    for x, y, r in circles:
        whole = skia.Op(whole, skia.Path.Circle(x, y, r), skia.PathOp.kUnion_PathOp)
    return whole


def stroke(brush: Brush, path: skia.Path, width: float, colour: Colour, *, alpha: int = 255) -> None:
    """Follows a path with the pen. A pencil presses as hard as for an outline, however pale the colour."""
    shown = brush.edge(colour) if brush.style == "pencil" else brush.tint(colour)
    brush.pen.setColor(skia.Color(*shown, alpha))
    brush.pen.setStrokeWidth(min(width, 0.75) if brush.style == "pencil" else width)
    brush.canvas.drawPath(path, brush.pen)


def thick(brush: Brush, path: skia.Path, width: float, colour: Colour) -> None:
    """An outlined stroke, `Brush.limb` for a whole path: weed, cacti, fences."""
    if brush.outlines:
        brush.pen.setColor(skia.Color(*brush.edge(colour)))
        brush.pen.setStrokeWidth(width + 1.5 * brush.stroke)
        brush.canvas.drawPath(path, brush.pen)
    brush.pen.setColor(skia.Color(*brush.tint(colour)))
    brush.pen.setStrokeWidth(width)
    brush.canvas.drawPath(path, brush.pen)


def soft(brush: Brush, path: skia.Path, colour: Colour, *, alpha: int = 255) -> None:
    """A fill whose outline only a pencil needs: clouds, snow flakes, flowers."""
    brush.path(path, colour, alpha=alpha, outline=brush.style == "pencil")


def wash(brush: Brush, top: float, bottom: float, upper: Colour, lower: Colour) -> None:
    """A gradient across the whole place. Pencils leave light ones to the paper and rub dark ones grey."""
    if brush.style == "pencil" and luma(upper) < 70:
        brush.box(LEFT, top, RIGHT - LEFT, bottom - top, mix(upper, lower, 0.5), outline=False)
    else:
        brush.gradient(LEFT, top, RIGHT, bottom, upper, lower)
