"""Diffusion: data are noised step by step along a schedule, and a network learns the way back.

x_t = alpha_t x_0 + sigma_t noise with alpha^2 + sigma^2 = 1  (Ho et al. 2020, eq. 4; Song et al. 2021). The network is
told t, 0 .. steps - 1, and predicts the noise, v = alpha noise - sigma x_0 (Salimans & Ho 2022), or x_0; samplers only
see `denoise(x, t) -> x_0`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor

from kineograph.condition import Condition
from kineograph.processes.flow import Network, broad, guided
from kineograph.processes.samplers import CLEAN, Denoise, Sampler, ddim

BETAS = ("linear", "scaled_linear", "cosine")
SPACINGS = ("leading", "trailing", "linspace")
PREDICTIONS = ("noise", "v", "x0")
FEWEST = 0.1  # noise, as a share of the variance, by which errors of x_0 are divided
FAINTEST = 2.0**-24  # the least signal from which levels between two whole times are drawn


@dataclass(frozen=True)
class Schedule:
    """How much signal is left at the times 0 .. steps - 1, and which of them a sampler visits.

    The defaults are Stable Diffusion's. `stop` is the time at which sampling ends: -1 is clean data, 0 leaves the first
    time's noise in, as Stable Diffusion's own sampler does. With `zero_snr` nothing is left of the data at the last
    time (Lin et al. 2024, algorithm 1).
    """

    steps: int = 1000
    start: float = 0.00085
    end: float = 0.012
    betas: str = "scaled_linear"
    zero_snr: bool = False
    spacing: str = "leading"
    offset: int = 1  # of the times with leading spacing
    stop: int = CLEAN

    def __post_init__(self) -> None:
        for name, allowed in (("betas", BETAS), ("spacing", SPACINGS), ("stop", (CLEAN, 0))):
            if (given := getattr(self, name)) not in allowed:
                raise ValueError(f"a schedule's {name} is one of {', '.join(map(str, allowed))}; got {given!r}")
        if self.steps < 2:
            raise ValueError(f"a schedule has at least 2 steps; got {self.steps}")
        if self.betas != "cosine" and not 0 < self.start <= self.end < 1:
            raise ValueError(f"betas rise between 0 and 1; got {self.start} .. {self.end}")
        if not 0 <= self.offset < self.steps:
            raise ValueError(f"a schedule's offset is 0 .. {self.steps - 1}; got {self.offset}")

    @cached_property
    def signal(self) -> list[float]:
        """alpha_t^2 for each time; made in float32, in which published networks were taught."""
        left = (1 - self.noise_added()).cumprod(0)
        if self.zero_snr:
            root = left.sqrt()
            left = ((root - root[-1]) * root[0] / (root[0] - root[-1])).square()
        return left.tolist()

    def noise_added(self) -> Tensor:
        """beta_t, the share of noise that each time adds: steps."""
        if self.betas == "cosine":  # Nichol & Dhariwal 2021, eq. 17
            curve = [math.cos((k / self.steps + 0.008) / 1.008 * math.pi / 2) ** 2 for k in range(self.steps + 1)]
            return torch.tensor([min(1 - b / a, 0.999) for a, b in pairwise(curve)])
        if self.betas == "scaled_linear":
            return torch.linspace(self.start**0.5, self.end**0.5, self.steps).square()
        return torch.linspace(self.start, self.end, self.steps)

    def levels(self, t: float) -> tuple[float, float]:
        """alpha and sigma at a time; between two whole times sigma / alpha is interpolated, and -1 is clean."""
        if t < 0:
            return 1.0, 0.0
        low = math.floor(t)
        if low == t:
            return self.signal[low] ** 0.5, (1 - self.signal[low]) ** 0.5
        below, above = (math.sqrt((1 - s) / s) for s in (max(self.signal[k], FAINTEST) for k in (low, low + 1)))
        ratio = below + (above - below) * (t - low)
        alpha = (1 + ratio**2) ** -0.5
        return alpha, ratio * alpha

    def at(self, t: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """alpha and sigma for each row of x at times t, b -> b 1 .. 1, b 1 .. 1."""
        rows = torch.tensor([self.levels(u) for u in t.tolist()]).to(x)
        return broad(rows[:, 0], x), broad(rows[:, 1], x)

    def noised(self, x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """Clean x at the times t: b."""
        alpha, sigma = self.at(t, x)
        return alpha * x + sigma * noise

    def times(self, steps: int, *, strength: float = 1.0) -> list[float]:
        """The falling times of so many sampling steps, with the time to stop at; strength < 1 leaves the first out.

        Image-to-image starts from data noised to the first of them.
        """
        if not 1 <= steps <= self.steps:
            raise ValueError(f"sampling takes 1 to {self.steps} steps; got {steps}")
        if not 0 <= strength <= 1:
            raise ValueError(f"a strength is between 0 and 1; got {strength}")
        times: list[float]
        if self.spacing == "leading":
            times = [k * (self.steps // steps) + self.offset for k in reversed(range(steps))]
        elif self.spacing == "trailing":
            times = [round(self.steps - k * self.steps / steps) - 1 for k in range(steps)]
        else:
            stride = (self.steps - 1) / max(steps - 1, 1)
            times = [k * stride for k in reversed(range(steps))] if steps > 1 else [0.0]
        left = times[steps - min(int(steps * strength), steps) :]
        return [float(min(t, self.steps - 1)) for t in left] + [float(self.stop)]


def kept(denoise: Denoise, data: Tensor, painted: Tensor) -> Denoise:
    """denoise for inpainting: what is not painted is known to be `data`, at every step.  painted: b 1 1 h w bool."""
    return lambda x, t: torch.where(painted, denoise(x, t), data)


class Diffusion:
    """How a network is taught and sampled. `drop` is the share of captions hidden for classifier-free guidance."""

    def __init__(self, schedule: Schedule | None = None, *, predicts: str = "noise", drop: float = 0.1):
        self.schedule, self.predicts, self.drop = schedule or Schedule(), predicts, drop
        if predicts not in PREDICTIONS:
            raise ValueError(f"a network predicts one of {', '.join(PREDICTIONS)}; got {predicts!r}")
        if self.schedule.zero_snr and predicts == "noise":
            raise ValueError("where nothing of the data is left, noise tells nothing of them: predict v or x0")

    def loss(self, net: Network, x: Tensor, cond: Condition, null: Condition, weight: Tensor | float = 1.0) -> Tensor:
        """x: b t c h w -> the mean squared error of what the network predicts; weight, as broad as x: what matters.

        x_0 is judged by the v that it means (Li & He 2025): by an error divided by sigma.
        """
        t, noise = torch.randint(self.schedule.steps, (len(x),)), torch.randn_like(x)
        alpha, sigma = self.schedule.at(t, x)
        cond = cond.where(torch.rand(len(x), device=x.device) >= self.drop, null)
        target = {"noise": noise, "v": alpha * noise - sigma * x, "x0": x}[self.predicts]
        if self.predicts == "x0":
            weight = weight / sigma.square().clamp(min=FEWEST)
        return (weight * (net(alpha * x + sigma * noise, t.to(x.device), cond) - target).square()).mean()

    def clean(self, net: Network) -> Network:
        """The network as one that gives x_0, whatever it was taught to predict."""

        def predict(x: Tensor, t: Tensor, cond: Condition) -> Tensor:
            out, (alpha, sigma) = net(x, t, cond), self.schedule.at(t, x)
            if self.predicts == "noise":
                return (x - sigma * out) / alpha
            return alpha * x - sigma * out if self.predicts == "v" else out

        return predict

    def denoiser(self, net: Network, cond: Condition, null: Condition, guidance: float) -> Denoise:
        """denoise(x, t) -> x_0 with classifier-free guidance; to be wrapped, or given to a sampler."""
        return guided(self.clean(net), cond, null, guidance)

    def sample(
        self, net: Network, noise: Tensor, cond: Condition, null: Condition, *, steps: int, guidance: float,
        sampler: Sampler = ddim, data: Tensor | None = None, strength: float = 1.0,
        progress: Callable[[float], None] = lambda done: None,
    ) -> Tensor:  # fmt: skip
        """Noise b t c h w -> data; with `data` it begins from them, noised to the strength asked for."""
        times = self.schedule.times(steps, strength=strength)
        if data is not None:
            alpha, sigma = self.schedule.levels(times[0])
            noise = alpha * data + sigma * noise if len(times) > 1 else data
        denoise = self.denoiser(net, cond, null, guidance)
        return sampler(denoise, noise, self.schedule.levels, times, progress=progress)
