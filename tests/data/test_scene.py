"""Scenes are drawn of things that go together, every label comes up, and a tenth of the combinations is kept back."""

from dataclasses import asdict
from itertools import islice
from random import Random

import pytest

from kineograph.data.world.scene import (
    ACTS,
    CAST,
    DEEP,
    KIND,
    KINDS,
    NEVER_PAINTED,
    PLACES,
    REPERTOIRE,
    SIDEWAYS,
    STORY_COMBINATIONS,
    TIMES,
    VOCABULARY,
    VOID,
    WATER,
    WEIGHTS,
    Scene,
    draw,
    draw_any,
)

COMBINATIONS = sorted(
    {
        (who, act, where)
        for kind, acts in REPERTOIRE.items()
        for who in KINDS[kind]
        for act, (_, places, _) in acts.items()
        for where in places
    }
    | {("duck", "swims", where) for where in WATER}
)


@pytest.fixture(scope="module")
def drawn() -> list[Scene]:
    rng = Random(0)
    return [draw_any(rng) for _ in range(12_000)]


def test_the_film_set_is_as_large_as_promised():
    assert len(CAST) >= 24
    assert len(ACTS) >= 20
    assert len(PLACES) >= 14
    assert set(WEIGHTS) == set(KINDS) == set(REPERTOIRE)


@pytest.mark.parametrize("field", VOCABULARY)
def test_every_label_is_drawn(field: str, drawn: list[Scene]):
    assert {getattr(scene, field) for scene in drawn} == set(VOCABULARY[field])


def test_everyone_does_everything_they_can_everywhere_they_can(drawn: list[Scene]):
    assert {(s.who, s.act) for s in drawn} == {(who, act) for who, act, _ in COMBINATIONS}
    assert {(s.who, s.act, s.where) for s in drawn} <= set(COMBINATIONS)


def test_about_a_tenth_of_the_combinations_is_held_out():
    share = sum(Scene(*combination).held_out for combination in COMBINATIONS) / len(COMBINATIONS)
    assert 0.08 < share < 0.12


def test_the_articles_stories_may_be_learnt():
    assert {tuple(key.split("|")) for key in STORY_COMBINATIONS} <= set(COMBINATIONS)
    assert not any(Scene(*key.split("|")).held_out for key in STORY_COMBINATIONS)


def test_training_shows_everyone_every_act_and_every_place():
    shown = [c for c in COMBINATIONS if not Scene(*c).held_out]
    assert {who for who, _, _ in shown} == set(CAST)
    assert {act for _, act, _ in shown} == set(ACTS)
    assert {where for _, _, where in shown} == set(PLACES)


@pytest.mark.parametrize("held_out", [False, True])
def test_a_draw_keeps_to_its_side(held_out: bool):
    rng = Random(1)
    assert all(draw(rng, held_out=held_out).held_out is held_out for _ in range(300))


def test_the_same_state_of_chance_draws_the_same_scenes():
    a, b = Random(7), Random(7)
    assert [draw_any(a) for _ in range(50)] == [draw_any(b) for _ in range(50)]


def test_labels_contradict_neither_body_nor_place(drawn: list[Scene]):
    for s in drawn:
        _, _, directions = REPERTOIRE[KIND[s.who]].get(s.act, (0, (), SIDEWAYS))
        assert s.direction in directions
        assert not (s.colour and s.who in NEVER_PAINTED)
        assert not (s.who == "bicycle" and s.direction in ("towards", "away"))
        assert not (s.colour and s.style in ("pencil", "black and white"))
        assert bool(s.companion) == bool(s.relation)
        assert s.companion != s.who
        assert not (s.companion and (s.where in WATER + DEEP + VOID or s.prop or s.size))
        assert not (s.companion_colour and not s.companion)
        assert s.time == "day" or s.where not in ("room", "mars", "moon", "space", "under water", "fireworks")
        assert s.prop != "fishes" or s.where == "under water"


def test_chasing_and_walking_together_go_somewhere(drawn: list[Scene]):
    related = {
        relation: {(s.act, s.direction in SIDEWAYS) for s in drawn if s.relation == relation}
        for relation in ("chases", "walks with")
    }
    assert related == {"chases": {("runs", True)}, "walks with": {("walks", True)}}


@pytest.mark.parametrize("field", VOCABULARY)
def test_a_label_outside_the_vocabulary_is_named_with_what_is_allowed(field: str):
    labels = asdict(Scene("dog", "runs", "farm")) | {field: "nonsense"}
    allowed = ".*".join(map(repr, islice(VOCABULARY[field], 3)))
    with pytest.raises(ValueError, match=f"{field} is 'nonsense'; it can be {allowed}"):
        Scene(**labels)


def test_a_scene_is_plain_unless_said_otherwise():
    scene = Scene("dog", "runs", "farm")
    assert (scene.time, scene.weather, scene.camera, scene.style) == ("day", "clear", "static", "cartoon")
    assert scene.time in TIMES
