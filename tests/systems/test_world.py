"""What systems know of the World's labels, held against the World."""

from kineograph.data.world.film import PIXELS
from kineograph.data.world.layout import WIDTH
from kineograph.data.world.scene import VOCABULARY
from kineograph.data.world.world import World
from kineograph.system import load
from kineograph.systems._world import GRAIN, LAYOUT, PLAIN, SECOND, WORLD

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


def test_plain_words_are_heard_and_say_what_they_stand_for():
    system, world = load("kineograph"), World(3)
    assert [len(phrases) for phrases in PLAIN] == list(WORLD[:3])
    labels = [world.labels(i)[:3] for i in range(800)]
    prompts = [" ".join(phrases[i] for phrases, i in zip(PLAIN, row, strict=True)) for row in labels]
    assert not system.reader.unheard(system.text.words(prompts)).any()
    read = system.reader.likeliest(system.told(prompts).vector)[:, :3].tolist()
    assert sum(a == b for a, b in zip(read, labels, strict=True)) >= 790
    assert [len(set(column)) for column in zip(*labels, strict=True)] == list(WORLD[:3]), "all values were tried"
