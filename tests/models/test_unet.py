"""What a UNet is told reaches its output, and what it cannot use is refused."""

import json
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from kineograph import config as configs
from kineograph.condition import Condition
from kineograph.models.temporal import AnimateDiffPlan, ModelScopePlan, Plan, TuneAVideoPlan
from kineograph.models.unet import UNet, UNetConfig, grown, taken, whole
from kineograph.processes.diffusion import Diffusion


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def net(**changes: object) -> UNet:
    torch.manual_seed(0)
    return UNet(replace(UNetConfig(), **changes)).eval()


X, T = normal(2, 3, 4, 8, 8), torch.tensor([5.0, 700.0])
COND = Condition(tokens=normal(2, 4, 32, seed=2))


@torch.no_grad()
def test_time_text_and_vector_matter():
    unet = net(vector_dim=6)
    cond = replace(COND, vector=normal(2, 6, seed=3))
    out = unet(X, T, cond)
    assert out.shape == X.shape
    assert not torch.allclose(out, unet(X, T + 50, cond), atol=1e-5)
    assert not torch.allclose(out, unet(X, T, replace(cond, tokens=normal(2, 4, 32, seed=9))), atol=1e-5)
    assert not torch.allclose(out, unet(X, T, replace(cond, vector=normal(2, 6, seed=9))), atol=1e-5)


@torch.no_grad()
def test_rows_of_a_batch_do_not_know_each_other():
    unet = net()
    alone = unet(X[1:], T[1:], COND.map(lambda x: x[1:]))
    assert torch.allclose(unet(X, T, COND)[1:], alone, atol=1e-5)


@torch.no_grad()
def test_tokens_behind_the_mask_are_not_read():
    unet, mask = net(), torch.tensor([[True, True, False, False], [True, True, True, False]])
    out = unet(X, T, replace(COND, mask=mask))
    garbage = torch.where(mask[..., None], COND.tokens, torch.full_like(COND.tokens, 50.0))
    assert torch.allclose(out, unet(X, T, Condition(tokens=garbage, mask=mask)), atol=1e-5)
    short = unet(X[:1], T[:1], Condition(tokens=COND.tokens[:1, :2]))
    assert torch.allclose(out[:1], short, atol=1e-5)


@torch.no_grad()
def test_frames_of_the_condition_join_the_input():
    unet, frames = net(in_channels=7), normal(2, 3, 3, 8, 8, seed=4)
    out = unet(X, T, replace(COND, frames=frames))
    assert out.shape == X.shape
    assert not torch.allclose(out, unet(X, T, replace(COND, frames=-frames)), atol=1e-5)


@torch.no_grad()
def test_a_vector_nobody_asked_for_is_left_alone():
    unet = net()
    assert torch.equal(unet(X, T, COND), unet(X, T, replace(COND, vector=normal(2, 9))))


@pytest.mark.parametrize("size", [(7, 9), (1, 1), (6, 5)])
@torch.no_grad()
def test_any_size_comes_back(size: tuple[int, int]):
    unet = net(widths=(8, 16, 16), attends=(True, True, False), heads=(2, 2, 2))
    assert unet(normal(1, 2, 4, *size), T[:1], COND.map(lambda x: x[:1])).shape == (1, 2, 4, *size)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: net()(X[:, :, :3], T, COND), "b t 4 h w, joined frames included; got"),
        (lambda: net()(X[0], T, COND), "b t 4 h w"),
        (lambda: net()(X, T, Condition()), "tokens of 32 numbers; got no tokens"),
        (lambda: net()(X, T, Condition(tokens=normal(2, 4, 8))), "got tokens of 8"),
        (lambda: net(vector_dim=6)(X, T, COND), "a vector of 6"),
        (lambda: UNetConfig(widths=(16, 32, 32)), "the same levels"),
        (lambda: UNetConfig(widths=(16, 30)), "not divisible"),
        (lambda: UNetConfig(heads=(3, 2)), "not divisible"),
    ],
)
def test_what_does_not_fit_is_refused(call, words: str):
    with pytest.raises(ValueError, match=words):
        call()


@torch.no_grad()
def test_half_precision_answers_in_single():
    unet = UNet(UNetConfig(), ModelScopePlan()).to(torch.bfloat16).eval()
    out = unet(X, T, COND)
    assert out.dtype == torch.float32
    assert out.isfinite().all()


def test_a_config_survives_json():
    config = UNetConfig(widths=(8, 8, 16), attends=(False, True, True), heads=(1, 2, 4))
    assert configs.load(UNetConfig, json.loads(json.dumps(configs.dump(config)))) == config


def test_it_learns_under_diffusion():
    torch.manual_seed(0)
    unet, diffusion, x = UNet(UNetConfig(), ModelScopePlan()), Diffusion(predicts="v"), 0.5 * X[:, :2, :, :4, :4]
    optimizer, history = torch.optim.Adam(unet.parameters(), lr=3e-3), []
    for _ in range(12):
        torch.manual_seed(1)
        loss = diffusion.loss(unet, x, COND, COND.map(torch.zeros_like))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    assert history[-1] < 0.9 * history[0]


@torch.no_grad()
@pytest.mark.parametrize("plan", [ModelScopePlan(), AnimateDiffPlan(heads=2, middle=False), TuneAVideoPlan()], ids=repr)
def test_layers_grown_later_are_those_of_the_plan_and_can_be_taken_out_again(plan: Plan):
    torch.manual_seed(0)
    image, built = UNet(UNetConfig()), UNet(UNetConfig(), plan)
    names = set(image.state_dict())
    layers = grown(image, plan)
    assert {*layers.state_dict()} == {*built.state_dict()} - names
    for p in layers.parameters():
        p.add_(0.1 * torch.randn(p.shape))
    layers.eval().lend(image)
    assert set(image.state_dict()) == names
    x, t, cond = torch.randn(1, 3, 4, 8, 8), torch.tensor([9]), Condition(tokens=torch.randn(1, 2, 32))
    out = image.eval()(x, t, cond)
    joined = whole(image, layers, plan)
    assert joined.plan == plan
    assert torch.equal(joined(x, t, cond), out)
    out_again = taken(joined)
    assert {*out_again.state_dict()} == {*layers.state_dict()}
    assert joined.plan == Plan()
    assert set(joined.state_dict()) == names
    assert torch.equal(joined(x, t, cond), out)
