"""Places in the open country."""

from math import pi, sin
from random import Random

import skia

from kineograph.data.world.brush import BRIGHT, COLOURS, Brush, dark, mix
from kineograph.data.world.landmarks import cactus, pine, rock, snowman, tree, tufts
from kineograph.data.world.setting import (
    LEFT,
    RIGHT,
    Setting,
    boxes,
    dots,
    lines,
    ridge,
    scatter,
    soft,
    spread,
    stroke,
    thick,
    visible,
)  # fmt: skip


class Land(Setting):
    """Ground with blades of grass, or whatever grows there, that sways in the wind."""

    grass = (64, 148, 58)
    blades = 34

    def __init__(self, sky, rng: Random):
        super().__init__(sky, rng)
        self.tufts = tufts(scatter(rng, self.blades, 70, 112))
        self.side = rng.choice((-1, 1))

    def sway(self, seconds: float, phase: float = 0.0) -> float:
        """-1 .. 1, leaning with the wind."""
        gusts = 0.55 * sin(2 * pi * (seconds / (1.1 if self.sky.lean else 1.9) + phase))
        return 0.45 * (self.sky.breeze if self.sky.lean else 0) + gusts

    def animate(self, brush: Brush, seconds: float) -> None:
        bent = self.tufts[round((self.sway(seconds) + 1) / 2 * (len(self.tufts) - 1))]
        stroke(brush, bent, 1.0, self.shade(self.grass))


class Meadow(Land):
    """Rolling hills, flowers, apple trees."""

    def __init__(self, sky, rng: Random):
        super().__init__(sky, rng)
        self.far = ridge(57, ((5, 84, rng.random()), (1.5, 37, rng.random())))
        self.near = ridge(64, ((3, 120, rng.random()), (1, 45, rng.random())))
        sites = (50 - 39 * self.side, 50 + 92 * self.side, 50 - 100 * self.side)
        self.trees = [
            (x + rng.uniform(-3, 3), rng.uniform(69, 75), rng.uniform(0.98, 1.15), rng.random()) for x in sites
        ]
        self.bushes = [(x, rng.uniform(2.6, 4.2)) for x in spread(rng, 24)]
        colours = rng.sample(("red", "yellow", "pink", "purple", "white"), 3)
        spots = scatter(rng, 40, 90, 116) + scatter(rng, 34, 70, 88, calm=(22, 78))
        self.flowers = [(spots[i::3], COLOURS[name]) for i, name in enumerate(colours)]

    def paint(self, brush: Brush) -> None:
        shade = self.shade
        brush.path(self.far, shade((150, 208, 112)))
        for x, r in self.bushes:
            brush.oval(x, 61, r * 1.4, r, shade((96, 170, 88)))
        brush.path(self.near, shade((118, 196, 84)))
        for spots, colour in self.flowers:
            petals = [(x + u, y + v) for x, y in spots for u, v in ((-1, 0), (1, 0), (0, -1), (0, 1))]
            stroke(brush, lines([(x, y), (x, y + 3.4)] for x, y in spots), 0.7, shade((60, 140, 60)))
            brush.path(dots(petals, 1.0), shade(colour), outline=False)
            brush.path(dots(spots, 0.8), shade((255, 226, 110)), outline=False)

    def animate(self, brush: Brush, seconds: float) -> None:
        super().animate(brush, seconds)
        for x, y, size, phase in self.trees:
            if not visible(brush, x, 24):
                continue
            turn = self.sky.lean * 0.7 + 1.6 * self.sky.gusts * sin(2 * pi * (seconds / 2.2 + phase))
            tree(brush, x, y, size, self.shade, turn=turn, fruit=(222, 60, 54))


class Forest(Land):
    """Trees upon trees, dark green, and a mossy clearing to act in."""

    horizon = 56.0
    clouded = False
    grass = (42, 104, 56)

    def __init__(self, sky, rng: Random):
        super().__init__(sky, rng)
        self.far = [(x, rng.uniform(1.5, 1.9)) for x in spread(rng, 11)]
        self.middle = [(x, rng.uniform(1.5, 1.85), rng.random() < 0.4) for x in spread(rng, 15) if not 36 < x < 64]
        self.near = [(x, rng.uniform(1.75, 2.0)) for x in spread(rng, 26, calm=(17, 83))]
        self.ground = ridge(64, ((1.2, 70, rng.random()), (0.8, 23, rng.random())))
        self.mushrooms = scatter(rng, 15, 76, 104, calm=(26, 74))
        self.light = rng.uniform(40, 60)

    def paint(self, brush: Brush) -> None:
        shade, turn = self.shade, self.sky.lean * 0.45
        brush.box(LEFT, 30, RIGHT - LEFT, 60, shade((58, 116, 92)), outline=False)
        for x, size in self.far:
            pine(brush, x, 64, size, shade, turn=turn, needles=(84, 150, 116))
        for x, size, fir in self.middle:
            if fir:
                pine(brush, x, 66, size, shade, turn=turn, needles=(44, 112, 82))
            else:
                tree(brush, x, 66, size, shade, turn=turn, leaves=(58, 132, 70))
        brush.path(self.ground, shade((82, 130, 66)))
        for x, size in self.near:
            tree(brush, x, 76, size, shade, turn=turn, leaves=(34, 98, 54))
        brush.path(boxes(((x - 0.8, y - 3) for x, y in self.mushrooms), 1.6, 3), shade((244, 236, 220)), outline=False)
        soft(brush, dots(((x, y - 3.2) for x, y in self.mushrooms), 2.5, 1.6), shade((214, 58, 50)))


class Mountains(Land):
    """Peaks with snow on top, firs at their feet."""

    horizon = 62.0
    grass = (88, 140, 76)

    def __init__(self, sky, rng: Random):
        super().__init__(sky, rng)
        self.far = [(x, rng.uniform(24, 32), rng.uniform(22, 28)) for x in spread(rng, 30)]
        start = rng.choice((14, 26))
        self.near = [
            (start + 58 * i + rng.uniform(-5, 5), rng.uniform(14, 20), rng.uniform(31, 37)) for i in (-1, 0, 1, 2)
        ]
        self.foot = ridge(64, ((2, 70, rng.random()), (1, 29, rng.random())))
        self.pines = sorted((rng.uniform(66, 75), x, rng.uniform(0.6, 0.85)) for x in spread(rng, 11, calm=(22, 78)))
        self.small = [(x, rng.uniform(0.24, 0.34)) for x in spread(rng, 6)]

    def paint(self, brush: Brush) -> None:
        shade = self.shade
        for peaks, rock_colour in ((self.far, (152, 172, 206)), (self.near, (116, 128, 160))):
            for x, top, half in peaks:
                brush.polygon([(x - half, 68), (x, top), (x + half, 68)], shade(rock_colour))
                side = [
                    (x, top),
                    (x + half, 68),
                    (x + half * 0.25, 68),
                    (x + half * 0.12, top + 24),
                    (x + half * 0.2, top + 14),
                ]
                brush.polygon(side, shade(dark(rock_colour, 0.16)), outline=False)
                slope = half / (68 - top)
                low, high = top + 17, top + 11
                cap = [
                    (x, top),
                    (x + 17 * slope, low),
                    (x + 6 * slope, high),
                    (x + 1, low + 3),
                    (x - 6 * slope, high + 1),
                    (x - 17 * slope, low),
                ]
                brush.polygon(cap, shade((250, 252, 255)))
        brush.path(self.foot, shade((126, 176, 104)))
        for x, size in self.small:
            pine(brush, x, 67, size, shade, turn=self.sky.lean * 0.6)
        for y, x, size in self.pines:
            pine(brush, x, y, size, shade, turn=self.sky.lean * 0.6)


class Snow(Land):
    """White ground, firs under snow, a snowman."""

    grass = (176, 190, 214)
    blades = 16

    def __init__(self, sky, rng: Random):
        super().__init__(sky, rng)
        self.far = ridge(57, ((4, 76, rng.random()), (1.5, 33, rng.random())))
        self.near = ridge(65, ((2, 110, rng.random()), (1, 41, rng.random())))
        self.drifts = [ridge(y, ((1.5, 90, rng.random()), (0.8, 37, rng.random()))) for y in (78, 97)]
        self.pines = sorted((rng.uniform(65, 72), x, rng.uniform(0.75, 1.0)) for x in spread(rng, 15, calm=(24, 76)))
        self.small = [(x, rng.uniform(0.28, 0.4)) for x in spread(rng, 9)]
        self.men = [(50 + 36 * self.side, 80, 0.95), (50 - 82 * self.side, 80, 1.0), (50 + 100 * self.side, 78, 0.9)]
        self.scarf = COLOURS[rng.choice(BRIGHT)]

    def paint(self, brush: Brush) -> None:
        shade, turn = self.shade, self.sky.lean * 0.6
        brush.path(self.far, shade((206, 220, 242)))
        for x, size in self.small:
            pine(brush, x, 62, size, shade, turn=turn, snowy=True)
        brush.path(self.near, shade((236, 242, 252)))
        for drift, colour in zip(self.drifts, ((226, 234, 248), (240, 245, 253)), strict=True):
            brush.path(drift, shade(colour), outline=False)
        for y, x, size in self.pines:
            pine(brush, x, y, size, shade, turn=turn, snowy=True)
        for x, y, size in self.men:
            brush.oval(x, y + 1, 10, 1.8, shade((186, 200, 226)), outline=False)
            snowman(brush, x, y, size, shade, scarf=self.scarf)


class Desert(Land):
    """Dunes and cacti; a ball of dry twigs rolls by."""

    horizon = 58.0
    grass = (178, 140, 70)
    blades = 14

    def __init__(self, sky, rng: Random):
        super().__init__(sky, rng)
        self.dunes = [
            (ridge(y, ((a, 88, rng.random()), (a / 3, 39, rng.random()))), colour)
            for y, a, colour in ((56, 5, (244, 202, 128)), (64, 3.5, (236, 184, 104)), (76, 2.5, (246, 206, 130)))
        ]
        sites = (
            (50 - 38 * self.side, 1.25),
            (50 + 42 * self.side, 0.85),
            (50 - 92 * self.side, 1.1),
            (50 + 96 * self.side, 1.3),
        )
        self.cacti = [(x + rng.uniform(-3, 3), rng.uniform(73, 79), size) for x, size in sites]
        self.rocks = [(x, rng.uniform(76, 80), rng.uniform(1.5, 3.5)) for x in spread(rng, 30, calm=(28, 72))]
        self.mesas = [(x, rng.uniform(10, 16), rng.uniform(9, 14)) for x in spread(rng, 60)]
        self.start = rng.uniform(0, 300)
        spokes = [(3.4 * sin(1.1 * k), 3.4 * sin(1.1 * k + pi / 2)) for k in range(12)]
        self.twigs = lines([[(u * (-1) ** k, v) for k, (u, v) in enumerate(spokes)], spokes])

    def paint(self, brush: Brush) -> None:
        shade = self.shade
        for x, width, height in self.mesas:
            brush.polygon(
                [(x - width, 64), (x - width * 0.7, 58 - height), (x + width * 0.7, 58 - height), (x + width, 64)],
                shade((216, 138, 98)),
            )
        for dune, colour in self.dunes:
            brush.path(dune, shade(colour))
        for x, y, r in self.rocks:
            rock(brush, x, y, r, shade((176, 130, 92)))
        for x, y, size in self.cacti:
            brush.oval(x + 3, y + 0.5, 9 * size, 1.8, shade((206, 154, 84)), outline=False)
            cactus(brush, x, y, size, shade)

    def animate(self, brush: Brush, seconds: float) -> None:
        super().animate(brush, seconds)
        x = self.sky.breeze * (self.start + seconds * 13 * self.sky.gusts) % 260 + LEFT - 10
        with brush.at(x, 72 - 3 * abs(sin(seconds * 4)), rotate=x * 16):
            stroke(brush, self.twigs, 0.8, self.shade((140, 96, 48)))


def sails() -> skia.Path:
    """The four sails of a windmill around its hub."""
    sail = [(4, 0.6), (17, 0.6), (17, 4.6), (4, 4.6)]
    return lines(
        [sail, [(-v, u) for u, v in sail], [(-u, -v) for u, v in sail], [(v, -u) for u, v in sail]], closed=True
    )


class Farm(Land):
    """A red barn, a fence, striped fields and a windmill that turns."""

    horizon = 60.0

    def __init__(self, sky, rng: Random):
        super().__init__(sky, rng)
        self.far = ridge(57, ((3, 90, rng.random()), (1, 37, rng.random())))
        self.barns = [50 + 36 * self.side, 50 - 96 * self.side]
        self.mills = [50 - 36 * self.side, 50 + 88 * self.side]
        self.bales = [(x, rng.uniform(76, 79)) for x in (50 + 17 * self.side + 44, 50 - 74, 50 + 98)]
        self.sails, self.spars = sails(), lines([[(-17, 0), (17, 0)], [(0, -17), (0, 17)]])
        self.speed = (150 if sky.weather == "wind" else 65) * self.side

    def paint(self, brush: Brush) -> None:
        shade = self.shade
        brush.path(self.far, shade((164, 208, 116)))
        brush.box(LEFT - 2, 60.5, RIGHT - LEFT + 4, 80, shade((128, 194, 86)))
        rows = lines([(50 + (x - 50) * 0.9, 61), (x + (x - 50) * 0.14, 69)] for x in range(LEFT, RIGHT + 1, 9))
        brush.box(LEFT - 2, 61, RIGHT - LEFT + 4, 7.5, shade((240, 208, 96)), outline=False)
        stroke(brush, rows, 1.3, shade((204, 160, 66)))
        for x in self.barns:
            self.paint_barn(brush, x)
        for x in self.mills:
            brush.polygon([(x - 6, 70), (x - 3.4, 34), (x + 3.4, 34), (x + 6, 70)], shade((240, 232, 216)))
            brush.polygon([(x - 4.6, 34.5), (x, 28), (x + 4.6, 34.5)], shade((158, 84, 62)))
            brush.box(x - 1.8, 63, 3.6, 7, shade((150, 100, 64)))
        posts = [[(x, 66.5), (x, 74)] for x in range(LEFT, RIGHT + 1, 10)]
        thick(brush, lines([*posts, *[[(LEFT, y), (RIGHT, y)] for y in (68.5, 71.5)]]), 1.1, shade((232, 220, 196)))
        for x, y in self.bales:
            brush.circle(x, y - 4, 5, shade((236, 196, 92)))
            brush.arc(x, y - 4, 2.6, 2.6, 30, 290, 0.9, shade((186, 140, 56)))

    def paint_barn(self, brush: Brush, x: float) -> None:
        shade = self.shade
        red, white, roof = shade((204, 56, 46)), shade((248, 242, 234)), shade((110, 84, 84))
        gable = [(x - 13, 70), (x - 13, 48), (x - 9, 38), (x, 31), (x + 9, 38), (x + 13, 48), (x + 13, 70)]
        brush.polygon(gable, red)
        thick(brush, lines([[(x - 15, 49), (x - 10, 37.5), (x, 29.5), (x + 10, 37.5), (x + 15, 49)]]), 2.2, roof)
        brush.box(x - 2.6, 38, 5.2, 6, (255, 220, 120) if self.sky.time == "night" else white)
        brush.box(x - 6, 54, 12, 16, mix(red, (60, 20, 20), 0.25))
        cross = [
            [(x - 6, 54), (x + 6, 70)],
            [(x + 6, 54), (x - 6, 70)],
            [(x - 6, 54), (x + 6, 54), (x + 6, 70), (x - 6, 70), (x - 6, 54)],
        ]
        stroke(brush, lines(cross), 1.3, white)

    def animate(self, brush: Brush, seconds: float) -> None:
        super().animate(brush, seconds)
        for x in filter(lambda x: visible(brush, x, 20), self.mills):
            with brush.at(x, 36, rotate=seconds * self.speed):
                stroke(brush, self.spars, 1.2, self.shade((120, 84, 56)))
                brush.path(self.sails, self.shade((250, 246, 236)))
                brush.circle(0, 0, 1.6, self.shade((158, 84, 62)))
