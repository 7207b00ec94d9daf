"""One video file as training data, for systems that learn a single clip."""

from collections.abc import Sequence
from pathlib import Path

from kineograph import video
from kineograph.clip import Clip


class Footage(Sequence[Clip]):
    """The first `frames` frames of a video at `fps`, size x size, the same under every index and with one caption.

    ValueError where the video is too short.
    """

    def __init__(self, path: str | Path, words: str, *, frames: int, size: int, fps: float = 8.0):
        if not words:
            raise ValueError(f"{path} needs words: what does the video show?")
        read = video.read(path, fps=fps, size=size, frames=frames).frames
        if len(read) < frames:
            raise ValueError(
                f"{path} has {len(read)} frames at {fps:g} a second, and {frames} are wanted; a longer one will do, or "
                f"--set frames={len(read)} where the system has such a value"
            )
        self.words, self.fps, self.clip = words, fps, Clip(read, fps, words)

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Clip:
        return self.clip

    def caption(self, index: int, variant: int = 0) -> str:
        """What the video shows."""
        return self.words

    def fingerprint(self) -> dict:
        """What a cache of it was made of."""
        return {"dataset": "Footage", "frames": self.clip.digest, "fps": self.fps}
