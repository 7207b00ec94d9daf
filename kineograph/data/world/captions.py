"""Captions: a grammar that tells a scene in one of very many wordings, and says which of its labels the words state."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from kineograph.data.world import scenery, words
from kineograph.data.world.scene import KIND, OPEN, REPERTOIRE, SIDEWAYS, Scene
from kineograph.data.world.scenery import places
from kineograph.data.world.words import bend, verbs

LIVING = frozenset({"person", "beast", "fowl", "butterfly", "dragon", "swimmer", "octopus", "turtle"})
HERS, HIS = ("girl", "mother"), ("boy", "superhero", "astronaut")
PRONOUNS = {  # his, he, him
    "his": ("his", "he", "him"), "her": ("her", "she", "her"), "its": ("its", "it", "it"),
    "their": ("their", "they", "them"),
}  # fmt: skip
PETS = ("dog", "cat", "teddy bear", "rabbit", "duck", "horse", "robot")  # companions that can be somebody's own
MEANINGLESS = ("photorealistic", "realistic")  # said of anything, but not beside the name of a style
AN = re.compile(r"\b([Aa])(?= [aeiou8])")

ARTICLE_PROMPTS: dict[str, Scene] = {  # word for word as the articles quote them
    "A photorealistic teddy bear is swimming in the ocean at San Francisco.": Scene(
        "teddy bear", "swims", "san francisco", "right"
    ),
    "The teddy bear goes under water.": Scene("teddy bear", "dives", "under water"),
    "The teddy bear keeps swimming under the water with colorful fishes.": Scene(
        "teddy bear", "swims", "under water", "right", prop="fishes"
    ),
    "A panda bear is swimming under water.": Scene("panda", "swims", "under water", "right"),
    "Side view of an astronaut is walking through a puddle on mars": Scene(
        "astronaut", "walks", "mars", "right", prop="puddle"
    ),
    "The astronaut is dancing on mars": Scene("astronaut", "dances", "mars"),
    "The astronaut walks his dog on mars": Scene("astronaut", "walks a dog", "mars", "right"),
    "The astronaut and his dog watch fireworks": Scene(
        "astronaut", "watches fireworks", "fireworks", companion="dog", relation="next to"
    ),
    "Spiderman is surfing": Scene("superhero", "surfs", "ocean", "right"),
    "mother washes the window": Scene("mother", "washes a window", "room"),
}


@dataclass(frozen=True)
class Caption:
    """A wording of a scene; `asked` names the fields of the scene whose value the text states."""

    text: str
    asked: frozenset[str]


def caption(scene: Scene, rng: Random) -> Caption:
    """One of very many wordings of a scene; the same for the same state of `rng`."""
    writer = Writer(scene, rng)
    text = writer.telegram() if writer.chance(0.05) else writer.sentence()
    return Caption(writer.dressed(text), frozenset(writer.asked))


class Writer:
    """Writes one caption: decides what is stated, chooses the words, and remembers both."""

    def __init__(self, scene: Scene, rng: Random):
        self.scene, self.random = scene, rng.random
        self.asked = {"who", "act"}
        self.short = self.chance(0.14)
        who = scene.who
        gender = "her" if who in HERS else "his" if who in HIS or (KIND[who] in LIVING and self.chance(0.5)) else "its"
        self.his, self.he, self.him = PRONOUNS[gender]
        self.styled = self.states("style", 0.2 if scene.style == "cartoon" else 0.97)
        self.filmed = self.states("camera", 0.06 if scene.camera == "static" else 0.95)
        self.related = bool(scene.companion) and self.chance(0.95)
        self.plural = False

    def chance(self, share: float) -> bool:
        return self.random() < share

    def pick(self, phrases: Sequence[str]) -> str:
        return phrases[int(self.random() * len(phrases))]

    def early(self, phrases: Sequence[str]) -> str:
        """One of the phrases, the earlier the likelier."""
        return phrases[int(self.random() ** 1.5 * len(phrases))]

    def states(self, field: str, share: float) -> bool:
        """Whether the caption will state a field, which is then among those asked."""
        stated = bool(getattr(self.scene, field)) and self.chance(share)
        if stated:
            self.asked.add(field)
        return stated

    # ---- who

    def figure(
        self, who: str, field: str, *, size: bool = False, style: str = "", owned: bool = False, bare: bool = False
    ) -> str:
        """A noun phrase: article, adjectives, colour, noun. `field` is the colour's; `bare` leaves the article out."""
        noun, kind, after, adjectives = self.early(words.NOUNS[who]), KIND[who], "", []
        if bare:
            noun = words.NOUNS[who][0]
        if not (bare or owned or self.short) and self.chance(0.16):
            adjective = self.early(words.ADJECTIVES["living" if kind in LIVING else "things"])
            if adjective not in MEANINGLESS or not self.styled:
                adjectives.append(adjective)
        if size and self.states("size", 0.96):
            adjectives.append(self.pick(words.SIZES[self.scene.size]))
        if self.states(field, 0.93):
            colour = self.pick(words.COLOURS[getattr(self.scene, field)])
            worn = words.WORN.get(who) or words.WORN.get(kind)
            dressed = who in ("girl", "boy", "mother") or (who == "superhero" and self.chance(0.5)) or self.chance(0.12)
            if worn and dressed and " with " not in noun and " in " not in noun and " of " not in noun:
                after = " " + self.early(worn).replace("{c}", colour)
            elif worn and dressed and kind == "person":  # not "a boy with a cap in a red shirt"
                noun, after = words.NOUNS[who][0], " " + self.early(worn).replace("{c}", colour)
            else:
                adjectives.append(colour)
        if style:
            adjectives.append(style)
        return self.determined(noun, adjectives, owned, bare) + after

    def determined(self, noun: str, adjectives: list[str], owned: bool, bare: bool) -> str:
        before = ""
        if "|" in noun:
            before, noun = noun.split("|")
            article = "" if before else self.pick(("", "", "the "))
        else:
            article = "a " if self.chance(0.68) else "the "
        if noun[0] == "=":
            noun, article = noun[1:], "the " if adjectives else ""
        if bare:
            article = ""
        elif owned:
            article = self.his + " "
        return article + before + " ".join([*adjectives, noun])

    def somebody(self, style: str = "", *, bare: bool = False) -> str:
        subject = self.figure(self.scene.who, "colour", size=True, style=style, bare=bare)
        if self.scene.who == "fishes":
            self.plural = not subject.startswith("a ")
            self.his, self.he, self.him = PRONOUNS["their" if self.plural else "its"]
        return subject

    def companion(self, *, bare: bool = False) -> str:
        self.asked |= {"companion", "relation"}
        name = self.scene.companion
        owned = not bare and name in PETS and KIND[self.scene.who] == "person" and self.chance(0.22)
        return self.figure(name, "companion_colour", owned=owned, bare=bare)

    # ---- what

    def filled(self, phrase: str) -> str:
        if "{" in phrase:
            phrase = phrase.replace("{his}", self.his).replace("{he}", self.he).replace("{him}", self.him)
        return phrase

    def actors(self, style: str) -> tuple[str, str, str]:
        """Subject, verb phrase in base form, and what stands behind it: for one actor, or for two."""
        scene, relation = self.scene, self.scene.relation
        subject = self.somebody(style)
        if not self.related:
            merged = words.MERGED.get(f"{scene.act} {scene.where}")
            if merged and self.chance(0.55):
                self.asked.add("where")
                return subject, self.pick(merged), ""
            return subject, self.early(verbs(scene.who, scene.act, scene.where)), ""
        other = self.companion()
        able = scene.act in REPERTOIRE[KIND[scene.companion]] or scene.act == "watches fireworks"
        if relation == "chases":
            if self.chance(0.08) and not other.startswith(self.his):
                return other, "be chased by " + subject, ""
            return subject, self.early(words.RELATED["chases"]).replace("{c}", other), ""
        if able and self.chance(0.35):
            self.plural = True
            self.his, self.he, self.him = PRONOUNS["their"]
            verb = self.early(verbs("girl" if relation == "walks with" else scene.who, scene.act, scene.where))
            if "{his}" in verb or verb.startswith(("take a", "lie a", "do a", "have")):
                verb = verbs(scene.who, scene.act, scene.where)[0]
            together = self.pick(words.TOGETHER if relation == "next to" else words.TOGETHER[:3])
            return f"{subject} and {other}", verb, together
        if relation == "walks with":
            return subject, self.early(words.RELATED["walks with"]).replace("{c}", other), ""
        verb = self.early(verbs(scene.who, scene.act, scene.where))
        return subject, verb, self.early(words.RELATED[relation]).replace("{c}", other)

    def bent(self, verb: str, form: str, manner: str) -> str:
        """The verb phrase in a form, with a word of manner before or behind it."""
        passive = verb.startswith("be ")
        if passive:
            verb = verb[3:]
        if form == "participle":
            text = ("being " + verb) if passive else bend(verb, "participle")
        elif passive:
            text = "is " + verb if form == "simple" else "is being " + verb
        elif form == "simple":
            text = bend(verb, "plural" if self.plural else "simple")
        elif form == "progressive":
            text = bend(verb, "participle")
        else:
            text = ("keep " if self.plural else "keeps ") + bend(verb, "participle")
        front = bool(manner) and manner.endswith("ly") and form != "keeps" and not passive and self.chance(0.4)
        if front:
            text = f"{manner} {text}"
        if form == "progressive" and not passive:
            text = ("are " if self.plural else "is ") + text
        return self.filled(text if front or not manner else f"{text} {manner}")

    # ---- where, when, how

    def place(self, act: str, plain: bool) -> str:
        scene = self.scene
        if "where" in self.asked:
            return ""
        if act == "watches fireworks" and scene.where == "fireworks":
            self.asked.add("where")
            return self.pick(words.UNDER_FIREWORKS)
        if self.short and self.chance(0.42):
            return ""
        self.asked.add("where")
        return self.early(places(act, scene.where, bool(scene.direction) and not plain))

    def prop(self) -> str:
        if not self.states("prop", 0.95):
            return ""
        phrases = words.PROPS[self.scene.prop]
        return self.pick(phrases[2:3] + phrases[4:] if self.scene.act == "jumps" else phrases)

    def skies(self) -> tuple[str, str]:
        """Time and weather inside the sentence, and as a sentence of their own."""
        scene, inside, apart = self.scene, [], []
        usual = scene.where in OPEN and scene.act != "watches fireworks"
        for field, phrases, default in (("time", words.TIMES, "day"), ("weather", words.WEATHERS, "clear")):
            value = getattr(scene, field)
            if value == default and not (usual and self.chance(0.06)):
                continue
            if value != default and not self.chance(0.96):
                continue
            self.asked.add(field)
            if self.chance(0.14):
                apart.append(self.pick(words.SKIES[value]))
            else:
                inside.append(self.early(phrases[value]))
        between = " and " if all(phrase.startswith(("as ", "while ")) for phrase in inside) else " "
        return between.join(inside), " and ".join(apart)

    def sentence(self) -> str:
        """The usual caption: perhaps an opening, who does what and where, then sky, camera and style."""
        scene, chance = self.scene, self.chance
        opening, ending, style, form = "", [], "", ""
        if self.filmed:
            if chance(0.4):
                opening, form = self.pick(scenery.CAMERA_ON[scene.camera]), "participle"
            else:
                ending.append(self.pick(scenery.CAMERA_WITH[scene.camera]))
        if self.styled:
            u = self.random()
            if u < 0.4 and not opening:
                opening, form = self.pick(scenery.STYLE_OF[scene.style]), "participle"
            elif u < 0.58:
                first = self.pick(scenery.STYLE_FIRST[scene.style])
                opening = f"{first} {opening}" if opening else first
            elif u < 0.68 and scene.style in scenery.STYLE_ADJECTIVES:
                style = self.pick(scenery.STYLE_ADJECTIVES[scene.style])
            else:
                ending.append(self.pick(scenery.STYLE_WITH[scene.style]))
        if not opening:
            if scene.direction in SIDEWAYS and not self.related and chance(0.05):
                opening = self.pick(scenery.SIDE_VIEWS)
                form = "progressive" if opening[-1] == "," or chance(0.3) else "participle"
            elif not self.short and chance(0.16):
                opening, form = self.pick(scenery.OPENERS), "participle"
        subject, verb, behind = self.actors(style)
        if self.plural and opening in ("there is", "here is"):
            opening = opening.replace("is", "are")
        if not form:
            u = self.random()
            form = "simple" if u < 0.42 else "progressive" if u < 0.78 else "participle" if u < 0.96 else "keeps"
            if form == "keeps" and scene.act in ("falls", "sits down", "launches", "dives", "sleeps"):
                form = "simple"
        manner = ""
        if not (self.short or behind or self.related) and scene.act in words.MANNERS and chance(0.14):
            manner = self.filled(self.pick(words.MANNERS[scene.act])) if KIND[scene.who] in LIVING else ""
        predicate = self.bent(verb, form, manner)
        direction = self.early(words.DIRECTIONS[scene.direction]) if self.states("direction", 0.66) else ""
        prop = self.prop()
        plain = bool(prop or behind or self.related) or direction in ("left", "right", "away")
        place = self.place(scene.act, plain)
        inside, apart = self.skies()
        front = []
        finite = form != "participle" and not opening
        if place and not opening and not prop and chance(0.13) and not place.startswith("with"):
            front, place = [place], ""
        if inside and finite and chance(0.25):
            front, inside = [inside, *front], ""
        details = [prop, direction, place] if scene.prop == "puddle" or chance(0.7) else [place, direction, prop]
        parts = [*(f"{phrase}," for phrase in front), opening, subject, predicate, behind, *details, inside]
        if len(front) == 1 and chance(0.4):
            parts[0] = front[0]
        text = " ".join(part for part in parts if part)
        for phrase in sorted(map(self.filled, ending), key=lambda phrase: phrase[0] == ","):
            text += phrase if phrase[0] == "," else " " + phrase
        return f"{text}. {apart}" if apart else text

    def telegram(self) -> str:
        """Only the words that count, without articles."""
        scene = self.scene
        subject = self.somebody(bare=True)
        act = self.filled(bend(verbs(scene.who, scene.act, scene.where)[0], "participle"))
        other = ""
        if self.related:
            other = self.companion(bare=True)
            if scene.relation == "chases":
                act, other = "chasing " + other, ""
            else:
                other = f"{'with' if scene.relation == 'walks with' else 'next to'} {other}"
        direction = self.pick(words.DIRECTIONS[scene.direction][:3]) if self.states("direction", 0.66) else ""
        prop = ("in puddle" if scene.prop == "puddle" else "colorful fishes") if self.states("prop", 0.95) else ""
        where = ""
        if self.place(scene.act, True) or "where" in self.asked:
            where = scenery.PLACE_WORDS.get(scene.where, scene.where)
            where = "night" if scene.act == "watches fireworks" and where == "fireworks" else where
        inside, apart = self.skies()
        camera = self.pick(scenery.CAMERA_WITH[scene.camera][:1]).lstrip(", ") if self.filmed else ""
        style = self.pick(scenery.STYLE_WITH[scene.style][:2]).lstrip(", ") if self.styled else ""
        parts = [f"{subject} {act}", other, prop, direction, where, inside, apart, camera]
        parts = [style, *parts] if self.chance(0.5) else [*parts, style]
        return (", " if self.chance(0.5) else " ").join(part for part in parts if part)

    def dressed(self, text: str) -> str:
        """The right articles, a capital or none, a full stop or none."""
        text = AN.sub(r"\1n", text)
        u = self.random()
        if u < 0.25:
            text = text.lower()
        elif u < 0.8:
            text = ". ".join(part[0].upper() + part[1:] for part in text.split(". "))
        return text + "." if u > 0.4 and self.chance(0.6) else text
