"""The values that flow through kineograph: a clip, and a batch of clips."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Clip:
    """A captioned video: frames t c h w, uint8, three colour channels."""

    frames: Tensor
    fps: float = 8.0
    caption: str = ""
    meta: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        frames = self.frames
        if frames.dtype != torch.uint8 or frames.ndim != 4 or frames.shape[1] != 3 or 0 in frames.shape:
            raise ValueError(f"a clip's frames are uint8, t 3 h w; got {frames.dtype}, {tuple(frames.shape)}")
        if not 0 < self.fps < float("inf"):
            raise ValueError(f"a clip's fps is a positive number; got {self.fps}")

    @classmethod
    def of(cls, video: Tensor, *, fps: float = 8.0, caption: str = "", meta: dict | None = None) -> "Clip":
        """video: t c h w floats in [-1, 1], clamped -> a clip."""
        frames = ((video.detach().float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).cpu()
        return cls(frames, fps, caption, meta or {})

    @classmethod
    def joined(cls, windows: Iterable[Tensor], total: int, *, fps: float, caption: str) -> "Clip":
        """A clip of `total` frames that come in windows, t 3 h w uint8: memory holds the film and one of them."""
        frames, shown = torch.empty(0), 0
        for window in windows:
            if not shown:
                frames = torch.empty(total, *window.shape[1:], dtype=torch.uint8)
            frames[shown : shown + len(window)] = window
            shown += len(window)
        assert shown == total, f"{shown} frames came and {total} were announced"
        return cls(frames, fps, caption)

    @property
    def video(self) -> Tensor:
        """t c h w floats in [-1, 1]."""
        return self.frames.float() / 127.5 - 1

    @property
    def seconds(self) -> float:
        """How long the clip plays."""
        return len(self.frames) / self.fps

    @property
    def digest(self) -> str:
        """SHA-256 of the frames and their shape, before any encoding: equal where every pixel is."""
        frames = self.frames.contiguous().cpu()
        total = hashlib.sha256(repr(tuple(frames.shape)).encode())
        total.update(frames.numpy().data)
        return total.hexdigest()

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Writes the clip, and what it knows of itself, to an .mp4, .gif, .webp or .png (a sheet of frames)."""
        from kineograph import video  # the video library is paid for only by those who write files

        return video.write(path, self, self.meta, overwrite=overwrite)


KNOWN = ("labels", "layout", "scenery")  # fields of a batch that not all clips have


@dataclass(frozen=True, eq=False)
class Batch:
    """Clips as a network sees them: video b t c h w in [-1, 1], fps b.

    Where `through` names a codec, video holds that codec's encodings instead of pixels. What is known of the clips:
    labels: b k, the place of each label's value among those that it can have. layout: b t l, of each frame whether it
    is known; of two actors x, y (-1 to 1 across the picture, right and down), size (0 if it is not there), stretch
    (negative if mirrored), sine and cosine of its turn; then how the first holds itself. scenery: the video without its
    actors, b t c h w.
    """

    video: Tensor
    captions: tuple[str, ...]
    fps: Tensor
    through: str = ""
    labels: Tensor | None = None
    layout: Tensor | None = None
    scenery: Tensor | None = None

    @classmethod
    def of(cls, clips: Sequence[Clip]) -> "Batch":
        """Stacks clips of one shape."""
        if len(shapes := {tuple(clip.frames.shape) for clip in clips}) != 1:
            raise ValueError(f"a batch needs clips of one shape; got {sorted(shapes)}")
        video = torch.stack([clip.video for clip in clips])
        return cls(video, tuple(clip.caption for clip in clips), torch.tensor([float(clip.fps) for clip in clips]))

    def __len__(self) -> int:
        return len(self.video)

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on another device."""
        moved = {k: x.to(device) for k, x in self.known().items()}
        return replace(self, video=self.video.to(device), fps=self.fps.to(device), **moved)

    def known(self) -> dict[str, Tensor]:
        """What is known of the clips beside their captions."""
        return {k: x for k in KNOWN if (x := getattr(self, k)) is not None}
