"""Our schedule and samplers against diffusers' schedulers, from the same noise with the same network."""

from functools import partial

import pytest
import torch
from torch import Tensor

from kineograph.processes.diffusion import PREDICTIONS, SPACINGS, Diffusion, Schedule
from kineograph.processes.samplers import Sampler, ddim, ddpm, dpm, euler, heun, inverted

diffusers = pytest.importorskip("diffusers", reason="parity is measured against diffusers")

THEIRS = {"noise": "epsilon", "v": "v_prediction", "x0": "sample"}
BETAS = {"linear": "linear", "scaled_linear": "scaled_linear", "cosine": "squaredcos_cap_v2"}
NOISE = torch.randn(2, 1, 3, 4, 5, generator=torch.Generator().manual_seed(0))


class Stride:
    """What diffusers' DDIM, which takes all strides for equal, divides the number of times by: any stride we want."""

    def __init__(self, stride: int):
        self.stride = stride

    def __rfloordiv__(self, _: int) -> int:
        return self.stride


class Network:
    """Guesses some x_0, and says so in the way its process wants."""

    def __init__(self, schedule: Schedule, predicts: str = "noise"):
        self.schedule, self.predicts = schedule, predicts

    def __call__(self, x: Tensor, t: float | Tensor, cond: None = None) -> Tensor:
        t = float(torch.as_tensor(t).flatten()[0])
        clean, (alpha, sigma) = torch.sin(1.3 * x + t / 500), self.schedule.levels(t)
        noise = (x - alpha * clean) / sigma
        return {"noise": noise, "v": alpha * noise - sigma * clean, "x0": clean}[self.predicts]


def theirs(kind: str, schedule: Schedule, predicts: str = "noise", **more: object) -> object:
    """diffusers' scheduler for a schedule of ours."""
    cls = getattr(diffusers, kind)
    return cls(
        num_train_timesteps=schedule.steps, beta_start=schedule.start, beta_end=schedule.end,
        beta_schedule=BETAS[schedule.betas], prediction_type=THEIRS[predicts], timestep_spacing=schedule.spacing,
        steps_offset=schedule.offset, **more,
    )  # fmt: skip


def ours(schedule: Schedule, predicts: str, sampler: Sampler, times: list[float]) -> Tensor:
    denoise = Diffusion(schedule, predicts=predicts).clean(Network(schedule, predicts))
    return sampler(lambda x, t: denoise(x, t, None), NOISE, schedule.levels, times)


def scaled(scheduler: object, network: Network, steps: int) -> tuple[Tensor, list[float]]:
    """The run of a scheduler that works on x / alpha, and the distinct times it was at."""
    scheduler.set_timesteps(steps)
    x = NOISE / network.schedule.levels(float(scheduler.timesteps[0]))[0]
    for t in scheduler.timesteps:
        x = scheduler.step(network(scheduler.scale_model_input(x, t), t), t, x).prev_sample
    return x, [*dict.fromkeys(scheduler.timesteps.tolist()), -1.0]


@pytest.mark.parametrize("betas", BETAS)
@pytest.mark.parametrize("zero_snr", [False, True])
def test_the_signal_left_is_theirs(betas: str, zero_snr: bool):
    schedule = Schedule(betas=betas, zero_snr=zero_snr)
    left = theirs("DDIMScheduler", schedule, rescale_betas_zero_snr=zero_snr).alphas_cumprod
    assert (torch.tensor(schedule.signal) - left).abs().max() <= 1e-6


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("steps", [1, 7, 10, 50])
def test_the_times_are_theirs(spacing: str, steps: int):
    schedule = Schedule(spacing=spacing)
    scheduler = theirs("EulerDiscreteScheduler", schedule)
    scheduler.set_timesteps(steps)
    assert schedule.times(steps) == pytest.approx([*scheduler.timesteps.tolist(), -1], abs=1e-3)


@pytest.mark.parametrize("predicts", PREDICTIONS)
@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("stop", [-1, 0])
@pytest.mark.parametrize("eta", [0.0, 0.6])
def test_ddim(predicts: str, spacing: str, stop: int, eta: float):
    schedule = Schedule(start=0.001, end=0.02, spacing=spacing, stop=stop)
    scheduler = theirs("DDIMScheduler", schedule, predicts, clip_sample=False, set_alpha_to_one=stop == -1)
    scheduler.set_timesteps(10)
    times, x, generator = scheduler.timesteps.tolist(), NOISE, torch.Generator().manual_seed(3)
    for t, s in zip(times, [*times[1:], -1], strict=True):
        scheduler.num_inference_steps = Stride(t - s)
        x = scheduler.step(Network(schedule, predicts)(x, t), t, x, eta=eta, generator=generator).prev_sample
    sampler = partial(ddim, eta=eta, generator=torch.Generator().manual_seed(3))
    assert (ours(schedule, predicts, sampler, [*times, stop]) - x).abs().max() <= 1e-5


@pytest.mark.parametrize("predicts", ["v", "x0"])
def test_ddim_from_nothing_but_noise(predicts: str):
    schedule = Schedule(spacing="trailing", zero_snr=True)
    scheduler = theirs("DDIMScheduler", schedule, predicts, clip_sample=False, rescale_betas_zero_snr=True)
    scheduler.set_timesteps(10)
    x = NOISE
    for t in scheduler.timesteps:
        x = scheduler.step(Network(schedule, predicts)(x, t), t, x).prev_sample
    assert (ours(schedule, predicts, ddim, schedule.times(10)) - x).abs().max() <= 1e-5


@pytest.mark.parametrize("predicts", PREDICTIONS)
@pytest.mark.parametrize("spacing", SPACINGS)
def test_ddpm(predicts: str, spacing: str):
    schedule = Schedule(start=0.001, end=0.02, spacing=spacing)
    scheduler = theirs("DDPMScheduler", schedule, predicts, clip_sample=False)
    scheduler.set_timesteps(10)
    x, generator = NOISE, torch.Generator().manual_seed(3)
    for t in scheduler.timesteps:
        x = scheduler.step(Network(schedule, predicts)(x, t), t, x, generator=generator).prev_sample
    sampler = partial(ddpm, generator=torch.Generator().manual_seed(3))
    out = ours(schedule, predicts, sampler, [*scheduler.timesteps.tolist(), -1])
    assert (out - x).abs().max() <= 1e-5


@pytest.mark.parametrize("predicts", PREDICTIONS)
@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize(("kind", "sampler"), [("Euler", euler), ("Heun", heun)])
def test_euler_and_heun(predicts: str, spacing: str, kind: str, sampler: Sampler):
    schedule = Schedule(start=0.001, end=0.02, spacing=spacing)
    x, times = scaled(theirs(f"{kind}DiscreteScheduler", schedule, predicts), Network(schedule, predicts), 10)
    assert times == pytest.approx(schedule.times(10), abs=1e-3)
    assert (ours(schedule, predicts, sampler, times) - x).abs().max() <= 1e-5


@pytest.mark.parametrize("predicts", PREDICTIONS)
@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("steps", [3, 16])
def test_dpm(predicts: str, spacing: str, steps: int):
    schedule = Schedule(start=0.001, end=0.02, spacing=spacing)
    scheduler = theirs("DPMSolverMultistepScheduler", schedule, predicts)
    scheduler.set_timesteps(steps)
    x = NOISE
    for t in scheduler.timesteps:
        x = scheduler.step(Network(schedule, predicts)(x, t), t, x).prev_sample
    out = ours(schedule, predicts, dpm, [*scheduler.timesteps.tolist(), -1])
    assert (out - x).abs().max() <= 1e-5


@pytest.mark.parametrize("spacing", ["leading", "trailing"])
@pytest.mark.parametrize("stop", [-1, 0])
def test_inversion(spacing: str, stop: int):
    schedule = Schedule(spacing=spacing, stop=stop)
    scheduler = theirs("DDIMInverseScheduler", schedule, clip_sample=False, set_alpha_to_one=stop == -1)
    scheduler.set_timesteps(10)
    x = NOISE
    for t in scheduler.timesteps:
        x = scheduler.step(Network(schedule)(x, t), t, x).prev_sample
    assert (ours(schedule, "noise", inverted, schedule.times(10)) - x).abs().max() <= 1e-5
