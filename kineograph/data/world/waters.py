"""Places at, on and under the sea."""

from math import pi, sin
from random import Random

import skia

from kineograph.data.world.brush import BRIGHT, COLOURS, Brush, Colour, light, mix
from kineograph.data.world.landmarks import palm, rock, stars
from kineograph.data.world.setting import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Setting,
    crest,
    dots,
    lines,
    ridge,
    scatter,
    soft,
    spread,
    stroke,
    thick,
    visible,
    wash,
)  # fmt: skip

SEA, DEEP, FOAM = (52, 148, 222), (20, 88, 170), (232, 246, 255)
SURFACE = 66.0


class Rollers:
    """Waves that roll on for ever: one path, moved along by its length at most."""

    def __init__(self, y: float, amplitude: float, length: float, speed: float):
        self.water, self.rim = crest(y, amplitude, length)
        self.length, self.speed = length, speed

    def draw(self, brush: Brush, seconds: float, water: Colour, alpha: int, rim: Colour, width: float) -> None:
        brush.canvas.save()
        brush.canvas.translate(seconds * self.speed % self.length, 1.1 * sin(2 * pi * seconds / 2.2 + self.length))
        brush.path(self.water, water, alpha=alpha, outline=False)
        stroke(brush, self.rim, width, rim, alpha=min(255, alpha + 60))
        brush.canvas.restore()


class Ocean(Setting):
    """Open water to the horizon; `front` is the surface through which swimmers are seen."""

    horizon = 50.0

    def __init__(self, sky, rng: Random):
        super().__init__(sky, rng)
        self.way = rng.choice((-1, 1))
        self.isles = [(x, rng.uniform(9, 15), rng.uniform(4, 7)) for x in (-46, rng.choice((8, 92)), 140)]
        self.ripples = []
        for k, y in enumerate((53.5, 57.5, 62.5)):
            step = 20 + 5 * k
            xs = [LEFT - step + step * i for i in range(round((RIGHT - LEFT) / step) + 3)]
            w = 2.6 + k
            self.ripples.append((lines([(x - w, y), (x, y - 0.9 - 0.25 * k), (x + w, y)] for x in xs), step))
        gusty = sky.weather in ("wind", "rain")
        self.waves = [
            Rollers(SURFACE, 3.4 if not gusty else 5.5, 21, 8 * self.way),
            Rollers(SURFACE + 13, 3.6, 29, -9 * self.way),
            Rollers(SURFACE + 25, 4.2, 37, 12 * self.way),
        ]

    def paint(self, brush: Brush) -> None:
        wash(brush, self.horizon, BOTTOM, self.shade(light(SEA, 0.2)), self.shade(DEEP))
        self.paint_shore(brush)
        stroke(brush, lines([[(LEFT, self.horizon), (RIGHT, self.horizon)]]), 0.7, self.shade(light(SEA, 0.5)))
        sky = self.sky
        if not sky.dull and sky.time != "day":
            glints = [
                [(sky.sun_x - w, y), (sky.sun_x + w, y)]
                for y, w in ((51.5, 7), (54, 4.5), (56.5, 6), (59.5, 3.5), (63, 5))
            ]
            stroke(brush, lines(glints), 1.2, (255, 214, 130) if sky.time == "sunset" else (222, 228, 240), alpha=190)

    def paint_shore(self, brush: Brush) -> None:
        for x, width, height in self.isles:
            points = [
                (x - width, 50),
                (x - width * 0.5, 50 - height),
                (x, 50 - height * 0.7),
                (x + width * 0.4, 50 - height),
                (x + width, 50),
            ]
            brush.blob([*points, (x, 51)], self.shade((104, 152, 150)))

    def animate(self, brush: Brush, seconds: float) -> None:
        for k, (ripple, step) in enumerate(self.ripples):
            brush.canvas.save()
            brush.canvas.translate(self.way * seconds * (4 + 2 * k) % step, 0)
            stroke(brush, ripple, 0.9 + 0.1 * k, self.shade((186, 224, 248)), alpha=210)
            brush.canvas.restore()

    def front(self, brush: Brush, seconds: float) -> None:
        for wave, alpha, colour in zip(self.waves, (156, 92, 92), (SEA, mix(SEA, DEEP, 0.5), DEEP), strict=True):
            wave.draw(brush, seconds, self.shade(colour), alpha, self.shade(FOAM), 1.3)


class Bay(Ocean):
    """The ocean at San Francisco: the Golden Gate from shore to shore."""

    def __init__(self, sky, rng: Random):
        super().__init__(sky, rng)
        self.towers = (rng.uniform(10, 20), rng.uniform(78, 88))
        self.hills = [ridge(44, ((5, 80, rng.random()), (2, 31, rng.random())), bottom=51) for _ in range(2)]

    def paint_shore(self, brush: Brush) -> None:
        a, b = self.towers
        for hills, left, right in ((self.hills[0], LEFT, a - 24), (self.hills[1], b + 26, RIGHT)):
            brush.canvas.save()
            brush.canvas.clipRect(skia.Rect.MakeLTRB(left, TOP, right, BOTTOM))
            brush.path(hills, self.shade((132, 150, 96)))
            brush.canvas.restore()
        red, shadow = self.shade((214, 66, 44)), self.shade((150, 40, 34))
        cables = [(a - 52, 41), (a - 26, 29), (a, 10)], [(b, 10), (b + 26, 29), (b + 52, 41)]
        middle = [(a + (b - a) * t / 16, 10 + 27 * (1 - (t / 8 - 1) ** 2)) for t in range(17)]
        hangers = [[(x, y), (x, 41)] for x, y in middle[1:-1]]
        hangers += [
            [(x + d, 12 + abs(d)), (x + d, 41)] for x, s in ((a, -1), (b, 1)) for d in (6 * s, 12 * s, 18 * s, 24 * s)
        ]
        stroke(brush, lines(hangers), 0.6, shadow)
        stroke(brush, lines([*cables, middle]), 1.5, red)
        brush.box(LEFT - 2, 40.5, RIGHT - LEFT + 4, 3.2, red)
        for x in self.towers:
            brush.box(x - 5, 51.5, 10, 3.5, self.shade((176, 168, 160)))
            for side in (-3.6, 1.2):
                brush.box(x + side, 7, 2.4, 45, red)
            for y in (9, 18.5, 28, 37.5, 46):
                brush.box(x - 3.6, y, 7.2, 2.2, red)
        if self.sky.time == "night":
            brush.path(dots([(x, 39.6) for x in range(LEFT, RIGHT, 8)], 0.7), (255, 224, 130), outline=False)


class Depths(Setting):
    """Under water: rays of light from above, sand and weed below."""

    horizon = 88.0
    clouded = False

    def __init__(self, sky, rng: Random):
        super().__init__(sky, rng)
        self.sand = ridge(91, ((1.6, 62, rng.random()), (0.8, 27, rng.random())))
        self.rocks = ridge(80, ((6, 58, rng.random()), (3, 23, rng.random())))
        self.rays = [(x, rng.uniform(6, 11), rng.random()) for x in spread(rng, 30)]
        self.weeds = [
            (x + d, rng.uniform(18, 34), rng.random()) for x in spread(rng, 27, calm=(24, 76)) for d in (-3, 2.5)
        ]
        self.corals = [(x, rng.uniform(0.8, 1.25), COLOURS[rng.choice(BRIGHT)]) for x in spread(rng, 22, calm=(30, 70))]
        self.stones = [(x, rng.uniform(3, 5.5)) for x in spread(rng, 38)]
        self.shells = stars(scatter(rng, 9, 95, 100), 2.4, tips=5)
        self.bubbles = [
            (dots([(rng.uniform(LEFT, RIGHT), rng.uniform(0, 160)) for _ in range(many)], r), r, speed)
            for many, r, speed in ((22, 1.1, 22), (16, 1.7, 30))
        ]

    def paint(self, brush: Brush) -> None:
        wash(brush, TOP, 46, (118, 220, 244), (52, 158, 222))
        wash(brush, 46, BOTTOM, (52, 158, 222), (16, 70, 150))
        brush.path(self.rocks, (38, 116, 186), outline=False)
        brush.path(self.sand, (240, 214, 146))
        for x, r in self.stones:
            rock(brush, x, 94, r, (122, 126, 146))
        for x, size, colour in self.corals:
            with brush.at(x, 95, scale=size):
                twigs = [[(0, 0), (0, -12)], [(0, -3), (-5, -6), (-5.5, -11)], [(0, -5), (4.6, -8), (5, -12)]]
                thick(brush, lines(twigs), 2.6, light(colour, 0.18))
        soft(brush, self.shells, (240, 132, 88))

    def animate(self, brush: Brush, seconds: float) -> None:
        for x, width, phase in self.rays:
            if not visible(brush, x - 11, 36):
                continue
            shift = 5 * sin(2 * pi * (seconds / 3.5 + phase))
            glow = round(44 + 20 * sin(2 * pi * (seconds / 2.3 + phase)))
            points = [
                (x - width / 2, TOP),
                (x + width / 2, TOP),
                (x + width * 1.5 - 22 + shift, 92),
                (x - width * 1.5 - 22 + shift, 92),
            ]
            brush.polygon(points, (226, 250, 255), alpha=glow, outline=brush.style == "pencil")
        bent = [
            [
                (x + 2.6 * (j / 6) ** 1.2 * sin(2 * pi * (seconds / 1.8 + phase) - j * 0.8), 95 - height * j / 6)
                for j in range(7)
            ]
            for x, height, phase in self.weeds
            if visible(brush, x, 5)
        ]
        thick(brush, lines(bent), 2.6, (52, 158, 92))
        for bubbles, r, speed in self.bubbles:
            risen = seconds * speed % 160
            for y in (-risen, 160 - risen):
                brush.canvas.save()
                brush.canvas.translate(1.6 * sin(seconds * 4 + r), TOP + y)
                brush.path(bubbles, (214, 244, 255), alpha=120, outline=False)
                stroke(brush, bubbles, 0.6, (240, 252, 255), alpha=230)
                brush.canvas.restore()


class Beach(Setting):
    """Sand, a strip of sea whose foam comes and goes, palms and a parasol."""

    horizon = 51.0

    def __init__(self, sky, rng: Random):
        super().__init__(sky, rng)
        side = rng.choice((-1, 1))
        self.palms = [
            (x, rng.uniform(74, 79), rng.uniform(1.0, 1.15), rng.random())
            for x in (50 - 45 * side, 50 + 96 * side, 50 - 78 * side)
        ]
        self.parasols = [
            (50 + 40 * side, 78, COLOURS[rng.choice(("red", "blue", "purple"))]),
            (50 - 102 * side, 78, COLOURS["orange"]),
        ]
        self.sand = ridge(67, ((1.4, 90, rng.random()), (0.5, 31, rng.random())))
        self.foam = lines([[(x, 65.4 + 1.2 * sin(x * 0.16 + side)) for x in range(LEFT, RIGHT + 1, 8)]])
        self.shells = stars(scatter(rng, 8, 92, 110), 2.2, tips=5)
        self.grains = dots(scatter(rng, 50, 72, 112), 0.7, 0.4)
        self.ripples = lines(
            [(x - 3, y), (x, y - 0.9), (x + 3, y)]
            for y in (54.5, 59)
            for x in range(LEFT - 24, RIGHT + 24, 24 if y < 56 else 18)
        )
        self.way = rng.choice((-1, 1))

    def paint(self, brush: Brush) -> None:
        shade = self.shade
        wash(brush, self.horizon, 70, shade((36, 128, 214)), shade((84, 200, 224)))
        stroke(brush, lines([[(LEFT, self.horizon), (RIGHT, self.horizon)]]), 0.6, shade((150, 206, 240)))
        brush.path(self.sand, shade((246, 220, 150)), outline=brush.style == "pencil")
        brush.path(self.grains, shade((226, 192, 120)), outline=False)
        soft(brush, self.shells, shade((240, 132, 100)))
        for x, y, colour in self.parasols:
            brush.oval(x, y + 0.6, 13, 2, shade((206, 170, 104)), outline=False)
            with brush.at(x, y, rotate=-8 + self.sky.lean * 0.5):
                brush.limb([(0, 0), (0, -22)], 1.3, shade((236, 232, 222)))
                half = skia.Path()
                half.addArc(skia.Rect.MakeLTRB(-14, -32, 14, -8), 180, 180)
                half.close()
                brush.path(half, shade(colour))
                for left, right in ((-8.4, -2.8), (2.8, 8.4)):
                    brush.path(
                        lines([[(left, -20), (0, -32), (right, -20)]], closed=True),
                        shade((250, 248, 240)),
                        outline=False,
                    )
            brush.box(x - 13, y + 1, 12, 3, shade(light(colour, 0.5)), radius=1)

    def animate(self, brush: Brush, seconds: float) -> None:
        brush.canvas.save()
        brush.canvas.translate(self.way * seconds * 6 % 72 - 36 * (1 + self.way), 0)
        stroke(brush, self.ripples, 0.9, self.shade((206, 238, 250)), alpha=210)
        brush.canvas.restore()
        brush.canvas.save()
        brush.canvas.translate(0, 1.7 * sin(2 * pi * seconds / 2.4))
        stroke(brush, self.foam, 5, self.shade((110, 208, 226)), alpha=150)
        brush.canvas.translate(0, 2)
        stroke(brush, self.foam, 1.8, self.shade((255, 255, 255)))
        brush.canvas.restore()
        for x, y, size, phase in self.palms:
            if not visible(brush, x, 30):
                continue
            sway = 2.2 * self.sky.gusts * sin(2 * pi * (seconds / 2 + phase))
            palm(brush, x, y, size, self.shade, turn=self.sky.lean + sway, facing=1 if x < 50 else -1)
