"""Where a film plays: the places, their times of day and their weather.

A `Backdrop` paints what stands still once, then moves the clouds, waves and grass behind the actors, and the water's
surface, rain, flakes and leaves before them.

        sky -> setting (once) | stars, clouds, setting (each frame) | actors | setting's front, weather
"""

from random import Random

from kineograph.data.world.brush import Brush, Colour
from kineograph.data.world.heavens import Fireworks, Mars, Moon, Space
from kineograph.data.world.lands import Desert, Farm, Forest, Meadow, Mountains, Snow
from kineograph.data.world.setting import Setting
from kineograph.data.world.sky import Sky
from kineograph.data.world.towns import City, Room
from kineograph.data.world.waters import Bay, Beach, Depths, Ocean
from kineograph.data.world.weather import WEATHER

SETTINGS: dict[str, type[Setting]] = {
    "ocean": Ocean, "san francisco": Bay, "under water": Depths, "beach": Beach, "meadow": Meadow, "forest": Forest,
    "city": City, "room": Room, "mountains": Mountains, "snow": Snow, "desert": Desert, "mars": Mars, "moon": Moon,
    "space": Space, "fireworks": Fireworks, "farm": Farm,
}  # fmt: skip
PLACES = tuple(SETTINGS)
TIMES = ("day", "sunset", "night")
WEATHERS = ("clear", "rain", "snow", "wind")
OUTDOOR = frozenset(PLACES) - {"under water", "room", "mars", "moon", "space", "fireworks"}


class Backdrop:
    """One place at one time in one weather. Places that have neither ignore both: fireworks are always at night."""

    def __init__(self, place: str, time: str, weather: str, rng: Random):
        for name, given, allowed in (("place", place, PLACES), ("time", time, TIMES), ("weather", weather, WEATHERS)):
            if given not in allowed:
                raise ValueError(f"{name} is {given!r}; it can be {', '.join(allowed)}")
        self.outdoor = place in OUTDOOR
        if not self.outdoor:
            time, weather = "day", "clear"
        setting = SETTINGS[place]
        self.sky = Sky(time, weather, setting.horizon, rng)
        self.setting = setting(self.sky, rng)
        self.weather = WEATHER[weather](self.sky.breeze, rng) if weather in WEATHER else None

    def shade(self, colour: Colour) -> Colour:
        """A colour in the light of this place."""
        return self.sky.shade(colour)

    def paint(self, brush: Brush) -> None:
        """Everything that stands still; drawn once."""
        if self.outdoor:
            self.sky.paint(brush)
        self.setting.paint(brush)

    def animate(self, brush: Brush, seconds: float) -> None:
        """What moves behind the actors."""
        if self.outdoor:
            self.sky.animate(brush, seconds)
            if self.setting.clouded:
                self.sky.drift(brush, seconds)
        self.setting.animate(brush, seconds)

    def front(self, brush: Brush, seconds: float) -> None:
        """What moves before the actors."""
        self.setting.front(brush, seconds)
        if self.weather:
            self.weather.front(brush, seconds)
