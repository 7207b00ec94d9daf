"""A toy of the default system that two files of tests share."""

import pytest
import torch

from kineograph.systems.kineograph import Kineograph


@pytest.fixture
def toy() -> Kineograph:
    """A toy whose weights are all moved a little: layers that begin at zero would hide what was asked."""
    system, chance = Kineograph.preset("toy"), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in system.parameters():
            p.add_(torch.randn(p.shape, generator=chance), alpha=0.05)
    return system
