"""Samplers against data whose best denoiser is known in closed form."""

from functools import partial
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from kineograph.processes.diffusion import Schedule
from kineograph.processes.flow import euler as flow_euler
from kineograph.processes.samplers import Sampler, ddim, ddpm, deviation, dpm, euler, heun, inverted

SCHEDULE = Schedule(spacing="trailing")
STD = 0.5  # of the data, which are normal around zero
SAMPLERS = [ddim, euler, ddpm, heun, dpm]
SCHEDULES = [SCHEDULE, Schedule(spacing="trailing", zero_snr=True), Schedule(spacing="linspace")]


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def best(x: Tensor, t: Tensor) -> Tensor:
    """E[x_0 | x_t] of such data."""
    alpha, sigma = SCHEDULE.levels(float(t[0]))
    return x * alpha * STD**2 / (alpha**2 * STD**2 + sigma**2)


def spread(t: float) -> float:
    """The deviation of such data's noised version, along which the exact way moves x."""
    alpha, sigma = SCHEDULE.levels(t)
    return (alpha**2 * STD**2 + sigma**2) ** 0.5


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize(
    "schedule", [SCHEDULE, Schedule(spacing="trailing", zero_snr=True), Schedule(spacing="linspace")]
)
def test_a_denoiser_that_knows_the_data_is_followed_to_them(sampler: Sampler, schedule: Schedule):
    data, seen = normal(2, 1, 3, 4, 4), []
    out = sampler(
        lambda x, t: data, normal(2, 1, 3, 4, 4, seed=1), schedule.levels, schedule.times(5), progress=seen.append
    )
    assert torch.allclose(out, data, atol=1e-12)
    assert seen == [0.2, 0.4, 0.6, 0.8, 1.0]


@pytest.mark.parametrize(("sampler", "order"), [(euler, 1), (heun, 2), (dpm, 2)])
def test_the_error_falls_with_the_order_of_the_method(sampler: Sampler, order: int):
    noise, times = normal(4, 1), [float(t) for t in range(800, 99, -1)]
    exact = noise * spread(times[-1]) / spread(times[0])

    def error(stride: int) -> float:
        return (sampler(best, noise, SCHEDULE.levels, times[::stride]) - exact).abs().max().item()

    assert error(50) / error(10) > 0.6 * 5**order
    assert error(10) < (1e-2 if order == 1 else 1e-3)


def test_fresh_noise_leaves_the_spread_of_the_data_right():
    noise = normal(20_000, 1)
    for eta in (0.0, 0.5, 1.0):
        generator = torch.Generator().manual_seed(7)
        out = ddim(best, noise, SCHEDULE.levels, SCHEDULE.times(200), eta=eta, generator=generator)
        assert out.std().item() == pytest.approx(STD, rel=0.06)
    assert torch.corrcoef(torch.cat([noise, out], 1).T)[0, 1].abs() < 0.05, "ancestral sampling forgets its noise"


def test_the_same_generator_gives_the_same_sample():
    run = lambda seed: ddpm(
        best, normal(3, 2), SCHEDULE.levels, SCHEDULE.times(6), generator=torch.Generator().manual_seed(seed)
    )
    assert torch.equal(run(1), run(1))
    assert not torch.equal(run(1), run(2))


def test_ancestral_steps_have_the_posterior_of_ho_et_al():
    for t, s in pairwise([900, 500, 40, 0]):
        (alpha, sigma), (alpha_s, sigma_s) = SCHEDULE.levels(t), SCHEDULE.levels(s)
        beta = 1 - alpha**2 / alpha_s**2
        assert deviation(alpha, sigma, alpha_s, sigma_s) ** 2 == pytest.approx(sigma_s**2 / sigma**2 * beta)
    assert deviation(*SCHEDULE.levels(900), 1.0, 0.0) == 0


def test_the_straight_flow_is_a_process_too():
    noise, times = normal(3, 2), torch.linspace(1, 0, 6).tolist()
    denoise = lambda x, t: 0.3 * x + t[:, None]
    ours = euler(denoise, noise, lambda t: (1 - t, t), times)
    assert torch.allclose(ours, flow_euler(denoise, noise, times), atol=1e-6)


def test_inversion_is_undone_exactly_where_the_noise_does_not_depend_on_the_place():
    data, noise = normal(2, 3), normal(2, 3, seed=2)

    def denoise(x: Tensor, t: Tensor) -> Tensor:
        alpha, sigma = SCHEDULE.levels(float(t[0]))
        return (x - sigma * noise * torch.cos(t[0].double())) / alpha

    times = SCHEDULE.times(20)
    far = inverted(denoise, data, SCHEDULE.levels, times)
    assert torch.allclose(ddim(denoise, far, SCHEDULE.levels, times), data, atol=1e-10)


def test_inversion_comes_back_with_many_steps():
    data = STD * normal(50, 1)
    errors = []
    for steps in (20, 100):
        times = SCHEDULE.times(steps)
        far = inverted(best, data, SCHEDULE.levels, times)
        errors.append((ddim(best, far, SCHEDULE.levels, times) - data).abs().max().item())
    assert errors[1] < errors[0] / 3
    assert errors[1] < 0.05
    assert far.std().item() == pytest.approx(1, abs=0.25), "what data are inverted to is noise"


def test_a_part_of_the_times_is_a_part_of_the_way():
    noise, times = normal(2, 3), SCHEDULE.times(8)
    middle = euler(best, noise, SCHEDULE.levels, times[:4])
    assert torch.equal(euler(best, middle, SCHEDULE.levels, times[3:]), euler(best, noise, SCHEDULE.levels, times))


@pytest.mark.parametrize(("sampler", "calls"), [(ddim, 6), (ddpm, 6), (dpm, 6), (heun, 11)])
def test_how_often_the_network_is_asked(sampler: Sampler, calls: int):
    asked = []
    sampler(lambda x, t: asked.append(t) or best(x, t), normal(3, 1), SCHEDULE.levels, SCHEDULE.times(6))
    assert len(asked) == calls
    assert all(t.shape == (3,) for t in asked)


def test_a_sampler_is_told_more_with_partial():
    run = partial(ddim, eta=1.0, generator=torch.Generator().manual_seed(0))
    assert run(best, normal(2, 2), SCHEDULE.levels, SCHEDULE.times(3)).shape == (2, 2)
