"""Temporal layers begin as the identity and learn; frame attentions read whom they say."""

import pytest
import torch
from torch import Tensor, nn

from kineograph.condition import Condition
from kineograph.models import temporal
from kineograph.models.temporal import (
    AnimateDiffPlan,
    ModelScopePlan,
    Place,
    Plan,
    TemporalAttention,
    TemporalConv,
    TemporalTransformer,
    TuneAVideoPlan,
    first,
    first_and_previous,
)
from kineograph.models.unet import UNet, UNetConfig

PLANS = [ModelScopePlan(), AnimateDiffPlan(heads=2), AnimateDiffPlan(heads=2, middle=False), TuneAVideoPlan()]


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def asked(frames: int = 3) -> tuple[Tensor, Tensor, Condition]:
    return normal(2, frames, 4, 8, 8), torch.tensor([5.0, 700.0]), Condition(tokens=normal(2, 3, 32, seed=2))


def animated(plan: Plan) -> tuple[UNet, UNet, dict[str, nn.Parameter]]:
    """An image UNet, the same with a plan, and the parameters the plan has added."""
    torch.manual_seed(0)
    image, video = UNet(UNetConfig()), UNet(UNetConfig(), plan)
    left = video.load_state_dict(image.state_dict(), strict=False)
    assert not left.unexpected_keys
    return image, video, {name: video.get_parameter(name) for name in left.missing_keys}


@pytest.mark.parametrize("plan", PLANS, ids=repr)
@pytest.mark.parametrize("training", [False, True])
def test_a_new_video_unet_says_of_each_frame_what_its_image_unet_says(plan: Plan, training: bool):
    image, video, new = animated(plan)
    assert new
    with torch.no_grad():
        assert torch.equal(image.train(training)(*asked()), video.train(training)(*asked()))


@pytest.mark.parametrize("plan", PLANS, ids=repr)
def test_every_new_parameter_learns_within_two_steps(plan: Plan):
    _, video, new = animated(plan)
    optimizer, seen = torch.optim.Adam(new.values(), lr=1e-3), set()
    for _ in range(2):
        optimizer.zero_grad()
        (video(*asked()) - normal(2, 3, 4, 8, 8, seed=4)).square().mean().backward()
        seen |= {name for name, p in new.items() if p.grad is not None and p.grad.any()}
        optimizer.step()
    assert seen == set(new)


@pytest.mark.parametrize("plan", PLANS, ids=repr)
def test_frames_speak_to_each_other_once_trained(plan: Plan):
    _, video, new = animated(plan)
    for k, p in enumerate(new.values()):
        p.data.add_(0.1 * normal(*p.shape, seed=k))
    x, t, cond = asked()
    other = x.clone()
    other[:, 2] += 1
    with torch.no_grad():
        moved = (video.eval()(x, t, cond) - video(other, t, cond)).abs().amax((0, 2, 3, 4))
    assert (moved > 1e-6).all()


def test_an_image_unet_keeps_frames_and_clips_apart():
    net = UNet(UNetConfig()).eval()
    x, t, cond = asked()
    other = x.clone()
    other[0, 2] += 1
    with torch.no_grad():
        moved = (net(x, t, cond) - net(other, t, cond)).abs().amax((2, 3, 4))
    assert moved[0, 2] > 0
    moved[0, 2] = 0
    assert not moved.any()


def test_the_places_of_each_plan():
    level, plain, middle = Place(8, 2, 4), Place(8, 2, 4, attends=False), Place(8, 2, 4, middle=True)
    there = lambda layer: layer is not None and not isinstance(layer, temporal.Still)
    ask = lambda plan, place: [
        there(f(place)) for f in (plan.at_input, plan.after_resnet, plan.after_attention, plan.in_transformer)
    ]
    assert ask(Plan(), level) == [False, False, False, False]
    assert ask(ModelScopePlan(), level) == [True, True, True, False]
    assert ask(ModelScopePlan(), plain) == [True, True, False, False]
    assert ask(AnimateDiffPlan(heads=2), plain) == [False, False, True, False]
    assert ask(AnimateDiffPlan(heads=2), middle) == [False, False, True, False]
    assert ask(AnimateDiffPlan(heads=2, middle=False), middle) == [False, False, False, False]
    assert ask(TuneAVideoPlan(), level) == [False, False, False, True]


def stirred(layer: nn.Module) -> nn.Module:
    for k, p in enumerate(layer.parameters()):
        p.data.add_(0.3 * normal(*p.shape, seed=k))
    return layer.eval()


@pytest.mark.parametrize("layer", [TemporalTransformer(16, 2, 8), TemporalConv(16, 8)], ids=["transformer", "convs"])
def test_frames_whose_channels_lie_last_teach_the_same(layer: nn.Module):
    x, grads = normal(16, 16, 2, 2), []
    stirred(layer)
    for memory in (torch.contiguous_format, torch.channels_last):
        given = layer(x.to(memory_format=memory).requires_grad_(), 8).square().sum()
        grads.append(torch.autograd.grad(given, [*layer.parameters()]))
    assert all(torch.allclose(a, b, rtol=1e-3, atol=1e-3) for a, b in zip(*grads, strict=True))


@torch.no_grad()
def test_a_convolution_along_time_reaches_four_frames_on_each_side():
    layer = stirred(TemporalConv(8, 4))
    norm = [m for m in layer.modules() if isinstance(m, nn.GroupNorm)]
    for m in norm:  # it looks at all frames; without it, only the kernels reach over
        m.forward = lambda y: y
    x = normal(11, 8, 2, 2)
    other = x.clone()
    other[5] += 1
    moved = (layer(x, 11) - layer(other, 11)).abs().amax((1, 2, 3)) > 1e-6
    assert moved.nonzero().flatten().tolist() == list(range(1, 10))


@torch.no_grad()
def test_without_positions_the_order_of_frames_does_not_matter_and_with_them_it_does():
    x, order = normal(4, 8, 3, 3), [2, 0, 3, 1]
    for positions, alike in ((0, True), (6, False)):
        layer = stirred(TemporalTransformer(8, 2, 4, positions=positions))
        assert torch.allclose(layer(x[order], 4), layer(x, 4)[order], atol=1e-5) == alike


@torch.no_grad()
def test_temporal_attention_mixes_only_the_same_token_of_the_same_clip():
    layer = stirred(TemporalAttention(8, 2))
    x = normal(6, 5, 8)  # two clips of three frames
    other = x.clone()
    other[1, 2] = normal(8, seed=3)
    moved = (layer(x, 3) - layer(other, 3)).abs().amax(2) > 1e-6
    assert moved[:3, 2].all()
    moved[:3, 2] = False
    assert not moved.any()


def test_more_frames_than_a_motion_module_knows_are_refused():
    with pytest.raises(ValueError, match="at most 4 frames apart; got 5"):
        TemporalTransformer(8, 2, 4, positions=4)(normal(5, 8, 2, 2), 5)


def test_whom_a_frame_reads():
    y = torch.arange(6.0).reshape(6, 1, 1)  # two clips of three frames, a token each: its number
    assert temporal.itself(y, 3) is y
    assert first(y, 3).flatten().tolist() == [0, 0, 0, 3, 3, 3]
    assert first_and_previous(y, 3).squeeze(2).tolist() == [[0, 0], [0, 0], [0, 1], [3, 3], [3, 3], [3, 4]]


@pytest.mark.parametrize("look", [first, first_and_previous])
def test_frames_that_are_alike_are_read_as_an_image(look: temporal.FrameAttention):
    net = UNet(UNetConfig()).eval()
    x, t, cond = asked()
    x = x[:, :1].expand(-1, 3, -1, -1, -1)
    with torch.no_grad():
        assert torch.allclose(net(x, t, cond, look=look), net(x, t, cond), atol=1e-5)


@pytest.mark.parametrize(("look", "touched"), [(first, [1]), (first_and_previous, [1, 2])])
def test_a_middle_frame_is_seen_by_those_who_look_at_it(look: temporal.FrameAttention, touched: list[int]):
    net = UNet(UNetConfig()).eval()
    x, t, cond = asked(4)
    other = x.clone()
    other[:, 1] += 1
    with torch.no_grad():
        moved = (net(x, t, cond, look=look) - net(other, t, cond, look=look)).abs().amax((0, 2, 3, 4))
    # each of the layers looks back one frame more: with several, what was seen is handed on
    assert moved[0] == 0
    assert all(moved[k] > 0 for k in touched)
    if look is first:
        assert moved[2] == moved[3] == 0
