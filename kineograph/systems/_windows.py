"""Windows of a film: how many frames each makes and what it continues from, in generating and in teaching.

frames so far ──> the newest latents and layout ──> known frames of the next window ──> new frames ──> ...
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kineograph.clip import Batch
from kineograph.condition import Condition
from kineograph.models.video_transformer import VideoTransformerConfig, starting_with


@dataclass(frozen=True)
class Past:
    """What a window continues from: clean latents b k c h w, and their layout b k l where it is known."""

    latents: Tensor | None = None
    layout: Tensor | None = None

    @property
    def frames(self) -> int:
        return 0 if self.latents is None else self.latents.shape[1]

    def room(self, grid: VideoTransformerConfig, wanted: int) -> int:
        """How many of the wanted frames the next window makes."""
        pt = grid.patch[0]
        return min(grid.frames - self.frames, -(-wanted // pt) * pt)

    def on(self, latents: Tensor, layout: Tensor | None, count: int) -> "Past":
        """The newest `count` frames after a window has made latents, by a layout of what it knew and made.

        Where there are too few, the first is repeated, and no layout is known.
        """
        seen = latents if self.latents is None else torch.cat([self.latents, latents], dim=1)
        missing = count - seen.shape[1]
        newest = torch.cat([seen[:, :1]] * max(missing, 0) + [seen[:, -count:]], dim=1)
        acted = None if layout is None else layout[:, : seen.shape[1]][:, -count:]
        known = acted is not None and acted.shape[1] == count and bool(acted[..., 0].all())
        return Past(newest, acted if known else None)


def with_beginning(x: Tensor, cond: Condition, pt: int, layout: Tensor | None = None) -> tuple[Tensor, Condition]:
    """Some batches continue from given frames, some are short; a whole batch alike, for its clips share one shape.

    x: b t c h w, layout: b t l. The given `pt` frames are the clip's own, one of them standing still (a picture), or
    another clip's: then the prompt wins and the film cuts to what it says. The layout of a picture is not known.
    """
    frames, rest = None, x
    unknown = None if layout is None else torch.zeros_like(layout[:, :pt])
    what, how = torch.rand(2).tolist()
    if what < 0.34:
        frames, rest = x[:, :pt], x[:, pt:]
        if how < 0.45:
            frames, rest = frames.roll(1, 0), x[:, :-pt]
            layout = None if layout is None else torch.cat([layout[:, :pt].roll(1, 0), layout[:, :-pt]], dim=1)
        elif how < 0.55:
            frames = frames[:, -1:].expand_as(frames)
            layout = None if layout is None else torch.cat([unknown, layout[:, pt:]], dim=1)
    elif what < 0.4:
        rest = x[:, : pt * (1 + int(how * (x.shape[1] // pt - 1)))]
        layout = None if layout is None else layout[:, : rest.shape[1]]
    return rest, replace(starting_with(cond, frames), layout=layout)


def few(video: Tensor, count: int = 4) -> Tensor:
    """Some frames of each clip, in order, so that a batch shows many scenes.  b t ... -> b count ..."""
    return video[:, torch.randperm(video.shape[1])[:count].sort().values]


def begun(tokens: Tensor, share: float) -> Tensor:
    """Which tokens are known, as when a film goes on: of some rows the first steps.  b t h w -> b (t h w) bool."""
    b, t, h, w = tokens.shape
    count = 1 + (torch.rand(b, 1, device=tokens.device) * (t - 1)).long()  # 1 to t - 1
    chosen = torch.rand(b, 1, device=tokens.device) < share
    return ((torch.arange(t, device=tokens.device) < count) & chosen & (t > 1)).repeat_interleave(h * w, dim=1)


def spliced(tokens: Tensor, known: Tensor, share: float) -> Tensor:
    """What is known becomes another film's in some rows, after which the prompt wins.  tokens, known: b n -> b n."""
    cut = torch.rand(len(tokens), 1, device=tokens.device) < share
    return torch.where(known & cut, tokens.roll(1, 0), tokens)


def one_frame(batch: Batch) -> Batch:
    """A frame of each clip, at a moment by lot, as a clip of its own, with its scenery where that is known."""
    k = int(torch.randint(batch.video.shape[1], ()))
    scenery = None if batch.scenery is None else batch.scenery[:, k : k + 1]
    return replace(batch, video=batch.video[:, k : k + 1], scenery=scenery)
