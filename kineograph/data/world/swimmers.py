"""What lives in the sea, centred at (0, 0): a fish, a school of fishes, a shark, a turtle, an octopus."""

import math
from functools import cache

import skia

from kineograph.data.world.brush import COLOURS, WHITE, Brush, Colour, dark, light, luma, mix, rounded
from kineograph.data.world.face import cheeks, eye, eyes, smile
from kineograph.data.world.figure import turn
from kineograph.data.world.pose import Pose


def fish(brush: Brush, colour: Colour, pose: Pose) -> None:
    """Two light stripes, a waving tail."""
    wave = math.sin(pose.phase) * (0.4 + pose.stride)
    fin, stripe = dark(colour, 0.16), light(colour, 0.8) if luma(colour) < 232 else COLOURS["orange"]
    brush.blob([(-9, 0), (-14, -3), (-23, -10 + 3 * wave), (-21, 3 * wave), (-23, 10 + 3 * wave), (-14, 3)], fin)
    brush.blob([(-8, -7), (-5, -15), (3, -15.5), (9, -8), (0, -6)], fin)
    brush.blob([(-4, 7), (-7 - wave, 14), (0, 13), (4, 8)], fin)
    brush.path(trunk(), colour)
    brush.arc(-7.5, 0, 5, 9.6, -62, 124, 3.2, stripe)
    brush.arc(-1, 0, 5, 12, -52, 104, 3.2, stripe)
    with brush.at(0.4, 3, rotate=18 * wave):
        brush.blob([(2, -3), (-7, -1), (-7, 6), (1, 4)], fin)
    face(brush, 9.2, -2.8, 4, pose)
    smile(brush, 12.6, 2.6, 3)


def face(brush: Brush, x: float, y: float, radius: float, pose: Pose) -> None:
    """A fish's one large eye."""
    if pose.asleep:
        eye(brush, x, y, radius * 0.8, asleep=True)
    else:
        brush.circle(x, y, radius, WHITE)
        eye(brush, x + radius * 0.2, y, radius * 0.7)


@cache
def trunk() -> skia.Path:
    return rounded([(-15, -1.6), (-8, -9.4), (6, -12.6), (17.6, -6), (18.6, 3), (8, 11.4), (-8, 8.8), (-15, 1.6)])


def fishes(brush: Brush, colour: Colour, pose: Pose) -> None:
    """A school of five, every one in another colour whatever the colour."""
    for k, (x, y) in enumerate(((-15, -11), (6, -15), (17, -1), (-9, 3), (5, 13))):
        beat = pose.phase + 1.7 * k
        hue = COLOURS[("yellow", "red", "orange", "purple", "green")[k]]
        wave = 2.2 * math.sin(beat) * (0.4 + pose.stride)
        drift = pose.phase * 0.5 + 2 * k
        with brush.at(x + math.sin(drift), y + 1.6 * math.cos(drift)):
            brush.polygon([(-5, 0), (-11, -4.8 + wave), (-9.4, wave * 0.6), (-11, 4.8 + wave)], dark(hue, 0.14))
            brush.oval(0, 0, 7.6, 5.2, hue)
            brush.line([(-1.6, -3.4), (-1.6, 3.4)], 1.8, light(hue, 0.7))
            eye(brush, 3.6, -1, 1.8, asleep=pose.asleep)


def shark(brush: Brush, colour: Colour, pose: Pose) -> None:
    """Friendly, for all its teeth."""
    wave = 3 * math.sin(pose.phase) * (0.4 + pose.stride)
    fin, pale = dark(colour, 0.16), light(colour, 0.78)
    brush.blob([(-15, -1), (-20, -5 + wave * 0.5), (-27, -15 + wave), (-23, -1 + wave), (-27, 9 + wave), (-20, 3)], fin)
    brush.blob([(-6, -9), (-7, -19), (-3, -22), (3, -15), (8, -9)], fin)
    brush.path(hull(), colour)
    brush.path(belly(), pale, outline=False)
    brush.blob([(7, 0.6), (22, -0.6), (20.6, 6), (13, 8.6)], (128, 44, 58))
    teeth = ((9, 1), (10.6, 4), (12.4, 1.4), (14.4, 4.2), (16.2, 1.2), (18, 3.6), (19.6, 0.6))
    brush.polygon(teeth, WHITE, outline=False)
    for x in (-1, 2):
        brush.arc(x, 0, 2, 3.6, 110, 140, 1, dark(colour))
    with brush.at(-3, 6, rotate=10 * math.sin(pose.phase)):
        brush.blob([(5, -2), (-2, -2), (-9, 9), (-4, 10), (4, 4)], fin)
    face(brush, 13.4, -5, 3.4, pose)


@cache
def hull() -> skia.Path:
    return rounded([(-22, 0), (-12, -6.6), (2, -12.4), (16, -11), (26, -2), (22, 8.4), (8, 11.4), (-8, 8), (-18, 2.4)])


@cache
def belly() -> skia.Path:
    return rounded([(-16, 2.4), (-4, 3), (10, 2.2), (23.4, 2.6), (20.6, 8), (8, 10.8), (-8, 7.4)])


def turtle(brush: Brush, colour: Colour, pose: Pose) -> None:
    """Paddles with its flippers; on land, where the act moves its legs, it stands on its feet at (0, 0)."""
    ashore = pose.legs != (0.0, 0.0)
    skin = (170, 212, 112) if abs(colour[1] - 190) + abs(colour[0] - 160) > 60 else (222, 200, 130)
    shade, pattern = dark(skin, 0.16), dark(colour, 0.26)
    beat = math.sin(pose.phase) * max(pose.stride, 0.15)
    with brush.at(0, (-11 if ashore else 0) + pose.bob):
        brush.polygon([(-15, 2), (-23, 5 + 2 * beat), (-14, 7)], skin)
        for x, side in ((-9, -1), (9, 1)) if pose.view == "side" else ():
            flipper(brush, x + 3, -side * beat, shade, ashore)
        with brush.at(18 + pose.head, -5 - beat):
            brush.line([(-9, 8), (-2, 3)], 8, dark(skin))
            brush.line([(-9, 8), (-2, 3)], 6.6, skin)
            brush.circle(0, 0, 8.8, skin)
            eyes(brush, 1.8, -1.6, 3.7, pose, radius=2.4)
            smile(brush, 2.4, 2.8, 2.6)
            cheeks(brush, 1.4, 3, 5.4, radius=1.6)
        brush.path(shell(), colour)
        brush.path(plates(), pattern, outline=False)
        brush.limb([(-15.6, 5.6), (13.6, 5.6)], 3.2, light(colour, 0.5))
        for x, side in ((-9, -1), (9, 1)):
            flipper(brush, x, side * beat, skin, ashore)


def flipper(brush: Brush, x: float, beat: float, colour: Colour, ashore: bool) -> None:
    with brush.at(x, 5.6, rotate=36 * beat + (0 if ashore else 22)):
        brush.oval(0, 3 if ashore else 5, 3.4 if ashore else 3.6, 4.4 if ashore else 7, colour)


@cache
def shell() -> skia.Path:
    return rounded([(-18, 6.6), (-18, -4), (-10, -16), (8, -16), (16, -4), (16, 6.6)])


@cache
def plates() -> skia.Path:
    path = skia.PathBuilder() if hasattr(skia, "PathBuilder") else skia.Path()
    for x, y, r in ((-1, -6.6, 4.6), (-9.6, -2.6, 3), (7.8, -2.6, 3)):
        corners = [(x + r * math.cos(k * math.pi / 3), y + r * math.sin(k * math.pi / 3)) for k in range(6)]
        path.addPolygon([skia.Point(*corner) for corner in corners], True)
    return path.detach() if hasattr(path, "detach") else path


def octopus(brush: Brush, colour: Colour, pose: Pose) -> None:
    """Eight arms that wave one after the other under a big round head."""
    shift = turn(pose)
    shade = dark(colour, 0.16)
    reach = 0.35 + min(1.0, pose.stride)
    for k in (0, 7, 1, 6, 2, 5, 3, 4):
        x = (k - 3.5) / 3.5
        sway = [reach * math.sin(pose.phase + 0.8 * k - 0.9 * j) for j in range(3)]
        front = k in (2, 3, 4, 5)
        brush.limb(
            [(8 * x, 2), (13 * x + 1.2 * sway[0], 9.4), (18 * x + 2.4 * sway[1], 15 - 2 * abs(x)),
             (21.5 * x + 3 * sway[2], 20.6 - 6 * abs(x))], 4.2, colour if front else shade,
        )  # fmt: skip
    with brush.at(pose.head, pose.bob):
        brush.path(mantle(), colour)
        brush.oval(-5, -15, 3.4, 2, light(colour, 0.5), outline=False, rotate=-30)
        if pose.view != "back":
            for x in (-5 + shift, 5 + shift):
                if pose.asleep:
                    eye(brush, x, -4.6, 3, asleep=True, on=colour)
                else:
                    brush.oval(x, -4.8, 3.9, 4.5, WHITE)
                    eye(brush, x + 0.3 * shift, -4.4, 2.4)
            smile(brush, shift * 1.2, 1.4, 3)
            cheeks(brush, shift, 1.8, 8.4)
        else:
            brush.circle(4, -8, 2, mix(colour, WHITE, 0.25), outline=False)


@cache
def mantle() -> skia.Path:
    return rounded([(-10, 7), (-12.6, -2), (-17, -13), (-9, -24), (9, -24), (17, -13), (12.6, -2), (10, 7), (0, 8)])


SWIMMERS = {"fish": fish, "fishes": fishes, "shark": shark, "turtle": turtle, "octopus": octopus}
NATURAL: dict[str, Colour] = {
    "fish": (250, 134, 44),
    "fishes": COLOURS["orange"],
    "shark": (120, 146, 176),
    "turtle": (70, 150, 86),
    "octopus": (222, 104, 150),
}
