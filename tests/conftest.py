"""One thread everywhere, and a tiny system of the tests' own in the catalogue beside the real ones."""

import os
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import pytest
import torch

from kineograph import systems
from kineograph.clip import Clip

torch.set_num_threads(1)
systems.__path__.append(str(Path(__file__).parent / "fakes"))


@pytest.fixture
def ramp() -> Clip:
    """Sixteen frames at 8 fps whose grey tells which they are: frame i is 16 i, with a red bar at the left."""
    frames = (torch.arange(16, dtype=torch.uint8) * 16).reshape(16, 1, 1, 1).repeat(1, 3, 32, 48)
    frames[:, 0, :, :6] = 255
    return Clip(frames, 8.0, "it grows lighter")
