"""Samplers: ways from noise to data along a list of times, as functions of `denoise(x, t) -> x_0`.

`levels(t)` gives alpha and sigma of x_t = alpha x_0 + sigma noise, so any process of that kind can be sampled, the
straight flow with (1 - t, t) as well; alpha may be 0 at the first time. Guidance, masks and warps are functions around
`denoise`; part of a way is part of the list of times.
"""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor

CLEAN = -1  # the time of clean data in schedules that count times from 0

Denoise = Callable[[Tensor, Tensor], Tensor]
Levels = Callable[[float], tuple[float, float]]
Report = Callable[[float], None]


def unwatched(done: float) -> None:
    """The progress nobody watches: done in 0..1."""


class Sampler(Protocol):
    """Noise x at times[0] -> x at times[-1]; what else a sampler can be told is given with functools.partial."""

    def __call__(
        self, denoise: Denoise, x: Tensor, levels: Levels, times: list[float], *, progress: Report = unwatched
    ) -> Tensor: ...


def steps(times: list[float], progress: Report) -> Iterator[tuple[float, float]]:
    """Pairs of neighbouring times; reports when the work on a pair is done."""
    for k, pair in enumerate(pairwise(times)):
        yield pair
        progress((k + 1) / (len(times) - 1))


def told(denoise: Denoise, x: Tensor, t: float) -> Tensor:
    """denoise with the same time for every row."""
    return denoise(x, torch.full((len(x),), t, device=x.device))


def ddim(
    denoise: Denoise, x: Tensor, levels: Levels, times: list[float], *, eta: float = 0.0,
    generator: torch.Generator | None = None, progress: Report = unwatched,
) -> Tensor:  # fmt: skip
    """Song et al. 2021, eq. 12 and 16: `eta` is the share of fresh noise, 0 none and 1 as much as DDPM's."""
    for t, s in steps(times, progress):
        (alpha, sigma), (alpha_s, sigma_s) = levels(t), levels(s)
        x0 = told(denoise, x, t)
        fresh = eta * deviation(alpha, sigma, alpha_s, sigma_s) if eta else 0.0
        x = alpha_s * x0 + math.sqrt(max(0.0, sigma_s**2 - fresh**2)) / sigma * (x - alpha * x0)
        if fresh:
            x = x + fresh * drawn(x, generator)
    return x


def deviation(alpha: float, sigma: float, alpha_s: float, sigma_s: float) -> float:
    """Of x_s when x_t and x_0 are known and the process is Markov's (Ho et al. 2020, eq. 7)."""
    return sigma_s / sigma * math.sqrt(max(0.0, 1 - (alpha / alpha_s) ** 2))


def drawn(x: Tensor, generator: torch.Generator | None) -> Tensor:
    """Normal noise like x, drawn where the generator lives."""
    device = x.device if generator is None else generator.device
    return torch.randn(x.shape, generator=generator, dtype=x.dtype, device=device).to(x.device)


def euler(denoise: Denoise, x: Tensor, levels: Levels, times: list[float], *, progress: Report = unwatched) -> Tensor:
    """Euler's method on dy/dr = (y - x_0) / r with y = x / alpha, r = sigma / alpha (Karras et al. 2022, algorithm 1).

    In x it is DDIM without fresh noise; the division by alpha is not needed.
    """
    return ddim(denoise, x, levels, times, progress=progress)


def ddpm(
    denoise: Denoise, x: Tensor, levels: Levels, times: list[float], *,
    generator: torch.Generator | None = None, progress: Report = unwatched,
) -> Tensor:  # fmt: skip
    """Ancestral sampling (Ho et al. 2020, algorithm 2, with the smaller variance): DDIM with all its fresh noise."""
    return ddim(denoise, x, levels, times, eta=1.0, generator=generator, progress=progress)


def heun(denoise: Denoise, x: Tensor, levels: Levels, times: list[float], *, progress: Report = unwatched) -> Tensor:
    """Karras et al. 2022, algorithm 2: each step looks again at where it lands; two evaluations but for the last.

    A step from pure noise (alpha 0, where r is infinite) or to clean data is Euler's.
    """
    for t, s in steps(times, progress):
        (alpha, sigma), (alpha_s, sigma_s) = levels(t), levels(s)
        x0 = told(denoise, x, t)
        noise = (x - alpha * x0) / sigma
        x = alpha_s * x0 + sigma_s * noise
        if alpha > 0 and sigma_s > 0:
            again = (x - alpha_s * told(denoise, x, s)) / sigma_s
            x = x + (sigma_s - alpha_s * sigma / alpha) / 2 * (again - noise)
    return x


def dpm(denoise: Denoise, x: Tensor, levels: Levels, times: list[float], *, progress: Report = unwatched) -> Tensor:
    """DPM-Solver++ (2M), Lu et al. 2022, algorithm 2: the last x_0 foretells how x_0 will change.

    The first step and the one to clean data are of first order.
    """
    before, h_before = x, 0.0
    for t, s in steps(times, progress):
        (alpha, sigma), (alpha_s, sigma_s) = levels(t), levels(s)
        x0 = told(denoise, x, t)
        h = snr(alpha_s, sigma_s) - snr(alpha, sigma)
        ahead = x0 if h_before == 0 or math.isinf(h) else x0 + h / (2 * h_before) * (x0 - before)
        x = sigma_s / sigma * x + (alpha_s - sigma_s * alpha / sigma) * ahead
        before, h_before = x0, h
    return x


def snr(alpha: float, sigma: float) -> float:
    """log(alpha / sigma), infinite where one of them is 0."""
    if alpha == 0:
        return -math.inf
    return math.inf if sigma == 0 else math.log(alpha / sigma)


def inverted(
    denoise: Denoise, x: Tensor, levels: Levels, times: list[float], *, progress: Report = unwatched
) -> Tensor:
    """DDIM backwards: clean x -> the noise from which `ddim` along the same falling times gives x back, nearly.

    The noise of each step is asked for at the time to be reached, as in Wu et al. 2023 and diffusers: at clean data
    there is none to see.
    """
    for s, t in steps(times[::-1], progress):
        (alpha, sigma), (alpha_s, sigma_s) = levels(t), levels(s)
        noise = (x - alpha * told(denoise, x, t)) / sigma
        x = alpha * (x - sigma_s * noise) / alpha_s + sigma * noise
    return x
