"""Films a scene: backdrop, actors, props and camera, frame by frame, on a Skia canvas."""

from dataclasses import replace
from math import pi, sin
from random import Random

import numpy as np
import skia

from kineograph.data.world import props
from kineograph.data.world.brush import BRIGHT, COLOURS, Brush, Colour, light
from kineograph.data.world.company import accompanies
from kineograph.data.world.creatures import CREATURES
from kineograph.data.world.creatures import NATURAL as COATS
from kineograph.data.world.figure import hand
from kineograph.data.world.machines import MACHINES
from kineograph.data.world.machines import NATURAL as PAINTS
from kineograph.data.world.motion import MOTIONS
from kineograph.data.world.people import NATURAL as SKINS
from kineograph.data.world.people import PEOPLE
from kineograph.data.world.places import Backdrop
from kineograph.data.world.pose import Pose
from kineograph.data.world.scene import DEEP, KIND, SIDEWAYS, VOID, WATER, Scene
from kineograph.data.world.staging import APART, TURN, Placement, Take, beside, circled

FIGURES = {**PEOPLE, **CREATURES, **MACHINES}
NATURAL = {**SKINS, **COATS, **PAINTS}
GROUNDLESS = WATER + DEEP + VOID
SMALL_DOG, SMALL_BALL = 0.66, 0.62  # their scales
PIXELS = 32  # the grid of pixel art
ZOOM = 1.5
LEAD = 15.0  # how far from the middle of its way an actor is at the end of a zoom in, or the beginning of a zoom out
PAN = 24.0  # units to each side
ORBIT = 0.9  # radians to each side
REACH = {"pan": PAN, "dolly around": PAN}


def film(
    scene: Scene, rng: Random, frames: int, fps: float, size: int, only: range | None = None, actors: bool = True
) -> np.ndarray:
    """The scene's pictures, or `only` some of its frames, without its actors if so wanted: n x size x size x 3, uint8.

    The same `rng` state gives the same film.
    """
    return Film(scene, rng, frames / fps, actors).shoot(only or range(frames), fps, size)


class Film:
    """One clip: what is drawn by lot at once, its canvas once it is shot."""

    def __init__(self, scene: Scene, rng: Random, duration: float, actors: bool = True):
        self.scene, self.duration, self.actors = scene, duration, actors
        self.backdrop = Backdrop(scene.where, scene.time, scene.weather, rng)
        self.take = Take.draw(rng, scene, duration)
        self.colours = [COLOURS[rng.choice(BRIGHT)] for _ in range(4)]
        self.shoal = [
            (rng.uniform(0, 100), rng.uniform(14, 80), rng.choice((-1, 1)), rng.uniform(0.36, 0.5)) for _ in range(4)
        ]
        self.sparks = [(rng.uniform(12, 88), rng.uniform(12, 34), rng.random()) for _ in range(3)]
        self.focus = self.zoomed_on()

    def zoomed_on(self) -> float:
        """The x that a zoom leaves where it is, such that the actor is in the middle when nearest."""
        x = self.take.x
        if self.scene.direction in SIDEWAYS:
            x += self.take.facing * (LEAD if self.scene.camera == "zoom in" else -LEAD)
        return min(max((ZOOM * x - 50) / (ZOOM - 1), 0.0), 100.0)

    def paint_backdrop(self) -> tuple[skia.Image, float, float]:
        """The still part of the place, painted once; the x of its left edge and its pixels per unit."""
        reach = REACH.get(self.scene.camera, 0.0)
        detail = self.size / 100 * (ZOOM if self.scene.camera.startswith("zoom") else 1)
        surface = skia.Surface(round((100 + 2 * reach) * detail), round(100 * detail))
        with surface as canvas:
            canvas.scale(detail, detail)
            canvas.translate(reach, 0)
            self.backdrop.paint(Brush(canvas, self.scene.style))
        return surface.makeImageSnapshot(), -reach, detail

    def shoot(self, frames: range, fps: float, size: int) -> np.ndarray:
        self.size = PIXELS if self.scene.style == "pixel art" else size
        self.surface = skia.Surface(self.size, self.size)
        self.canvas = self.surface.getCanvas()
        self.brush = Brush(self.canvas, self.scene.style)
        self.still, self.left, self.detail = self.paint_backdrop()
        out = np.empty((len(frames), self.size, self.size, 4), np.uint8)
        info = skia.ImageInfo.Make(self.size, self.size, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
        for picture, frame in zip(out, frames, strict=True):
            self.draw(frame / fps)
            self.surface.readPixels(info, picture, self.size * 4, 0, 0)
        if size != self.size:
            index = np.arange(size) * self.size // size
            out = out[:, index[:, None], index]
        return out[..., :3]

    def draw(self, seconds: float) -> None:
        """One frame."""
        canvas, scene, brush = self.canvas, self.scene, self.brush
        zoom, behind, before = self.camera(seconds)
        canvas.resetMatrix()
        canvas.scale(self.size / 100, self.size / 100)
        canvas.translate(self.focus, 58)
        canvas.scale(zoom, zoom)
        canvas.translate(-self.focus, -58)
        with brush.at(behind):
            canvas.save()
            canvas.translate(self.left, 0)
            canvas.scale(1 / self.detail, 1 / self.detail)
            canvas.drawImage(self.still, 0, 0, skia.SamplingOptions(skia.FilterMode.kLinear))
            canvas.restore()
            self.backdrop.animate(brush, seconds)
        with brush.at(before):
            self.draw_behind(seconds)
            self.draw_actors(seconds)
        with brush.at(behind):
            self.backdrop.front(brush, seconds)
        if scene.prop == "fishes":
            self.draw_shoal(seconds)

    def camera(self, seconds: float) -> tuple[float, float, float]:
        """Zoom, and the shift in units of what is behind and of the actors."""
        q = self.take.share(seconds)
        match self.scene.camera:
            case "zoom in":
                return 1 + (ZOOM - 1) * q, 0, 0
            case "zoom out":
                return ZOOM - (ZOOM - 1) * q, 0, 0
            case "pan":
                return 1, PAN * (1 - 2 * q), PAN * (1 - 2 * q)
            case "dolly around":
                return 1, PAN * (2 * q - 1), 0
        return 1, 0, 0

    def draw_behind(self, seconds: float) -> None:
        """Props that stand behind the actors."""
        scene, take, brush = self.scene, self.take, self.brush
        if scene.act == "washes a window":
            with brush.at(take.x + take.facing * 15, 46):
                props.window(brush, seconds)
        if scene.act == "watches fireworks" and scene.where != "fireworks":
            for (x, y, start), colour in zip(self.sparks, self.colours, strict=False):
                props.firework(brush, x, y, colour, (seconds / 1.2 + start) % 1)
        if scene.prop == "puddle":
            with brush.at(take.x, take.ground + 1):
                props.puddle(brush, (seconds * 1.6) % 1)

    def lead(self, seconds: float) -> tuple[Take, Placement]:
        """Who acts, in front of the camera."""
        take = self.take
        if self.scene.companion:
            take = replace(take, x=take.x - take.facing * APART / 2)
        place = MOTIONS[self.scene.act](take, seconds)
        if self.scene.act == "walks a dog":
            place.x -= take.facing * 14
        return take, place

    def company(self, seconds: float) -> tuple[str, float, Placement] | None:
        """The second actor, if there is one, and its scale: a companion, or the dog or the ball of the act."""
        scene = self.scene
        if scene.companion:
            take = beside(self.take, KIND[scene.companion], APART / 2)
            return scene.companion, take.scale, accompanies(take, scene.act, seconds)
        return self.toy(seconds)

    def toy(self, seconds: float) -> tuple[str, float, Placement] | None:
        """The dog that is walked or the ball that is played with."""
        take = self.take
        if self.scene.act == "walks a dog":
            dog = MOTIONS["walks"](beside(take, "beast", 20, SMALL_DOG), seconds)
            dog.pose.phase *= 1.4
            return "dog", SMALL_DOG, dog
        if self.scene.act == "plays with a ball":
            height = sin(pi * ((seconds + take.phase / TURN) % 1))
            x, y = take.x + take.facing * (2 + 18 * height), take.ground + 2 - 40 * height
            return "ball", SMALL_BALL, Placement(x, y, Pose(phase=6 * seconds), grounded=False)
        return None

    def turned(self, who: str, place: Placement) -> Placement:
        """A figure as a camera sees it that may go around it."""
        if self.scene.camera != "dolly around" or who == "ball":
            return place
        return circled(place, ORBIT * (2 * self.take.share(place.pose.seconds) - 1))

    def draw_actors(self, seconds: float) -> None:
        scene = self.scene
        if self.actors and scene.companion:
            who, scale, place = self.company(seconds)
            self.draw_figure(who, COLOURS.get(scene.companion_colour), place, scale)
        take, place = self.lead(seconds)
        if self.actors:
            self.draw_figure(scene.who, COLOURS.get(scene.colour), place, take.scale)
        place = self.turned(scene.who, place)
        self.draw_held(place, take, seconds)

    def draw_figure(self, who: str, colour: Colour | None, place: Placement, scale: float) -> None:
        """Draws a figure, in its natural colour if none is given, and its shadow."""
        brush, scene = self.brush, self.scene
        scale *= place.scale
        place = self.turned(who, place)
        if place.grounded and scene.where not in GROUNDLESS:
            width = 13 * scale / (1 + 0.03 * place.lift)
            brush.oval(place.x, place.y + place.lift + 1, width, 2.4 * scale, (40, 40, 50), alpha=70, outline=False)
        with brush.at(place.x, place.y, rotate=place.rotate, scale=scale, stretch=place.stretch):
            if scene.act == "surfs" and who == scene.who:
                props.surfboard(brush, self.colours[0])
            FIGURES[who](brush, colour or NATURAL[who], place.pose)

    def draw_held(self, place: Placement, take: Take, seconds: float) -> None:
        """Props in the actors' hands or at their feet."""
        scene, brush, facing, ground, scale = self.scene, self.brush, take.facing, take.ground, take.scale
        if toy := self.toy(seconds) if self.actors or scene.companion else None:
            self.draw_toy(*toy, place, scale)
        if scene.act == "washes a window":
            x, y = hand(place.pose)
            props.sponge(brush, place.x + place.stretch * x * scale, place.y + y * scale)
        elif scene.act == "sleeps":
            head = place.x + facing * scale * (-46 if take.kind == "person" else 16)
            with brush.at(min(max(head, 20), 80), place.y - 26 * scale):
                props.zzz(brush, seconds)
        elif scene.act == "runs" and scene.where != "snow" and scene.direction in SIDEWAYS:
            props.motion_dust(brush, place.x - facing * 14 * scale, ground, seconds * 2)

    def draw_toy(self, who: str, size: float, toy: Placement, holder: Placement, scale: float) -> None:
        """The ball, or the dog and its lead, of who holds them at this scale."""
        if who == "dog":
            (x, y), facing = hand(holder.pose), self.take.facing
            start, end = (holder.x + facing * x * scale, holder.y + y * scale), (toy.x + facing * 8, toy.y - 16)
            props.lead(self.brush, start, end)
        self.draw_figure(who, self.colours[1] if who == "ball" else None, toy, size)

    def draw_shoal(self, seconds: float) -> None:
        """Colourful fishes that swim past."""
        for (x, y, facing, scale), colour in zip(self.shoal, self.colours, strict=True):
            where = (x + facing * seconds * 16 + 20) % 140 - 20
            with self.brush.at(where, y + 2 * sin(TURN * 0.75 * seconds + x), scale=scale, stretch=facing):
                FIGURES["fish"](self.brush, light(colour, 0.1), Pose(phase=TURN * 2 * seconds + x, stride=0.6))
