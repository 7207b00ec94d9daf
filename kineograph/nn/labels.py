"""Labels as vectors."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def certain(labels: Tensor, classes: Sequence[int]) -> Tensor:
    """One-hot vectors of k labels, one after the other.  b k, the place of each value among `classes[k]` -> b v."""
    rows = zip(labels.T, classes, strict=True)
    return torch.cat([F.one_hot(values, count) for values, count in rows], dim=1).float()
