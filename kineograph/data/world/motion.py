"""Acts: where a figure stands and how it holds itself at each second of a clip.

Every act is a function of time and of a `Take` (the numbers drawn for one clip), so that any length and frame rate show
the same motion.
"""

from math import cos, pi, sin

from kineograph.data.world.pose import Pose
from kineograph.data.world.scene import DEEP, VOID, WATER
from kineograph.data.world.staging import TURN, Act, Placement, Take, approach, arc


def gait(
    take: Take, seconds: float, rate: float, swing: float, distance: float, lift: float, running: bool
) -> Placement:
    cycle = TURN * rate * take.pace * seconds + take.phase
    a = sin(cycle)
    pose = Pose(
        phase=cycle, stride=swing, legs=(swing * a, -swing * a), arms=(-swing * a, swing * a),
        knees=(max(0.0, -a) * swing, max(0.0, a) * swing), elbows=(1.2, 1.2) if running else (0.25, 0.25),
        bob=-lift * abs(a), seconds=seconds,
    )  # fmt: skip
    if take.direction in ("towards", "away"):
        scale, ground, view = approach(take, seconds)
        pose.view = view
        pose.legs = (0.12 + 0.1 * a, 0.12 - 0.1 * a)
        pose.arms = (0.35 + swing * 0.5 * a, 0.35 - swing * 0.5 * a)
        return Placement(take.x + 1.5 * a, ground + pose.bob, pose, scale=scale)
    return Placement(
        take.along(distance, seconds), take.ground, pose, stretch=take.facing, rotate=take.facing * 9 if running else 0
    )


def walks(take: Take, seconds: float) -> Placement:
    return gait(take, seconds, 1.2, 0.55, 34, 1.0, running=False)


def runs(take: Take, seconds: float) -> Placement:
    return gait(take, seconds, 2.1, 1.0, 66, 3.0, running=True)


def jumps(take: Take, seconds: float) -> Placement:
    if take.kind == "swimmer":
        return leaps(take, seconds)
    up = arc(take, seconds, 1.1 * take.pace)
    pose = Pose(
        legs=(-0.1 - 0.5 * up, 0.1 + 0.5 * up),
        arms=(0.4 + 2.2 * up, 0.4 + 2.2 * up),
        knees=(0.7 * up, 0.7 * up),
        seconds=seconds,
    )
    pose.view, pose.stride, pose.phase = "front" if take.front else "side", 0.5 * up, take.phase
    if pose.view == "front":
        pose.legs = (0.1 + 0.4 * up, 0.1 + 0.4 * up)
    return Placement(take.x, take.ground - 20 * up, pose, stretch=take.facing, lift=20 * up)


def hops(take: Take, seconds: float) -> Placement:
    up = arc(take, seconds, 2.6)
    pose = Pose(
        legs=(0.35 - 0.9 * up, 0.35 - 0.9 * up),
        knees=(0.9 * (1 - up),) * 2,
        arms=(0.9, 0.9),
        elbows=(1.3, 1.3),
        seconds=seconds,
    )
    return Placement(take.along(44, seconds), take.ground - 11 * up, pose, stretch=take.facing, lift=11 * up)


def leaps(take: Take, seconds: float) -> Placement:
    """A fish leaps out of the water in an arc."""
    q = (0.85 * seconds + take.phase / TURN) % 1
    pose = Pose(phase=TURN * 2.5 * seconds, stride=0.5, seconds=seconds)
    return Placement(
        take.along(40, seconds),
        76 - 40 * sin(pi * q),
        pose,
        stretch=take.facing,
        rotate=take.facing * (-48 + 96 * q),
        grounded=False,
    )


def dances(take: Take, seconds: float) -> Placement:
    beat = TURN * 1.0 * take.pace * seconds + take.phase
    a, up = sin(beat), abs(sin(2 * beat))
    pose = Pose(
        phase=beat * 2, stride=0.9, arms=(1.7 + 1.1 * a, 1.7 - 1.1 * a), elbows=(0.6, 0.6),
        legs=(0.2 + 0.25 * max(0.0, a), 0.2 + 0.25 * max(0.0, -a)),
        bob=-2.2 * up, head=1.2 * a, view="front", seconds=seconds,
    )  # fmt: skip
    ground = 60 + 4 * a if take.kind == "octopus" else take.ground - (6 if take.where in DEEP else 0)
    return Placement(take.x + 5 * a, ground, pose, stretch=1, rotate=11 * a, grounded=take.where not in DEEP)


def swims(take: Take, seconds: float) -> Placement:
    cycle = TURN * 1.25 * take.pace * seconds + take.phase
    x = take.along(30 if take.kind == "person" else 40, seconds)
    if take.kind == "person":
        pose = Pose(
            phase=cycle,
            legs=(0.35 * sin(2 * cycle), -0.35 * sin(2 * cycle)),
            arms=(pi + 1.2 * sin(cycle), pi - 1.2 * sin(cycle)),
            seconds=seconds,
        )
        y = 76 if take.where in WATER else 54 + 3 * sin(cycle / 2)
        return Placement(
            x - take.facing * 24 * take.scale, y, pose, rotate=74 * take.facing, stretch=take.facing, grounded=False
        )
    pose = Pose(phase=cycle * 1.6, stride=0.6, view="side", seconds=seconds)
    if take.where in WATER:
        return Placement(
            x, (86 if take.kind == "beast" else 74) + 1.5 * sin(cycle), pose, stretch=take.facing, grounded=False
        )
    return Placement(x, 52 + 4 * sin(cycle / 2), pose, stretch=take.facing, grounded=False)


def dives(take: Take, seconds: float) -> Placement:
    cycle = TURN * 1.25 * seconds + take.phase
    q = take.share(seconds)
    pose = Pose(
        phase=cycle,
        legs=(0.3 * sin(2 * cycle), -0.3 * sin(2 * cycle)),
        arms=(2.9 + 0.2 * sin(cycle), 2.9 - 0.2 * sin(cycle)),
        elbows=(0.1, 0.1),
        seconds=seconds,
    )
    return Placement(
        take.x + take.facing * (-20 + 26 * q),
        -22 + 74 * q,
        pose,
        rotate=142 * take.facing,
        stretch=take.facing,
        grounded=False,
    )


def surfs(take: Take, seconds: float) -> Placement:
    wave = sin(TURN * 0.8 * seconds + take.phase)
    pose = Pose(
        legs=(0.5, -0.5),
        knees=(0.5, 0.3),
        arms=(1.5 + 0.3 * wave, -1.5 + 0.3 * wave),
        elbows=(0.2, 0.2),
        bob=1.0,
        seconds=seconds,
    )
    return Placement(
        take.along(44, seconds),
        67 + 2.5 * wave,
        pose,
        rotate=8 * wave - 5 * take.facing,
        stretch=take.facing,
        grounded=False,
    )


def flies(take: Take, seconds: float) -> Placement:
    cycle = TURN * 1.9 * take.pace * seconds + take.phase
    sway = sin(TURN * 0.75 * seconds + take.phase)
    pose = Pose(phase=cycle, stride=0.9, seconds=seconds)
    if take.kind == "person":
        pose.legs, pose.arms, pose.elbows = (0.12 * sway, 0.25), (2.7, 2.95), (0.1, 0.1)
        return Placement(
            take.along(52, seconds) - take.facing * 22 * take.scale,
            56 + 3 * sway,
            pose,
            rotate=66 * take.facing,
            stretch=take.facing,
            lift=32,
        )
    rotate = {"rocket": 90 * take.facing, "kite": 8 * sway}.get(take.kind, -4 * sway)
    distance = {"balloon": 34, "kite": 30, "aeroplane": 70, "butterfly": 40}.get(take.kind, 50)
    stretch = 1 if take.kind in ("balloon", "rocket") else take.facing
    y = (44 if take.kind in ("balloon", "kite") else 40) + (7 if take.kind == "butterfly" else 3) * sway
    return Placement(take.along(distance, seconds), y, pose, rotate=rotate, stretch=stretch, grounded=False)


def floats_up(take: Take, seconds: float) -> Placement:
    sway = sin(TURN * 0.6 * seconds + take.phase)
    pose = Pose(
        phase=TURN * seconds,
        stride=0.5,
        arms=(1.3 + 0.3 * sway, 1.3 - 0.3 * sway),
        legs=(0.3, 0.3),
        view="front",
        seconds=seconds,
    )
    centre = 26 * take.scale if take.kind == "person" else 0
    y = 78 - 58 * take.share(seconds) + centre
    return Placement(take.x + 2 * sway, y, pose, rotate=7 * sway, grounded=False)


def falls(take: Take, seconds: float) -> Placement:
    q = take.share(seconds)
    flail = sin(TURN * 2.2 * seconds + take.phase)
    pose = Pose(
        phase=take.phase + 6 * q,
        stride=0.4,
        arms=(2.4 + 0.5 * flail, 2.4 - 0.5 * flail),
        legs=(0.5 + 0.3 * flail, 0.5 - 0.3 * flail),
        view="front",
        seconds=seconds,
    )
    if take.kind == "beast":
        pose.view = "side"
    void = take.where in VOID
    bottom = take.ground + (50 if void else 0)
    y = 20 + (bottom - 20) * (0.3 * q + 0.7 * q * q)
    tilt = 14 * flail * (1 - q)
    return Placement(take.x, y, pose, tilt, stretch=take.facing, lift=bottom - y, grounded=not void)


def bounces(take: Take, seconds: float) -> Placement:
    up = arc(take, seconds, 1.25)
    pose = Pose(phase=take.facing * 4 * seconds, squash=0.3 * max(0.0, 1 - up * 4) - 0.06 * up, seconds=seconds)
    return Placement(take.along(44, seconds), take.ground - 46 * up, pose, lift=46 * up)


def rolls(take: Take, seconds: float) -> Placement:
    x = take.along(60, seconds)
    return Placement(x, take.ground, Pose(phase=(x - take.x) / 13, seconds=seconds))


def drives(take: Take, seconds: float) -> Placement:
    cycle = TURN * 1.3 * take.pace * seconds + take.phase
    pose = Pose(phase=cycle, stride=0.6, seconds=seconds)
    if take.direction in ("towards", "away"):
        scale, ground, pose.view = approach(take, seconds)
        return Placement(take.x, ground + 0.4 * sin(2 * cycle), pose, scale=scale)
    return Placement(take.along(58, seconds), take.ground + 0.5 * abs(sin(2 * cycle)) - 0.5, pose, stretch=take.facing)


def sails(take: Take, seconds: float) -> Placement:
    wave = sin(TURN * 0.7 * seconds + take.phase)
    return Placement(
        take.along(34, seconds),
        70 + 1.8 * wave,
        Pose(phase=TURN * seconds, seconds=seconds),
        rotate=4 * wave,
        stretch=take.facing,
        grounded=False,
    )


def launches(take: Take, seconds: float) -> Placement:
    q = take.share(seconds)
    shake = 0.6 * sin(40 * seconds) if q < 0.3 else 0
    return Placement(
        take.x + shake, 60 - 100 * q * q, Pose(phase=seconds * 9, stride=0.4 + q, seconds=seconds), grounded=False
    )


def spins(take: Take, seconds: float) -> Placement:
    turn = cos(TURN * 0.9 * take.pace * seconds + take.phase)
    pose = Pose(
        arms=(1.4, 1.4),
        legs=(0.15, 0.15),
        elbows=(0.1, 0.1),
        view="front" if turn > 0 else "back",
        stride=0.1,
        seconds=seconds,
    )
    if take.kind == "beast":
        pose.view = "side"
        return Placement(take.x, take.ground, pose, stretch=turn if abs(turn) > 0.18 else 0.18)
    return Placement(take.x, take.ground, pose, stretch=max(abs(turn), 0.2))


def waves(take: Take, seconds: float) -> Placement:
    swing = sin(TURN * 1.5 * seconds + take.phase)
    pose = Pose(
        arms=(2.5 + 0.45 * swing, 0.2),
        elbows=(0.4 + 0.3 * swing, 0.2),
        legs=(0.12, 0.12),
        head=0.6 * swing,
        view="front",
        seconds=seconds,
    )
    return Placement(take.x, take.ground, pose, stretch=take.facing)


def sits_down(take: Take, seconds: float) -> Placement:
    q = min(1.0, max(0.0, take.share(seconds) * 2.2 - 0.5))
    q = q * q * (3 - 2 * q)
    pose = Pose(legs=(1.5 * q, 1.35 * q), arms=(0.3 + 0.4 * q, 0.1 + 0.3 * q), knees=(0.1, 0.1), bob=0, seconds=seconds)
    q *= take.scale
    return Placement(take.x - take.facing * 6 * q, take.ground + 13 * q, pose, stretch=take.facing)


def sleeps(take: Take, seconds: float) -> Placement:
    breath = sin(TURN * 0.5 * seconds + take.phase)
    pose = Pose(asleep=True, arms=(0.35 + 0.06 * breath, 0.2), legs=(0.1, 0.05), bob=0.5 * breath, seconds=seconds)
    if take.kind == "person":
        return Placement(
            take.x + take.facing * 25 * take.scale,
            take.ground - 6 + 0.6 * breath,
            pose,
            rotate=-86 * take.facing,
            stretch=take.facing,
        )
    return Placement(take.x, take.ground + 0.8 * breath, pose, stretch=take.facing)


def washes_a_window(take: Take, seconds: float) -> Placement:
    a = TURN * 1.0 * take.pace * seconds + take.phase
    pose = Pose(
        arms=(1.9 + 0.65 * sin(a), 0.25),
        elbows=(0.3 + 0.3 * cos(a), 0.2),
        legs=(0.1, -0.1),
        head=0.5 * cos(a),
        seconds=seconds,
    )
    return Placement(take.x - take.facing * 18, take.ground, pose, stretch=take.facing)


def plays_with_a_ball(take: Take, seconds: float) -> Placement:
    kick = max(0.0, cos(TURN * 1.0 * seconds + take.phase))
    pose = Pose(
        phase=TURN * seconds,
        stride=0.4 * kick,
        legs=(1.1 * kick, -0.1),
        knees=(0.2, 0.1),
        arms=(-0.5 * kick, 0.7 * kick),
        bob=-1.5 * kick,
        seconds=seconds,
    )
    return Placement(take.x - take.facing * 16, take.ground, pose, stretch=take.facing)


def watches_fireworks(take: Take, seconds: float) -> Placement:
    sway = sin(TURN * 0.5 * seconds + take.phase)
    up = max(0.0, sin(TURN * 0.75 * seconds + take.phase * 2))
    pose = Pose(arms=(0.3 + 2.1 * up, 0.3 + 0.4 * up), legs=(0.12, 0.12), head=0.8 * sway, view="back", seconds=seconds)
    return Placement(take.x, take.ground + 2, pose)


MOTIONS: dict[str, Act] = {
    "walks": walks, "runs": runs, "jumps": jumps, "hops": hops, "dances": dances, "swims": swims, "dives": dives,
    "surfs": surfs, "flies": flies, "floats up": floats_up, "falls": falls, "bounces": bounces, "rolls": rolls,
    "drives": drives, "sails": sails, "launches": launches, "spins": spins, "waves": waves, "sits down": sits_down,
    "sleeps": sleeps, "washes a window": washes_a_window, "plays with a ball": plays_with_a_ball, "walks a dog": walks,
    "watches fireworks": watches_fireworks,
}  # fmt: skip
