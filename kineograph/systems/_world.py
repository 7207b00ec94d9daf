"""The World's labels and layouts as the parts of systems need them: counts, columns, who the second actor is.

Written out as numbers, so that a system does not need Skia; a test holds them against the World.
"""

from kineograph.models.painter import PainterConfig
from kineograph.models.video_transformer import VideoTransformerConfig

# how many values the World's labels have: who, act, where, direction, colour, size, companion and its colour, relation,
# prop, time, weather, camera, style
WORLD = (36, 24, 16, 5, 12, 3, 14, 12, 4, 3, 3, 4, 5, 5)
LAYOUT = 31  # columns

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
