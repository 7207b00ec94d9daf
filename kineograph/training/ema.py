"""The running average of the weights: what is shown, judged and saved in place of the last step's."""

import torch
from torch import Tensor


class EMA:
    """An exponential moving average; its decay rises, min(decay, (1 + n) / (10 + n)), to forget early weights soon."""

    def __init__(self, weights: list[Tensor], decay: float):
        self.decay, self.updates = decay, 0
        self.weights = [w.detach().clone() for w in weights]

    def rate(self) -> float:
        """The decay of the next update."""
        return min(self.decay, (1 + self.updates) / (10 + self.updates))

    @torch.no_grad()
    def update(self, weights: list[Tensor]) -> None:
        torch._foreach_lerp_(self.weights, weights, 1 - self.rate())
        self.updates += 1
