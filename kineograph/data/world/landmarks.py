"""Things that stand about in a place, each on its (x, y): trees, cacti, snowmen, houses. `shade` is the light on it."""

from functools import cache
from math import cos, pi, sin
from random import Random

import skia

from kineograph.data.world.brush import Brush, Colour, Point, dark, light, mix
from kineograph.data.world.setting import Shade, boxes, bunch, dots, lines, soft, stroke, thick

CROWN = ((-7.0, -21.0, 7.5), (7.0, -21.0, 7.5), (0.0, -30.0, 8.5), (0.0, -20.0, 8.0))
BARK, LEAVES, PINE, SNOW = (136, 90, 54), (72, 160, 70), (38, 104, 78), (246, 250, 255)


def tree(
    brush: Brush, x: float, y: float, size: float, shade: Shade, *, turn: float = 0, leaves: Colour = LEAVES,
    fruit: Colour | None = None,
) -> None:  # fmt: skip
    """A round tree, 38 units high; `turn` leans it clockwise."""
    with brush.at(x, y, rotate=turn, scale=size):
        brush.limb([(0, 1), (0, -16)], 4, shade(BARK))
        brush.path(bunch(CROWN), shade(leaves))
        brush.oval(-2.5, -31.5, 4.4, 3.4, shade(light(leaves, 0.22)), outline=False)
        if fruit:
            soft(brush, apples(), shade(fruit))


@cache
def apples() -> skia.Path:
    return dots([(-8, -20), (5, -25), (9, -18), (-1, -17)], 1.5)


@cache
def fir() -> tuple[skia.Path, skia.Path]:
    """A fir's needles and the snow on them."""
    half = [(0, -36), (6.5, -24), (3.5, -24.5), (9, -14), (5, -14.5), (11.5, -3)]
    cap = [(0, -36), (4.3, -28), (1.5, -29.5), (0, -27.5), (-2, -29.5), (-4.3, -28)]
    tiers = [[(s * u, v) for u, v in tier] for s in (-1, 1) for tier in (
        [(3.5, -24.5), (7.6, -17), (5, -18.4), (3, -16.6), (1.5, -22)],
        [(5, -14.5), (9.6, -6.6), (6.5, -8.6), (4, -6.4), (2, -12)],
    )]  # fmt: skip
    return lines([[*half, *[(-u, v) for u, v in half[:0:-1]]]], closed=True), lines([cap, *tiers], closed=True)


def pine(
    brush: Brush, x: float, y: float, size: float, shade: Shade, *, turn: float = 0, needles: Colour = PINE,
    snowy: bool = False,
) -> None:  # fmt: skip
    """A fir, 36 units high."""
    with brush.at(x, y, rotate=turn, scale=size):
        brush.box(-1.7, -5, 3.4, 6, shade(BARK))
        brush.path(fir()[0], shade(needles))
        if snowy:
            brush.path(fir()[1], shade(SNOW), outline=False)


@cache
def fronds() -> skia.Path:
    path = skia.Path()
    for reach, rise in ((-17, 6), (-15, -6), (-8, -12), (5, -13), (14, -9), (18, 3), (11, 10), (-10, 11)):
        path.moveTo(0, 0)
        path.quadTo(reach * 0.5, rise - 9, reach, rise)
        path.quadTo(reach * 0.45, rise * 0.4 - 2.5, 0, 2.5)
        path.close()
    return path


@cache
def coconuts() -> skia.Path:
    return dots([(-1.5, 3), (2.2, 3.4)], 1.9)


def palm(
    brush: Brush, x: float, y: float, size: float, shade: Shade, *, turn: float = 0, facing: int = 1
) -> None:  # fmt: skip
    """A palm, 47 units high, bent towards `facing`."""
    with brush.at(x, y, rotate=turn, scale=size, stretch=facing):
        brush.limb([(0, 1), (0.6, -10), (2.6, -20), (6, -29), (8, -34)], 3.6, shade((166, 118, 70)))
        with brush.at(8, -34, rotate=turn * facing):
            brush.path(fronds(), shade((48, 152, 74)))
            soft(brush, coconuts(), shade((110, 70, 40)))


def cactus(brush: Brush, x: float, y: float, size: float, shade: Shade) -> None:
    """A saguaro with two arms, 32 units high."""
    arms = [[(0, 0), (0, -29)], [(0, -11), (-8, -11), (-8, -20)], [(0, -15), (8, -15), (8, -24)]]
    with brush.at(x, y, scale=size):
        thick(brush, lines(arms), 5.6, shade((62, 150, 84)))
        brush.line([(-0.8, -3), (-0.8, -28)], 0.9, shade((120, 190, 116)))


def snowman(brush: Brush, x: float, y: float, size: float, shade: Shade, *, scarf: Colour) -> None:
    """Three balls of snow with hat, scarf and carrot, 37 units high."""
    white, coal = shade((250, 252, 255)), shade((50, 48, 58))
    with brush.at(x, y, scale=size):
        stroke(brush, lines([[(-7, -15), (-14, -20)], [(7, -15), (14, -21)]]), 1.3, shade(BARK))
        for height, r in ((6, 8), (17, 6), (26, 4.8)):
            brush.circle(0, -height, r, white)
        brush.box(-4.6, -22.8, 9.2, 2.8, shade(scarf), radius=1)
        brush.box(-6, -31.2, 12, 1.8, coal, outline=False)
        brush.box(-3.6, -37, 7.2, 6.4, coal, outline=False)
        brush.path(dots([(-1.8, -27), (1.8, -27), (0, -18), (0, -14.5)], 0.75), coal, outline=False)
        brush.polygon([(0, -26), (5, -24.8), (0, -24.4)], shade((240, 130, 40)), outline=False)


def house(
    brush: Brush, x: float, y: float, width: float, height: float, shade: Shade, *, wall: Colour, roof: Colour | None,
    lit: bool, rng: Random,
) -> None:  # fmt: skip
    """A town house from x to x + width; some of the windows are lit at night. A roof gives it a gable."""
    columns = max(2, int(width // 6))
    gap = width / columns
    rows = range(round(y - height) + 5, round(y) - 13, 8)
    panes = [(x + gap * (i + 0.5) - 1.5, v) for i in range(columns) for v in rows]
    bright = {p for p in panes if lit and rng.random() < 0.55}
    brush.box(x, y - height, width, height, shade(wall))
    if roof:
        brush.polygon([(x - 1, y - height), (x + width / 2, y - height - 8), (x + width + 1, y - height)], shade(roof))
    glass = shade(mix(wall, (70, 96, 140), 0.5))
    brush.path(boxes((p for p in panes if p not in bright), 3, 4.2), glass, outline=False)
    brush.path(boxes(bright, 3, 4.2), (255, 222, 120), outline=False)
    brush.box(x + width / 2 - 1.8, y - 8, 3.6, 8, shade(dark(wall, 0.5)), outline=False)


def lamp(brush: Brush, x: float, y: float, shade: Shade, *, lit: bool) -> None:
    """A street lamp, 33 units high."""
    if lit:
        brush.circle(x, y - 31, 9, (255, 226, 130), alpha=70, outline=False)
    brush.limb([(x, y), (x, y - 28)], 1.3, shade((70, 76, 90)))
    brush.circle(x, y - 31, 2.6, (255, 232, 150) if lit else shade((236, 238, 230)))


def rock(brush: Brush, x: float, y: float, r: float, colour: Colour) -> None:
    """A boulder that sits flat on the ground."""
    brush.polygon(
        [(x - r, y), (x - 0.8 * r, y - 0.7 * r), (x - 0.1 * r, y - r), (x + 0.7 * r, y - 0.6 * r), (x + r, y)], colour
    )


def crater(brush: Brush, x: float, y: float, r: float, ground: Colour) -> None:
    """A crater seen at a slant: its bright rim, its dark floor."""
    brush.oval(x, y, r, r * 0.34, light(ground, 0.25))
    brush.oval(x + 0.1 * r, y + 0.06 * r, r * 0.76, r * 0.22, dark(ground, 0.3), outline=False)


def stars(points: list[Point], r: float, *, tips: int = 4) -> skia.Path:
    """Pointed stars as one path: in the sky with four tips, in the sand with five."""
    rim = [(sin(k * pi / tips), -cos(k * pi / tips), 0.4 if k % 2 else 1) for k in range(2 * tips)]
    return lines(([(x + r * w * u, y + r * w * v) for u, v, w in rim] for x, y in points), closed=True)


def tufts(points: list[Point], bends: int = 7) -> tuple[skia.Path, ...]:
    """Blades of grass on the points, from bent far left to far right."""
    blades = ((-1.8, -3.4), (0, -5), (1.8, -3.4))
    leans = [5 * k / (bends - 1) - 2.5 for k in range(bends)]
    return tuple(lines([(x, y), (x + u + lean, y + v)] for x, y in points for u, v in blades) for lean in leans)
