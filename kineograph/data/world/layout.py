"""Layouts: where a clip's actors are and how they hold themselves, frame by frame, as numbers.

The columns are those that `Batch.layout` promises: whether it is known; of the actor and of a second one (a companion,
or the dog or ball of the act) x, y (-1 to 1 across the picture, to the right and down), size, stretch (1 as drawn, -1
mirrored, narrow between), sine and cosine of its turn; then the actor's pose.
"""

from math import cos, radians, sin
from random import Random

from kineograph.data.world.scene import Scene
from kineograph.data.world.staging import Placement

NOBODY = [0.0] * 6
WIDTH = 31  # columns


def layouts(scene: Scene, rng: Random, frames: int, fps: float, only: range) -> list[list[float]]:
    """Of some frames of the clip that the same state of `rng` films."""
    from kineograph.data.world.film import Film  # which needs Skia

    film = Film(scene, rng, frames / fps)
    rows = []
    for seconds in (frame / fps for frame in only):
        zoom, _, shift = film.camera(seconds)

        def seen(who: str, scale: float, place: Placement, zoom: float = zoom, shift: float = shift) -> list[float]:
            place = film.turned(who, place)
            x, y = film.focus + zoom * (place.x + shift - film.focus), 58 + zoom * (place.y - 58)
            size, turn = zoom * scale * place.scale, radians(place.rotate)
            return [x / 50 - 1, y / 50 - 1, size, place.stretch, sin(turn), cos(turn)]

        take, place = film.lead(seconds)
        company = film.company(seconds)
        other = seen(*company) if company else NOBODY
        rows.append([1.0, *seen(scene.who, take.scale, place), *other, *posture(film.turned(scene.who, place))])
    return rows


def posture(place: Placement) -> list[float]:
    """How a figure holds itself: limbs, cycle, view."""
    pose = place.pose
    limbs = [angle / 1.5 for pair in (pose.arms, pose.elbows, pose.legs, pose.knees) for angle in pair]
    views = [float(pose.view == view) for view in ("front", "back")]
    rest = [pose.bob / 10, pose.head / 10, pose.squash, place.lift / 20, float(pose.asleep)]
    return [*limbs, sin(pose.phase), cos(pose.phase), pose.stride, *views, *rest]
