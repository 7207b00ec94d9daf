"""Four-legged animals: a cat, a dog, a horse, an elephant, with heads as large as a plush toy's."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from kineograph.data.world.brush import COLOURS, INK, WHITE, Brush, Colour, Point, dark, joint, light, luma, mix
from kineograph.data.world.face import BLUSH, cheeks, eyes, smile
from kineograph.data.world.figure import turn
from kineograph.data.world.pose import Pose

PINK: Colour = (246, 150, 166)


@dataclass(frozen=True, slots=True)
class Build:
    """Proportions of a body; `head` is where the middle of the head is when the animal stands."""

    leg: float
    leg_width: float
    length: float  # half the trunk's length
    depth: float  # half its height
    head: Point
    crown: float  # the height of the head in the front view
    paw: Colour
    paw_size: float = 3.2


Part = Callable[[Brush, Colour, Pose], None]


def on_four_legs(brush: Brush, colour: Colour, pose: Pose, build: Build, head: Part, tail: Part, belly: Colour) -> None:
    """From behind to the front: tail, far legs, near legs, trunk, head. `head` and `tail` draw around their roots.

    Asleep the animal lies with its legs tucked under it. Seen from the front it is a head over two legs.
    """
    lying = pose.asleep and pose.view == "side"
    middle = -build.depth - (0.6 if lying else build.leg - 1.5) + pose.bob
    if pose.view == "side":
        with brush.at(-build.length + 0.5, middle - build.depth * 0.35):
            tail(brush, colour, pose)
        if not lying:
            four_legs(brush, colour, pose, build)
        brush.oval(-1, middle, build.length, build.depth, colour)
        brush.oval(0, middle + build.depth * 0.5, build.length * 0.66, build.depth * 0.4, belly, outline=False)
        if lying:
            for x in (-0.55, 0.75):
                brush.oval(x * build.length, -2, build.paw_size * 1.5, 2.4, build.paw)
        x, y = build.head
        with brush.at(x + pose.head, y + pose.bob + (build.leg - 3 if lying else 0)):
            head(brush, colour, pose)
        return
    back = pose.view == "back"
    if back:
        with brush.at(pose.head, build.crown + pose.bob):
            head(brush, colour, pose)
    two_legs(brush, colour, pose, build)
    brush.oval(0, middle, build.depth * 1.2, build.depth * 1.1, colour)
    if back:
        with brush.at(0, middle - build.depth * 0.2):
            tail(brush, colour, pose)
    else:
        brush.oval(0, middle + 1, build.depth * 0.7, build.depth * 0.8, belly, outline=False)
        with brush.at(pose.head, build.crown + pose.bob):
            head(brush, colour, pose)


def four_legs(brush: Brush, colour: Colour, pose: Pose, build: Build) -> None:
    """A trot: each fore leg swings with the hind leg across."""
    far = dark(colour, 0.16), dark(build.paw, 0.14)
    hind, fore = -build.length * 0.62, build.length * 0.55
    for x, offset, (skin, paw) in (
        (hind + 4.4, math.pi, far),
        (fore + 4.4, 0.0, far),
        (hind, 0.0, (colour, build.paw)),
        (fore, math.pi, (colour, build.paw)),
    ):
        cycle = pose.phase + offset
        angle = 0.95 * pose.stride * math.sin(cycle)
        bend = 1.1 * pose.stride * max(0.0, math.cos(cycle))
        half = (build.leg + 2) / 2
        (_, _), knee, (u, v) = joint(x, -build.leg - 2 + 1.6, angle, half, half, -bend)
        brush.limb([(x, -build.leg + pose.bob), knee, (u, v - 0.4)], build.leg_width, skin)
        brush.oval(u + 0.9, v - 0.4, build.paw_size * 1.1, 2.1, paw, rotate=-30 * (angle - bend))


def two_legs(brush: Brush, colour: Colour, pose: Pose, build: Build) -> None:
    """The pair that one sees from the front or from behind."""
    x = build.depth * 0.6
    for side in (-1, 1):
        lift = 2.5 * pose.stride * max(0.0, side * math.sin(pose.phase))
        brush.limb([(side * x, -build.leg + pose.bob), (side * x, -2.4 - lift)], build.leg_width + 0.8, colour)
        brush.oval(side * x, -2.2 - lift, build.paw_size * 1.1, 2.3, build.paw)


def wag(pose: Pose, rate: float = 1.0) -> float:
    """A tail's swing, -1 .. 1; lively while the legs move."""
    return math.sin(pose.phase * rate) * (0.5 + 0.5 * min(1.0, pose.stride))


def cat(brush: Brush, colour: Colour, pose: Pose) -> None:
    build = Build(9, 5, 13.5, 7.2, (10, -23), -24, light(colour, 0.7), 3)
    on_four_legs(brush, colour, pose, build, cat_head, cat_tail, light(colour, 0.5))
    if pose.view == "side":
        top = -1.4 - 7.2 * 2 - (0 if pose.asleep else 6.6) + pose.bob
        for x in (-9, -5, -1):
            brush.line([(x, top + 2 + 0.06 * (x + 1) ** 2 * 0.4), (x - 0.6, top + 5.4)], 1.6, dark(colour, 0.3))


def cat_tail(brush: Brush, colour: Colour, pose: Pose) -> None:
    swing = 3.4 * wag(pose)
    if pose.view == "side":
        brush.limb([(1, 1), (-5, -1), (-8.6, -6), (-8.6 + swing * 0.5, -12), (-6 + swing, -17)], 3.8, colour)
    else:
        brush.limb([(0, 2), (3 + swing * 0.4, -4), (2 + swing, -11), (5 + swing, -16)], 3.8, colour)


def cat_head(brush: Brush, colour: Colour, pose: Pose) -> None:
    face, back = turn(pose), pose.view == "back"
    stripe = dark(colour, 0.3)
    for side in (-1, 1):
        x = side * 6.8 - face * 0.2
        brush.polygon([(x - side * 5.4, -6.6), (x + side * 2.6, -13.6), (x + side * 4.2, -1.6)], colour)
        if not back:
            brush.polygon([(x - side * 2.4, -7), (x + side * 2, -11), (x + side * 2.8, -4.6)], PINK, outline=False)
    brush.oval(0, 0, 11.6, 9.8, colour)
    for x in (-2.6, 0, 2.6):
        brush.line([(face * 0.7 + x, -8.2), (face * 0.8 + x * 0.8, -5.6)], 1.3, stripe)
    if back:
        return
    brush.oval(face * 1.4, 4, 5.2, 3.6, light(colour, 0.7), outline=False)
    whisker = WHITE if luma(colour) < 90 else INK
    for side in (-1, 1):
        for y in (-0.6, 1.6):
            brush.line([(face + side * 7, 3.2 + y * 0.3), (face + side * 13, 2.6 + y * 1.6)], 0.6, whisker)
    eyes(brush, face, -0.6, 5.0, pose, radius=2.5, on=colour)
    smile(brush, face * 1.4 - 1.4, 3.8, 1.5)
    smile(brush, face * 1.4 + 1.4, 3.8, 1.5)
    brush.oval(face * 1.4, 2.7, 1.5, 1.1, (226, 96, 116), outline=False)


def dog(brush: Brush, colour: Colour, pose: Pose) -> None:
    build = Build(9.5, 5.4, 13.5, 7.6, (10.5, -24), -25, light(colour, 0.7), 3.4)
    on_four_legs(brush, colour, pose, build, dog_head, dog_tail, light(colour, 0.5))


def dog_tail(brush: Brush, colour: Colour, pose: Pose) -> None:
    swing = 4.5 * wag(pose, 2)
    if pose.view == "side":
        brush.limb([(1, 1), (-4, -4), (-6 + swing, -11)], 4, colour)
    else:
        brush.limb([(0, 3), (swing * 0.5, -3), (swing, -8)], 4, colour)


def dog_head(brush: Brush, colour: Colour, pose: Pose) -> None:
    face, back = turn(pose), pose.view == "back"
    ear = dark(colour, 0.38) if luma(colour) > 80 else light(colour, 0.2)
    flap = 10 * wag(pose, 2) * pose.stride
    red = COLOURS["blue"] if colour == COLOURS["red"] else COLOURS["red"]
    brush.limb([(-5.4 - face * 0.2, 9.2), (3.6 - face * 0.2, 9.8)], 2.6, red)
    if face:
        brush.oval(8, -7, 5, 3.4, ear, rotate=42)
    brush.oval(0, 0, 11.2, 10, colour)
    if not back:
        brush.oval(face * 0.9 + 4.8, -1, 4.2, 4.8, light(colour, 0.6), outline=False)
        if face:
            brush.oval(9, 4, 6.2, 4.4, light(colour, 0.7))
            brush.oval(8.4, 8.6, 1.7, 2.4, (240, 110, 130), outline=False)
            smile(brush, 9, 4.6, 3.2)
            brush.oval(13.4, 1.8, 2.2, 1.7, INK, outline=False)
            eyes(brush, 3.6, -1.8, 4.5, pose, radius=2.3, on=colour)
        else:
            brush.oval(0, 4.4, 6, 4.2, light(colour, 0.7), outline=False)
            brush.oval(0, 8, 1.8, 2.2, (240, 110, 130), outline=False)
            smile(brush, 0, 4.6, 3)
            brush.oval(0, 2.2, 2.3, 1.7, INK, outline=False)
            eyes(brush, 0, -1.8, 5, pose, radius=2.3, on=colour)
    for side in (-1, 1):
        if not face or side < 0:
            with brush.at(side * 9.4 + face * 0.6, -6.4, rotate=-side * (18 + flap)):
                brush.oval(0, 6, 3.7, 7.6, ear)


def horse(brush: Brush, colour: Colour, pose: Pose) -> None:
    build = Build(15, 4.8, 14, 8, (13, -36), -35, dark(colour, 0.5), 3)
    if pose.view == "side":
        drop = 12 if pose.asleep else 0
        for width, shade in ((10.4, dark(colour)), (9, colour)):
            brush.line([(6, -22 + drop + pose.bob), (11, -34 + drop + pose.bob)], width, shade)
    on_four_legs(brush, colour, pose, build, horse_head, horse_tail, light(colour, 0.18))


def hair_of(colour: Colour) -> Colour:
    """A mane and a tail that differ from the coat."""
    return (250, 226, 170) if luma(colour) < 135 else mix(dark(colour, 0.55), (110, 66, 40), 0.5)


def horse_tail(brush: Brush, colour: Colour, pose: Pose) -> None:
    swing = 3 * wag(pose)
    if pose.view == "side":
        points = [(3, -4), (-5, -5), (-10 + swing, 2), (-10 + swing, 14), (-6 + swing, 15), (-3, 5), (3, 3)]
    else:
        points = [(-3, -4), (3, -4), (4 + swing, 10), (swing, 15), (-4 + swing, 10)]
    brush.blob(points, hair_of(colour))


def horse_head(brush: Brush, colour: Colour, pose: Pose) -> None:
    face, back, hair = turn(pose), pose.view == "back", hair_of(colour)
    wave = 1.2 * wag(pose)
    if face:
        brush.blob(
            [(1, -13), (-7, -11), (-11 + wave, -3), (-13 - wave, 7), (-12 + wave, 16), (-6, 15), (-3, 4), (2, -4)], hair
        )  # fmt: skip
    for x in (-4.6 - face * 0.2, 4.6 - face * 0.4):
        brush.polygon([(x - 2.4, -6.4), (x + (0.6 if face else 0.3 * x), -14), (x + 2.6, -6.4)], colour)
    brush.oval(0, 0, 9.4, 9.2, colour)
    if back:
        brush.blob([(-4, -12), (4, -12), (5, 6), (0, 12), (-5, 6)], hair)
        return
    if face:
        brush.oval(8.4, 5, 7, 5.4, light(colour, 0.55), rotate=18)
        brush.circle(12.4, 3.8, 1, dark(colour, 0.6), outline=False)
        brush.arc(9, 5.6, 4.4, 3, 30, 110, 1, INK)
        eyes(brush, 2.4, -2, 4.0, pose, radius=2.2, on=colour)
        brush.blob([(-5, -12), (1, -13.4), (6, -8), (3, -4.6), (0, -8), (-3, -5)], hair, outline=False)
    else:
        brush.oval(0, 7.4, 7, 5.6, light(colour, 0.55))
        for x in (-2.6, 2.6):
            brush.circle(x, 6.4, 1, dark(colour, 0.6), outline=False)
        smile(brush, 0, 8, 3)
        eyes(brush, 0, -1.4, 4.8, pose, radius=2.2, on=colour)
        brush.blob([(-5, -12), (5, -12), (4, -5.6), (0, -3.6), (-4, -5.6)], hair, outline=False)


def elephant(brush: Brush, colour: Colour, pose: Pose) -> None:
    build = Build(9.5, 7.4, 15.5, 11, (10, -25), -26, light(colour, 0.25), 3.9)
    on_four_legs(brush, colour, pose, build, elephant_head, elephant_tail, light(colour, 0.15))


def elephant_tail(brush: Brush, colour: Colour, pose: Pose) -> None:
    swing = 2.5 * wag(pose)
    root = 1 if pose.view == "side" else 0
    brush.limb([(root, 0), (-4 * root + swing * 0.5, 5), (-4.5 * root + swing, 10)], 1.8, colour)
    brush.circle(-4.5 * root + swing, 11, 1.9, dark(colour))


def elephant_head(brush: Brush, colour: Colour, pose: Pose) -> None:
    face, back = turn(pose), pose.view == "back"
    flap = 1.5 * wag(pose)
    inner = mix(light(colour, 0.3), PINK, 0.55)
    sway = 2.5 * wag(pose)
    for side in (-1, 1) if not face else ():
        brush.oval(side * (12.4 + flap * 0.6), 0, 6.8 + flap * 0.4, 9.4, colour)
        if not back:
            brush.oval(side * (12.6 + flap * 0.6), 0.4, 4.4 + flap * 0.4, 6.8, inner, outline=False)
    brush.oval(0, 0, 11, 10.6, colour)
    if back:
        return
    if face:
        brush.polygon([(8.6, 6), (14.6, 11.4), (12, 5.4)], WHITE)
        brush.limb([(8.6, 3), (12.4, 7.6), (13 + sway * 0.3, 12.6), (15 + sway, 16), (18.4 + sway, 14.4)], 5.4, colour)
        eyes(brush, 4.2, -2.4, 4.3, pose, radius=2.4, on=colour)
        brush.oval(1.6, 4, 2, 1.4, BLUSH, alpha=150, outline=False)
        brush.oval(-10 - flap * 0.5, -0.6, 6.6 + flap, 9.6, colour)
        brush.oval(-10 - flap * 0.5, -0.2, 4.4 + flap, 7, inner, outline=False)
    else:
        for side in (-1, 1):
            brush.polygon([(side * 3.6, 6.6), (side * 7, 12), (side * 6.8, 5.4)], WHITE)
        brush.limb([(0, 3), (0, 9), (sway * 0.5, 14), (2 + sway, 17)], 5.4, colour)
        eyes(brush, 0, -1.8, 5.2, pose, radius=2.3, on=colour)
        cheeks(brush, 0, 3.4, 7.2)


ANIMALS = {"cat": cat, "dog": dog, "horse": horse, "elephant": elephant}
NATURAL: dict[str, Colour] = {
    "cat": (244, 164, 72),
    "dog": (206, 150, 92),
    "horse": (170, 98, 54),
    "elephant": (156, 166, 190),
}
