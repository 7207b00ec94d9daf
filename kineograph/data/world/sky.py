"""The sky, and the light it throws on everything below it."""

from math import cos, pi, sin
from random import Random

import skia

from kineograph.data.world.brush import Brush, Colour, mix
from kineograph.data.world.setting import LEFT, RIGHT, TOP, bunch, hexagons, lines, scatter, soft, stroke, visible, wash

SKIES: dict[str, tuple[Colour, Colour, Colour]] = {  # above, between, at the horizon
    "day": ((84, 170, 240), (150, 208, 250), (222, 243, 252)),
    "sunset": ((112, 72, 150), (238, 112, 112), (255, 204, 110)),
    "night": ((10, 14, 46), (24, 34, 84), (58, 74, 132)),
}
VEILS: dict[str, tuple[Colour, float]] = {"rain": ((112, 122, 138), 0.72), "snow": ((160, 174, 194), 0.66)}
SUN, GLOW, MOON = (255, 214, 64), (255, 122, 60), (250, 242, 206)
WIDTH = 280  # after so many units a cloud comes round again
PUFFS = ((-8.0, 1.5, 4.2), (-2.5, -1.5, 5.6), (4.0, -0.5, 5.0), (9.0, 2.0, 3.6), (1.0, 2.5, 4.2))


class Sky:
    """Sun or moon, clouds and stars of a time of day and a weather."""

    def __init__(self, time: str, weather: str, horizon: float, rng: Random):
        self.time, self.weather, self.horizon = time, weather, horizon
        self.breeze = rng.choice((-1, 1))
        self.lean = 9.0 * self.breeze if weather == "wind" else 0.0  # of trees, in degrees
        self.gusts = 2.6 if weather == "wind" else 1.0
        self.dull = weather in VEILS
        veil, share = VEILS.get(weather, ((0, 0, 0), 0.0))
        share *= 0.5 if time == "night" else 0.62 if time == "sunset" else 1
        self.colours = tuple(mix(c, mix(veil, SKIES["night"][0], 0.6 * (time == "night")), share) for c in SKIES[time])
        self.sun_x = rng.choice((rng.uniform(12, 26), rng.uniform(74, 88)))
        self.sun_y = horizon - 10 if time == "sunset" else rng.uniform(13, 18)
        many = 13 if weather == "rain" else 8
        self.clouds = [
            (WIDTH / many * (i + rng.uniform(0, 0.6)), rng.uniform(-1, 8) if weather == "rain" else rng.uniform(5, 15),
             rng.uniform(0.85, 1.3) * (1.5 if weather == "rain" else 1), rng.uniform(0.8, 1.2))
            for i in range(many)
        ]  # fmt: skip
        self.stars = hexagons(scatter(rng, 60, TOP, 46), 0.55)
        self.twinkles = [hexagons(scatter(rng, 16, -10, 24), 0.9) for _ in range(3)]

    def shade(self, colour: Colour) -> Colour:
        """A colour of the land in this light."""
        if self.weather == "snow":
            colour = mix(colour, (226, 234, 244), 0.28)
        if self.weather == "rain":
            colour = mix(colour, (98, 108, 124), 0.32)
        if self.time == "sunset":
            colour = mix(mix(colour, (255, 128, 66), 0.22), (74, 34, 84), 0.16)
        if self.time == "night":
            colour = mix(colour, (18, 24, 72), 0.5)
        return colour

    def paint(self, brush: Brush) -> None:
        above, between, below = self.colours
        bend = self.horizon * 0.45
        wash(brush, TOP, bend, above, between)
        wash(brush, bend, self.horizon + 20, between, below)
        if self.dull:
            return
        if self.time == "night":
            soft(brush, self.stars, (236, 240, 255))
            full = skia.Path.Circle(self.sun_x, self.sun_y, 7.5)
            shadow = skia.Path.Circle(self.sun_x + 4.2, self.sun_y - 2.4, 6.4)
            brush.circle(self.sun_x, self.sun_y, 12, MOON, alpha=28, outline=False)
            brush.path(skia.Op(full, shadow, skia.PathOp.kDifference_PathOp), MOON)
            return
        low = self.time == "sunset"
        colour, r = (GLOW, 12.0) if low else (SUN, 7.5)
        rays = [(cos(i * pi / 6), sin(i * pi / 6)) for i in range(12)]
        x, y = self.sun_x, self.sun_y
        if low:
            brush.circle(x, y, 24, (255, 214, 130), alpha=60, outline=False)
            brush.circle(x, y, 17, (255, 196, 100), alpha=90, outline=False)
        else:
            stroke(
                brush, lines([(x + 9.7 * u, y + 9.7 * v), (x + 12.5 * u, y + 12.5 * v)] for u, v in rays), 1.5, colour
            )
        brush.circle(x, y, r, colour)

    def animate(self, brush: Brush, seconds: float) -> None:
        """The twinkling of the stars and the clouds."""
        if self.time == "night" and not self.dull:
            for i, group in enumerate(self.twinkles):
                brush.path(group, (255, 252, 226), alpha=round(150 + 104 * sin(seconds * 5 + i * 2.1)), outline=False)

    def drift(self, brush: Brush, seconds: float) -> None:
        """The clouds, in front of whatever stands still."""
        veiled = {"rain": (104, 112, 128), "snow": (222, 228, 238)}.get(self.weather, (255, 255, 255))
        colour = mix(self.colours[1], veiled, {"day": 1, "sunset": 0.42, "night": 0.22}[self.time])
        if self.time == "sunset" and not self.dull:
            colour = (255, 186, 164)
        cloud, speed = bunch(PUFFS), self.breeze * (3.2 if self.weather != "wind" else 16)
        for x, y, scale, pace in self.clouds:
            at = (x + seconds * speed * pace) % WIDTH + (LEFT + RIGHT - WIDTH) / 2
            if not visible(brush, at, 24):
                continue
            brush.canvas.save()
            brush.canvas.translate(at, y)
            brush.canvas.scale(scale * 1.1, scale * 0.9)
            soft(brush, cloud, colour)
            brush.canvas.restore()
