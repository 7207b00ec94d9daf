"""What systems know of the World's labels, held against the World."""

from kineograph.data.world.film import PIXELS
from kineograph.data.world.layout import WIDTH
from kineograph.data.world.scene import VOCABULARY
from kineograph.systems._world import GRAIN, LAYOUT, SECOND, WORLD

NAMES = list(VOCABULARY)


def test_counts_are_those_of_the_world():
    assert tuple(len(values) for values in VOCABULARY.values()) == WORLD
    assert LAYOUT == WIDTH
    label, value, pixels = GRAIN
    assert (VOCABULARY[NAMES[label]][value], pixels) == ("pixel art", PIXELS)


def test_the_second_actor_is_who_the_world_draws():
    who, colours = VOCABULARY["who"], VOCABULARY["colour"]
    act, companion, colour = SECOND
    assert [NAMES[i] for pair in SECOND for i in pair[:2]] == [
        "act",
        "who",
        "companion",
        "who",
        "companion_colour",
        "colour",
    ]
    named = {a: who[i] for a, i in zip(VOCABULARY["act"], act[2], strict=True) if i >= 0}
    assert named == {"plays with a ball": "ball", "walks a dog": "dog"}
    assert all(
        i < 0 if not name else who[i] == name for name, i in zip(VOCABULARY["companion"], companion[2], strict=True)
    )
    assert all(colours[i] == name for name, i in zip(VOCABULARY["companion_colour"], colour[2], strict=True))
