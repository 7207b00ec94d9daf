"""Rain, snow and wind in front of everything. Each is a tile of strokes that passes by and comes round again."""

from math import cos, pi, sin
from random import Random

from kineograph.data.world.brush import Brush
from kineograph.data.world.setting import BOTTOM, LEFT, RIGHT, TOP, hexagons, lines, soft, stroke

WIDTH, HEIGHT = RIGHT - LEFT, BOTTOM - TOP


class Rain:
    """Slanted streaks, pale ones and dark ones so that some show on any ground, and splashes where they land."""

    def __init__(self, breeze: int, rng: Random):
        self.slant = -0.28 * breeze
        reach = HEIGHT * 0.3
        self.layers = []
        for speed, colour in ((96, (214, 230, 248)), (122, (66, 96, 150))):
            starts = [(rng.uniform(LEFT - reach, RIGHT + reach), rng.uniform(0, HEIGHT)) for _ in range(105)]
            drops = lines([(x, y), (x - self.slant * 7, y + 7)] for x, y in starts)
            self.layers.append((drops, speed, colour))
        self.splashes = []
        for _ in range(3):
            spots = [(rng.uniform(LEFT, RIGHT), rng.uniform(76, 112)) for _ in range(22)]
            crowns = [[(x - 2.2, y - 1.8), (x - 0.8, y), (x + 0.8, y), (x + 2.2, y - 1.8)] for x, y in spots]
            self.splashes.append(lines(crowns))

    def front(self, brush: Brush, seconds: float) -> None:
        stroke(brush, self.splashes[int(seconds * 8) % 3], 0.9, (222, 234, 248), alpha=220)
        for drops, speed, colour in self.layers:
            fallen = seconds * speed % HEIGHT
            for y in (fallen, fallen - HEIGHT):
                brush.canvas.save()
                brush.canvas.translate(-self.slant * y, TOP + y)
                stroke(brush, drops, 1.0, colour, alpha=225)
                brush.canvas.restore()


class Snowfall:
    """Flakes in three depths; the near ones are larger and faster."""

    def __init__(self, breeze: int, rng: Random):
        self.breeze = breeze
        self.layers = []
        for i, (r, speed) in enumerate(((1.2, 14), (1.6, 20), (2.1, 27))):
            spots = [(rng.uniform(LEFT - 40, RIGHT + 40), rng.uniform(0, HEIGHT)) for _ in range(75 - 18 * i)]
            self.layers.append((hexagons(spots, r), speed, rng.random()))

    def front(self, brush: Brush, seconds: float) -> None:
        for flakes, speed, phase in self.layers:
            fallen = seconds * speed % HEIGHT
            sway = 3.2 * sin(2 * pi * (seconds / 2.4 + phase))
            for y in (fallen, fallen - HEIGHT):
                brush.canvas.save()
                brush.canvas.translate(sway + 0.12 * self.breeze * y, TOP + y)
                soft(brush, flakes, (250, 252, 255))
                brush.canvas.restore()


class Wind:
    """Leaves that tumble past, and the curls in which one draws the wind itself."""

    def __init__(self, breeze: int, rng: Random):
        self.breeze = breeze
        self.leaves = []
        for colour in ((226, 128, 44), (150, 176, 60)):
            spots = [(rng.uniform(LEFT, RIGHT), rng.uniform(4, 100), rng.uniform(0, pi)) for _ in range(17)]
            tumbling = tuple(
                lines((leaf(x, y, turn + pi / 4 * k) for x, y, turn in spots), closed=True) for k in range(4)
            )
            self.leaves.append((tumbling, colour, rng.random()))
        spots = [(LEFT + 24 * i + rng.uniform(0, 16), rng.uniform(16, 92)) for i in range(10)]
        self.gusts = lines(gust(x, y, breeze) for x, y in spots)

    def front(self, brush: Brush, seconds: float) -> None:
        flown = self.breeze * seconds * 105 % WIDTH
        for x in (flown, flown - WIDTH):
            brush.canvas.save()
            brush.canvas.translate(x, 0)
            stroke(brush, self.gusts, 1.1, (246, 250, 255), alpha=190)
            brush.canvas.restore()
        for tumbling, colour, phase in self.leaves:
            flown = self.breeze * seconds * (64 + 14 * phase) % WIDTH
            for x in (flown, flown - WIDTH):
                brush.canvas.save()
                brush.canvas.translate(x, 4 * sin(2 * pi * (seconds * 0.8 + phase)))
                soft(brush, tumbling[int(seconds * 8) % 4], colour)
                brush.canvas.restore()


def leaf(x: float, y: float, turn: float) -> list[tuple[float, float]]:
    u, v = cos(turn), sin(turn)
    return [
        (x + 2.8 * u, y + 2.8 * v),
        (x - 1.3 * v, y + 1.3 * u),
        (x - 2.8 * u, y - 2.8 * v),
        (x + 1.3 * v, y - 1.3 * u),
    ]


def gust(x: float, y: float, breeze: int) -> list[tuple[float, float]]:
    """A long line that curls up at its head."""
    curl = [(14 + 3 * sin(0.6 * k), -3 + 3 * cos(0.6 * k)) for k in range(8)]
    return [(x + breeze * u, y + v) for u, v in [(0, 0), (6, -0.8), *curl]]


WEATHER = {"rain": Rain, "snow": Snowfall, "wind": Wind}
