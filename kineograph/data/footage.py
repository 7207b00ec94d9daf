"""One video file as training data, for systems that learn a single clip."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from kineograph import video
from kineograph.clip import Clip


class Footage(Sequence[Clip]):
    """The first `frames` frames of a video at `fps`, size x size, the same under every index and with one caption."""

    def __init__(self, path: str | Path, words: str, *, frames: int, size: int, fps: float = 8.0):
        if not words:
            raise ValueError(f"{path} needs words: what does the video show?")
        self.path, self.words, self.frames, self.size, self.fps = Path(path), words, frames, size, fps

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Clip:
        return self.clip

    @cached_property
    def clip(self) -> Clip:
        """The clip; ValueError where the video is too short."""
        read = video.read(self.path, fps=self.fps, size=self.size, frames=self.frames).frames
        if len(read) < self.frames:
            raise ValueError(f"{self.path} has {len(read)} frames at {self.fps:g} a second; {self.frames} are wanted")
        return Clip(read, self.fps, self.words)

    def caption(self, index: int, variant: int = 0) -> str:
        """What the video shows."""
        return self.words

    def fingerprint(self) -> dict:
        """What a cache of it was made of."""
        return {"dataset": "Footage", "frames": self.clip.digest, "fps": self.fps}
