"""Places where people live: a street and a room."""

from math import pi, sin
from random import Random

from kineograph.data.world.brush import COLOURS, Brush, dark, light, mix
from kineograph.data.world.landmarks import house, lamp
from kineograph.data.world.setting import (
    BOTTOM,
    LEFT,
    RIGHT,
    Setting,
    boxes,
    lines,
    spread,
    stroke,
    thick,
    visible,
    wash,
)

WALLS = ((224, 142, 112), (244, 214, 150), (160, 196, 214), (212, 168, 190), (178, 206, 160), (232, 232, 222))
ROOF = (156, 78, 66)


class City(Setting):
    """A row of houses before a skyline, a pavement, a road with a dashed line."""

    horizon = 62.0

    def __init__(self, sky, rng: Random):
        super().__init__(sky, rng)
        self.skyline = [(x, rng.uniform(9, 14), rng.uniform(22, 34)) for x in spread(rng, 13)]
        self.houses, x, last = [], float(LEFT - rng.uniform(0, 12)), None
        while x < RIGHT:
            width, wall = rng.uniform(14, 21), rng.choice([w for w in WALLS if w != last])
            self.houses.append((x, width, rng.uniform(20, 34), wall, ROOF if rng.random() < 0.5 else None))
            x, last = x + width, wall
        self.lamps = (-64, -28, 9, 91, 128, 164)
        self.seed = rng.random()
        self.chimneys = [(x + width * 0.5, 62 - height) for x, width, height, _, roof in self.houses if not roof][::2]

    def paint(self, brush: Brush) -> None:
        shade, lit, rng = self.shade, self.sky.time == "night", Random(self.seed)
        tall = mix(self.sky.colours[1], (92, 112, 150), 0.4)
        for x, width, top in self.skyline:
            brush.box(x - width / 2, top, width, 60 - top, tall, outline=brush.style == "pencil")
            if lit:
                panes = [
                    (x - width / 2 + 2 + 3.4 * i, top + 3 + 5 * j) for i in range(int(width / 3.6)) for j in range(3)
                ]
                brush.path(boxes((p for p in panes if rng.random() < 0.5), 1.3, 2), (255, 226, 140), outline=False)
        for x, width, height, wall, roof in self.houses:
            house(brush, x, 64, width, height, shade, wall=wall, roof=roof, lit=lit, rng=rng)
        for x, y in self.chimneys:
            brush.box(x - 2, y - 5, 4, 6.5, shade((150, 92, 78)))
        brush.box(LEFT - 2, 64, RIGHT - LEFT + 4, 9, shade((204, 200, 194)))
        stroke(
            brush,
            lines([(x, 64), (x - 4 + (x - 50) * 0.03, 73)] for x in range(LEFT, RIGHT, 16)),
            0.6,
            shade((172, 168, 164)),
        )
        brush.box(LEFT - 2, 73, RIGHT - LEFT + 4, 2.4, shade((226, 224, 218)))
        brush.box(LEFT - 2, 75.4, RIGHT - LEFT + 4, BOTTOM, shade((104, 108, 122)), outline=False)
        dashes = [[(x, 93.4), (x + 12, 93.4), (x + 11.4, 96), (x - 0.8, 96)] for x in range(LEFT, RIGHT, 24)]
        brush.path(lines(dashes, closed=True), shade((246, 238, 206)), outline=brush.style == "pencil")
        for x in self.lamps:
            lamp(brush, x, 72, shade, lit=lit)

    def animate(self, brush: Brush, seconds: float) -> None:
        way = self.sky.breeze * (2.2 if self.sky.lean else 0.5)
        for i, (x, y) in enumerate(self.chimneys):
            if not visible(brush, x, 32):
                continue
            for k in range(3):
                age = (seconds / 2.4 + i * 0.37 + k / 3) % 1
                puff = round(220 * (1 - age))
                brush.circle(
                    x + way * 14 * age,
                    y - 6 - 13 * age,
                    1.6 + 3 * age,
                    self.shade((236, 236, 240)),
                    alpha=puff,
                    outline=False,
                )


class Room(Setting):
    """A living room: window, pictures, sofa, lamp, rug, and a clock whose pendulum swings."""

    horizon = 68.0
    clouded = False

    def __init__(self, sky, rng: Random):
        super().__init__(sky, rng)
        self.wall = rng.choice(((250, 226, 176), (202, 226, 206), (214, 206, 236), (248, 208, 196), (190, 216, 236)))
        self.cloth = COLOURS[rng.choice(("red", "blue", "green", "purple", "orange"))]
        self.rug = COLOURS[rng.choice(("red", "blue", "purple", "green", "orange"))]
        self.side = rng.choice((-1, 1))
        self.windows = (self.at(27), self.at(-42), self.at(146))
        self.cloud = rng.uniform(0, 30)

    def at(self, x: float) -> float:
        """x in a room that may be mirrored as a whole."""
        return 50 + self.side * (x - 50)

    def paint(self, brush: Brush) -> None:
        wash(brush, -30, 68, self.wall, dark(self.wall, 0.08))
        brush.path(boxes(((x, -30) for x in range(LEFT, RIGHT, 14)), 4, 98), light(self.wall, 0.22), outline=False)
        brush.box(LEFT - 2, 68, RIGHT - LEFT + 4, 70, (206, 156, 104), outline=False)
        planks = [[(LEFT, y), (RIGHT, y)] for y in (75, 83, 93, 106)]
        cuts = [
            [(x + 9 * i, y), (x + 9 * i, y + h)]
            for i, (y, h) in enumerate(((68, 7), (75, 8), (83, 10), (93, 13)))
            for x in range(LEFT, RIGHT, 34)
        ]
        stroke(brush, lines([*planks, *cuts]), 0.7, (170, 120, 76))
        brush.box(LEFT - 2, 65.5, RIGHT - LEFT + 4, 3, (248, 244, 236))
        for x in self.windows:
            self.paint_window(brush, x)
        for x, y, colour in ((self.at(77), 22, (120, 190, 230)), (self.at(112), 26, (244, 190, 120))):
            brush.box(x - 9, y - 8, 18, 16, (166, 110, 60))
            brush.box(x - 7, y - 6, 14, 12, colour, outline=False)
            brush.circle(x + 3, y - 2, 2, (255, 226, 90), outline=False)
            brush.polygon(
                [(x - 7, y + 6), (x - 2, y - 1), (x + 2, y + 3), (x + 4, y + 1), (x + 7, y + 6)],
                (86, 160, 90),
                outline=False,
            )
        brush.oval(50, 91, 40, 8.5, light(self.rug, 0.3))
        brush.oval(50, 91, 32, 6.2, light(self.rug, 0.62), outline=False)
        self.paint_sofa(brush, self.at(2))
        self.paint_lamp(brush, self.at(94))
        self.paint_shelf(brush, self.at(124))
        self.paint_shelf(brush, self.at(-22))

    def paint_window(self, brush: Brush, x: float) -> None:
        brush.box(x - 13, 12, 26, 32, (250, 248, 240))
        brush.box(x - 11, 14, 22, 28, (150, 212, 248), outline=False)
        brush.oval(x, 43, 14, 6, (132, 200, 100), outline=False)
        brush.box(x - 13, 42, 26, 6, mix(self.wall, (0, 0, 0), 0.08), outline=False)
        brush.box(x - 15, 42, 30, 3, (250, 248, 240))
        brush.circle(x + 6, 20, 3.2, (255, 222, 80), outline=False)
        stroke(brush, lines([[(x, 13), (x, 42)], [(x - 12, 28), (x + 12, 28)]]), 1.6, (250, 248, 240))

    def paint_sofa(self, brush: Brush, x: float) -> None:
        deep = dark(self.cloth, 0.18)
        brush.path(boxes(((x - 17, 78), (x + 14, 78)), 3, 5), (120, 80, 50))
        brush.box(x - 19, 52, 38, 24, self.cloth, radius=5)
        brush.box(x - 17, 66, 34, 13, light(self.cloth, 0.16), radius=3)
        for side in (-22, 15):
            brush.box(x + side, 60, 7, 20, deep, radius=3)
        brush.box(x - 11, 57, 10, 10, light(self.cloth, 0.6), radius=2)

    def paint_lamp(self, brush: Brush, x: float) -> None:
        brush.circle(x, 41, 13, (255, 240, 170), alpha=90, outline=False)
        brush.limb([(x, 78), (x, 46)], 1.4, (110, 90, 80))
        brush.oval(x, 79, 5, 1.6, (110, 90, 80))
        brush.polygon([(x - 4, 34), (x + 4, 34), (x + 8, 47), (x - 8, 47)], (255, 224, 130))

    def paint_shelf(self, brush: Brush, x: float) -> None:
        brush.box(x - 10, 28, 20, 50, (158, 104, 62))
        for i, y in enumerate((31, 43, 55, 67)):
            brush.box(x - 8.5, y, 17, 9.5, (112, 72, 44), outline=False)
            for k, name in enumerate(("red", "yellow", "green", "blue", "purple")):
                brush.box(x - 8 + 3.2 * k, y + 1.5 + (i + k) % 3, 2.6, 8 - (i + k) % 3, COLOURS[name], outline=False)

    def animate(self, brush: Brush, seconds: float) -> None:
        swing = 16 * sin(2 * pi * seconds / 1.6)
        x = self.at(52)
        with brush.at(x, 20, rotate=swing):
            stroke(brush, lines([[(0, 0), (0, 13)]]), 1.1, (140, 96, 60))
            brush.circle(0, 14, 2.6, (250, 208, 80))
        brush.circle(x, 17, 6.5, (166, 106, 62))
        brush.circle(x, 17, 4.8, (252, 250, 244), outline=False)
        hand = 2 * pi * seconds / 8
        stroke(
            brush,
            lines([[(x, 13.6), (x, 17), (x + 2.8 * sin(hand), 17 - 2.8 * sin(hand + pi / 2))]]),
            0.8,
            (50, 44, 50),
        )
        for centre in self.windows:
            if not visible(brush, centre, 20):
                continue
            cloud = (seconds * 3 + self.cloud) % 26 - 13
            if abs(cloud) < 8:
                brush.oval(centre + cloud, 24, 3.2, 1.4, (250, 252, 255), outline=False)
            stir = 1.3 * sin(2 * pi * seconds / 2.6)
            for s in (-1, 1):
                drape = [
                    (centre + 15 * s, 10),
                    (centre + 7 * s, 10),
                    (centre + 8 * s, 30),
                    (centre + (10 + stir) * s, 47),
                    (centre + 16 * s, 47),
                ]
                brush.polygon(drape, light(self.cloth, 0.28))
        thick(brush, lines([[(c - 17, 10), (c + 17, 10)] for c in self.windows]), 1.3, (130, 90, 60))
