"""Rectified flow against oracles whose answers are known in closed form."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from kineograph.condition import Condition
from kineograph.processes.flow import Flow, euler, guided, noised

SHAPE = (4, 2, 1, 3, 3)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def told(b: int = 4, dim: int = 2) -> Condition:
    return Condition(vector=normal(b, dim, seed=5))


NULL = Condition(vector=torch.full((1, 2), 9.0))


class Spy:
    """A network that keeps what it is called with."""

    def __init__(self, net: Callable[..., Tensor]):
        self.net, self.calls = net, []

    def __call__(self, x: Tensor, time: Tensor, cond: Condition, *step: Tensor) -> Tensor:
        self.calls.append((x, time, cond, *step))
        return self.net(x, time, cond)


def by_vector(x: Tensor, time: Tensor, cond: Condition) -> Tensor:
    """Predicts a still grey whose brightness is the first number of the condition's vector."""
    return cond.vector[:, 0].reshape(-1, 1, 1, 1, 1).expand_as(x)


def gaussian(x: Tensor, time: Tensor, std: float = 0.5) -> Tensor:
    """The best prediction there is for data that are normal around zero: E[x_0 | x_t]."""
    t = time.reshape(-1, *[1] * (x.ndim - 1))
    return x * (1 - t) * std**2 / ((1 - t) ** 2 * std**2 + t**2)


def spread(t: Tensor | float, std: float = 0.5) -> Tensor:
    """The deviation of such data's noised version at time t, along which the exact flow moves x."""
    return torch.sqrt((1 - torch.as_tensor(t)) ** 2 * std**2 + torch.as_tensor(t) ** 2)


@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_a_network_that_knows_the_data_is_followed_to_them(steps: int, scale: float):
    data = normal(*SHAPE)

    def oracle(x: Tensor, time: Tensor, cond: Condition) -> Tensor:
        return data.repeat(len(x) // len(data), 1, 1, 1, 1)

    out = Flow().sample(oracle, normal(*SHAPE, seed=1), told(), NULL, steps=steps, guidance=scale)
    assert torch.allclose(out, data, atol=1e-5)


def test_without_guidance_the_network_is_called_once_a_step_and_never_with_the_null():
    spy = Spy(by_vector)
    Flow().sample(spy, normal(*SHAPE), told(), NULL, steps=3, guidance=1)
    assert [len(x) for x, *_ in spy.calls] == [4, 4, 4]
    assert all(torch.equal(cond.vector, told().vector) for _, _, cond in spy.calls)
    assert torch.allclose(torch.stack([time[0] for _, time, _ in spy.calls]), torch.tensor([1, 2 / 3, 1 / 3]))


@pytest.mark.parametrize("scale", [0.0, 2.5, 7.0])
def test_guidance_goes_on_from_the_unconditional_through_the_conditional(scale: float):
    x, t, spy = normal(*SHAPE), torch.full((4,), 0.7), Spy(lambda x, time, cond: by_vector(x, time, cond) + 0.1 * x)
    without, with_text = (spy.net(x, t, c) for c in (Condition(vector=NULL.vector.expand(4, 2)), told()))
    assert torch.allclose(guided(spy, told(), NULL, scale)(x, t), without + scale * (with_text - without), atol=1e-5)
    assert len(spy.calls) == 1
    assert len(spy.calls[0][0]) == 8


def test_guidance_rests_below_a_time():
    x, spy = normal(*SHAPE), Spy(by_vector)
    with_text, times = by_vector(x, x, told()), torch.tensor([0.4, 0.5, 0.6, 0.9])
    out = guided(spy, told(), NULL, 3.0, until=0.5)(x, times)
    assert torch.equal(out[:2], with_text[:2])
    assert torch.allclose(out[2:], 9 + 3 * (with_text[2:] - 9))
    assert len(spy.calls[-1][0]) == 8
    assert torch.equal(guided(spy, told(), NULL, 3.0, until=0.5)(x, times.clamp(max=0.5)), with_text)
    assert len(spy.calls[-1][0]) == 4, "and costs nothing"
    Flow(guided_until=0.5).sample(spy, x, told(), NULL, steps=4, guidance=3)
    assert [len(call[0]) for call in spy.calls[-4:]] == [8, 8, 4, 4]


def test_given_frames_stay_in_both_halves_of_guidance():
    frames, spy = normal(4, 1, 1, 3, 3, seed=3), Spy(by_vector)
    cond = Condition(vector=told().vector, frames=frames)
    guided(spy, cond, NULL, 3)(normal(*SHAPE), torch.ones(4))
    assert torch.equal(spy.calls[0][2].frames, torch.cat([frames, frames]))


def test_eulers_error_halves_with_the_step():
    x = normal(64, 1, 1, 1, 1)
    exact, errors = 0.5 * x, []
    for steps in (32, 64, 128):
        times = torch.linspace(1, 0, steps + 1).tolist()
        errors.append((euler(gaussian, x, times) - exact).abs().mean().item())
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.15)
    assert errors[1] / errors[2] == pytest.approx(2, rel=0.1)
    assert errors[2] < 0.01


def test_progress_is_told_after_each_step():
    seen = []
    euler(gaussian, normal(*SHAPE), [1, 0.5, 0.25, 0], seen.append)
    assert seen == pytest.approx([1 / 3, 2 / 3, 1])


@pytest.mark.parametrize(("shift", "median"), [(1.0, 0.5), (3.0, 0.75)])
def test_times_are_between_data_and_noise_and_mostly_in_the_middle(shift: float, median: float):
    torch.manual_seed(0)
    t = Flow(shift=shift).times(torch.empty(20_000))
    assert 0 < t.min() < 0.01
    assert 0.99 < t.max() <= 1
    assert t.median().item() == pytest.approx(median, abs=0.03)
    assert 0.5 < ((t - median).abs() < 0.25).float().mean() < 0.9


def test_shifted_times_keep_their_ends_and_their_order():
    t = Flow(shift=3).shifted(torch.linspace(0, 1, 101))
    assert (t[0], t[-1]) == (0, 1)
    assert t[50].item() == pytest.approx(0.75)
    assert (t.diff() > 0).all()
    assert torch.equal(Flow().shifted(t), t)
    spy = Spy(by_vector)
    Flow(shift=3).sample(spy, normal(*SHAPE), told(), NULL, steps=2, guidance=1)
    assert [time[0].item() for _, time, _ in spy.calls] == pytest.approx([1, 0.75])


def test_noised_data_lie_on_the_line_to_the_noise():
    x, noise = normal(*SHAPE), normal(*SHAPE, seed=1)
    assert torch.equal(noised(x, noise, torch.zeros(4)), x)
    assert torch.allclose(noised(x, noise, torch.ones(4)), noise)
    assert torch.allclose(noised(x, noise, torch.full((4,), 0.25)), 0.75 * x + 0.25 * noise)


def test_the_loss_is_the_squared_error_of_the_velocity():
    x, spy = normal(*SHAPE), Spy(lambda noisy, time, cond: x)
    assert Flow().loss(spy, x, told(), NULL) == 0
    wrong = Spy(lambda noisy, time, cond: x + 0.1 * time.clamp(min=0.05).reshape(-1, 1, 1, 1, 1))
    assert Flow().loss(wrong, x, told(), NULL).item() == pytest.approx(0.01, rel=1e-4)


def test_what_weighs_more_counts_more():
    x, half = normal(*SHAPE), torch.zeros(*SHAPE)
    half[..., :1] = 0.1  # wrong in the first of three columns
    wrong = Spy(lambda noisy, time, cond: x + half * time.clamp(min=0.05).reshape(-1, 1, 1, 1, 1))
    weight = torch.tensor([3.0, 0.0, 0.0])
    assert Flow().loss(wrong, x, told(), NULL, weight).item() == pytest.approx(0.01, rel=1e-4)
    assert Flow().loss(wrong, x, told(), NULL, weight.flip(0)).item() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("drop", [0.0, 0.25, 1.0])
def test_a_share_of_the_captions_is_hidden(drop: float):
    torch.manual_seed(0)
    x, spy = torch.zeros(4000, 1, 1, 1, 1), Spy(by_vector)
    Flow(drop=drop).loss(spy, x, told(4000), NULL)
    hidden = (spy.calls[0][2].vector == 9).all(1).float().mean().item()
    assert hidden == pytest.approx(drop, abs=0.03)


def test_a_distilled_network_takes_its_steps_alone_and_knows_their_length():
    spy = Spy(by_vector)
    out = Flow().sample(spy, normal(*SHAPE), told(), NULL, steps=4, guidance=3, jump=True)
    assert torch.allclose(out, by_vector(out, None, told()), atol=1e-5)
    assert [len(x) for x, *_ in spy.calls] == [4] * 4
    assert all(torch.equal(step, torch.full((4,), 0.25)) for *_, step in spy.calls)


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_a_student_that_knows_where_guidance_leads_has_nothing_to_learn(shift: float):
    def student(x: Tensor, time: Tensor, cond: Condition) -> Tensor:
        return 9 + 3 * (by_vector(x, time, cond) - 9)  # the null is 9, the guidance 3

    flow, teacher, spy = Flow(shift=shift), Spy(by_vector), Spy(student)
    how = {"steps": 4, "guidance": 3, "substeps": 3}
    assert flow.distil(spy, teacher, normal(*SHAPE), told(), NULL, **how).item() < 1e-6
    assert len(teacher.calls) == 3
    assert len(spy.calls) == 1
    _, times, _, step = spy.calls[0]
    assert torch.equal(step, torch.full((4,), 0.25))
    assert set(times.tolist()) <= set(flow.shifted(torch.tensor([0.25, 0.5, 0.75, 1.0])).tolist())
    even = times / (shift - (shift - 1) * times)  # the times before they were shifted
    begins = torch.stack([time[:4] for _, time, *_ in teacher.calls])
    assert torch.allclose(begins, flow.shifted(torch.stack([even - k / 12 for k in range(3)])), atol=1e-5)
    assert flow.distil(by_vector_jump, by_vector, normal(*SHAPE), told(), NULL, **how) > 0.1


def by_vector_jump(x: Tensor, time: Tensor, cond: Condition, step: Tensor) -> Tensor:
    return by_vector(x, time, cond)


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_the_exact_jump_of_curved_flow_is_what_many_substeps_teach(shift: float):
    flow = Flow(shift=shift)

    def student(x: Tensor, time: Tensor, cond: Condition, step: Tensor) -> Tensor:
        end = flow.shifted(time / (shift - (shift - 1) * time) - step)
        there = x * (spread(end) / spread(time)).reshape(-1, 1, 1, 1, 1)
        return x + (there - x) * (time / (time - end)).reshape(-1, 1, 1, 1, 1)

    def teacher(x: Tensor, time: Tensor, cond: Condition) -> Tensor:
        return gaussian(x, time)

    losses = []
    for substeps in (1, 8, 64):
        torch.manual_seed(0)
        x = 0.5 * normal(256, 1, 1, 1, 1)
        loss = flow.distil(student, teacher, x, told(256), NULL, steps=4, guidance=1, substeps=substeps)
        losses.append(loss.item())
    assert losses[0] > 20 * losses[1] > 400 * losses[2]
    assert losses[2] < 1e-4


def test_nothing_flows_back_into_the_teacher():
    student, teacher = Scale(), Scale()
    Flow().distil(student, teacher, normal(*SHAPE), told(), NULL, steps=2, guidance=2, substeps=2).backward()
    assert teacher.weight.grad is None
    assert student.weight.grad is not None


class Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.3))

    def forward(self, x: Tensor, time: Tensor, cond: Condition, step: Tensor | None = None) -> Tensor:
        return x * self.weight


class Plane(nn.Module):
    """A little network over points of a plane, b 1 2 1 1, told which of two heaps they belong to."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 2))

    def forward(self, x: Tensor, time: Tensor, cond: Condition) -> Tensor:
        told = torch.cat([x.flatten(1), time[:, None], time[:, None].square(), cond.vector], 1)
        return self.layers(told).reshape(-1, 1, 2, 1, 1)


def test_points_flow_to_the_heap_they_are_told():
    torch.manual_seed(0)
    net, flow = Plane(), Flow()
    optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
    centres, null = torch.tensor([[-1.5, 0.5], [1.0, -1.0]]), Condition(vector=torch.zeros(1, 2))
    for _ in range(400):
        which = torch.randint(2, (256,))
        x = (centres[which] + 0.2 * torch.randn(256, 2)).reshape(256, 1, 2, 1, 1)
        optimizer.zero_grad()
        flow.loss(net, x, Condition(vector=torch.eye(2)[which]), null).backward()
        optimizer.step()
    which = torch.arange(1000) % 2
    noise, cond = normal(1000, 1, 2, 1, 1), Condition(vector=torch.eye(2)[which])
    with torch.no_grad():
        plain = flow.sample(net, noise, cond, null, steps=20, guidance=1).flatten(1)
        strict = flow.sample(net, noise, cond, null, steps=20, guidance=2).flatten(1)
        blind = flow.sample(net, noise, Condition(vector=torch.zeros(1000, 2)), null, steps=20, guidance=1).flatten(1)
    for i in range(2):
        assert (plain[which == i].mean(0) - centres[i]).norm() < 0.15
        assert plain[which == i].std(0).mean().item() == pytest.approx(0.2, abs=0.1)
        assert torch.cdist(strict[which == i], centres).argmin(1).eq(i).float().mean() > 0.99
    share = torch.cdist(blind, centres).argmin(1).float().mean().item()
    assert share == pytest.approx(0.5, abs=0.15), "the untold points do not divide between the heaps"
