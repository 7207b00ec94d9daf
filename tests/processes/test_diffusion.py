"""The schedule's arithmetic, and diffusion against oracles whose answers are known in closed form."""

import json

import pytest
import torch
from torch import Tensor, nn

from kineograph import config as configs
from kineograph.condition import Condition
from kineograph.processes.diffusion import PREDICTIONS, SPACINGS, Diffusion, Schedule, kept
from kineograph.processes.samplers import ddim

SHAPE = (4, 2, 1, 3, 3)
NULL = Condition(vector=torch.zeros(1, 2))


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def told(b: int = 4) -> Condition:
    return Condition(vector=normal(b, 2, seed=5))


def oracle(diffusion: Diffusion, data: Tensor):
    """A network that knows the data, and says so in the way its process wants."""

    def net(x: Tensor, t: Tensor, cond: Condition) -> Tensor:
        clean = data.repeat(len(x) // len(data), *[1] * (x.ndim - 1))
        alpha, sigma = diffusion.schedule.at(t, x)
        noise = (x - alpha * clean) / sigma
        return {"noise": noise, "v": alpha * noise - sigma * clean, "x0": clean}[diffusion.predicts]

    return net


def test_signal_and_noise_keep_the_variance():
    for betas in ("linear", "scaled_linear", "cosine"):
        schedule = Schedule(betas=betas)
        alpha, sigma = torch.tensor([schedule.levels(t) for t in range(1000)], dtype=torch.float64).T
        assert torch.allclose(alpha**2 + sigma**2, torch.ones(1000, dtype=torch.float64))
        assert (alpha.diff() < 0).all()
        assert alpha[0] > 0.99
    assert Schedule().levels(-1) == (1.0, 0.0)


def test_without_signal_at_the_end_the_beginning_is_kept():
    plain, zero = Schedule(), Schedule(zero_snr=True)
    assert zero.levels(999) == (0.0, 1.0)
    assert zero.levels(0) == pytest.approx(plain.levels(0))


def test_between_two_times_the_ratio_of_noise_to_signal_is_interpolated():
    schedule = Schedule()
    ratio = lambda t: schedule.levels(t)[1] / schedule.levels(t)[0]
    assert ratio(10.25) == pytest.approx(0.75 * ratio(10) + 0.25 * ratio(11))
    alpha, sigma = Schedule(zero_snr=True).levels(998.5)
    assert 0 < alpha < 0.01
    assert alpha**2 + sigma**2 == pytest.approx(1)


def test_levels_of_a_batch_are_those_of_its_rows():
    schedule, x, noise = Schedule(), normal(*SHAPE), normal(*SHAPE, seed=1)
    t = torch.tensor([0, 10, 500, 999])
    out = schedule.noised(x, noise, t)
    for k in range(4):
        alpha, sigma = schedule.levels(int(t[k]))
        assert torch.allclose(out[k], alpha * x[k] + sigma * noise[k])


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("steps", [1, 3, 50, 1000])
def test_times_fall_within_the_schedule(spacing: str, steps: int):
    times = Schedule(spacing=spacing).times(steps)
    assert len(times) == steps + 1
    assert times == sorted(times, reverse=True)
    assert 0 <= times[-2] <= times[0] <= 999
    assert times[-1] == -1


def test_the_times_of_table_2_of_lin_et_al():
    assert Schedule(offset=0).times(10) == [900, 800, 700, 600, 500, 400, 300, 200, 100, 0, -1]
    assert Schedule(spacing="trailing").times(10) == [999, 899, 799, 699, 599, 499, 399, 299, 199, 99, -1]
    assert Schedule(spacing="linspace").times(4) == [999, 666, 333, 0, -1]


def test_strength_leaves_the_first_times_out():
    schedule = Schedule()
    whole = schedule.times(50)
    assert schedule.times(50, strength=0.5) == whole[25:]
    assert schedule.times(50, strength=0.8) == whole[10:]
    assert schedule.times(50, strength=0.0) == [-1]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Schedule(betas="round"), "linear, scaled_linear, cosine"),
        (lambda: Schedule(spacing="even"), "leading, trailing, linspace"),
        (lambda: Schedule(stop=3), "-1, 0"),
        (lambda: Schedule(steps=1), "at least 2"),
        (lambda: Schedule(start=0.5, end=0.1), "between 0 and 1"),
        (lambda: Schedule(offset=1000), "0 .. 999"),
        (lambda: Schedule().times(0), "1 to 1000"),
        (lambda: Schedule().times(5, strength=1.5), "between 0 and 1"),
        (lambda: Diffusion(predicts="epsilon"), "noise, v, x0"),
        (lambda: Diffusion(Schedule(zero_snr=True)), "predict v or x0"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(make, words: str):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_schedule_survives_json():
    schedule = Schedule(betas="cosine", stop=0)
    _ = schedule.signal
    assert configs.load(Schedule, json.loads(json.dumps(configs.dump(schedule)))) == schedule


@pytest.mark.parametrize("predicts", PREDICTIONS)
@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_a_network_that_knows_the_data_is_followed_to_them(predicts: str, guidance: float):
    diffusion, data = Diffusion(predicts=predicts), normal(*SHAPE)
    net = oracle(diffusion, data)
    out = diffusion.sample(net, normal(*SHAPE, seed=1), told(), NULL, steps=5, guidance=guidance)
    assert torch.allclose(out, data, atol=1e-4)


@pytest.mark.parametrize("predicts", PREDICTIONS)
def test_the_loss_of_a_network_that_knows_the_data_is_nothing(predicts: str):
    diffusion, data = Diffusion(predicts=predicts), normal(*SHAPE)
    assert diffusion.loss(oracle(diffusion, data), data, told(), NULL) < 1e-6
    torch.manual_seed(0)
    many = normal(2000, *SHAPE[1:])
    zero = diffusion.loss(lambda x, t, cond: torch.zeros_like(x), many, told(2000), NULL)
    noise = [max(1 - left, 0.1) if predicts == "x0" else 1.0 for left in diffusion.schedule.signal]
    assert zero.item() == pytest.approx(sum(1 / n for n in noise) / len(noise), rel=0.1)


def test_the_data_are_judged_by_the_velocity_that_they_mean(monkeypatch):
    by_data, by_velocity = Diffusion(predicts="x0"), Diffusion(predicts="v")
    data, off = normal(*SHAPE), normal(*SHAPE, seed=3)
    times = torch.full((len(data),), 700)
    monkeypatch.setattr(torch, "randint", lambda *args, **more: times)
    alpha, sigma = by_data.schedule.levels(700)

    def wrong(x: torch.Tensor, t: torch.Tensor, cond: Condition) -> torch.Tensor:
        return data + off

    def as_velocity(x: torch.Tensor, t: torch.Tensor, cond: Condition) -> torch.Tensor:
        return (alpha * x - (data + off)) / sigma

    same = [d.loss(net, data, told(), NULL).item() for d, net in ((by_data, wrong), (by_velocity, as_velocity))]
    assert same[0] == pytest.approx(same[1], rel=1e-4)


def test_hidden_captions_are_the_null_condition():
    rows = []
    diffusion = Diffusion(drop=0.3)
    diffusion.loss(lambda x, t, cond: rows.append(cond.vector) or x, torch.zeros(2000, 1), told(2000), NULL)
    hidden = (rows[0] == 0).all(1).float().mean().item()
    assert hidden == pytest.approx(0.3, abs=0.05)


def test_training_sees_every_time():
    seen = []
    Diffusion().loss(lambda x, t, cond: seen.append(t) or x, torch.zeros(20_000, 1), told(20_000), NULL)
    assert seen[0].min() == 0
    assert seen[0].max() == 999
    assert seen[0].float().mean().item() == pytest.approx(499.5, abs=15)


def test_guidance_is_linear_in_what_the_network_says():
    diffusion = Diffusion(predicts="noise")
    net = lambda x, t, cond: x * cond.vector.sum(1).reshape(-1, 1, 1, 1, 1)
    x, t = normal(*SHAPE), torch.full((4,), 500.0)
    with_text, without = (diffusion.clean(net)(x, t, c) for c in (told(), NULL.map(lambda v: v.expand(4, -1))))
    out = diffusion.denoiser(net, told(), NULL, 2.5)(x, t)
    assert torch.allclose(out, without + 2.5 * (with_text - without), rtol=1e-4, atol=1e-4)


def test_image_to_image_keeps_more_of_the_image_the_weaker_it_is():
    diffusion, data, noise = Diffusion(), normal(*SHAPE), normal(*SHAPE, seed=1)
    net = lambda x, t, cond: 0.5 * x
    run = lambda strength: diffusion.sample(
        net, noise, told(), NULL, steps=20, guidance=1, data=data, strength=strength
    )
    assert torch.equal(run(0.0), data)
    errors = [(run(s) - data).square().mean().item() for s in (0.1, 0.4, 0.8)]
    assert errors == sorted(errors)


def test_what_is_not_painted_stays_as_it_is():
    diffusion, data = Diffusion(predicts="x0"), normal(*SHAPE)
    painted = torch.zeros(4, 1, 1, 3, 3, dtype=torch.bool)
    painted[..., 1] = True
    denoise = kept(diffusion.denoiser(lambda x, t, cond: 0.1 * x, told(), NULL, 1.0), data, painted)
    out = ddim(denoise, normal(*SHAPE, seed=1), diffusion.schedule.levels, diffusion.schedule.times(10))
    assert torch.allclose(out[..., [0, 2]], data[..., [0, 2]], atol=1e-5)
    assert ((out - data)[..., 1].abs() > 1e-3).any()


class Plane(nn.Module):
    """A little network over points of a plane, b 1 2 1 1, told which of two heaps they belong to."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 2))

    def forward(self, x: Tensor, time: Tensor, cond: Condition) -> Tensor:
        t = time[:, None] / 1000
        return self.layers(torch.cat([x.flatten(1), t, t.square(), cond.vector], 1)).reshape(-1, 1, 2, 1, 1)


@pytest.mark.parametrize("predicts", ["noise", "v"])
def test_points_are_drawn_to_the_heap_they_are_told(predicts: str):
    torch.manual_seed(0)
    net, diffusion = Plane(), Diffusion(predicts=predicts)
    optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
    centres = torch.tensor([[-1.5, 0.5], [1.0, -1.0]])
    for _ in range(400):
        which = torch.randint(2, (256,))
        x = (centres[which] + 0.2 * torch.randn(256, 2)).reshape(256, 1, 2, 1, 1)
        optimizer.zero_grad()
        diffusion.loss(net, x, Condition(vector=torch.eye(2)[which]), NULL).backward()
        optimizer.step()
    which = torch.arange(400) % 2
    with torch.no_grad():
        cond = Condition(vector=torch.eye(2)[which])
        out = diffusion.sample(net, normal(400, 1, 2, 1, 1), cond, NULL, steps=20, guidance=2).flatten(1)
    assert torch.cdist(out, centres).argmin(1).eq(which).float().mean() > 0.95
