"""The World's machines and toys: all that drives, sails and flies, drawn facing +x.

What stands on the ground stands on (0, 0); what flies is centred there. Each is about 46 units long or tall.
"""

import math
from collections.abc import Callable

from kineograph.data.world.brush import COLOURS, WHITE, Brush, Colour, dark, light
from kineograph.data.world.pose import Pose
from kineograph.data.world.shapes import (
    GLASS,
    GLOW,
    HAIR,
    METAL,
    SIGNAL,
    SMOKE,
    TYRE,
    WOOD,
    accent,
    boxes,
    flame,
    head,
    sectors,
    soft,
    solid,
    trim,
)
from kineograph.data.world.vehicles import bicycle, bus, car, train, truck


def boat(brush: Brush, colour: Colour, pose: Pose) -> None:
    """A sailing boat with a waving flag."""
    wave = 1.4 * math.sin(5 * pose.seconds + pose.phase)
    rim = ((5, -48 - wave), (8, -46 + wave), (12, -45.5 + wave), (8, -43 + wave), (5, -41.6 - wave))
    brush.blob([(1, -48.5), (1, -48.5), *rim, (1, -42), (1, -42)], accent(colour))
    brush.limb([(0, -11), (0, -48)], 1.6, WOOD)
    brush.path(soft((2, -41), (2, -41), (19, -30), (22, -15), (22, -15), (12, -17.5), (2, -15), (2, -15)), WHITE)
    jib = soft((-2, -38), (-2, -38), (-7, -26), (-18, -15), (-18, -15), (-9, -17), (-2, -15), (-2, -15))
    brush.path(jib, (250, 190, 90) if min(colour) > 200 else light(colour, 0.35))
    keel = ((25.5, -13.5), (25.5, -13.5), (22, -2), (14, 0.5), (-14, 0.5), (-21, -1))
    brush.path(soft((-24, -12.5), (-24, -12.5), (0, -10), *keel), colour)
    stripe = solid((-23, -11.6), (0, -9.6), (24.6, -12.4), (24, -9), (0, -6.6), (-22, -8.4))
    brush.path(stripe, trim(colour), outline=False)
    for x in (-10, 0, 10):
        brush.circle(x, -3.8, 1.7, GLASS)


def balloon(brush: Brush, colour: Colour, pose: Pose) -> None:
    """A toy balloon on a string."""
    sway = 2 * math.sin(pose.phase)
    brush.line([(0, 12), (0.8 * sway, 15), (0.2 * sway, 18.5), (-sway, 22), (-0.6 * sway, 26)], 1.2, (96, 92, 100))
    brush.path(solid((0, 8), (-3.6, 13), (3.6, 13)), colour)
    left = ((-2, 11), (-8, 6), (-15.5, -3), (-16.5, -16), (-10, -25), (0, -26.5))
    right = ((10, -25), (16.5, -16), (15.5, -3), (8, 6), (2, 11))
    brush.path(soft(*left, *right), colour)
    shadow = soft((5, 7), (12, 1.6), (14.4, -6), (14.2, -13), (11, -4))
    brush.path(shadow, dark(colour, 0.2), outline=False)
    brush.oval(-6.4, -14.6, 2.6, 5, light(colour, 0.75), outline=False, rotate=24)


def hot_air_balloon(brush: Brush, colour: Colour, pose: Pose) -> None:
    """A striped hot-air balloon with a passenger and a burner."""
    brush.path(solid((-8, 4), (-5.8, 17), (-4.2, 17), (-6, 4)), HAIR, outline=False)
    brush.path(solid((8, 4), (5.8, 17), (4.2, 17), (6, 4)), HAIR, outline=False)
    left = ((-8, 7), (-8, 7), (-14.5, -0.5), (-21, -7), (-20.5, -19), (-13, -27.5), (0, -29))
    right = ((13, -27.5), (20.5, -19), (21, -7), (14.5, -0.5), (8, 7), (8, 7))
    envelope = soft(*left, *right)
    brush.path(envelope, colour)
    for share, shade in ((0.72, trim(colour)), (0.4, colour), (0.13, trim(colour))):
        with brush.at(stretch=share):
            brush.path(envelope, shade, outline=False)
    brush.box(-8.6, 5.4, 17.2, 2.6, dark(colour, 0.25), radius=1.2)
    flame(brush, 0, 12, 0.42, pose.seconds)
    head(brush, 0.4, 14.8, 3.4)
    brush.box(-6.8, 17.6, 13.6, 8.2, WOOD, radius=1.8)
    brush.box(-7.6, 16.6, 15.2, 2.6, HAIR, radius=1.2)


def aeroplane(brush: Brush, colour: Colour, pose: Pose) -> None:
    """A chubby aeroplane with a propeller."""
    spin = 11 * math.sin(31 * pose.seconds)
    wing = SIGNAL if min(colour) > 200 else dark(colour, 0.16)
    fin = soft((-15, -4), (-15, -4), (-22, -20), (-22, -20), (-29, -20), (-29, -20), (-26.5, -1), (-26.5, -1))
    body = ((6, -11), (21, -11), (24.5, 1), (20, 8.6), (2, 10), (-14, 6), (-27, -2))
    stripe = soft((-27, -3), (-10, 1.4), (8, 1.6), (24, 0.6), (24, 3.4), (8, 5.4), (-10, 4.4))
    brush.path(solid((-2, -6), (-9, -16), (-3, -16), (8, -6)), dark(wing, 0.2))
    brush.path(fin, wing)
    brush.path(soft((-28, -6), (-28, -6), (-14, -10), *body), colour)
    brush.path(stripe, trim(colour), outline=False)
    brush.path(soft((12, -2.4), (12, -2.4), (12.6, -9.4), (12.6, -9.4), (20, -8), (22, -2.8), (22, -2.8)), GLASS)
    brush.path(boxes(4.2, 4.2, 2.1, (-12.4, -5.8), (-6.2, -5.8), (0, -5.8), (6.2, -5.8)), GLASS)
    brush.path(soft((-32, -3.6), (-32, -3.6), (-28, -6), (-17, -4), (-17, -4), (-20, -0.6), (-32, -1)), wing)
    near = soft((9, 2), (9, 2), (-5, 19), (-5, 19), (-12.5, 19), (-12.5, 19), (-6, 2), (-6, 2))
    brush.path(near, wing)
    brush.oval(25.6, 1, 1.6, 11, SMOKE, alpha=130, outline=False)
    brush.polygon([(24.8, 1), (26, 1 - spin), (27, 1), (26, 1 + spin)], TYRE, outline=False)
    brush.oval(24.6, 1, 2.8, 2.6, GLOW)


def rocket(brush: Brush, colour: Colour, pose: Pose) -> None:
    """A rocket, nose up, that burns while it has thrust (pose.stride)."""
    if pose.stride > 0:
        flame(brush, 0, 15, 0.8 + 0.4 * min(pose.stride, 1), pose.seconds, 0)
    tips = trim(colour)
    brush.path(solid((-3.4, 13), (-5, 17.5), (5, 17.5), (3.4, 13)), TYRE)
    fin = soft((-6, -1), (-6, -1), (-17, 7), (-15.5, 20), (-15.5, 20), (-11, 13.5), (-4, 13), (-4, 13))
    for side in (1, -1):
        with brush.at(stretch=side):
            brush.path(fin, tips)
    side = ((9, -17), (11.5, -4), (8, 14), (8, 14), (-8, 14), (-8, 14), (-11.5, -4), (-9, -17))
    nose = ((7.6, -18.5), (8.6, -12.6), (8.6, -12.6), (0, -10.6), (-8.6, -12.6), (-8.6, -12.6), (-7.6, -18.5))
    brush.path(soft((0, -27), (0, -27), *side), colour)
    brush.path(soft((0, -27), (0, -27), *nose), tips)
    brush.path(solid((-9, 7.6), (9, 7.6), (8.4, 11), (-8.4, 11)), tips, outline=False)
    brush.circle(0, -2.4, 5.4, METAL)
    brush.circle(0, -2.4, 3.8, (84, 168, 236), outline=False)
    brush.oval(-1.2, -3.8, 1.2, 0.9, WHITE, outline=False)
    brush.path(soft((-1.6, 5), (0, 4), (1.6, 5), (1.8, 19), (0, 21.5), (-1.8, 19)), dark(tips, 0.2))


def ball(brush: Brush, colour: Colour, pose: Pose) -> None:
    """A beach ball of radius 13 that turns and squashes."""
    tall = 1 - pose.squash
    with brush.at(scale=tall, stretch=(1 + pose.squash) / tall):
        with brush.at(0, -13, rotate=math.degrees(pose.phase) % 360):
            brush.circle(0, 0, 13, colour)
            brush.path(sectors(3, 12.5, 0.42), trim(colour), outline=False)
            brush.circle(0, 0, 3.2, accent(colour))
        brush.oval(-5.4, -19.4, 3.2, 1.9, WHITE, alpha=190, outline=False, rotate=-38)


def kite(brush: Brush, colour: Colour, pose: Pose) -> None:
    """A diamond kite with a waving tail."""
    sways = [math.sin(pose.phase - 1.1 * k) for k in range(6)]
    tail = [(0.55 * k * sway - 1.6 * k, 13 + 3.8 * k) for k, sway in enumerate(sways)]
    brush.line([(2, -4), (8, 14), (16, 26), (28, 36)], 0.9, (110, 108, 116))
    brush.line(tail, 1.5, dark(colour))
    for k in (1, 3, 5):
        with brush.at(*tail[k], rotate=15 + 30 * sways[k]):
            brush.path(solid((0, 0), (-5, -2.6), (-5, 2.6), (0, 0), (5, -2.6), (5, 2.6)), accent(colour))
    brush.path(solid((0, -27), (17.5, -9), (0, 15), (-17.5, -9)), colour)
    light_half = solid((0, -26), (0, -9), (16.6, -9), (0, 14), (0, -9), (-16.6, -9))
    brush.path(light_half, trim(colour), outline=False)
    brush.line([(0, -26), (0, 14)], 1, dark(colour))
    brush.line([(-16.5, -9), (16.5, -9)], 1, dark(colour))


MACHINES: dict[str, Callable[[Brush, Colour, Pose], None]] = {
    "car": car, "truck": truck, "bus": bus, "train": train, "bicycle": bicycle, "boat": boat, "balloon": balloon,
    "hot-air balloon": hot_air_balloon, "aeroplane": aeroplane, "rocket": rocket, "ball": ball, "kite": kite,
}  # fmt: skip
NATURAL: dict[str, Colour] = {
    "car": COLOURS["red"], "truck": COLOURS["orange"], "bus": COLOURS["yellow"], "train": COLOURS["green"],
    "bicycle": COLOURS["blue"], "boat": COLOURS["red"], "balloon": COLOURS["red"], "hot-air balloon": COLOURS["orange"],
    "aeroplane": COLOURS["white"], "rocket": COLOURS["white"], "ball": COLOURS["red"], "kite": COLOURS["purple"],
}  # fmt: skip
