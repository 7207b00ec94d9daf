"""Films show what their scene says: everyone doing everything, in every place, style, size and rate."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from random import Random

import numpy as np
import pytest

from kineograph.data.world import film as films
from kineograph.data.world.captions import ARTICLE_PROMPTS
from kineograph.data.world.film import FIGURES, NATURAL, Film, film
from kineograph.data.world.scene import (
    CAMERAS,
    CAST,
    COMPANIONS,
    KINDS,
    PLACES,
    REPERTOIRE,
    STYLES,
    TIMES,
    WEATHERS,
    Scene,
)

WALK = Scene("boy", "walks", "meadow", "right")
DONE = [
    Scene(who, act, places[i % len(places)], directions[i % len(directions)])
    for kind, acts in REPERTOIRE.items()
    for act, (_, places, directions) in acts.items()
    for i, who in enumerate(KINDS[kind])
]


def shot(scene: Scene, frames: int = 3, fps: float = 2.0, size: int = 64, seed: int = 0) -> np.ndarray:
    pictures = film(scene, Random(seed), frames, fps, size)
    assert pictures.shape == (frames, size, size, 3)
    assert pictures.dtype == np.uint8
    return pictures


@contextmanager
def empty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within, nobody is drawn."""
    with monkeypatch.context() as patch:
        patch.setattr(Film, "draw_actors", lambda self, seconds: None)
        yield


def actor(scene: Scene, monkeypatch: pytest.MonkeyPatch, **how: float) -> np.ndarray:
    """Where the actors are, t h w bool: what differs from the same film without them."""
    with empty(monkeypatch):
        backdrop = shot(scene, **how)
    return (shot(scene, **how) != backdrop).any(-1)


def middles(mask: np.ndarray, axis: int) -> list[float]:
    """The mean coordinate of a mask in each frame; axis 0: up and down, 1: left and right."""
    return [np.argwhere(picture)[:, axis].mean() for picture in mask]


def test_everyone_on_the_cast_list_can_be_drawn():
    assert set(CAST) == set(FIGURES) == set(NATURAL)


@pytest.mark.parametrize("kind", REPERTOIRE)
def test_everyone_does_everything(kind: str):
    for scene in (s for s in DONE if s.who in KINDS[kind]):
        pictures = shot(scene)
        assert (pictures[0] != pictures[1]).any(), f"nothing moves: {scene}"
        assert pictures.std() > 4, f"nothing is seen: {scene}"


@pytest.mark.parametrize("kind", REPERTOIRE)
def test_figures_are_large_enough_to_have_a_face(kind: str, monkeypatch: pytest.MonkeyPatch):
    """In some frame of one of its acts a figure covers a fifth of the picture's width or height."""
    for who in KINDS[kind]:
        act, (_, places, directions) = next(iter(REPERTOIRE[kind].items()))
        mask = actor(Scene(who, act, places[0], directions[0]), monkeypatch)
        assert mask.any(1).sum(-1).max() > 12 or mask.any(2).sum(-1).max() > 12, who


@pytest.mark.parametrize("who", COMPANIONS)
def test_anyone_on_the_list_can_come_along(who: str):
    other = "boy" if who != "boy" else "girl"
    for act, relation in (
        ("walks", "walks with"),
        ("runs", "chases"),
        ("dances", "next to"),
        ("sleeps", "next to"),
        ("watches fireworks", "next to"),
    ):
        scene = Scene(other, act, "farm", "left" if relation != "next to" else "")
        together = replace(scene, companion=who, relation=relation)
        assert (shot(scene, frames=1) != shot(together, frames=1)).any()


@pytest.mark.parametrize(
    ("size", "frames", "fps"), [(256, 2, 8), (48, 3, 8), (100, 3, 8), (64, 5, 24), (64, 1, 8), (16, 2, 0.5)]
)
@pytest.mark.parametrize("style", ["cartoon", "pixel art"])
def test_any_size_length_and_rate(size: int, frames: int, fps: float, style: str):
    for scene in (
        WALK,
        Scene("teddy bear", "swims", "san francisco", "left"),
        Scene("rocket", "launches", "city", time="night"),
    ):
        shot(replace(scene, style=style), frames, fps, size)


@pytest.mark.parametrize("prompt", ARTICLE_PROMPTS)
def test_the_articles_prompts_can_be_filmed(prompt: str):
    pictures = shot(ARTICLE_PROMPTS[prompt], frames=4)
    assert all((a != b).any() for a, b in pairwise(pictures))


@pytest.mark.parametrize("where", PLACES)
def test_the_same_instant_is_the_same_picture_at_any_rate(where: str):
    act = next(a for a, (_, places, _) in REPERTOIRE["person"].items() if where in places)
    scene = Scene("girl", act, where, REPERTOIRE["person"][act][2][0], weather="snow", time="sunset")
    slow, fast = shot(scene, frames=3, fps=4), shot(scene, frames=6, fps=8)
    assert (slow == fast[::2]).all()


@pytest.mark.parametrize("style", STYLES)
def test_the_same_chance_gives_the_same_film_whatever_was_filmed_before(style: str):
    scene = replace(WALK, style=style)
    first = shot(scene)
    shot(Scene("dragon", "flies", "mars", "left", style=style), seed=9)
    assert (shot(scene) == first).all()
    assert (shot(scene, seed=1) != first).any()


@pytest.mark.parametrize(
    "scene",
    [WALK, Scene("car", "drives", "city", "right"), Scene("fish", "swims", "under water", "right")],
    ids=lambda s: s.who,
)
def test_the_actor_moves_across_the_picture_as_the_direction_says(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    right = middles(actor(scene, monkeypatch, frames=4), 1)
    left = middles(actor(replace(scene, direction="left"), monkeypatch, frames=4), 1)
    assert right == sorted(right)
    assert left == sorted(left, reverse=True)
    assert right[-1] - right[0] > 8
    assert left[0] - left[-1] > 8


def test_who_comes_towards_us_grows_and_who_goes_away_shrinks(monkeypatch: pytest.MonkeyPatch):
    for direction, order in (("towards", 1), ("away", -1)):
        areas = actor(replace(WALK, direction=direction), monkeypatch, frames=4).sum((1, 2))[::order]
        assert areas[-1] > 1.5 * areas[0]


def test_what_floats_up_rises_in_the_picture(monkeypatch: pytest.MonkeyPatch):
    heights = middles(actor(Scene("balloon", "floats up", "meadow"), monkeypatch, frames=4), 0)
    assert heights == sorted(heights, reverse=True)


def test_sizes_differ(monkeypatch: pytest.MonkeyPatch):
    areas = [actor(replace(WALK, size=size), monkeypatch, frames=1).sum() for size in ("small", "", "big")]
    assert areas[0] < 0.7 * areas[1] < 0.7 * 0.8 * areas[2]


@pytest.mark.parametrize("size", [64, 256])
def test_pixel_art_is_drawn_on_a_grid(size: int):
    pictures, cell = shot(replace(WALK, style="pixel art"), size=size), size // films.PIXELS
    cells = pictures.reshape(3, films.PIXELS, cell, films.PIXELS, cell, 3)
    assert (cells == cells[:, :, :1, :, :1]).all()


def test_colours_are_seen():
    red, blue = (shot(Scene("car", "drives", "snow", "right", colour)).astype(int) for colour in ("red", "blue"))
    changed = (red != blue).any(-1)
    assert changed.mean() > 0.03
    assert red[changed][:, 0].mean() > red[changed][:, 2].mean() + 40
    assert blue[changed][:, 2].mean() > blue[changed][:, 0].mean() + 40


def test_styles_look_as_they_are_called():
    shots = {style: shot(replace(WALK, style=style)).astype(int) for style in STYLES}
    colourful = {style: (pictures.max(-1) - pictures.min(-1)).mean() for style, pictures in shots.items()}
    assert colourful["black and white"] == 0
    assert colourful["pencil"] < 8
    assert colourful["watercolour"] < colourful["cartoon"]
    assert shots["pencil"].mean() > 190


def test_night_is_darker_than_day_and_weather_shows():
    shots = {time: shot(replace(WALK, time=time)) for time in TIMES}
    assert shots["night"].mean() < shots["sunset"].mean()
    assert shots["night"].mean() < shots["day"].mean() - 30
    seen = [shot(replace(WALK, weather=weather)) for weather in WEATHERS]
    assert all((a != b).any() for i, a in enumerate(seen) for b in seen[:i])


@pytest.mark.parametrize(("prop", "where"), [("puddle", "mars"), ("fishes", "under water")])
def test_props_are_drawn(prop: str, where: str):
    scene = Scene("panda", "dances" if prop == "fishes" else "jumps", where)
    assert (shot(scene) != shot(replace(scene, prop=prop))).any()


def test_the_camera_moves_as_it_is_called():
    """Zoom, what is behind, and the actors, at the beginning and at the end."""
    moves = {}
    for camera in CAMERAS:
        clip = Film(Scene("girl", "dances", "meadow", camera=camera), Random(0), 2.0)
        moves[camera] = (clip.camera(0), clip.camera(2), clip.camera(9))
    assert all(end == after for _, end, after in moves.values())
    assert moves["static"][0] == moves["static"][1] == (1, 0, 0)
    assert moves["zoom in"][0] == moves["zoom out"][1] == (1, 0, 0)
    assert moves["zoom in"][1] == moves["zoom out"][0] == (films.ZOOM, 0, 0)
    (_, behind, actors), (_, behind_after, actors_after), _ = moves["pan"]
    assert behind == actors > 0 > behind_after == actors_after
    (_, behind, actors), (_, behind_after, actors_after), _ = moves["dolly around"]
    assert behind * behind_after < 0 == actors == actors_after


def test_the_painted_place_reaches_as_far_as_the_camera():
    for camera in ("pan", "dolly around", "zoom in", "zoom out"):
        for where in ("forest", "beach", "room"):
            pictures = shot(Scene("girl", "waves", where, camera=camera), frames=5)
            edges = np.concatenate([pictures[:, :, 0], pictures[:, :, -1], pictures[:, 0], pictures[:, -1]], 1)
            assert (edges.max(-1) > 0).any(1).all(), "an edge is blank"
