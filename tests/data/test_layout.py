"""Layouts of the World: they say where in the picture its actors are drawn."""

from random import Random

import pytest
import torch

from kineograph.data.world.layout import WIDTH, layouts
from kineograph.data.world.scene import Scene
from kineograph.data.world.world import World


def of(scene: Scene, seed: int = 0) -> torch.Tensor:
    return torch.tensor(layouts(scene, Random(seed), 16, 8, range(16)))


def test_every_clip_has_one_row_a_frame():
    world = World(5)
    rows = torch.tensor([world.layout(i) for i in range(12)])
    assert rows.shape == (12, 16, WIDTH)
    assert rows[..., 0].eq(1).all()
    assert rows.isfinite().all()
    assert rows.abs().max() < 12
    for i in range(12):
        scene = world.scene(i)
        assert rows[i, 0, 9].gt(0).item() == bool(scene.companion or scene.act in ("walks a dog", "plays with a ball"))


@pytest.mark.parametrize(("act", "direction"), [("walks a dog", "right"), ("plays with a ball", "")])
def test_a_dog_that_is_walked_and_a_ball_are_second_actors(act: str, direction: str):
    scene = Scene("girl", act, "moon", direction)
    rows = of(scene, 3)
    assert (rows[:, 9] > 0.3).all()
    whole, bare = World(0, size=64), World(0, size=64).empty
    differs = (whole.film(scene, Random(3)).video - bare.film(scene, Random(3)).video).abs().sum(1) > 0.2
    for i in (0, 7, 15):
        x, y = (((rows[i, 7:9] + 1) * 32).round().int() - torch.tensor([0, 4])).clamp(4, 59).tolist()
        assert differs[i, y - 4 : y + 4, x - 4 : x + 4].any()


def test_a_window_has_the_rows_of_its_frames():
    world = World(5)
    whole, part = torch.tensor(world.layout(3)), torch.tensor(world.window(4).layout(3))
    first = world.window(4).first(3)
    assert torch.equal(part, whole[first : first + 4])


@pytest.mark.parametrize(("direction", "sign"), [("left", -1), ("right", 1)])
def test_who_walks_moves_that_way_and_looks_there(direction: str, sign: int):
    rows = of(Scene("panda", "walks", "meadow", direction))
    assert (sign * rows[:, 1].diff() > 0).all()
    assert (sign * rows[:, 4] > 0).all()


def test_the_camera_shows_actors_larger_when_it_is_nearer():
    rows = of(Scene("panda", "waves", "meadow", camera="zoom in"))
    assert rows[-1, 3] > 1.3 * rows[0, 3]


@pytest.mark.parametrize(
    "scene", [Scene("ball", "bounces", "room"), Scene("balloon", "floats up", "desert", colour="red")]
)
def test_the_actor_is_drawn_where_the_layout_says(scene: Scene):
    """What differs from the picture's mean over time lies about the actor."""
    world = World(0, size=64)
    video = world.film(scene, Random(3)).video
    rows = torch.tensor(layouts(scene, Random(3), 16, 8.0, range(16)))
    moving = (video - video.median(0).values).abs().sum(1)  # t h w
    inside = [i for i in range(16) if rows[i, 2].abs() < 0.8]
    at = (torch.arange(64) + 0.5) / 32 - 1
    for i in (inside[0], inside[-1]):
        y = (moving[i].sum(1) * at).sum() / moving[i].sum()
        x = (moving[i].sum(0) * at).sum() / moving[i].sum()
        assert abs(x - rows[i, 1]) < 0.35
        assert abs(y - rows[i, 2]) < 0.6
