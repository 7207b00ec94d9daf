"""Rectified flow: data and noise are joined by straight lines, and a network learns to look along them to the data.

x_t = (1 - t) x_0 + t noise; the velocity is noise - x_0 = (x_t - x_0) / t  (Liu et al. 2023; Lipman et al. 2023).
The network predicts x_0 and is judged by the velocity (Li & He 2025); samplers are functions of `denoise(x, t) -> x_0`.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from kineograph.condition import Condition
from kineograph.processes.samplers import dpm

Network = Callable[..., Tensor]  # net(x, time, cond) -> x_0; distilled ones take step= as well
Denoise = Callable[[Tensor, Tensor], Tensor]
SHORTEST = 0.05  # before shifting, of the times by which velocities are divided


class Flow:
    """How a network is taught and sampled.

    drop: the share of captions hidden for classifier-free guidance. shift: how much more time is spent near the noise,
    both in teaching and in sampling (Esser et al. 2024, eq. 23); frames that resemble each other want more, since what
    they have in common shows through noise that would hide a single one. guided_until: the time below which guidance
    rests: once it is decided what a clip shows, it would only exaggerate how (Kynkäänniemi et al. 2024).
    """

    def __init__(self, *, drop: float = 0.1, shift: float = 1.0, guided_until: float = 0.0):
        self.drop, self.shift, self.guided_until = drop, shift, guided_until

    def times(self, x: Tensor) -> Tensor:
        """Training times, b: logit-normal (Esser et al. 2024, eq. 19), a tenth uniform so that no time is forgotten.

        Both are shifted: sampling hardly looks at times near 0 then, whose velocities' errors would outweigh the rest.
        """
        t, uniform = torch.sigmoid(torch.randn(len(x), device=x.device)), torch.rand(len(x), device=x.device)
        return self.shifted(torch.where(torch.rand(len(x), device=x.device) < 0.1, uniform, t)).clamp(1e-3, 1)

    def shifted(self, t: Tensor | float) -> Tensor | float:
        """Times of 0 .. 1 moved towards 1."""
        return self.shift * t / (1 + (self.shift - 1) * t)

    def loss(self, net: Network, x: Tensor, cond: Condition, null: Condition, weight: Tensor | float = 1.0) -> Tensor:
        """x: b t c h w -> the mean squared error of the velocity; weight, as broad as x, says what matters more."""
        t, noise = self.times(x), torch.randn_like(x)
        cond = cond.where(torch.rand(len(x), device=x.device) >= self.drop, null)
        out = net(noised(x, noise, t), t, cond)
        long = broad(t.clamp(min=self.shifted(SHORTEST)), x)
        return (weight * ((out - x) / long).square()).mean()

    def distil(
        self,
        net: Network,
        teacher: Network,
        x: Tensor,
        cond: Condition,
        null: Condition,
        *,
        steps: int,
        guidance: float,
        substeps: int,
    ) -> Tensor:
        """One of `steps` equal jumps must land where `substeps` guided steps of the teacher land.

        Progressive distillation (Salimans & Ho 2022) of a guided teacher (Meng et al. 2023): the student's x_0 is the
        end of the straight line on which its jump lies.
        """
        u = (torch.randint(steps, (len(x),), device=x.device) + 1) / steps
        t, end = self.shifted(u), self.shifted(u - 1 / steps)
        start = noised(x, torch.randn_like(x), t)
        with torch.no_grad():
            denoise, y = guided(teacher, cond, null, guidance, self.guided_until), start
            for k in range(substeps):
                here, there = (self.shifted(u - (k + i) / (steps * substeps)) for i in (0, 1))
                y = euler_step(denoise(y, here), y, here, there)
            velocity = (start - y) / broad(t - end, x)
        out = net(start, t, cond, torch.full_like(t, 1 / steps))
        return ((start - out) / broad(t, x) - velocity).square().mean()

    def sample(
        self, net: Network, noise: Tensor, cond: Condition, null: Condition, *, steps: int, guidance: float,
        jump: bool = False, progress: Callable[[float], None] = lambda done: None,
    ) -> Tensor:  # fmt: skip
        """Noise b t c h w -> data. With `jump` the network was distilled to these very steps, guidance included.

        Without, steps are of second order (`samplers.dpm`).
        """
        times = self.shifted(torch.linspace(1, 0, steps + 1)).tolist()
        if jump:
            return euler(lambda x, t: net(x, t, cond, torch.full_like(t, 1 / steps)), noise, times, progress)
        denoise = guided(net, cond, null, guidance, self.guided_until)
        return dpm(denoise, noise, lambda t: (1 - t, t), times, progress=progress)


def guided(net: Network, cond: Condition, null: Condition, scale: float, until: float = 0.0) -> Denoise:
    """Classifier-free guidance (Ho & Salimans 2022) at times above `until`; where there is none it costs nothing."""

    def denoise(x: Tensor, t: Tensor) -> Tensor:
        strict = t > until
        if scale == 1 or not strict.any():
            return net(x, t, cond)
        both = Condition.cat([cond.where(torch.zeros(len(x), dtype=torch.bool, device=x.device), null), cond])
        without, with_text = net(torch.cat([x, x]), torch.cat([t, t]), both).chunk(2)
        return without.lerp(with_text, broad(torch.where(strict, scale, 1.0), x))

    return denoise


def euler(
    denoise: Denoise, x: Tensor, times: list[float], progress: Callable[[float], None] = lambda done: None
) -> Tensor:
    """Euler's method along falling times, from 1 (noise) to 0 (data)."""
    for k, (t, s) in enumerate(pairwise(times)):
        here, there = (torch.full((len(x),), u, device=x.device) for u in (t, s))
        x = euler_step(denoise(x, here), x, here, there)
        progress((k + 1) / (len(times) - 1))
    return x


def euler_step(x0: Tensor, x: Tensor, t: Tensor, s: Tensor) -> Tensor:
    """From time t to time s on the line through x at t and x0 at 0.  t, s: b."""
    return x0 + (x - x0) * broad(s / t, x)


def noised(x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    return x + (noise - x) * broad(t, x)


def broad(t: Tensor, x: Tensor) -> Tensor:
    """b -> b 1 1 1 1, to multiply x."""
    return t.reshape(-1, *[1] * (x.ndim - 1))


def lively(latents: Tensor) -> Tensor:
    """How much each place of a clip matters to its loss, 1 on average: up to five times more where it moves.

    Who does something covers a sixth of a picture, and scenery would take all the attention.
    b t c h w -> b 1 1 h w.
    """
    moves = (latents - latents.mean(1, keepdim=True)).square().mean((1, 2), keepdim=True)
    weight = 1 + 4 * (4 * moves).clamp(max=1)
    return weight / weight.mean()
