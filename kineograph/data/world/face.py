"""Eyes, smiles, cheeks: what gives a drawn figure a face that still reads at a few pixels."""

from kineograph.data.world.brush import INK, WHITE, Brush, Colour, luma
from kineograph.data.world.pose import Pose

BLUSH: Colour = (250, 140, 150)


def eye(brush: Brush, x: float, y: float, radius: float, *, asleep: bool = False, on: Colour = WHITE) -> None:
    """A large dark eye with a highlight; a white rim parts it from a dark fur `on` which it sits."""
    rim = luma(on) < 90
    if asleep:
        brush.arc(x, y - 0.3, radius, radius * 0.8, 15, 150, 1.1, WHITE if rim else INK)
        return
    if rim:
        brush.oval(x, y, radius + 0.9, radius * 1.15 + 0.9, WHITE, outline=False)
    brush.oval(x, y, radius, radius * 1.15, INK, outline=brush.style == "pencil")
    brush.circle(x + radius * 0.3, y - radius * 0.42, radius * 0.42, WHITE, outline=False)


def eyes(
    brush: Brush, x: float, y: float, gap: float, pose: Pose, *, radius: float = 2.3, on: Colour = WHITE
) -> None:  # fmt: skip
    """Two eyes, each `gap` away from x."""
    eye(brush, x - gap, y, radius, asleep=pose.asleep, on=on)
    eye(brush, x + gap, y, radius, asleep=pose.asleep, on=on)


def smile(brush: Brush, x: float, y: float, radius: float, *, colour: Colour = INK, width: float = 1.0) -> None:
    """The lower part of a circle around (x, y)."""
    brush.arc(x, y, radius, radius * 0.85, 20, 140, width, colour)


def grin(brush: Brush, x: float, y: float, radius: float) -> None:
    """An open laughing mouth below y."""
    brush.oval(x, y + radius * 0.45, radius, radius * 0.75, (150, 44, 56), outline=False)
    brush.oval(x, y, radius * 0.8, radius * 0.32, WHITE, outline=False)


def cheeks(brush: Brush, x: float, y: float, gap: float, *, radius: float = 1.9) -> None:
    for side in (-gap, gap):
        brush.oval(x + side, y, radius, radius * 0.7, BLUSH, alpha=150, outline=False)
