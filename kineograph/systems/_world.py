"""The World's labels and layouts as the parts of systems need them: counts, columns, who the second actor is.

Written out as numbers, so that a system does not need Skia; a test holds them against the World.
"""

from kineograph.models.painter import PainterConfig
from kineograph.models.prompt_reader import PromptReaderConfig
from kineograph.models.video_transformer import VideoTransformerConfig

# how many values the World's labels have: who, act, where, direction, colour, size, companion and its colour, relation,
# prop, time, weather, camera, style
WORLD = (36, 24, 16, 5, 12, 3, 14, 12, 4, 3, 3, 4, 5, 5)
LAYOUT = 31  # columns

# who, act and where in plain words, from which a prompt can be retold
PLAIN = tuple(
    tuple(phrase.strip() for phrase in phrases.split("/"))
    for phrases in (
        "a teddy bear / a panda / a rabbit / a penguin / an astronaut / a robot / a superhero / a girl / a boy"
        "/ a mother / a cat / a dog / a horse / an elephant / a duck / a bird / an owl / a butterfly / a dragon"
        "/ a fish / colourful fishes / a shark / an octopus / a turtle / a car / a truck / a bus / a train / a bicycle"
        "/ a boat / a balloon / a hot-air balloon / a kite / an aeroplane / a rocket / a ball",
        "walking / running / jumping / hopping / dancing / swimming / diving / surfing / flying / floating up / falling"
        "/ spinning around / waving / sitting down / sleeping / washing a window / playing with a ball / walking a dog"
        "/ watching fireworks / driving / sailing / taking off / bouncing / rolling",
        "in the ocean / in the ocean at San Francisco / under water / on the beach / in a meadow / in the forest"
        "/ in the city / in the mountains / in the snow / in the desert / on Mars / on the Moon / on a farm"
        "/ under the fireworks / in space / in a room",
    )
)
READER = PromptReaderConfig(WORLD, 384, 6, vocabulary=1088, bound=(4,))  # captions' words, with some room; colour

# the second actor is the ball that is played with, the dog that is walked, or the companion in a colour of its own
SECOND = (
    (1, 0, (*[-1] * 16, 35, 11, *[-1] * 6)),
    (6, 0, (-1, 11, 10, 0, 1, 2, 3, 4, 5, 7, 8, 14, 13, 12)),
    (7, 4, tuple(range(12))),
)

GRAIN = (13, 3, 32)  # pixel art is drawn on 32 x 32 pixels
PAINTER = PainterConfig(
    WORLD, LAYOUT, dim=320, grid=(8, 6), widths=(176, 120, 80, 48), seed=24, second=SECOND, grain=GRAIN
)
DIRECTOR = VideoTransformerConfig(
    LAYOUT, 16, 1, (4, 1), dim=192, depth=4, heads=3, text_dim=384, vector_dim=sum(WORLD), local=64
)

SAMPLES = (  # prompts of the sheets that training shows
    "A teddy bear is swimming in the ocean at San Francisco",
    "the teddy bear goes under water",
    "a panda is swimming under water",
    "an astronaut is dancing on mars",
    "the astronaut walks his dog on mars",
    "a red car drives to the left in the city",
    "a pencil drawing of a cat running to the right in a meadow",
    "a girl waves on the beach at sunset",
)
