"""Whether anything moves, and whether what moves hangs together: so that a still video cannot win anything.

    neighbouring frames -> flow, there and back -> dynamic degree; flicker of what is still, warping error of the rest

Flow is our own (Lucas & Kanade 1981 in a pyramid), so figures compare with each other and not with those of RAFT. It
counts only where it explains the change: noise and cuts are no motion. Flicker and warping error reward stillness; of
a frozen clip they are None, and a set's means leave such clips out and say how many there were.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from kineograph.clip import Clip
from kineograph.evaluation.frechet import bootstrap
from kineograph.evaluation.intervals import wilson
from kineograph.geometry import warp

SIDE = 128  # pixels of the shorter side, at most, that motion is measured at
RATE = 8  # frames a second that are looked at, at most, as VBench does
LONGEST = 256  # frames that are looked at: half a minute
LEAST = 8  # pixels of the pyramid's smallest picture
DAMPING = 1e-5  # keeps flow at 0 where there is nothing to see it by
FASTEST = 0.05  # share of a frame's flow, its fastest, whose mean is the frame's speed (VBench)
DYNAMIC_SPEED, DYNAMIC_PAIRS = 6 / 256, 4 / 16  # of the shorter side a frame; of the frames (VBench)
STILL = 0.25  # pixels a frame, below which a place stands still
FROZEN = 3 / 255  # of the range: no place of a frozen clip, four pixels wide, ever changes by more


@dataclass(frozen=True)
class Motion:
    """Of one clip. speed: of each frame's fastest places, in shorter sides a second; the rest is told by `motion`."""

    frozen: bool
    dynamic: bool
    speed: float
    flicker: float | None
    warping_error: float | None


@dataclass(frozen=True)
class Figure:
    """A mean over clips and its 95 % interval; `clips` is how many it could be taken of."""

    value: float
    low: float
    high: float
    clips: int


def motion(clip: Clip) -> Motion:
    """What moves in a clip, of which the first `LONGEST` frames at `RATE` are looked at.

    frozen: no frame looked at differs from the first by more than compression does.
    dynamic: fast enough in enough frames (VBench's dynamic degree, with our flow in the place of RAFT's).
    flicker: mean absolute change, 0 to 1, of places where nothing moves. None if frozen, or where all moves.
    warping_error: mean squared difference, 0 to 1, between a frame and the next one moved back along the flow, where
    both can be seen (Lai et al. 2018). None if frozen, or where nothing can be followed.
    """
    if len(clip.frames) < 2:
        raise ValueError("motion needs two frames or more; the clip has one")
    every = max(1, round(clip.fps / RATE))
    every = every if len(clip.frames) > every else 1
    frames = reduced(clip.frames[::every][:LONGEST])  # t 3 h w in [0, 1]
    if frozen(frames):
        return Motion(True, False, 0.0, None, None)
    grey = frames.mean(1, keepdim=True)
    there, back = between(grey[:-1], grey[1:]), between(grey[1:], grey[:-1])
    followed = visible(there, back)
    seen = there * (followed & explained(grey[:-1], grey[1:], there))
    short, rate = min(frames.shape[-2:]), clip.fps / every
    lengths = seen.norm(dim=1).flatten(1)  # pairs (h w)
    speeds = lengths.topk(max(1, round(FASTEST * lengths.shape[1])), 1).values.mean(1) / short
    fast = int((speeds > DYNAMIC_SPEED).sum())
    dynamic = fast >= max(1, round(DYNAMIC_PAIRS * len(frames)))
    change = (frames[1:] - frames[:-1]).abs().mean(1, keepdim=True)
    error = (warp(frames[1:], there) - frames[:-1]).square().mean(1, keepdim=True)
    return Motion(
        False, dynamic, float(speeds.mean()) * rate, mean_where(change, still(seen)),
        mean_where(error, followed),
    )  # fmt: skip


def reduced(frames: Tensor) -> Tensor:
    """t 3 h w uint8 -> t 3 h' w' in [0, 1] whose shorter side is `SIDE` at most."""
    height, width = frames.shape[-2:]
    scale = SIDE / min(height, width)
    if scale >= 1:
        return frames.float() / 255
    size = round(height * scale), round(width * scale)
    return torch.cat([F.interpolate(some.float() / 255, size=size, mode="area") for some in frames.split(16)])


def frozen(frames: Tensor) -> bool:
    """t c h w in [0, 1] -> whether no place of four pixels ever differs from the first frame."""
    cell = min(4, *frames.shape[-2:])
    places = F.avg_pool2d(frames.mean(1, keepdim=True), cell)
    return bool((places - places[:1]).abs().max() < FROZEN)


def between(first: Tensor, second: Tensor) -> Tensor:
    """`flow`, of a few pairs at a time.  t 1 h w, twice -> t 2 h w."""
    return torch.cat([flow(a, b) for a, b in zip(first.split(16), second.split(16), strict=True)])


def flow(first: Tensor, second: Tensor, *, rounds: int = 4, radius: int = 3) -> Tensor:
    """Where each place of the first picture is in the second.  n 1 h w in [0, 1], twice -> n 2 h w, right and down.

    From coarse to fine, each level solves for the shift that makes a window of the pictures equal, several times over.
    """
    firsts, seconds = pyramid(first), pyramid(second)
    found = first.new_zeros(len(first), 2, *firsts[-1].shape[-2:])
    for a, b in zip(reversed(firsts), reversed(seconds), strict=True):
        height, width = a.shape[-2:]
        ratio = found.new_tensor([width / found.shape[-1], height / found.shape[-2]]).reshape(1, 2, 1, 1)
        found = F.interpolate(found, size=(height, width), mode="bilinear", align_corners=False) * ratio
        for _ in range(rounds):
            found = smoothed(found + step(a, warp(b, found), radius))
    return found


def step(first: Tensor, moved: Tensor, radius: int) -> Tensor:
    """The shift that best makes up for what is left between two pictures, a pixel at most.  n 1 h w -> n 2 h w."""
    x, y = gradients((first + moved) / 2)
    left = moved - first
    xx, xy, yy, xt, yt = (blurred(z, radius) for z in (x * x, x * y, y * y, x * left, y * left))
    xx, yy = xx + DAMPING, yy + DAMPING
    det = xx * yy - xy * xy
    return torch.cat([xy * yt - yy * xt, xy * xt - xx * yt], 1).div(det).clamp(-1, 1)


def pyramid(picture: Tensor) -> list[Tensor]:
    """A picture and its halves, down to `LEAST` pixels, each lightly blurred.  n 1 h w."""
    levels = [blurred(picture, 1)]
    while min(levels[-1].shape[-2:]) >= 2 * LEAST:
        levels.append(F.avg_pool2d(blurred(levels[-1], 1), 2))
    return levels


def gradients(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences, right and down.  n 1 h w -> two of the same."""
    padded = F.pad(picture, (1, 1, 1, 1), mode="replicate")
    return (
        (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2,
        (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2,
    )


def blurred(x: Tensor, radius: int) -> Tensor:
    """A Gaussian whose window is 2 radius + 1 wide.  n 1 h w -> same."""
    places = torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype)
    line = (-2 * (places / radius).square()).exp()
    line = line / line.sum()
    x = F.conv2d(F.pad(x, (0, 0, radius, radius), mode="replicate"), line.reshape(1, 1, -1, 1))
    return F.conv2d(F.pad(x, (radius, radius, 0, 0), mode="replicate"), line.reshape(1, 1, 1, -1))


def smoothed(found: Tensor) -> Tensor:
    """Flow without outliers: the median of each place and its eight neighbours, lightly blurred.  n 2 h w -> same."""
    padded = F.pad(found, (1, 1, 1, 1), mode="replicate")
    middle = padded.unfold(2, 3, 1).unfold(3, 3, 1).flatten(-2).median(-1).values
    return blurred(middle.flatten(0, 1)[:, None], 1)[:, 0].unflatten(0, (-1, 2))


def explained(first: Tensor, second: Tensor, moved: Tensor) -> Tensor:
    """n 1 h w bool: where moving the second picture back takes away half of the change or more, in amplitude."""
    before = blurred((second - first).square(), 3)
    after = blurred((warp(second, moved) - first).square(), 3)
    return after < before / 4


def still(seen: Tensor) -> Tensor:
    """n 2 h w -> n 1 h w bool: places with no motion within a few pixels."""
    lengths = seen.norm(dim=1, keepdim=True)
    return F.max_pool2d(lengths, 9, 1, 4) < STILL


def visible(there: Tensor, back: Tensor) -> Tensor:
    """n 1 h w bool: where the way back undoes the way there (Ruder et al. 2016, eq. 5), and stays in the picture."""
    height, width = there.shape[-2:]
    down = torch.arange(height, device=there.device).reshape(1, -1, 1) + there[:, 1]
    right = torch.arange(width, device=there.device) + there[:, 0]
    inside = (down >= 0) & (down <= height - 1) & (right >= 0) & (right <= width - 1)
    returned = warp(back, there)
    gap = (there + returned).square().sum(1, keepdim=True)
    sizes = there.square().sum(1, keepdim=True) + returned.square().sum(1, keepdim=True)
    return inside[:, None] & (gap < 0.01 * sizes + 0.5)


def mean_where(values: Tensor, where: Tensor) -> float | None:
    """The mean of the places that are true, if there are any worth it: a hundredth."""
    return float(values[where].mean()) if float(where.float().mean()) >= 0.01 else None


def measure(
    clips: Iterable[tuple[str, Clip]], *, resamples: int = 1000, seed: int = 0
) -> tuple[dict[str, Figure | None], dict[str, Motion]]:
    """(name, clip) pairs -> the figures of the set, None where no clip has one, and the motion of each clip.

    `frozen` and `dynamic` are shares with Wilson's interval.
    """
    each: dict[str, Motion] = {}
    for name, clip in clips:
        if name in each:
            raise ValueError(f"two clips are called {name}")
        if len(clip.frames) < 2:
            raise ValueError(f"{name} has one frame: no motion can be measured")
        each[name] = motion(clip)
    if not each:
        raise ValueError("there are no clips to measure")
    found: dict[str, Figure | None] = {}
    for f in fields(Motion):
        values = [v for m in each.values() if (v := getattr(m, f.name)) is not None]
        found[f.name] = figure(values, resamples, seed) if values else None
    return found, each


def figure(values: list[float] | list[bool], resamples: int, seed: int) -> Figure:
    """The mean of what clips have, with its interval; of one clip alone the interval is the value."""
    if isinstance(values[0], bool):
        return Figure(sum(values) / len(values), *wilson(sum(values), len(values)), len(values))
    each = torch.tensor(values, dtype=torch.float64)
    value, rng = float(each.mean()), torch.Generator().manual_seed(seed)
    low, high = bootstrap(lambda rows: float(each[rows].mean()), value, [len(each)], resamples=resamples, rng=rng)
    return Figure(value, max(0.0, low), high, len(each))


def record(found: dict[str, Figure | None], each: dict[str, Motion]) -> dict:
    """As plain data for JSON."""
    figures = {name: None if figure is None else asdict(figure) for name, figure in found.items()}
    return {"figures": figures, "clips": {name: asdict(m) for name, m in each.items()}}
