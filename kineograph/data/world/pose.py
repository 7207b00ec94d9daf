"""How a figure holds itself at one moment: what an act hands to the drawing of a body."""

from dataclasses import dataclass


@dataclass(slots=True)
class Pose:
    """Angles in radians. Limbs: 0 hangs straight down, positive swings forward (+x), pi points up.

    `phase` is the main cycle (gait, wing beat, wheels' turn, fin stroke), `stride` how far legs or wings swing in it;
    bodies with arms read the limb angles, the others read phase and stride.
    """

    phase: float = 0.0
    stride: float = 0.0
    arms: tuple[float, float] = (0.1, -0.1)  # near, far shoulder
    elbows: tuple[float, float] = (0.3, 0.3)
    legs: tuple[float, float] = (0.0, 0.0)  # near, far hip
    knees: tuple[float, float] = (0.0, 0.0)  # bend backwards, >= 0
    bob: float = 0.0  # the body's rise over the feet in units, negative is up
    head: float = 0.0  # the head's sideways shift in units
    squash: float = 0.0  # balls: > 0 flattened, < 0 stretched
    view: str = "side"  # "side" (towards +x) | "front" (towards us) | "back" (away from us)
    asleep: bool = False  # closed eyes
    seconds: float = 0.0  # since the beginning, for flames, blinking, propellers
