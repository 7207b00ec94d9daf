"""Clips in the order training takes them, as batches that depend on nothing but the seed and the step."""

import hashlib
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from kineograph.clip import KNOWN, Batch


def seed_of(*words: object) -> int:
    """A seed of 63 bits from anything that prints: the same words give the same seed on every machine."""
    digest = hashlib.blake2b(repr(words).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def shuffle(indices: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Where a pseudo-random permutation of range(count) sends these indices, in no memory however large the count.

    A Feistel network permutes the next power of four; what falls outside the range is sent on until it falls inside.
    """
    half = max(1, (max(count - 1, 1).bit_length() + 1) // 2)
    keys = np.random.PCG64(seed).random_raw(6).astype(np.uint64)
    mask, shift = np.uint64((1 << half) - 1), np.uint64(half)

    def permute(x: np.ndarray) -> np.ndarray:
        left, right = x >> shift, x & mask
        for key in keys:
            mixed = (right ^ key) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
            mixed *= np.uint64(0xBF58476D1CE4E5B9)
            left, right = right, left ^ ((mixed >> np.uint64(32)) & mask)
        return (left << shift) | right

    out = permute(np.asarray(indices).astype(np.uint64))
    while (outside := out >= count).any():
        out[outside] = permute(out[outside])
    return out.astype(np.int64)


@dataclass(frozen=True)
class Order:
    """Which of `count` clips each step takes: epoch after epoch, each in an order of its own, no clip twice in one."""

    count: int
    batch_size: int
    seed: int = 0

    def __post_init__(self):
        if self.count < 1 or self.batch_size < 1:
            raise ValueError(f"a batch of {self.batch_size} from {self.count} clips: both must be at least 1")

    def at(self, step: int) -> np.ndarray:
        """The indices of the clips of a step."""
        places = step * self.batch_size + np.arange(self.batch_size, dtype=np.int64)
        epochs, places = places // self.count, places % self.count
        out = np.empty_like(places)
        for epoch in np.unique(epochs):
            here = epochs == epoch
            out[here] = shuffle(places[here], self.count, seed_of(self.seed, "epoch", int(epoch)))
        return out


@dataclass(frozen=True)
class Rendered:
    """A source that draws or reads each clip anew: index -> t c h w uint8."""

    dataset: Sequence

    def __call__(self, index: int) -> Tensor:
        return self.dataset[index].frames


class Steps(Dataset):
    """The batch of every step, made from scratch: `steps[s]` is the same whatever came before.

    source: index -> t c h w; of clips longer than `frames` a random window is taken. `through` names the codec whose
    encodings the source holds in place of pixels.
    captions: (index, variant) -> str, so that a clip is described in other words each time it comes. labels: index -> k
    numbers, layout: index -> t l numbers and scenery: index -> t c h w uint8, if they are known. Without a source there
    are only words: video is b 0.
    """

    def __init__(
        self,
        order: Order,
        source: Callable[[int], Tensor] | None,
        captions: Callable[[int, int], str],
        *,
        labels: Callable[[int], Sequence[int]] | None = None,
        layout: Callable[[int], Sequence[Sequence[float]]] | None = None,
        scenery: Callable[[int], Tensor] | None = None,
        fps: float,
        frames: int = 0,
        through: str = "",
        rank: int = 0,
        ranks: int = 1,
    ):
        self.order, self.source, self.captions, self.fps = order, source, captions, fps
        self.known = {k: of for k, of in zip(KNOWN, (labels, layout, scenery), strict=True) if of}
        self.frames, self.through, self.rank, self.ranks = frames, through, rank, ranks

    def __getitem__(self, step: int) -> Batch:
        indices = self.order.at(step)[self.rank :: self.ranks]
        dice = np.random.default_rng(seed_of(self.order.seed, "step", step, self.rank))
        variants = dice.integers(0, 2**31, len(indices)).tolist()
        clips, captions = [], []
        for index, variant in zip(indices.tolist(), variants, strict=True):
            clip = self.source(index) if self.source else torch.empty(0)
            if self.frames and len(clip) > self.frames:
                first = int(dice.integers(0, len(clip) - self.frames + 1))
                clip = clip[first : first + self.frames]
            clips.append(clip)
            captions.append(self.captions(index, variant))
        fps = torch.full((len(clips),), float(self.fps))
        told = {name: stacked(of, indices.tolist()) for name, of in self.known.items()}
        return Batch(torch.stack(clips), tuple(captions), fps, self.through, **told)

    def run(self, start: int = 0, stop: int = 2**62, *, workers: int = 2, ahead: int = 4) -> Iterator[Batch]:
        """The batches of the steps from start to stop; worker processes of one thread each prepare them ahead."""
        loader = DataLoader(
            self,
            batch_size=None,
            sampler=range(start, stop),
            num_workers=workers,
            worker_init_fn=quiet_worker,
            prefetch_factor=ahead if workers else None,
        )
        return iter(loader)


def known(dataset: Sequence, wants: Sequence[str]) -> dict[str, Callable[[int], Sequence]]:
    """Of what a stage wants to know of clips, that which the dataset can tell: a function of the index for each."""
    return {name: of for name in wants if (of := getattr(dataset, name, None))}


def first_clips(dataset: Sequence, frames: Tensor, wants: Sequence[str] = ()) -> Batch:
    """The first clips of a dataset, whose frames b t c h w have been drawn already, with their first wordings."""
    numbers = range(len(frames))
    told = {name: stacked(of, numbers) for name, of in known(dataset, wants).items()}
    fps = torch.full((len(frames),), float(dataset.fps))
    return Batch(frames, tuple(dataset.caption(i, 0) for i in numbers), fps, **told)


def stacked(of: Callable[[int], Sequence], indices: Sequence[int]) -> Tensor:
    """What is known of these clips, one after the other."""
    return torch.stack([torch.as_tensor(of(i)) for i in indices])


def quiet_worker(_: int) -> None:
    """Makes a worker process leave signals to its parent and use one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    torch.set_num_threads(1)


def on_device(batch: Batch, device: torch.device | str = "cpu") -> Batch:
    """The batch where it is needed, in float32: uint8 pixels become [-1, 1] there, encodings keep their values."""

    def full(x: Tensor) -> Tensor:
        x = x.to(device, non_blocking=True)
        return x.float() / 127.5 - 1 if x.dtype == torch.uint8 else x.float()

    scenery = None if batch.scenery is None else full(batch.scenery)
    return replace(batch, video=full(batch.video), scenery=scenery).to(device)
