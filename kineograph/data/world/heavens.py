"""Places under a black or a foreign sky: Mars, the Moon, space, and the night of the fireworks."""

from functools import cache
from math import cos, pi, sin
from random import Random

import skia

from kineograph.data.world.brush import BRIGHT, COLOURS, Brush, Colour, light, mix
from kineograph.data.world.landmarks import crater, rock, stars
from kineograph.data.world.setting import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Setting,
    boxes,
    dots,
    lines,
    ridge,
    scatter,
    spread,
    stroke,
    visible,
    wash,
)


class Starry(Setting):
    """A black sky whose larger stars twinkle; now and then one falls."""

    clouded = False
    depth = 62.0  # stars reach down to here
    heavens: tuple[Colour, Colour] = ((6, 6, 18), (18, 20, 44))

    def __init__(self, sky, rng: Random):
        super().__init__(sky, rng)
        self.dust = dots(scatter(rng, 110, TOP, self.depth), 0.5)
        self.twinkles = [stars(scatter(rng, 18, TOP, self.depth - 4), 1.9) for _ in range(3)]
        self.falls = [(rng.uniform(-10, 110), rng.uniform(2, 16), rng.choice((-1, 1))) for _ in range(5)]

    def paint(self, brush: Brush) -> None:
        upper, lower = self.heavens
        wash(brush, TOP, BOTTOM, upper, lower)
        brush.path(self.dust, (230, 232, 250), outline=False)

    def animate(self, brush: Brush, seconds: float) -> None:
        for i, group in enumerate(self.twinkles):
            brush.path(group, (255, 250, 220), alpha=round(150 + 104 * sin(seconds * 4.6 + i * 2.1)), outline=False)
        age = seconds % 2.6 / 0.6
        if age < 1:
            x, y, way = self.falls[int(seconds / 2.6) % len(self.falls)]
            x, y = x + way * 44 * age, y + 20 * age
            brush.line([(x - way * 13, y - 6), (x, y)], 1.2, (255, 255, 240), alpha=round(250 * (1 - age * 0.6)))


class Moon(Starry):
    """Grey craters; the Earth hangs in the sky."""

    depth = 52.0
    ground = (172, 174, 184)

    def __init__(self, sky, rng: Random):
        super().__init__(sky, rng)
        self.far = ridge(58, ((3.5, 66, rng.random()), (1.4, 27, rng.random())))
        self.near = ridge(65, ((1.6, 100, rng.random()), (0.8, 33, rng.random())))
        spots = [(x, rng.uniform(70, 80)) for x in spread(rng, 24, calm=(26, 74))]
        spots += [(x, rng.uniform(93, 104)) for x in spread(rng, 27)]
        self.craters = [(x, y, rng.uniform(4, 6) * y / 74) for x, y in spots]
        self.earth = (rng.choice((18, 82)) + rng.uniform(-4, 4), rng.uniform(17, 22))

    def paint(self, brush: Brush) -> None:
        super().paint(brush)
        x, y = self.earth
        brush.circle(x, y, 13.5, (120, 180, 255), alpha=60, outline=False)
        globe(brush, x, y, 11, (52, 128, 220), skia.Path())
        land = bunch_of_land()
        with brush.at(x, y):
            brush.canvas.clipPath(skia.Path.Circle(0, 0, 10.6), True)
            brush.path(land, (92, 178, 92), outline=False)
        brush.path(self.far, mix(self.ground, (70, 72, 84), 0.45))
        brush.path(self.near, self.ground)
        for cx, cy, r in self.craters:
            crater(brush, cx, cy, r, self.ground)

    def animate(self, brush: Brush, seconds: float) -> None:
        super().animate(brush, seconds)
        x, y = self.earth
        with brush.at(x, y):
            brush.canvas.clipPath(skia.Path.Circle(0, 0, 10.6), True)
            brush.canvas.translate(seconds * 3 % 30 - 15, 0)
            brush.path(swirls(), (252, 254, 255), alpha=220, outline=False)


@cache
def bunch_of_land() -> skia.Path:
    return dots([(-5, -4), (-3, 0), (4, 4), (6, -6), (5, 8)], 4, 3.2)


@cache
def swirls() -> skia.Path:
    return dots([(x + d, y) for x in (-30, 0, 30) for d, y in ((-6, -6), (4, -1), (-3, 5), (8, 7))], 4.4, 1.2)


def globe(brush: Brush, x: float, y: float, r: float, colour: Colour, bands: skia.Path) -> None:
    """A planet lit from the upper left, with bands clipped to its disc."""
    brush.circle(x, y, r, colour)
    brush.canvas.save()
    brush.canvas.clipPath(skia.Path.Circle(x, y, r - 0.4), True)
    brush.path(bands, light(colour, 0.3), outline=False)
    disc, shifted = skia.Path.Circle(x, y, r), skia.Path.Circle(x - 0.32 * r, y - 0.32 * r, r)
    brush.path(skia.Op(disc, shifted, skia.PathOp.kDifference_PathOp), mix(colour, (16, 12, 40), 0.42), outline=False)
    brush.canvas.restore()


class Space(Starry):
    """Planets and a galaxy among the stars, and no ground at all."""

    horizon = 130.0
    depth = 130.0
    heavens = ((14, 8, 40), (44, 18, 78))

    def __init__(self, sky, rng: Random):
        super().__init__(sky, rng)
        side = rng.choice((-1, 1))
        hues = rng.sample(("orange", "blue", "red", "green", "pink"), 4)
        self.ringed = (50 + 33 * side, rng.uniform(15, 22), rng.uniform(9, 10.5), COLOURS[hues[0]])
        self.planets = [
            (50 - 40 * side, rng.uniform(80, 88), rng.uniform(11, 14), COLOURS[hues[1]]),
            (50 + 40 * side, rng.uniform(72, 86), rng.uniform(4, 5.5), COLOURS[hues[2]]),
            (50 + 92 * side, rng.uniform(40, 80), rng.uniform(9, 13), COLOURS[hues[3]]),
            (50 - 88 * side, rng.uniform(20, 50), rng.uniform(6, 9), COLOURS[hues[0]]),
        ]
        self.galaxy = (50 - 32 * side, rng.uniform(18, 24), rng.uniform(-30, 30))
        self.haze = [
            (x, rng.uniform(0, 110), rng.uniform(18, 30), COLOURS[rng.choice(("purple", "pink", "blue"))])
            for x in spread(rng, 40)
        ]
        self.arms = dots([arm(k, s, rng) for s in (0, pi) for k in range(34)], 0.75)

    def paint(self, brush: Brush) -> None:
        super().paint(brush)
        for x, y, r, colour in self.haze:
            for share in (1, 0.7, 0.4):
                brush.oval(x, y, r * share, r * 0.6 * share, colour, alpha=18, outline=False)
        self.paint_ring(brush, 180)
        for x, y, r, colour in (*self.planets, self.ringed):
            globe(brush, x, y, r, colour, boxes(((x - r, y - 0.55 * r), (x - r, y + 0.1 * r)), 2 * r, 0.28 * r))
        self.paint_ring(brush, 0)

    def paint_ring(self, brush: Brush, start: float) -> None:
        """The half of the ring that begins at an angle: 180 is behind the planet, 0 before it."""
        x, y, r, colour = self.ringed
        with brush.at(x, y, rotate=-18):
            for wide, width, ring in ((1.65, 2.2, (250, 226, 170)), (1.95, 1.2, light(colour, 0.5))):
                if brush.outlines:
                    brush.arc(0, 0, r * wide, r * wide * 0.32, start, 180, width + 1.0, mix(ring, (40, 20, 60), 0.6))
                brush.arc(0, 0, r * wide, r * wide * 0.32, start, 180, width, ring)

    def animate(self, brush: Brush, seconds: float) -> None:
        super().animate(brush, seconds)
        x, y, tilt = self.galaxy
        with brush.at(x, y, rotate=tilt):
            brush.canvas.scale(1, 0.5)
            brush.canvas.rotate(seconds * 24)
            brush.circle(0, 0, 12, (190, 150, 255), alpha=46, outline=False)
            brush.path(self.arms, (236, 214, 255), outline=False)
            brush.circle(0, 0, 4, (255, 240, 190), outline=False)


def arm(k: int, start: float, rng: Random) -> tuple[float, float]:
    """A star of a spiral arm, k steps out."""
    r, angle = 2.5 + 0.37 * k, start + 0.125 * k
    return r * cos(angle) + rng.uniform(-0.9, 0.9), r * sin(angle) + rng.uniform(-0.9, 0.9)


class Mars(Setting):
    """Red sand and rocks under a dusty sky with two moons."""

    clouded = False
    ground = (204, 88, 48)

    def __init__(self, sky, rng: Random):
        super().__init__(sky, rng)
        self.mesas = [(x, rng.uniform(8, 15), rng.uniform(8, 20)) for x in spread(rng, 28)]
        self.far = ridge(61, ((2.5, 70, rng.random()), (1, 31, rng.random())))
        self.near = ridge(70, ((1.6, 90, rng.random()), (0.8, 37, rng.random())))
        spots = [(x, rng.uniform(70, 80)) for x in spread(rng, 17, calm=(24, 76))] + [
            (x, rng.uniform(95, 106)) for x in spread(rng, 30)
        ]
        self.rocks = sorted(((y, x, rng.uniform(2, 4.6) * y / 74) for x, y in spots))
        self.craters = [(x, rng.uniform(90, 96), rng.uniform(5, 8)) for x in spread(rng, 55)]
        side = rng.choice((-1, 1))
        self.moons = [(50 + 32 * side, rng.uniform(12, 18), 4.6), (50 + 14 * side, rng.uniform(8, 12), 2.8)]
        self.dust = [
            lines([(x, y), (x + 9, y - 0.6), (x + 17, y)] for x, y in scatter(rng, 16, 58, 104)) for _ in range(2)
        ]
        self.way = rng.choice((-1, 1))

    def paint(self, brush: Brush) -> None:
        wash(brush, TOP, 68, (206, 110, 72), (252, 206, 156))
        for x, y, r in self.moons:
            brush.circle(x, y, r, (252, 232, 206))
            brush.path(
                dots([(x - 0.3 * r, y - 0.2 * r), (x + 0.35 * r, y + 0.3 * r)], 0.24 * r),
                (222, 186, 156),
                outline=False,
            )
        for x, width, height in self.mesas:
            sides = [(x - width, 66), (x - width * 0.6, 60 - height), (x + width * 0.45, 60 - height), (x + width, 66)]
            brush.polygon(sides, (214, 122, 84))
        brush.path(self.far, (214, 104, 60))
        brush.path(self.near, self.ground)
        for x, y, r in self.craters:
            crater(brush, x, y, r, self.ground)
        for y, x, r in self.rocks:
            rock(brush, x, y, r, (146, 58, 38))

    def animate(self, brush: Brush, seconds: float) -> None:
        for k, dust in enumerate(self.dust):
            blown = self.way * seconds * (16 + 12 * k) % (RIGHT - LEFT)
            for x in (blown, blown - (RIGHT - LEFT)):
                brush.canvas.save()
                brush.canvas.translate(x, 0)
                stroke(brush, dust, 1.3, (246, 176, 124), alpha=150)
                brush.canvas.restore()


class Fireworks(Starry):
    """Night over a little town; rockets rise, burst and fade."""

    heavens = ((10, 10, 40), (50, 40, 104))
    depth = 40.0
    sites = (-52, -20, 13, 36, 64, 87, 120, 152)
    cycle = 1.25  # seconds from launch to the last spark

    def __init__(self, sky, rng: Random):
        super().__init__(sky, rng)
        self.hill = ridge(66, ((2, 96, rng.random()), (1, 43, rng.random())))
        self.roofs = [(x, rng.uniform(5, 8), rng.uniform(3, 9)) for x in spread(rng, 9)]
        windows = [
            (x - 3 + 2.6 * i, 62.5 - 3.2 * j)
            for x, w, h in self.roofs
            for i in range(3)
            for j in range(int(h // 3))
            if rng.random() < 0.6
        ]
        self.windows = boxes(windows, 1.3, 1.8)
        self.shells = []
        for i, x in enumerate(self.sites):
            colours = rng.sample(BRIGHT, 3)
            peaks = [(x + rng.uniform(-5, 5), rng.uniform(13, 35), rng.uniform(13, 16), COLOURS[c]) for c in colours]
            self.shells.append((i * 0.37 + rng.uniform(0, 0.12), peaks))

    def paint(self, brush: Brush) -> None:
        super().paint(brush)
        for x, width, height in self.roofs:
            top = 64 - height
            brush.polygon(
                [(x - width / 2, 68), (x - width / 2, top), (x, top - 3.4), (x + width / 2, top), (x + width / 2, 68)],
                (36, 34, 72),
            )
        brush.path(self.windows, (255, 214, 110), outline=False)
        brush.path(self.hill, (44, 66, 78))

    def animate(self, brush: Brush, seconds: float) -> None:
        for start, peaks in self.shells:
            turns, age = divmod(seconds / self.cycle + start, 1)
            x, y, r, colour = peaks[int(turns) % len(peaks)]
            if visible(brush, x, r + 4):
                burst(brush, x, y, r, colour, age)


@cache
def sparks(inner: float, outer: float, rays: int, turn: float) -> skia.Path:
    """Rays between two radii, tenths of a unit circle."""
    angles = [2 * pi * (k + turn) / rays for k in range(rays)]
    return lines(
        [(10 * inner * cos(a), 10 * inner * sin(a)), (10 * outer * cos(a), 10 * outer * sin(a))] for a in angles
    )


def burst(brush: Brush, x: float, y: float, r: float, colour: Colour, age: float) -> None:
    """A rocket at an age of 0 .. 1: a fifth to rise to (x, y), the rest to open to radius r, sink and fade."""
    if age < 0.2:
        at = 66 - (66 - y) * (age / 0.2) ** 0.7
        brush.line([(x, min(66, at + 9)), (x, at)], 1.3, (255, 232, 170))
        return
    q = (age - 0.2) / 0.8
    alpha = round(255 * min(1, 2.6 * (1 - q)))
    scale = r / 10 * (0.4 + 0.6 * q**0.5)
    brush.canvas.save()
    brush.canvas.translate(x, y + 4 * q * q)
    brush.canvas.scale(scale, scale)
    glow = light(colour, 0.2)
    for rays, turn, inner, outer, hue, width in (
        (12, 0, 0.3, 1, glow, 2.1),
        (12, 0.5, 0.16, 0.6, light(colour, 0.72), 1.4),
    ):
        grown = inner + (outer - inner) * 0.75 * min(1, 1.4 * q)
        brush.pen.setColor(skia.Color(*((250, 250, 250) if brush.style == "pencil" else brush.tint(hue)), alpha))
        brush.pen.setStrokeWidth(width / scale)
        brush.canvas.drawPath(sparks(round(grown, 1), outer, rays, turn), brush.pen)
    brush.canvas.restore()
    if q < 0.18:
        brush.circle(x, y, r * 0.4, (255, 250, 224), alpha=round(230 * (1 - q / 0.18)), outline=False)
