"""Rendered clips and their encodings on disk, made once and reused: training pays for them per clip, not per step.

A store is a raw file of equal records and a JSON header that says how many of them count. Records are appended and
synced before the header is replaced, so a process killed at any moment leaves a store that is whole, only shorter.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from kineograph.data.loader import quiet_worker
from kineograph.tensors import as_dtype

CHUNK = 256  # clips between two writes of the header
SMALL = 8  # clips a worker renders, and the codec encodes, at a time


def silent(done: float, what: str) -> None:
    """Progress that nobody watches."""


class Store:
    """An appendable array of records on disk: `name` for the records, `name`.json for the header.

    The fingerprint says what the records were made of; a store made of anything else is refused, or emptied on rebuild.
    """

    def __init__(self, path: Path, *, dtype: str, fingerprint: dict, rebuild: bool = False):
        self.path, self.head = Path(path), Path(f"{path}.json")
        self.dtype, self.fingerprint = np.dtype(dtype), json.loads(json.dumps(fingerprint))
        self.count, self.shape = 0, ()
        if rebuild:
            self.head.unlink(missing_ok=True)
        if self.head.exists():
            self.open()

    def open(self) -> None:
        """Reads the header and checks that it fits what is wanted and what is there."""
        try:
            head = json.loads(self.head.read_text())
            count, shape, dtype, found = head["count"], tuple(head["shape"]), head["dtype"], head["fingerprint"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self.head} is not the header of a cache; delete it or rebuild the cache") from error
        wanted = self.fingerprint | {"dtype": self.dtype.str}
        found = found | {"dtype": dtype}
        if different := [k for k in sorted(wanted.keys() | found.keys()) if wanted.get(k) != found.get(k)]:
            what = "; ".join(f"{k} is {found.get(k)!r} there and {wanted.get(k)!r} here" for k in different)
            raise ValueError(f"the cache {self.path} was made of something else: {what}; rebuild it")
        self.count, self.shape = count, shape
        size = self.path.stat().st_size if self.path.exists() else 0
        if size < count * self.bytes:
            raise ValueError(f"the cache {self.path} is cut short: {size} of {count * self.bytes} bytes; rebuild it")

    @property
    def bytes(self) -> int:
        """The size of one record."""
        return int(np.prod(self.shape)) * self.dtype.itemsize

    def append(self, records: np.ndarray) -> None:
        """Adds n records; they count once the header says so."""
        records = np.ascontiguousarray(records, dtype=self.dtype)
        if not self.count:
            self.shape = records.shape[1:]
        assert records.shape[1:] == self.shape, f"records of {records.shape[1:]} in a cache of {self.shape}"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "r+b" if self.path.exists() else "w+b") as file:
            file.truncate(self.count * self.bytes)  # what a killed process left half written
            file.seek(0, os.SEEK_END)
            file.write(records.data)
            file.flush()
            os.fsync(file.fileno())
        count = self.count + len(records)
        head = {"count": count, "shape": self.shape, "dtype": self.dtype.str, "fingerprint": self.fingerprint}
        fresh = self.head.with_name(self.head.name + ".tmp")
        with open(fresh, "w") as file:
            json.dump(head, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self.head)
        self.count = count

    def array(self) -> np.ndarray:
        """All records, n ..., mapped from disk, read-only."""
        return np.memmap(self.path, self.dtype, "r", shape=(self.count, *self.shape))


class Stored:
    """A source of clips that reads a store of t h w c frames or t c h w encodings: index -> t c h w.

    The file is mapped when first read, so that worker processes get the path and not the data.
    """

    def __init__(self, store: Store):
        self.path, self.dtype, self.shape = store.path, store.dtype, (store.count, *store.shape)
        self.array: np.ndarray | None = None

    def __call__(self, index: int) -> Tensor:
        if self.array is None:
            self.array = np.memmap(self.path, self.dtype, "r", shape=self.shape)
        record = torch.from_numpy(np.array(self.array[index]))
        return record.permute(0, 3, 1, 2).contiguous() if record.dtype == torch.uint8 else record


class Small(Dataset):
    """A dataset's clips in groups, as worker processes render them: group -> n t c h w uint8; or, in place of their
    frames, what one of the dataset's methods tells of each.
    """

    def __init__(self, dataset: Sequence, start: int, stop: int, told: str = ""):
        self.dataset, self.start, self.stop, self.told = dataset, start, stop, told

    def __len__(self) -> int:
        return -(-(self.stop - self.start) // SMALL)

    def __getitem__(self, group: int) -> Tensor:
        first = self.start + group * SMALL
        return torch.stack([self.of(i) for i in range(first, min(first + SMALL, self.stop))])

    def of(self, index: int) -> Tensor:
        """One clip's share."""
        return torch.as_tensor(getattr(self.dataset, self.told)(index)) if self.told else self.dataset[index].frames


class Cache:
    """The first clips of a dataset in a folder: `frames` as rendered, `encodings` by a codec, and what is `known` of
    them; all grow on demand.
    """

    def __init__(self, folder: str | Path, dataset: Sequence, *, rebuild: bool = False):
        self.folder, self.dataset, self.rebuild = Path(folder), dataset, rebuild

    def frames(self, clips: int, *, workers: int = 2, progress: Callable[[float, str], None] = silent) -> Store:
        """A store of at least so many rendered clips: n t h w c uint8."""
        store = self.store("frames.u8", dtype="|u1", fingerprint=identity(self.dataset))
        self.extend(store, clips, self.pictures(store, clips, workers), channels_last, progress, "rendering clips")
        return store

    def known(
        self, name: str, clips: int, *, workers: int = 2, progress: Callable[[float, str], None] = silent
    ) -> Store:
        """A store of what `dataset.name(index)` tells of at least so many clips: labels n k, layout n t l, or scenery,
        n t h w c uint8.
        """
        kind = Small(self.dataset, 0, 1, name)[0].dtype
        suffix, dtype = {torch.uint8: ("u8", "|u1"), torch.int64: ("i64", "<i8"), torch.float32: ("f32", "<f4")}[kind]
        store = self.store(f"{name}.{suffix}", dtype=dtype, fingerprint=identity(self.dataset))
        convert = channels_last if kind == torch.uint8 else Tensor.numpy
        told = render(self.dataset, store.count, clips, workers=workers, told=name)
        self.extend(store, clips, told, convert, progress, f"{name} of clips")
        return store

    def encodings(
        self,
        codec: nn.Module,
        clips: int,
        *,
        name: str = "codec",
        precision: str = "no",
        workers: int = 2,
        device: torch.device | str = "cpu",
        progress: Callable[[float, str], None] = silent,
    ) -> Store:
        """A store of at least so many encoded clips, n t c h w float16, by codec.encode(b t c h w).

        A codec whose attribute `discrete` is true gives whole numbers, which int32 keeps: n t h w.
        Frames that the folder keeps are encoded as they are; others are rendered, and not kept.

        precision: "bf16" encodes with bfloat16 weights; the given codec stays as it is.
        """
        stamp = identity(self.dataset) | {"codec": encoding_digest(codec), "precision": precision}
        discrete = getattr(codec, "discrete", False)
        suffix, dtype, kept = ("i32", "<i4", torch.int32) if discrete else ("f16", "<f2", torch.float16)
        store = self.store(f"{name}.{suffix}", dtype=dtype, fingerprint=stamp)
        if store.count >= clips:
            return store
        codec = deepcopy(codec).eval().requires_grad_(False).to(device).to(memory_format=torch.channels_last)
        if precision == "bf16":
            as_dtype(codec, torch.bfloat16)

        @torch.inference_mode()
        def encode(frames: Tensor) -> np.ndarray:
            latents = codec.encode(frames.to(device).float() / 127.5 - 1).to(kept).cpu()
            assert latents.isfinite().all(), "the codec's encodings do not fit into float16"
            return latents.numpy()

        self.extend(store, clips, self.pictures(store, clips, workers), encode, progress, "encoding clips")
        return store

    def store(self, name: str, *, dtype: str, fingerprint: dict) -> Store:
        """The store of this name; with rebuild, one that is made of something else is emptied."""
        try:
            return Store(self.folder / name, dtype=dtype, fingerprint=fingerprint)
        except ValueError:
            if not self.rebuild:
                raise
            return Store(self.folder / name, dtype=dtype, fingerprint=fingerprint, rebuild=True)

    def extend(
        self,
        store: Store,
        clips: int,
        missing: Iterator[Tensor],
        convert: Callable[[Tensor], np.ndarray],
        progress: Callable[[float, str], None],
        what: str,
    ) -> None:
        """Takes what is missing, a few clips at a time, converts it, and appends it chunk by chunk."""
        if clips > len(self.dataset):
            raise ValueError(f"{clips} clips asked for, and the dataset has {len(self.dataset)}")
        ready: list[np.ndarray] = []
        for small in missing:
            ready.append(convert(small))
            if (fresh := sum(map(len, ready))) >= CHUNK or store.count + fresh >= clips:
                store.append(np.concatenate(ready))
                ready.clear()
                progress(store.count / clips, what)

    def pictures(self, store: Store, clips: int, workers: int) -> Iterator[Tensor]:
        """The clips that a store lacks, n t c h w uint8 at a time: kept frames first, then rendered ones."""
        start, name = store.count, "frames.u8"
        if store.path.name != name and Path(f"{self.folder / name}.json").exists():
            kept = self.store(name, dtype="|u1", fingerprint=identity(self.dataset))
            frames, stop = Stored(kept), min(kept.count, clips)
            for first in range(start, stop, SMALL):
                yield torch.stack([frames(i) for i in range(first, min(first + SMALL, stop))])
            start = max(start, stop)
        yield from render(self.dataset, start, clips, workers=workers)


def channels_last(frames: Tensor) -> np.ndarray:
    """n t c h w -> n t h w c, as pictures lie in files."""
    return frames.permute(0, 1, 3, 4, 2).numpy()


def render(dataset: Sequence, start: int, stop: int, *, workers: int = 2, told: str = "") -> Iterator[Tensor]:
    """The clips from start to stop in order, n t c h w uint8 at a time, or what a method of the dataset tells of them,
    drawn by worker processes.
    """
    if start >= stop:
        return iter(())
    loader = DataLoader(
        Small(dataset, start, stop, told),
        batch_size=None,
        shuffle=False,
        num_workers=workers,
        worker_init_fn=quiet_worker,
        prefetch_factor=4 if workers else None,
    )
    return iter(loader)


def identity(dataset: Sequence) -> dict:
    """What a dataset's clips depend on: its `fingerprint`, a dict for JSON, or the plain attributes that say it.

    A module of data raises its VERSION whenever the same clip would look different.
    """
    if (own := getattr(dataset, "fingerprint", None)) is not None:
        return dict(own() if callable(own) else own)
    names = ("seed", "split", "frames", "shown", "fps", "size", "actors")
    named = {k: getattr(dataset, k) for k in names if hasattr(dataset, k)}
    if often := getattr(dataset, "often", None):
        named |= {"often": often}
    version = getattr(sys.modules[type(dataset).__module__], "VERSION", 1)
    return {"dataset": type(dataset).__name__, "version": version} | named


def encoding_digest(codec: nn.Module) -> str:
    """SHA-256 of what a codec's encodings depend on: what its `encoding_state` gives, or all its weights."""
    return digest_of(codec.encoding_state() if hasattr(codec, "encoding_state") else codec.state_dict())


def digest(module: nn.Module) -> str:
    """SHA-256 of a module's weights and their names."""
    return digest_of(module.state_dict())


def digest_of(state: Mapping[str, Tensor]) -> str:
    """SHA-256 of tensors and their names."""
    total = hashlib.sha256()
    for name, value in sorted(state.items()):
        total.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        total.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return total.hexdigest()
