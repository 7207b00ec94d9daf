"""The words for the World's places, cameras and styles, the commonest first."""

from functools import cache

from kineograph.data.world.scene import WATER
from kineograph.data.world.words import table

AT = table("""
ocean: in the ocean / in the sea / in the open sea / in the ocean waves / in the waves of the sea / in the wide ocean
 / out at sea / in the water of the ocean
san francisco: in the ocean at San Francisco / near the Golden Gate Bridge / in San Francisco Bay / at San Francisco
 / in the sea near the Golden Gate Bridge / in front of the Golden Gate Bridge / in the bay of San Francisco
 / by the Golden Gate / in the sea at San Francisco / with the Golden Gate Bridge in the background
under water: under water / underwater / under the water / beneath the sea / below the surface of the water
 / at the bottom of the sea / deep in the sea / beneath the waves / in the deep sea / under the sea
beach: on the beach / on a sandy beach / on the sand by the sea / at the beach / by the sea / at the seaside
 / under palm trees on the beach / on a wide beach / on the sand next to the sea
meadow: in a meadow / on the grass / in the meadow / in a grassy field / in a park / in a field of flowers
 / among the flowers in a meadow / on a grassy meadow / in a flowery meadow / in the park
forest: in the forest / in the woods / in a forest / among the trees / between the trees / under the trees of a forest
 / in the middle of the forest / in the wood / among tall trees
city: in the city / on a city street / in town / in front of tall buildings / on the street / in a busy town
 / between the houses of a city / on a road in the city / in the streets of the city / in front of skyscrapers
mountains: in the mountains / on a mountain / in front of mountains / among the mountains / high up in the mountains
 / in the hills / with mountains in the background / in a mountain landscape
snow: in the snow / on the snow / in winter / in a snowy landscape / on a snowy field / in deep snow
 / in a winter landscape / on snow-covered ground / in a land of snow
desert: in the desert / in a desert / in a sandy desert / among the cactuses in the desert / in the hot desert
 / on the desert sand / next to a cactus / in a dry desert / between cacti
mars: on Mars / on the surface of Mars / on the ground of Mars / on Martian soil / on Martian ground / up on Mars
 / between the rocks of Mars / in a Martian landscape
moon: on the Moon / on the surface of the Moon / on the Moon's surface / up on the Moon / on the dust of the Moon
 / on the ground of the Moon / on the Moon with the Earth in the sky
space: in space / in outer space / among the stars / out in space / in deep space / in starry space
 / between the stars / far out in space
fireworks: under the fireworks / at night with fireworks / under fireworks in the night sky / at a fireworks show
 / with fireworks in the sky / in front of fireworks / under a night sky full of fireworks / while fireworks go off
 / at night under fireworks / with fireworks in the background
farm: on a farm / on the farm / in a farmyard / in front of a barn / at the farm / next to a barn / on a farm field
 / near the farmhouse / by the barn
room: in a room / in the room / in the living room / at home / in the house / inside the house / in a living room
 / inside a room / inside the room
""")
ACROSS = table("""
ocean: across the ocean / on the waves / through the waves / over the sea / on the ocean / across the sea
 / through the ocean / on the waves of the ocean
san francisco: across San Francisco Bay / past the Golden Gate Bridge / through the bay of San Francisco
 / under the Golden Gate Bridge / on the waves at San Francisco
under water: through the sea / through the deep / through the deep sea / along the bottom of the sea
beach: along the beach / across the beach / over the sand by the sea / across the sand at the beach / along the sea
meadow: across a meadow / through the grass / across the meadow / over the grass / across a grassy field
 / through a park / through the flowers of a meadow
forest: through the forest / through the woods / through a forest / between the trees / past the trees of a forest
city: through the city / along a city street / down the street / through town / past tall buildings
 / along the road in the city / through the streets
mountains: through the mountains / past the mountains / across the mountains / over the hills / along a mountain path
snow: through the snow / across the snow / over the snow / across a snowy field / through a snowy landscape
desert: through the desert / across the desert / over the desert sand / past the cactuses / across a desert
mars: across Mars / over the surface of Mars / across the surface of Mars / over Martian ground
 / past the rocks of Mars
moon: across the Moon / over the surface of the Moon / across the surface of the Moon / through the dust of the Moon
space: through space / through outer space / past the stars / through deep space / across starry space
fireworks: past the fireworks / under the fireworks / through the night under fireworks / at night past fireworks
farm: across a farm / past the barn / across the farmyard / through the farm / past a farm
room: through the room / across the room / through the living room / around the room / through the house
""")
ABOVE = table("""
ocean: over the ocean / above the sea / over the sea / above the ocean / over the waves / in the sky above the ocean
san francisco: over San Francisco Bay / over the Golden Gate Bridge / above the bay of San Francisco
 / in the sky above San Francisco
under water: under water / underwater / in the sea
beach: over the beach / above the beach / in the sky above the beach / over the sand by the sea
meadow: over a meadow / above the meadow / over the grass / in the sky above a meadow / over a field of flowers
forest: over the forest / above the trees / over the woods / above the forest / in the sky above the woods
city: over the city / above the city / over the town / above the houses / over the roofs of the city
 / above the streets
mountains: over the mountains / above the mountains / over the hills / in the sky above the mountains
snow: over the snow / above the snow / over a snowy landscape / above a snowy field / in the winter sky
desert: over the desert / above the desert / over the desert sand / in the sky above the desert
mars: over Mars / above Mars / above the surface of Mars / in the sky of Mars / over Martian ground
moon: over the Moon / above the Moon / above the surface of the Moon / over the Moon's surface
space: through space / in space / through outer space / past the stars / through deep space
fireworks: past the fireworks / through the fireworks / in the night sky with fireworks / in a sky full of fireworks
farm: over a farm / above the farm / over the barn / in the sky above the farm / over the farmyard
room: through the room / in the room / around the living room / through the air of a room / around the room
""")
PLACE_WORDS = {"under water": "underwater", "san francisco": "San Francisco bay", "mars": "Mars", "moon": "Moon"}

OPENERS = (
    "there is", "a video of", "we see", "a clip of", "here is", "video of", "a scene with", "you can see", "a film of",
    "a short film of", "this is a video of", "footage of", "a shot of", "this video shows", "a clip showing",
)  # fmt: skip
SIDE_VIEWS = ("side view of", "a side view of", "seen from the side,", "from the side,")

CAMERA_ON = table("""
static: static shot of / a still camera shows / a static camera shot of / the camera stands still and shows
pan: panning shot of / a panning shot of / the camera pans across / camera pan over / a slow pan over / pan shot of
zoom in: the camera zooms in on / zoom in on / zooming in on / a slow zoom in on / the camera moves in on
 / we zoom in on
zoom out: the camera zooms out from / zoom out from / zooming out from / a slow zoom out from
 / the camera pulls back from / we zoom out from
dolly around: the camera circles around / the camera moves around / a dolly shot around / the camera dollies around
 / the camera goes around / dolly around / the camera turns around
""")  # before somebody doing something
CAMERA_WITH = table("""
static: , static shot / , static camera / , the camera stands still / , still camera / with a static camera
pan: , panning shot / as the camera pans / , camera pan / while the camera pans / , the camera pans
 / while the camera pans sideways / with a panning camera
zoom in: , zoom in / as the camera zooms in / while the camera zooms in / , the camera zooms in / , camera zooming in
 / as the camera moves in
zoom out: , zoom out / as the camera zooms out / while the camera zooms out / , the camera zooms out
 / , camera zooming out / as the camera pulls back
dolly around: , dolly around / as the camera circles around {him} / while the camera moves around {him}
 / , the camera circles around / , dolly shot / as the camera goes around {him} / , the camera dollies around
""")  # behind a sentence
STYLE_OF = table("""
cartoon: a cartoon of / cartoon of / an animation of / a cartoon video of / a flat cartoon of
 / an animated cartoon of
pencil: a pencil sketch of / a pencil drawing of / pencil drawing of / a drawing in pencil of / a sketch of
 / a hand-drawn pencil animation of / pencil sketch of / an animated pencil drawing of
watercolour: a watercolour painting of / a watercolor of / a watercolor painting of / watercolour of
 / an animated watercolour of / a painting in watercolors of / a watercolour picture of
pixel art: pixel art of / a pixel art animation of / a pixelated video of / a pixel-art clip of / pixel graphics of
 / an 8-bit pixel animation of / a retro video game scene of
black and white: a black and white video of / a black-and-white film of / black and white footage of
 / an old black-and-white film of / a monochrome video of / an old silent film of / a black-and-white clip of
""")  # before somebody doing something
STYLE_FIRST = table("""
cartoon: cartoon, / cartoon style, / in a cartoon, / animated cartoon: / flat cartoon:
pencil: pencil sketch, / in pencil, / pencil drawing: / drawn in pencil, / sketch: / black and white pencil drawing,
watercolour: watercolour, / watercolor painting: / in watercolours, / painted in watercolor, / watercolour style,
pixel art: pixel art, / in pixel art, / pixel art style: / 8-bit, / retro pixel graphics,
black and white: in black and white, / black and white, / black-and-white film: / monochrome, / in an old silent film,
""")  # before a sentence
STYLE_WITH = table("""
cartoon: , cartoon / , cartoon style / in a cartoon / , animation / , flat cartoon
pencil: , pencil sketch / , drawn in pencil / , pencil drawing / in the style of a pencil sketch
 / , hand-drawn in pencil / as a pencil drawing / , sketched with a pencil
watercolour: , watercolour painting / , watercolor / in watercolour style / , painted in watercolours / as a watercolour
 / in the style of a watercolor painting / , watercolor style
pixel art: , pixel art / in pixel art style / , pixelated / as pixel art / , 8-bit style
 / in the style of a retro video game / , pixel graphics
black and white: , black and white / in black and white / in the style of an old black-and-white film / , monochrome
 / , black-and-white film / as an old silent film / , old black and white movie
""")  # behind a sentence
STYLE_ADJECTIVES = table("""
cartoon: cartoon / animated
pencil: pencil-drawn / sketched / hand-drawn
watercolour: watercolour / watercolor / hand-painted watercolour
pixel art: pixel-art / pixelated / 8-bit
""")
PATHS = ("walks", "runs", "hops", "walks a dog", "swims", "surfs", "drives", "sails", "rolls", "bounces")
LOFTY = ("flies", "floats up")


@cache
def places(act: str, where: str, moving: bool) -> tuple[str, ...]:
    """The phrases for a place that suit an act: over it, from it, across it, in it; the commonest first."""
    at = AT[where]
    if act in LOFTY:
        high = (
            ("near", "at ", "by ", "with ")
            if where in WATER
            else ("in ", "near", "at ", "by ", "with ", "among ", "between ")
        )
        return ABOVE[where] + tuple(phrase for phrase in at if phrase.startswith(high))
    if act == "launches":
        return at + tuple("from " + phrase[3:] for phrase in at[:2] if phrase.startswith(("in ", "on ")))
    if moving and act in PATHS:
        across = ACROSS[where]
        mixed = tuple(phrase for pair in zip(at, across, strict=False) for phrase in pair)
        at = mixed + at[len(across) :]
    return tuple(phrase for phrase in at if act != "surfs" or "wave" not in phrase)
