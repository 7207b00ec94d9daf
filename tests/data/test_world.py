"""The same clip for the same index, everywhere; held-out combinations apart; exact labels."""

import hashlib
import json
import os
import pickle
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from kineograph.clip import Batch
from kineograph.data.cache import identity
from kineograph.data.world.scene import VOCABULARY, Scene
from kineograph.data.world.world import SPLITS, VERSION, World

ROOT = Path(__file__).parents[2]


def digests(world: World, count: int = 6) -> list[str]:
    return [world[i].digest for i in range(count)]


def test_a_clip_is_what_was_asked_for():
    for size, frames, fps in ((64, 16, 8.0), (48, 5, 24.0)):
        clip = World(size=size, frames=frames, fps=fps)[3]
        assert clip.frames.shape == (frames, 3, size, size)
        assert clip.frames.dtype == torch.uint8
        assert clip.fps == fps
        assert clip.frames.is_contiguous()
    assert Batch.of([World(frames=2)[i] for i in range(3)]).video.shape == (3, 2, 3, 64, 64)


def test_the_same_index_is_the_same_clip_in_any_order_and_any_copy():
    world = World(frames=2, size=32)
    first = digests(world)
    assert [world[i].digest for i in reversed(range(6))] == first[::-1]
    assert digests(pickle.loads(pickle.dumps(world))) == first
    assert len(set(first)) == 6


def test_what_is_rare_can_be_seen_more_often(monkeypatch: pytest.MonkeyPatch):
    world, often = World(frames=2, size=32), World(frames=2, size=32, often={"act": "watches fireworks"})
    assert all(often.scene(i).act == "watches fireworks" for i in range(1, 40, 2))
    assert [often.scene(i) for i in range(0, 40, 2)] == [world.scene(i) for i in range(0, 40, 2)]
    assert len({often.scene(i) for i in range(1, 40, 2)}) > 10
    assert often.labels(3)[1] == VOCABULARY["act"].index("watches fireworks")
    assert "often" not in identity(world)
    assert identity(often.window(1)) == identity(world.window(1)) | {"often": {"act": "watches fireworks"}}
    with pytest.raises(ValueError, match="often names act=yodels, which the World has not; it has walks, runs"):
        World(often={"act": "yodels"})
    with pytest.raises(ValueError, match="often names mood=, which the World has not; it has who, act"):
        World(often={"mood": ""})
    monkeypatch.setattr("kineograph.data.world.world.PATIENCE", 50)
    with pytest.raises(ValueError, match="no scene in 50 has who=turtle, act=launches"):
        World(often={"who": "turtle", "act": "launches"}).scene(1)


def test_a_window_shows_some_frames_in_a_row_of_the_same_clips():
    world = World(frames=6, size=32)
    small = world.window(2)
    starts = set()
    for i in range(8):
        whole, seen = world[i].frames, small[i].frames
        starts |= {k for k in range(5) if torch.equal(whole[k : k + 2], seen)}
        assert len(seen) == 2
        assert any(torch.equal(whole[k : k + 2], seen) for k in range(5))
    assert len(starts) > 2
    assert small.caption(3, 1) == world.caption(3, 1)
    assert digests(world.window(6)) == digests(world)
    assert identity(small) != identity(world)
    with pytest.raises(ValueError, match="a window of 7 frames; a clip here has 6"):
        world.window(7)


def test_another_process_draws_the_same_clips():
    script = (
        "from kineograph.data.world.world import World\n"
        "world = World(seed=5, frames=2, size=32)\n"
        "print(*(world[i].digest for i in range(6)))\n"
        "print(*(world.caption(i, 2) for i in range(6)), sep='|')"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "77"}
    run = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    world = World(seed=5, frames=2, size=32)
    assert run.stdout.splitlines() == [" ".join(digests(world)), "|".join(world.caption(i, 2) for i in range(6))]


@pytest.mark.parametrize(
    ("split", "digest"),
    [
        ("train", "c70caa428163f92d04e3c0b8d0b752adc062ec2f984d836a180ff50dad0de7c5"),
        ("held_out", "b317cee1bbb77c192e8c29c71679d321ac8b3c0368c6f6f38bf5304cd240af65"),
    ],
)
def test_scenes_and_words_stay_what_weights_and_reports_were_made_of(split: str, digest: str):
    """Where this must change, VERSION is raised: caches, weights and reports are then of another World."""
    world = World(split=split)
    told = "\n".join(f"{world.scene(i)} {world.caption(i, 1)}" for i in range(200))
    assert VERSION == 2
    assert hashlib.sha256(told.encode()).hexdigest() == digest


def test_other_seeds_and_other_splits_are_other_clips():
    worlds = [World(seed, split=split) for seed in (0, 1) for split in SPLITS]
    told = [[world.scene(i) for i in range(8)] for world in worlds]
    assert all(a != b for i, a in enumerate(told) for b in told[:i])


def test_held_out_combinations_are_shown_by_their_split_alone():
    train, kept = World(), World(split="held_out")
    assert not any(train.scene(i).held_out for i in range(800))
    assert all(kept.scene(i).held_out for i in range(300))


def test_labels_are_exact_and_survive_json():
    world = World(frames=1, size=32, split="held_out")
    for i in range(10):
        clip, scene = world[i], world.scene(i)
        meta = json.loads(json.dumps(clip.meta))
        assert meta["labels"] == asdict(scene)
        assert Scene(**meta["labels"]) == scene
        assert set(meta["asked"]) <= set(VOCABULARY)
        assert meta["asked"] == sorted(world.caption_of(scene, i).asked)
        assert (meta["index"], meta["seed"], meta["split"]) == (i, 0, "held_out")


def test_labels_are_numbers_too():
    world = World(3)
    for i in range(20):
        values = [v[n] for v, n in zip(VOCABULARY.values(), world.labels(i), strict=True)]
        assert values == list(asdict(world.scene(i)).values())


def test_captions_cost_no_drawing_and_come_in_variants(monkeypatch: pytest.MonkeyPatch):
    world = World(frames=1, size=32)
    shown = [world[i].caption for i in range(5)]
    monkeypatch.setattr(World, "film", None)
    assert [world.caption(i) for i in range(5)] == shown
    assert len({world.caption(1, variant) for variant in range(20)}) > 10
    assert world.caption(1, 7) == world.caption(1, 7)


def test_size_and_rate_change_neither_scene_nor_words():
    small, large = World(frames=1, size=16), World(frames=2, size=48, fps=24)
    assert [small.scene(i) for i in range(20)] == [large.scene(i) for i in range(20)]
    assert small[4].caption == large[4].caption


def test_any_scene_can_be_filmed():
    world = World(frames=2, size=32)
    clip = world.film(Scene("boat", "sails", "ocean", "left"), world.random(0, "layout"), "a boat")
    assert clip.caption == "a boat"
    assert clip.meta["labels"]["who"] == "boat"


def test_the_world_is_huge_and_ends():
    world = World(frames=1, size=16)
    assert len(world) == 2**31
    assert world[len(world) - 1].frames.shape == (1, 3, 16, 16)
    for index in (-1, len(world)):
        with pytest.raises(IndexError, match="clips 0 to 2147483647"):
            world[index]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"split": "test"}, "split is 'test'; the World has train, held_out"),
        ({"size": 8}, "8 pixels"),
        ({"size": 10**6}, "1000000 pixels"),
        ({"frames": 0}, "0 frames"),
        ({"fps": 0}, "positive rate"),
        ({"fps": float("nan")}, "positive rate"),
        ({"fps": float("inf")}, "positive rate"),
    ],
)
def test_an_impossible_world_is_refused(given: dict, words: str):
    with pytest.raises(ValueError, match=words):
        World(**given)


def test_an_empty_world_shows_the_same_clips_without_their_actors():
    world = World(seed=5, frames=4, size=64)
    for i in range(6):
        whole, bare = world[i].frames.int(), world.empty[i].frames.int()
        differs = (whole - bare).abs().amax((0, 1)) > 24
        assert 0.002 < differs.float().mean() < 0.6
        assert torch.equal(world.scenery(i), world.empty[i].frames)
        assert world.empty.layout(i) == world.layout(i)
        assert world.empty.caption(i) == world.caption(i)
    assert torch.equal(world.window(2).scenery(3), world.scenery(3)[world.window(2).first(3) :][:2])
