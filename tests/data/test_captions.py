"""The grammar says what a scene shows in many ways, and nothing else; the evaluation prompts stay outside it."""

import re
from collections import Counter
from dataclasses import fields, replace
from random import Random

import pytest

from kineograph.data.world import scene as scenes
from kineograph.data.world import scenery, words
from kineograph.data.world.captions import ARTICLE_PROMPTS, caption
from kineograph.data.world.paraphrases import PARAPHRASED, UNSEEN
from kineograph.data.world.scene import ACTS, CAST, KIND, PLACES, REPERTOIRE, VOCABULARY, WATER, Scene

COUNT = 20_000
FIELDS = {field.name for field in fields(Scene)}
DEFAULTS = {"time": "day", "weather": "clear", "camera": "static", "style": "cartoon"}
COLOUR_WORDS = {
    "red", "crimson", "scarlet", "orange", "yellow", "lemon", "green", "emerald", "blue", "azure", "purple", "violet",
    "lilac", "pink", "rosy", "white", "brown", "chestnut", "black", "grey", "gray",
}  # fmt: skip


def tokens(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


@pytest.fixture(scope="module")
def captioned():
    rng = Random(0)
    drawn = [scenes.draw_any(rng) for _ in range(COUNT)]
    return [(scene, caption(scene, rng)) for scene in drawn]


@pytest.fixture(scope="module")
def seen(captioned) -> set[str]:
    """Every word of the tables and of many captions."""
    tables = [table for module in (words, scenery) for name, table in vars(module).items() if name.isupper()]
    phrases = " ".join(str(list(table.values()) if isinstance(table, dict) else table) for table in tables)
    return {word for text in (phrases, *(said.text for _, said in captioned)) for word in tokens(text)}


def possible(scene: Scene) -> bool:
    if (scene.who, scene.act) == ("duck", "swims"):
        return scene.where in WATER
    _, places, directions = REPERTOIRE[KIND[scene.who]].get(scene.act, (0, (), ()))
    return scene.where in places and scene.direction in directions


def test_every_label_has_words():
    assert set(words.NOUNS) == set(CAST)
    assert set(words.VERBS) == set(ACTS)
    for table in (scenery.AT, scenery.ACROSS, scenery.ABOVE):
        assert set(table) == set(PLACES)
    tables = {
        "colour": [words.COLOURS], "size": [words.SIZES], "direction": [words.DIRECTIONS], "prop": [words.PROPS],
        "relation": [words.RELATED], "time": [words.TIMES], "weather": [words.WEATHERS],
        "camera": [scenery.CAMERA_ON, scenery.CAMERA_WITH],
        "style": [scenery.STYLE_OF, scenery.STYLE_FIRST, scenery.STYLE_WITH],
    }  # fmt: skip
    for field, several in tables.items():
        for table in several:
            assert set(table) == set(VOCABULARY[field]) - {""}, field
    for key in words.VERBS_OF:
        who, act = key.split(" ", 1)
        assert who in (*CAST, *KIND.values())
        assert act in ACTS


def test_captions_are_clean(captioned):
    for _, said in captioned:
        text = said.text
        assert text == text.strip()
        assert not re.search(r"  | ,|,,|\.\.|[{}|=]|None", text), text
        assert not re.search(r"\b(a|an|the|his|its|her) (a|an|the|his|its|her)\b", text.lower()), text
        assert not re.search(r"\b[aA] [aeiou8]|\b[aA]n [^aeiou8]", text), text
        assert 2 <= len(text.split()) < 40, text


def test_schools_of_fish_agree_with_their_verb():
    rng = Random(3)
    scene = Scene("fishes", "swims", "under water", "left")
    for _ in range(500):
        text = caption(scene, rng).text.lower()
        singular = re.search(r"\b(a|the) (\w+ )?(school|shoal|group) of", text)
        wrong = (
            r"fish are|(there|here) are|fish (swim|glide|keep)\b"
            if singular
            else r"(there|here) is|fish(es)? (is|\w+s)\b"
        )
        assert not re.search(wrong, re.sub(r"in the style .*| (leftwards|towards)", "", text)), text


def test_what_is_asked_is_said_of_the_scene(captioned):
    for scene, said in captioned:
        assert said.asked <= FIELDS
        assert {"who", "act"} <= said.asked
        for field in said.asked:
            assert getattr(scene, field), (field, said)


@pytest.mark.parametrize(
    ("field", "share"),
    [("where", 0.94), ("direction", 0.65), ("colour", 0.92), ("size", 0.95), ("companion", 0.95), ("relation", 0.95),
     ("prop", 0.95), ("time", 0.95), ("weather", 0.95), ("camera", 0.95), ("style", 0.97)],
)  # fmt: skip
def test_labels_are_stated_as_often_as_they_should(captioned, field, share):
    stated = [
        field in said.asked for scene, said in captioned if getattr(scene, field) not in ("", DEFAULTS.get(field))
    ]
    assert sum(stated) / len(stated) == pytest.approx(share, abs=0.03)


def test_colours_are_never_invented(captioned):
    for scene, said in captioned:
        text = re.sub(r"black[- ]and[- ]white", "", said.text.lower())
        if "colour" not in said.asked and "companion_colour" not in said.asked:
            assert not COLOUR_WORDS & set(tokens(text)), (scene, said)
        elif not scene.companion:
            shades = {word for phrase in words.COLOURS[scene.colour] for word in tokens(phrase)}
            assert shades & set(tokens(text)), (scene, said)


def test_captions_differ(captioned):
    texts = [said.text for _, said in captioned[:2000]]
    assert len(set(texts)) >= 0.95 * len(texts)
    rng = Random(5)
    scene = Scene("teddy bear", "swims", "ocean", "left", "red")
    assert len({caption(scene, rng).text for _ in range(500)}) > 475


def test_the_same_lot_says_the_same():
    scene = scenes.draw_any(Random(1))
    assert caption(scene, Random(2)) == caption(scene, Random(2))


def test_every_article_prompt_can_be_shown():
    assert len(ARTICLE_PROMPTS) >= 10
    for prompt, scene in ARTICLE_PROMPTS.items():
        assert possible(scene), prompt
        assert not scene.held_out, prompt


def test_paraphrases_can_be_shown_and_cover_the_world():
    counts = Counter(label for _, scene in PARAPHRASED for label in (scene.who, scene.act, scene.where))
    assert [label for label in (*CAST, *ACTS, *PLACES) if counts[label] < 2] == []
    assert len({prompt for prompt, _ in PARAPHRASED}) == len(PARAPHRASED) >= 120
    for prompt, scene in PARAPHRASED:
        assert possible(scene), prompt
        assert not scene.held_out, prompt


def test_no_caption_contains_the_words_of_the_paraphrases(seen):
    for prompt, _ in PARAPHRASED:
        assert len(UNSEEN[prompt]) >= 3, prompt
        for word in UNSEEN[prompt]:
            *_, head = tokens(word)
            stems = {head, *(head.removesuffix(ending) for ending in ("s", "es", "ing", "ed"))}
            forms = {stem + ending for stem in stems for ending in ("", "s", "e", "es", "ing", "ed")}
            assert not forms & seen, (word, prompt, forms & seen)


def test_every_possible_combination_has_a_caption():
    scene, rng = Scene("cat", "walks", "room", "left"), Random(9)
    for who in CAST:
        for act, (_, places, directions) in REPERTOIRE[KIND[who]].items():
            for where in places:
                said = caption(
                    replace(
                        scene,
                        who=who,
                        act=act,
                        where=where,
                        direction=directions[0],
                        companion="",
                        relation="",
                        prop="",
                    ),
                    rng,
                )
                assert said.text
