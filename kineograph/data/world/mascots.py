"""Cuddly figures on two legs: bears, a rabbit, a penguin, and a robot that is as friendly as they are."""

import math

from kineograph.data.world.brush import COLOURS, INK, WHITE, Brush, Colour, dark, light, luma
from kineograph.data.world.face import cheeks, eye, eyes, smile
from kineograph.data.world.figure import Limbs, head, lower, turn, upper
from kineograph.data.world.pose import Pose

COAL: Colour = (50, 48, 56)
PINK: Colour = (248, 160, 176)
BEAK: Colour = (250, 160, 48)


def snout(brush: Brush, x: float, y: float, colour: Colour, *, nose: Colour = INK) -> None:
    """A light muzzle with a nose and a smile around (x, y)."""
    brush.oval(x, y, 5.6, 4.3, colour, outline=False)
    smile(brush, x, y + 0.4, 2.6)
    brush.oval(x, y - 1.8, 2.1, 1.5, nose, outline=brush.style == "pencil")


def bow(brush: Brush, x: float, y: float, colour: Colour) -> None:
    brush.polygon([(x, y), (x - 6, y - 3.4), (x - 6, y + 3.6), (x, y), (x + 6, y + 3.6), (x + 6, y - 3.4)], colour)
    brush.circle(x, y, 1.7, dark(colour, 0.15), outline=False)


def teddy_bear(brush: Brush, colour: Colour, pose: Pose) -> None:
    back, pale = pose.view == "back", light(colour, 0.55)
    limbs = Limbs(colour, pale, colour, light(colour, 0.2))
    lower(brush, pose, limbs)
    with brush.at(0, pose.bob):
        brush.oval(0, -18, 9, 10, colour)
        if back:
            brush.circle(0, -11.5, 2.8, light(colour, 0.25))
        else:
            brush.oval(turn(pose) * 0.8, -16.6, 5.8, 6.8, pale, outline=False)
    upper(brush, pose, limbs)
    with head(brush, pose) as face:
        for x in (-9.4, 9.4):
            brush.circle(x - face * 0.3, -8.6, 4.7, colour)
            if not back:
                brush.circle(x - face * 0.2, -8.2, 2.7, pale, outline=False)
        brush.oval(0, 0, 12.8, 10.8, colour)
        if not back:
            snout(brush, face * 1.35, 4.4, pale)
            eyes(brush, face, -1.6, 5.0, pose, on=colour)
            cheeks(brush, face, 3.2, 8.0)
            red = COLOURS["blue"] if colour == COLOURS["red"] else COLOURS["red"]
            bow(brush, face * 0.8, 11.4, red)


def panda(brush: Brush, colour: Colour, pose: Pose) -> None:
    """Stays black and white whatever the colour."""
    back = pose.view == "back"
    limbs = Limbs(COAL, COAL, COAL, COAL)
    lower(brush, pose, limbs)
    with brush.at(0, pose.bob):
        brush.oval(0, -18, 9.2, 10, WHITE)
        brush.line([(-5.4, -24.6), (5.4, -24.6)], 6, COAL)
        if back:
            brush.circle(0, -11.5, 2.6, COAL)
    upper(brush, pose, limbs)
    with head(brush, pose) as face:
        for x in (-9.4, 9.4):
            brush.circle(x - face * 0.3, -8.4, 4.6, COAL)
        brush.oval(0, 0, 13, 10.9, WHITE)
        if not back:
            for side in (-1, 1):
                x = face + side * 5
                brush.oval(x, -0.6, 3.5, 4.3, COAL, outline=brush.style == "pencil", rotate=side * 24)
                if pose.asleep:
                    eye(brush, x, -0.6, 2, asleep=True, on=COAL)
                else:
                    brush.circle(x - side * 0.3, -1, 2.1, WHITE, outline=False)
                    brush.circle(x - side * 0.3 + 0.3, -0.9, 1.4, INK, outline=False)
                    brush.circle(x - side * 0.3 + 0.7, -1.5, 0.6, WHITE, outline=False)
            smile(brush, face * 1.3, 4.8, 2.6)
            brush.oval(face * 1.3, 3.2, 2, 1.4, INK, outline=False)
            cheeks(brush, face, 5.2, 8.0)


def rabbit(brush: Brush, colour: Colour, pose: Pose) -> None:
    back, pale = pose.view == "back", light(colour, 0.6)
    limbs = Limbs(colour, pale, colour, pale)
    if pose.view == "side":
        brush.circle(-9.4, -13 + pose.bob, 3.6, WHITE)
    lower(brush, pose, limbs)
    with brush.at(0, pose.bob):
        brush.oval(0, -18, 8.4, 10, colour)
        if back:
            brush.circle(0, -12, 4, WHITE)
        else:
            brush.oval(turn(pose) * 0.8, -16.6, 5.2, 6.8, pale, outline=False)
    upper(brush, pose, limbs)
    with head(brush, pose, -38) as face:
        for side in (-1, 1):
            with brush.at(side * 5 - face * 0.5, -7, rotate=side * 12 - face * 3 + 3 * pose.bob):
                brush.oval(0, -7.6, 3.5, 9.2, colour)
                if not back:
                    brush.oval(0, -7.4, 1.8, 6.8, PINK, outline=False)
        brush.oval(0, 0, 12.4, 10.2, colour)
        if not back:
            brush.box(face * 1.3 - 1.5, 4.6, 3, 2.8, WHITE, radius=0.6)
            snout(brush, face * 1.3, 3.4, pale, nose=(236, 110, 136))
            eyes(brush, face, -1.6, 5.2, pose, on=colour)
            cheeks(brush, face, 3, 8.2)


def penguin(brush: Brush, colour: Colour, pose: Pose) -> None:
    """Dark above and white below whatever the colour."""
    back, night = pose.view == "back", (52, 60, 84)
    limbs = Limbs(night, night, BEAK, BEAK, arm_width=6, leg_width=5.4)
    lower(brush, pose, limbs)
    with brush.at(0, pose.bob):
        brush.oval(0, -18.5, 10.6, 13, night)
        if not back:
            brush.oval(turn(pose) * 0.9, -16.6, 7.4, 10, WHITE, outline=False)
    upper(brush, pose, limbs)
    with head(brush, pose) as face:
        brush.polygon([(-3 - face * 0.3, -9), (-1.6 - face * 0.6, -14), (0.6, -11), (2.6, -13.6), (3, -9)], night)
        brush.oval(0, 0, 12.6, 11, night)
        if not back:
            for x in (-4.2, 4.2):
                brush.oval(face + x, -1, 5, 5.6, WHITE, outline=False)
            brush.oval(face, 3.6, 8.4, 5.4, WHITE, outline=False)
            cheeks(brush, face, 3.8, 6.8, radius=2.1)
            eyes(brush, face, -1.6, 4.7, pose)
            if face:
                brush.blob([(face - 2.6, -0.6), (face + 2, -0.8), (face + 10, 3), (face + 2, 6), (face - 2.6, 5)], BEAK)
            else:
                brush.blob([(-4, 0.6), (0, -0.8), (4, 0.6), (1.4, 6.4), (-1.4, 6.4)], BEAK)


def robot(brush: Brush, colour: Colour, pose: Pose) -> None:
    back = pose.view == "back"
    steel: Colour = (138, 146, 162) if abs(luma(colour) - 146) > 14 else (108, 116, 134)
    limbs = Limbs(steel, colour, steel, colour, arm_width=5.6, leg_width=5.8, spread=9)
    lower(brush, pose, limbs)
    shift = turn(pose)
    with brush.at(0, pose.bob):
        brush.box(-9.5, -28, 19, 19, colour, radius=3)
        if back:
            for y in (-22, -18.5, -15):
                brush.line([(-5, y), (5, y)], 1.2, dark(colour))
        else:
            brush.box(-6 + shift * 0.7, -24.4, 12, 11.4, light(colour, 0.65), radius=1.6)
            for x, lamp in ((-3.2, "red"), (0.4, "yellow"), (4, "green")):
                brush.circle(x + shift * 0.7 - 0.4, -20.6, 1.5, COLOURS[lamp], outline=False)
            brush.line([(-3.4 + shift * 0.7, -15.8), (3.4 + shift * 0.7, -15.8)], 1.6, COLOURS["blue"])
    upper(brush, pose, limbs)
    with head(brush, pose) as face:
        sway = math.sin(pose.seconds * 9) * 0.8
        brush.line([(0, -9), (sway, -13)], 1.8, steel)
        brush.circle(sway, -13.6, 2.5, COLOURS["red"] if colour != COLOURS["red"] else COLOURS["yellow"])
        brush.box(-14.6, -4, 29.2, 8, steel, radius=2)
        brush.box(-12.4, -10.5, 24.8, 20.5, colour, radius=4.5)
        if not back:
            brush.box(-10 + face * 0.6, -7.4, 20, 14, (36, 42, 66), radius=3.4)
            glow = (110, 240, 250)
            for x in (-4.6 + face, 4.6 + face):
                if pose.asleep:
                    brush.arc(x, -1.6, 2.3, 1.8, 15, 150, 1.3, glow)
                else:
                    brush.oval(x, -1.6, 2.2, 2.8, glow, outline=False)
                    brush.circle(x + 0.7, -2.6, 0.9, WHITE, outline=False)
            smile(brush, face, 1.8, 3, colour=glow, width=1.3)


MASCOTS = {
    "teddy bear": teddy_bear,
    "panda": panda,
    "rabbit": rabbit,
    "penguin": penguin,
    "robot": robot,
}
NATURAL: dict[str, Colour] = {
    "teddy bear": (178, 118, 68),
    "panda": COLOURS["white"],
    "rabbit": (240, 234, 228),
    "penguin": COLOURS["black"],
    "robot": (150, 190, 214),
}
