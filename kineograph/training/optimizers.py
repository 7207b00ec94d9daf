"""How weights move: Muon for hidden matrices and kernels, which those are, and the learning rate of a step."""

from collections import defaultdict

import torch
from torch import Tensor, nn

from kineograph.system import quick_dtype

HIDDEN = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def hidden_matrices(module: nn.Module) -> set[int]:
    """The ids of the parameters Muon takes: weights of linear and convolution layers at least 32 wide on both sides.

    A parameter's attribute `muon = False` keeps it with AdamW (modulations, projections from and to the data);
    `muon = True` hands over a bare matrix that belongs to no such layer.
    """
    chosen = set()
    for layer in module.modules():
        for weight in layer.parameters(recurse=False):
            hidden = isinstance(layer, HIDDEN) and weight.ndim >= 2 and min(weight.shape[:2]) >= 32
            if getattr(weight, "muon", hidden) and weight.ndim >= 2:
                chosen.add(id(weight))
    return chosen


def orthogonalize(matrices: Tensor, *, steps: int = 5) -> Tensor:
    """Moves the singular values of k r c matrices (r <= c) towards one by Newton-Schulz iterations, in bfloat16 where
    that is quick.

    The quintic of Keller Jordan's Muon: it ends between 0.7 and 1.2, quickly, and not at one, slowly.
    """
    x = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)
    x = x.to(quick_dtype(x.device))
    for _ in range(steps):
        a = x @ x.mT
        b = torch.baddbmm(a, a, a, beta=-4.7750, alpha=2.0315)
        x = torch.baddbmm(x, b, x, beta=3.4445)
    return x


class Muon:
    """Nesterov momentum whose update is made orthogonal; kernels are taken as out x (in * height * width) matrices.

    Updates are scaled by 0.2 sqrt(max(rows, columns)), AdamW's usual size: one learning rate serves both.
    """

    def __init__(self, weights: list[Tensor], *, momentum: float = 0.95, weight_decay: float = 0.0):
        self.weights, self.momentum, self.weight_decay = weights, momentum, weight_decay
        self.moments = [torch.zeros_like(w) for w in weights]

    @torch.no_grad()
    def step(self, grads: list[Tensor | None], rate: float) -> None:
        """One update; a weight whose gradient is None stays."""
        seen = [i for i, g in enumerate(grads) if g is not None]
        if not seen:
            return
        grads = [grads[i] for i in seen]
        weights, moments = [self.weights[i] for i in seen], [self.moments[i] for i in seen]
        torch._foreach_lerp_(moments, grads, 1 - self.momentum)
        ahead = torch._foreach_lerp(grads, moments, self.momentum)
        if self.weight_decay:
            torch._foreach_mul_(weights, 1 - rate * self.weight_decay)

        alike = defaultdict(list)  # matrices of one shape go through the iteration together
        for weight, update in zip(weights, ahead, strict=True):
            matrix = update.flatten(1)
            tall = matrix.shape[0] > matrix.shape[1]
            matrix = matrix.mT if tall else matrix
            alike[matrix.shape].append((weight, matrix, tall))
        for shape, group in alike.items():
            scale = 0.2 * max(shape) ** 0.5
            for x, (weight, _, tall) in zip(orthogonalize(torch.stack([m for _, m, _ in group])), group, strict=True):
                weight.add_((x.mT if tall else x).reshape(weight.shape), alpha=-rate * scale)


def rate_at(step: int, *, peak: float, warmup: int, cooldown: int, total: int) -> float:
    """The learning rate of a step: linear warm-up, constant, linear cooldown to 1 % at the end of `total` (0: no end).

    A function of the step alone, so that a resumed run goes on as if it had never stopped.
    """
    rise = min(1.0, (step + 1) / warmup) if warmup else 1.0
    left = (total - step) / cooldown if total and cooldown else 1.0
    return peak * rise * min(1.0, max(0.01, left))
