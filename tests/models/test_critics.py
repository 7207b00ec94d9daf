import pytest
import torch
from torch import Tensor

from kineograph.models.critics import Critic, Features, distance, frozen, unit

WIDTHS = (8, 8, 16)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def critic() -> Critic:
    torch.manual_seed(0)
    return Critic(WIDTHS)


@pytest.fixture
def features() -> Features:
    torch.manual_seed(0)
    return Features(WIDTHS, text_dim=12)


def test_a_critic_scores_patches(critic: Critic):
    assert critic(normal(3, 3, 32, 32)).shape == (3, 1, 4, 4)
    critic.bfloat16()
    assert critic(normal(3, 3, 32, 32)).dtype == torch.float32


def test_a_critic_learns_to_tell_real_from_made(critic: Critic):
    real, made = normal(8, 3, 16, 16), normal(8, 3, 16, 16, seed=1).roll(1, 2) * 0.3
    optimizer = torch.optim.Adam(critic.parameters(), lr=3e-3)
    for _ in range(40):
        loss = critic.loss(real, made)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert critic(real).mean() > 0.5
    assert critic(made).mean() < -0.5


def test_the_critics_loss_does_not_reach_what_made_the_frames(critic: Critic):
    made = normal(2, 3, 16, 16).requires_grad_()
    assert torch.autograd.grad(critic.loss(normal(2, 3, 16, 16), made), made, allow_unused=True) == (None,)


def test_a_frozen_network_is_the_same_function_and_passes_gradients_to_its_input_only(critic: Critic):
    frames = normal(2, 3, 16, 16).requires_grad_()
    scores = frozen(critic)(frames)
    assert torch.equal(scores, critic(frames))
    assert torch.autograd.grad(scores.mean(), frames, retain_graph=True)[0].any()
    weights = list(critic.parameters())
    assert set(torch.autograd.grad(scores.mean(), weights, allow_unused=True)) == {None}


def test_features_are_maps_at_falling_sizes(features: Features):
    assert [tuple(x.shape) for x in features(normal(2, 3, 32, 32))] == [(2, 8, 16, 16), (2, 8, 8, 8), (2, 16, 4, 4)]


def test_the_distance_is_zero_between_equals_and_grows(features: Features):
    real = normal(2, 3, 32, 32)
    near, far = (distance(features, real + s * normal(2, 3, 32, 32, seed=1), real).item() for s in (0.1, 1.0))
    assert distance(features, real, real).item() == 0
    assert 0 < near < far


def test_the_distance_takes_any_network_and_teaches_only_what_was_made(features: Features):
    made, real = (normal(2, 3, 32, 32, seed=i).requires_grad_() for i in (0, 1))
    loss = distance(lambda x: [x, x[..., ::2]], made, real)
    assert torch.autograd.grad(loss, (made, real), allow_unused=True)[1] is None
    loss = distance(frozen(features), made, real)
    assert torch.autograd.grad(loss, made)[0].isfinite().all()


def test_unit_vectors_stay_finite_where_nothing_is_seen():
    x = torch.zeros(1, 4, 2, 2, requires_grad=True)
    assert torch.autograd.grad(unit(x).sum(), x)[0].isfinite().all()
    torch.testing.assert_close(unit(100 * normal(1, 4, 2, 2)).square().sum(1), torch.ones(1, 2, 2))


def test_features_learn_which_caption_belongs_to_a_clip(features: Features):
    video, words = normal(4, 2, 3, 16, 16), normal(4, 12, seed=1)
    optimizer = torch.optim.Adam(features.parameters(), lr=3e-3)
    first = features.loss(video, words).item()
    for _ in range(60):
        loss = features.loss(video, words)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.5 * first
    assert torch.equal(features.match(video, words).argmax(1), torch.arange(4))
