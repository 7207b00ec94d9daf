"""Company: what a second actor does while the first one acts."""

from kineograph.data.world.motion import MOTIONS, gait, jumps
from kineograph.data.world.pose import Pose
from kineograph.data.world.scene import REPERTOIRE
from kineograph.data.world.staging import TURN, Placement, Take


def scurries(take: Take, seconds: float) -> Placement:
    """A bird that is chased over the ground."""
    return gait(take, seconds, 2.1, 0.55, 66, 2.0, running=True)


INSTEAD = {"runs": scurries, "dances": jumps}  # for bodies that cannot do the same


def accompanies(take: Take, act: str, seconds: float) -> Placement:
    """The second actor's part in an act: it joins in as well as its body can, or stands there and looks on."""
    if joined := MOTIONS[act] if act in REPERTOIRE[take.kind] else INSTEAD.get(act):
        return joined(take, seconds)
    pose = Pose(phase=TURN * seconds, stride=0.12, seconds=seconds)
    if act == "watches fireworks":
        pose.view = "back"
    return Placement(take.x, take.ground, pose, stretch=-take.facing)
