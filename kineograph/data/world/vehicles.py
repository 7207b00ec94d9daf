"""What drives through the World: car, truck, bus, train, bicycle. They stand on (0, 0) and face +x, or us, or away."""

import math

from kineograph.data.world.brush import INK, WHITE, Brush, Colour, dark, light
from kineograph.data.world.pose import Pose
from kineograph.data.world.shapes import (
    GLASS,
    GLOW,
    HAIR,
    LAMP,
    METAL,
    SIGNAL,
    SKIN,
    SMOKE,
    TYRE,
    accent,
    boxes,
    head,
    sectors,
    soft,
    solid,
    trim,
)


def wheel(brush: Brush, x: float, r: float, phase: float, hub: Colour = METAL) -> None:
    """A wheel on the ground with spokes that show its turn."""
    with brush.at(x, -r, rotate=math.degrees(phase) % 360):
        brush.circle(0, 0, r, TYRE)
        brush.circle(0, 0, 0.62 * r, hub, outline=False)
        brush.path(sectors(3, 0.56 * r, 0.4), dark(hub, 0.6), outline=False)


def cargo(colour: Colour) -> Colour:
    """The paler box that goes with a cab; grey behind a white one."""
    return METAL if min(colour) > 200 else light(colour, 0.3)


def car(brush: Brush, colour: Colour, pose: Pose) -> None:
    """A round little car with a driver."""
    if pose.view != "side":
        car_end(brush, colour, pose.view == "front")
        return
    brush.path(soft((-20, -11), (-20, -11), (-17, -28), (-8, -28.5), (4, -29), (9, -25), (15, -13), (15, -11)), colour)
    rear = soft((-15.5, -14), (-15.5, -14), (-13.5, -25.5), (-3.5, -25.5), (-3.5, -25.5), (-3.5, -14), (-3.5, -14))
    brush.path(rear, GLASS)
    brush.path(soft((-1, -14), (-1, -14), (-1, -25.5), (-1, -25.5), (5, -25.5), (11.6, -14), (11.6, -14)), GLASS)
    head(brush, 2.6, -18, 3.7)
    hull = soft((-24, -3), (-25, -16), (-16, -16), (12, -16), (23, -15), (25, -9), (24, -3), (24, -3), (-24, -3))
    brush.path(hull, colour)
    brush.box(-24.3, -6.2, 48.4, 2.6, dark(colour, 0.35), radius=1.3, outline=False)
    brush.oval(21.6, -10.4, 2.3, 2.9, LAMP)
    brush.oval(-23, -10.2, 1.5, 2.4, SIGNAL)
    brush.box(-6.5, -12.6, 4.2, 1.5, dark(colour), radius=0.7, outline=False)
    wheel(brush, -13, 6.4, pose.phase)
    wheel(brush, 13, 6.4, pose.phase)


def car_end(brush: Brush, colour: Colour, front: bool) -> None:
    """The car from before or from behind."""
    brush.path(boxes(7, 9, 2, (-15, -9), (8, -9)), TYRE)
    brush.path(soft((-15, -14), (-15, -14), (-12, -31), (0, -31), (12, -31), (15, -14), (15, -14)), colour)
    brush.path(soft((-12, -15), (-12, -15), (-10, -28), (0, -28), (10, -28), (12, -15), (12, -15)), GLASS)
    if front:
        head(brush, 4.6, -19.2, 3.8, front=True)
    brush.box(-18, -17.5, 36, 13.5, colour, radius=5)
    brush.box(-18, -7.4, 36, 3.4, METAL, radius=1.7)
    if front:
        brush.path(boxes(11, 1.1, 0.5, (-5.5, -14), (-5.5, -11.6)), dark(colour), outline=False)
        brush.circle(-12, -12.2, 3.4, LAMP)
        brush.circle(12, -12.2, 3.4, LAMP)
    else:
        brush.path(boxes(6, 4, 1.2, (-16.4, -14.4), (10.4, -14.4)), SIGNAL)
        brush.box(-5, -13.4, 10, 4.4, WHITE, radius=0.8)


def truck(brush: Brush, colour: Colour, pose: Pose) -> None:
    """A lorry: a high box behind a cab."""
    if pose.view != "side":
        truck_end(brush, colour, pose.view == "front")
        return
    brush.box(-24, -8, 47, 3.6, TYRE, radius=1, outline=False)
    brush.box(-25.5, -34, 32, 27, cargo(colour), radius=2)
    brush.box(-25, -24.5, 31, 7.4, trim(colour), outline=False)
    cab = ((8.5, -27), (8.5, -27), (17, -28.5), (20, -24), (22, -17), (25.5, -15), (25.5, -5), (25.5, -5))
    brush.path(soft((8.5, -5), (8.5, -5), *cab), colour)
    brush.path(soft((11, -15), (11, -15), (11, -25), (11, -25), (18, -25.4), (20.6, -15), (20.6, -15)), GLASS)
    head(brush, 14.8, -18.6, 3.3)
    brush.box(20, -6.6, 6.4, 2.8, METAL, radius=1.2)
    brush.oval(23.4, -10.8, 1.8, 2.2, LAMP)
    brush.box(-26, -9.6, 2.4, 3.6, SIGNAL, radius=0.6, outline=False)
    for x in (-18.5, -6.5, 16):
        wheel(brush, x, 5.7, pose.phase)


def truck_end(brush: Brush, colour: Colour, front: bool) -> None:
    """The truck from before or from behind."""
    brush.path(boxes(7, 9, 1.5, (-15, -9), (8, -9)), TYRE)
    brush.box(-18.5, -42, 37, 36, cargo(colour), radius=2)
    if front:
        brush.path(soft((-15, -5), (-15, -5), (-15, -34), (0, -34), (15, -34), (15, -5), (15, -5)), colour)
        brush.box(-12, -28, 24, 11, GLASS, radius=2)
        head(brush, 5, -21, 3.7, front=True)
        brush.path(boxes(12, 1.6, 0.6, (-6, -14), (-6, -11)), dark(colour), outline=False)
        brush.circle(-10.8, -11.6, 2.9, LAMP)
        brush.circle(10.8, -11.6, 2.9, LAMP)
    else:
        brush.box(-18, -28, 36, 7.4, trim(colour), outline=False)
        brush.line([(0, -40), (0, -10)], 1.1, dark(colour))
        brush.path(boxes(1.8, 7, 0.8, (-4.4, -26), (2.6, -26)), TYRE, outline=False)
        brush.path(boxes(5, 3.6, 1, (-16.6, -12), (11.6, -12)), SIGNAL)
    brush.box(-17, -7, 34, 3, METAL, radius=1.2)


def bus(brush: Brush, colour: Colour, pose: Pose) -> None:
    """A long bus full of passengers."""
    if pose.view != "side":
        bus_end(brush, colour, pose.view == "front")
        return
    top = ((-26, -32), (-20, -32), (18, -32), (24.5, -32), (26.5, -16))
    brush.path(soft((-26, -3.6), (-26, -3.6), *top, (26, -3.6), (26, -3.6)), colour)
    brush.path(boxes(6.6, 8.6, 1.4, (-23.2, -28.2), (-15, -28.2), (-6.8, -28.2), (1.4, -28.2)), GLASS)
    for x, hair in ((-19.9, HAIR), (-3.5, (232, 186, 84)), (4.7, TYRE)):
        brush.circle(x, -21.8, 2.3, SKIN, outline=False)
        brush.arc(x, -22.2, 2, 2, 180, 180, 1.5, hair)
    brush.box(10, -28.2, 6.6, 23.2, light(GLASS, 0.3), radius=1.2)
    brush.path(soft((19, -17), (19, -17), (19, -28.2), (19, -28.2), (23.4, -28.2), (25.6, -17), (25.6, -17)), GLASS)
    brush.box(-25.6, -16.8, 34.6, 4.2, trim(colour), outline=False)
    brush.box(-26, -7, 35, 2.2, dark(colour, 0.35), outline=False)
    brush.oval(24.4, -9.6, 1.8, 2.4, LAMP)
    brush.box(-26.6, -12.4, 2, 4.4, SIGNAL, radius=0.8, outline=False)
    wheel(brush, -14.5, 5.6, pose.phase)
    wheel(brush, 19, 5.6, pose.phase)


def bus_end(brush: Brush, colour: Colour, front: bool) -> None:
    """The bus from before or from behind."""
    brush.path(boxes(7, 9, 1.5, (-15, -9), (8, -9)), TYRE)
    brush.box(-17, -41, 34, 37, colour, radius=4.5)
    brush.box(-9, -39.4, 18, 4, TYRE if front else dark(colour, 0.3), radius=1.4, outline=False)
    brush.box(-14, -33.6, 28, 14 if front else 9, GLASS, radius=2.4)
    brush.box(-16.6, -16.6 if front else -21, 33.2, 3.6, trim(colour), outline=False)
    if front:
        head(brush, 6.6, -24, 4.2, front=True)
        brush.line([(0, -33), (0, -20)], 0.9, dark(colour))
        brush.circle(-11.6, -9.4, 2.8, LAMP)
        brush.circle(11.6, -9.4, 2.8, LAMP)
    else:
        brush.path(boxes(14, 1.4, 0.6, (-7, -14.4), (-7, -11.4)), dark(colour), outline=False)
        brush.path(boxes(4, 7, 1.2, (-15.4, -15), (11.4, -15)), SIGNAL)
    brush.box(-16.4, -6.4, 32.8, 2.8, METAL, radius=1.2)


def train(brush: Brush, colour: Colour, pose: Pose) -> None:
    """A steam locomotive that pulls a waggon and puffs."""
    if pose.view == "back":
        waggon_end(brush, colour)
        return
    smoke(brush, 18 if pose.view == "side" else 0, -38 if pose.view == "side" else -45, pose.seconds)
    if pose.view == "front":
        engine_end(brush, colour)
        return
    roof = dark(colour, 0.4)
    brush.line([(-8, -7), (0, -7)], 1.8, TYRE)
    brush.box(-26, -21, 19.5, 16.5, cargo(colour), radius=1.4)
    brush.box(-27, -23.6, 21.5, 3.4, roof, radius=1.4)
    brush.path(boxes(6.6, 7, 1.2, (-24.3, -18.2), (-14.9, -18.2)), GLASS)
    brush.path(solid((20, -10), (28, -0.6), (18, -0.6)), trim(colour))
    brush.path(solid((16, -25), (13.6, -37), (22.6, -37), (20.4, -25)), TYRE)
    brush.box(3, -27.4, 21.5, 18, colour, radius=4)
    brush.oval(11, -27.2, 2.8, 2.8, GLOW)
    brush.box(12.6, -26.8, 2.4, 17, GLOW, outline=False)
    brush.box(-3.5, -32.6, 11.5, 25.6, colour, radius=1.4)
    brush.box(-1.4, -29.4, 7.6, 9, GLASS, radius=1.2)
    head(brush, 2.5, -23.6, 3.2, (52, 82, 160))
    brush.box(-5.5, -36, 15.5, 4, roof, radius=1.6)
    brush.circle(24.6, -20, 2.4, LAMP)
    for x, r in ((-21.5, 4), (-11, 4), (19, 3.8)):
        wheel(brush, x, r, pose.phase)
    for x in (1.4, 10.8):
        wheel(brush, x, 5.2, pose.phase, accent(colour))
    dx, dy = 2.8 * math.cos(pose.phase), 2.8 * math.sin(pose.phase)
    brush.line([(1.4 + dx, -5.2 + dy), (10.8 + dx, -5.2 + dy), (19.5, -6.4)], 1.6, METAL)


def smoke(brush: Brush, x: float, y: float, seconds: float) -> None:
    """Four puffs that rise, drift back and fade."""
    for k in range(4):
        age = (0.8 * seconds + k / 4) % 1
        radius, alpha = 2.4 + 4.6 * age, int(255 * min(1.0, 1.7 * (1 - age)))
        brush.circle(x - 19 * age * age, y - 12 * age, radius, SMOKE, alpha=alpha, outline=age < 0.75)


def engine_end(brush: Brush, colour: Colour) -> None:
    """The locomotive's round face."""
    brush.path(boxes(6, 10, 1.5, (-14.5, -10), (8.5, -10)), TYRE)
    brush.box(-16, -32, 32, 24, dark(colour, 0.2), radius=2)
    brush.box(-18, -36, 36, 5, dark(colour, 0.45), radius=2)
    brush.path(solid((-3.6, -30), (-5.4, -44), (5.4, -44), (3.6, -30)), TYRE)
    brush.circle(0, -20, 13, colour)
    brush.circle(0, -20, 9, dark(colour, 0.3), outline=False)
    brush.circle(0, -21, 4.4, LAMP)
    brush.path(boxes(6, 3.4, 1.2, (-14, -9.6), (8, -9.6)), METAL)
    brush.path(solid((-12, -7), (12, -7), (16, -0.4), (-16, -0.4)), trim(colour))
    slits = boxes(1.5, 6.2, 0.5, (-8.8, -6.8), (-3.2, -6.8), (1.7, -6.8), (7.3, -6.8))
    brush.path(slits, dark(colour), outline=False)


def waggon_end(brush: Brush, colour: Colour) -> None:
    """The last waggon's back wall."""
    brush.path(boxes(6, 9, 1.5, (-14, -9), (8, -9)), TYRE)
    brush.box(-16, -35, 32, 29, cargo(colour), radius=2)
    roof = soft((-19, -33), (-19, -33), (-15, -41), (15, -41), (19, -33), (19, -33))
    brush.path(roof, dark(colour, 0.4))
    brush.box(-4.5, -29, 9, 22.6, colour, radius=1.4)
    brush.path(boxes(6.4, 8, 1.2, (-13, -29), (6.6, -29)), GLASS)
    brush.path(boxes(4.4, 4.4, 2.2, (-13.4, -14), (9, -14)), SIGNAL)
    brush.box(-17, -8, 34, 3, TYRE, radius=1, outline=False)


def bicycle(brush: Brush, colour: Colour, pose: Pose) -> None:
    """A small rider on a bicycle, legs pedalling."""
    shirt, phase = trim(colour, (72, 132, 220)), pose.phase
    rider_leg(brush, phase + math.pi, (44, 60, 110))
    for x in (-14.5, 14.5):
        with brush.at(x, -9.2, rotate=math.degrees(phase) % 360):
            brush.path(sectors(5, 7.6, 0.14), (120, 122, 132), outline=False)
        brush.arc(x, -9.2, 7.8, 7.8, 0, 360, 2.8, INK)
    brush.limb([(-14.5, -9.2), (-1.5, -8.6), (10, -20), (-6, -20), (-14.5, -9.2)], 2.2, colour)
    brush.limb([(-7, -22), (-1.5, -8.6)], 2.2, colour)
    brush.limb([(14.5, -9.2), (9.4, -24), (12.8, -25.4)], 2.2, colour)
    brush.circle(-1.5, -8.6, 2.9, METAL)
    brush.box(-12, -24.6, 8.6, 3, HAIR, radius=1.5)
    rider_leg(brush, phase, (62, 84, 150))
    brush.limb([(-6.4, -27.5), (0.6, -35)], 7.4, shirt)
    brush.limb([(1, -34.4), (4.6, -28.6), (11.6, -26)], 2.7, SKIN)
    brush.circle(4.4, -42, 5.4, SKIN)
    helmet = soft((-2, -41.6), (-2, -41.6), (-2.4, -50.5), (11.6, -50.5), (11, -43.6), (11, -43.6))
    brush.path(helmet, colour)
    brush.circle(7, -41.2, 0.9, INK, outline=False)


def rider_leg(brush: Brush, angle: float, colour: Colour) -> None:
    """A leg from the saddle to the pedal at an angle of the crank."""
    x, y = -1.5 + 4.6 * math.cos(angle), -8.6 + 4.6 * math.sin(angle)
    u, v, bone = x + 6.4, y + 25, 11.6
    reach = math.hypot(u, v)
    bend = math.sqrt(max(bone * bone - reach * reach / 4, 0.0)) / reach
    knee = (-6.4 + u / 2 + v * bend, -25 + v / 2 - u * bend)
    brush.limb([(-6.4, -25), knee, (x, y)], 3.6, colour)
    brush.oval(x + 1.2, y + 0.9, 3, 1.7, TYRE, outline=False)
