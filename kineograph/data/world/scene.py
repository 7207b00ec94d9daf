"""What a clip of the World shows: its labels, which of them go together, and how a scene is drawn by lot.

A scene answers who does what, where, in which direction, colour, time of day, weather, style, and what the camera does.
`REPERTOIRE` holds what each kind of body can do and where; a scene is a draw from it.
"""

import hashlib
from dataclasses import dataclass
from random import Random

LAND = ("beach", "meadow", "forest", "city", "mountains", "snow", "desert", "mars", "moon", "farm", "fireworks")
WATER = ("ocean", "san francisco")
DEEP = ("under water",)
VOID = ("space",)
INDOORS = ("room",)
OPEN = ("ocean", "san francisco", "beach", "meadow", "forest", "city", "mountains", "snow", "desert", "farm")
PLACES = WATER + DEEP + LAND + VOID + INDOORS

KINDS: dict[str, tuple[str, ...]] = {
    "person": ("teddy bear", "panda", "rabbit", "penguin", "astronaut", "robot", "superhero", "girl", "boy", "mother"),
    "beast": ("cat", "dog", "horse", "elephant"),
    "fowl": ("duck", "bird", "owl"),
    "butterfly": ("butterfly",),
    "dragon": ("dragon",),
    "swimmer": ("fish", "fishes", "shark"),
    "octopus": ("octopus",),
    "turtle": ("turtle",),
    "vehicle": ("car", "truck", "bus", "train", "bicycle"),
    "boat": ("boat",),
    "balloon": ("balloon", "hot-air balloon"),
    "kite": ("kite",),
    "aeroplane": ("aeroplane",),
    "rocket": ("rocket",),
    "ball": ("ball",),
}
KIND = {who: kind for kind, members in KINDS.items() for who in members}
CAST = tuple(KIND)

SIDEWAYS = ("left", "right")
ANYWHERE = ("left", "right", "left", "right", "towards", "away")
STILL = ("",)

# kind -> act -> (weight, places, directions)
REPERTOIRE: dict[str, dict[str, tuple[float, tuple[str, ...], tuple[str, ...]]]] = {
    "person": {
        "walks": (3, LAND + INDOORS, ANYWHERE),
        "runs": (2, LAND, ANYWHERE),
        "jumps": (1.5, LAND + INDOORS, STILL),
        "hops": (1, LAND + INDOORS, SIDEWAYS),
        "dances": (2, LAND + INDOORS + DEEP, STILL),
        "swims": (3, WATER + DEEP * 2, SIDEWAYS),
        "dives": (1.2, DEEP, STILL),
        "surfs": (1.2, WATER, SIDEWAYS),
        "flies": (1.5, LAND + VOID * 3, SIDEWAYS),
        "floats up": (0.7, (*VOID, "moon", *DEEP), STILL),
        "falls": (0.8, LAND + VOID, STILL),
        "spins": (1, LAND + INDOORS, STILL),
        "waves": (1.2, LAND + INDOORS, STILL),
        "sits down": (1, LAND + INDOORS, STILL),
        "sleeps": (1, LAND + INDOORS * 3, STILL),
        "washes a window": (1, INDOORS * 2 + ("city", "farm"), STILL),
        "plays with a ball": (1.2, LAND + INDOORS, STILL),
        "walks a dog": (1.2, LAND, SIDEWAYS),
        "watches fireworks": (1, ("fireworks", "fireworks", "mars", "city", "beach", "snow", "moon"), STILL),
    },
    "beast": {
        "walks": (2, LAND + INDOORS, SIDEWAYS),
        "runs": (2, LAND, SIDEWAYS),
        "jumps": (1, LAND + INDOORS, STILL),
        "swims": (1, WATER, SIDEWAYS),
        "spins": (0.7, LAND + INDOORS, STILL),
        "sleeps": (1, LAND + INDOORS * 2, STILL),
        "plays with a ball": (1, LAND + INDOORS, STILL),
        "falls": (0.5, LAND, STILL),
    },
    "fowl": {
        "flies": (3, (*OPEN, "fireworks"), SIDEWAYS),
        "walks": (1, LAND, SIDEWAYS),
        "jumps": (0.5, LAND, STILL),
    },
    "butterfly": {"flies": (1, ("meadow", "forest", "farm", "beach", "city", "room"), SIDEWAYS)},
    "dragon": {
        "flies": (2, (*OPEN, "fireworks", "space", "moon", "mars"), SIDEWAYS),
        "walks": (1, LAND, SIDEWAYS),
        "sleeps": (0.5, LAND, STILL),
    },
    "swimmer": {"swims": (3, DEEP, SIDEWAYS), "jumps": (1, WATER, SIDEWAYS)},
    "octopus": {"swims": (2, DEEP, SIDEWAYS), "dances": (1, DEEP, STILL), "floats up": (0.7, DEEP, STILL)},
    "turtle": {"swims": (2, DEEP, SIDEWAYS), "walks": (1, ("beach", "desert", "meadow"), SIDEWAYS)},
    "vehicle": {"drives": (1, LAND, SIDEWAYS * 2 + ("towards", "away"))},
    "boat": {"sails": (1, WATER, SIDEWAYS)},
    "balloon": {"floats up": (2, (*OPEN, "fireworks", "mars"), STILL), "flies": (1, OPEN, SIDEWAYS)},
    "kite": {"flies": (1, ("beach", "meadow", "mountains", "farm", "city", "snow", "desert"), SIDEWAYS)},
    "aeroplane": {"flies": (1, (*OPEN, "fireworks"), SIDEWAYS)},
    "rocket": {"launches": (2, LAND, STILL), "flies": (1, VOID, SIDEWAYS)},
    "ball": {
        "bounces": (2, LAND + INDOORS, STILL + SIDEWAYS),
        "rolls": (1.5, LAND + INDOORS, SIDEWAYS),
        "falls": (0.5, LAND, STILL),
    },
}
WEIGHTS = {
    "person": 6.0, "beast": 2.2, "fowl": 1.4, "butterfly": 0.5, "dragon": 0.6, "swimmer": 1.4, "octopus": 0.5,
    "turtle": 0.5, "vehicle": 2.0, "boat": 0.6, "balloon": 0.8, "kite": 0.4, "aeroplane": 0.5, "rocket": 0.6,
    "ball": 0.6,
}  # fmt: skip
ACTS = tuple(dict.fromkeys(act for acts in REPERTOIRE.values() for act in acts))

DIRECTIONS = ("", "left", "right", "towards", "away")
TIMES = ("day", "sunset", "night")
WEATHERS = ("clear", "rain", "snow", "wind")
CAMERAS = ("static", "pan", "zoom in", "zoom out", "dolly around")
STYLES = ("cartoon", "pencil", "watercolour", "pixel art", "black and white")
RELATIONS = ("", "chases", "walks with", "next to")
PROPS = ("", "puddle", "fishes")
SIZES = ("", "small", "big")

PAINTABLE = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")
FUR = ("brown", "white", "black", "grey", "orange", "yellow")
NEVER_PAINTED = ("panda", "penguin", "astronaut", "fishes", "shark", "owl")
COLOURS = ("", *dict.fromkeys(PAINTABLE + FUR))
COMPANIONS = (
    "dog",
    "cat",
    "teddy bear",
    "panda",
    "rabbit",
    "penguin",
    "astronaut",
    "robot",
    "girl",
    "boy",
    "duck",
    "elephant",
    "horse",
)


@dataclass(frozen=True)
class Scene:
    """The exact labels of a clip. An empty string is "nothing in particular"; as a colour, the natural one."""

    who: str
    act: str
    where: str
    direction: str = ""
    colour: str = ""
    size: str = ""
    companion: str = ""
    companion_colour: str = ""
    relation: str = ""
    prop: str = ""
    time: str = "day"
    weather: str = "clear"
    camera: str = "static"
    style: str = "cartoon"

    def __post_init__(self):
        for name, allowed in VOCABULARY.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r}; it can be {', '.join(map(repr, allowed))}")

    @property
    def held_out(self) -> bool:
        """Whether who x act x where is one of the combinations, about one in ten, that training never shows."""
        key = f"{self.who}|{self.act}|{self.where}"
        return key not in STORY_COMBINATIONS and hashlib.sha256(key.encode()).digest()[0] < 26


VOCABULARY: dict[str, tuple[str, ...]] = {
    "who": CAST, "act": ACTS, "where": PLACES, "direction": DIRECTIONS, "colour": COLOURS, "size": SIZES,
    "companion": ("", *COMPANIONS), "companion_colour": COLOURS, "relation": RELATIONS, "prop": PROPS, "time": TIMES,
    "weather": WEATHERS, "camera": CAMERAS, "style": STYLES,
}  # fmt: skip
STORY_COMBINATIONS = frozenset(
    {
        "teddy bear|swims|san francisco", "teddy bear|dives|under water", "teddy bear|swims|under water",
        "panda|swims|under water", "astronaut|walks|mars", "astronaut|dances|mars", "astronaut|walks a dog|mars",
        "astronaut|watches fireworks|fireworks", "astronaut|watches fireworks|mars", "superhero|surfs|ocean",
        "mother|washes a window|room", "teddy bear|swims|ocean",
    }
)  # fmt: skip  # the articles' own prompts are never held out: a story may be learnt


def draw(rng: Random, *, held_out: bool = False) -> Scene:
    """A scene by lot, of a combination that training shows or, with `held_out`, of one that it never shows."""
    while True:
        scene = draw_any(rng)
        if scene.held_out == held_out:
            return scene


def draw_any(rng: Random) -> Scene:
    kind = rng.choices(tuple(WEIGHTS), tuple(WEIGHTS.values()))[0]
    who = rng.choice(KINDS[kind])
    acts = REPERTOIRE[kind]
    act = rng.choices(tuple(acts), [a[0] for a in acts.values()])[0]
    if who == "duck" and rng.random() < 0.4:
        act, places, directions = "swims", WATER, SIDEWAYS
    else:
        _, places, directions = acts[act]
    if who == "bicycle":
        directions = SIDEWAYS
    where, direction = rng.choice(places), rng.choice(directions)
    colour = draw_colour(rng, who)
    size = rng.choices(SIZES, (0.84, 0.08, 0.08))[0] if direction not in ("towards", "away") else ""
    companion, companion_colour, relation, prop = "", "", "", ""
    if kind in ("person", "beast") and rng.random() < 0.2:
        companion, relation = draw_companion(rng, who, act, where, direction)
        companion_colour = draw_colour(rng, companion) if companion and rng.random() < 0.4 else ""
        size = "" if companion else size
    if kind == "person" and not companion:
        if where == "under water" and rng.random() < 0.3:
            prop = "fishes"
        elif (
            where in LAND and act in ("walks", "runs", "jumps") and direction in (*SIDEWAYS, "") and rng.random() < 0.25
        ):
            prop = "puddle"
    time, weather = "day", "clear"
    if where in OPEN:
        time = rng.choices(TIMES, (0.72, 0.14, 0.14))[0]
        weather = rng.choices(WEATHERS, (0.76, 0.09, 0.07, 0.08))[0]
    camera = "static"
    if direction == "" and act not in ("falls", "floats up", "launches", "dives"):
        camera = rng.choices(CAMERAS, (0.52, 0.12, 0.12, 0.12, 0.12))[0]
    elif direction in SIDEWAYS:
        camera = rng.choices(CAMERAS, (0.88, 0, 0.06, 0.06, 0))[0]
    style = rng.choices(STYLES, (0.64, 0.1, 0.08, 0.09, 0.09))[0]
    if style in ("pencil", "black and white"):
        colour = companion_colour = ""
    return Scene(
        who,
        act,
        where,
        direction,
        colour,
        size,
        companion,
        companion_colour,
        relation,
        prop,
        time,
        weather,
        camera,
        style,
    )


def draw_colour(rng: Random, who: str) -> str:
    if who in NEVER_PAINTED or not who:
        return ""
    if KIND[who] == "beast":
        return (
            rng.choice(("", *FUR[:5]))
            if who in ("cat", "dog", "horse")
            else rng.choice(("", "", "pink", "blue", "white"))
        )
    natural = {"person": 0.5, "boat": 0.3, "rocket": 0.3}.get(KIND[who], 0.2)
    return "" if rng.random() < natural else rng.choice(PAINTABLE)


def draw_companion(rng: Random, who: str, act: str, where: str, direction: str) -> tuple[str, str]:
    """A second actor and what it is to the first, or two empty strings where the act leaves no room for one."""
    others = [name for name in COMPANIONS if name != who]
    if where in WATER + DEEP + VOID:
        return "", ""
    if act == "walks" and direction in SIDEWAYS:
        return rng.choice(others), "walks with"
    if act == "runs" and direction in SIDEWAYS:
        return rng.choice(others), "chases"
    if act in ("dances", "waves", "jumps", "sits down", "watches fireworks", "sleeps"):
        return rng.choice(others), "next to"
    return "", ""
