import pytest
import torch
from torch import nn

from kineograph.training.optimizers import Muon, hidden_matrices, orthogonalize, rate_at


def test_singular_values_come_near_one():
    x = torch.randn(3, 32, 96, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalize(x).float())
    assert values.min() > 0.5
    assert values.max() < 1.3


@pytest.mark.parametrize("shape", [(32, 48, 3, 3), (64, 32), (32, 64), (64, 8, 1, 1)])
def test_an_update_is_orthogonal_and_scaled_like_adamw(shape):
    weight = torch.zeros(shape)
    grad = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    Muon([weight]).step([grad], 0.5)
    update = weight.flatten(1) / (0.5 * 0.2 * max(weight.flatten(1).shape) ** 0.5)
    values = torch.linalg.svdvals(update)
    assert values.min() > 0.5
    assert values.max() < 1.3
    assert (update * grad.flatten(1)).sum() < 0  # downhill


def test_channels_last_kernels_move_as_contiguous_ones_do():
    kernel, grad = torch.randn(2, 32, 32, 3, 3, generator=torch.Generator().manual_seed(0))
    last = kernel.clone().to(memory_format=torch.channels_last)
    plain = kernel.clone()
    Muon([plain]).step([grad], 0.1)
    Muon([last]).step([grad.to(memory_format=torch.channels_last)], 0.1)
    torch.testing.assert_close(plain, last)


def test_muon_fits_a_matrix():
    goal = torch.randn(32, 32, generator=torch.Generator().manual_seed(0))
    weight = torch.zeros(32, 32)
    muon = Muon([weight])
    for step in range(300):
        muon.step([weight - goal], rate_at(step, peak=0.05, warmup=0, cooldown=250, total=300))
    assert (weight - goal).square().mean() < 0.01


def test_weights_without_gradient_stay():
    weights = [torch.ones(32, 32), torch.ones(32, 32)]
    Muon(weights, weight_decay=0.1).step([None, torch.eye(32)], 0.1)
    assert (weights[0] == 1).all()
    assert not (weights[1] == 1).all()


def test_muon_takes_wide_layers_and_what_is_marked():
    net = nn.ModuleDict({
        "wide": nn.Linear(32, 64), "narrow": nn.Linear(31, 64), "kernel": nn.Conv2d(32, 32, 3),
        "words": nn.Embedding(64, 64), "depthwise": nn.Conv2d(64, 64, 3, groups=64),
        "marked_out": nn.Linear(32, 32), "bare": nn.ParameterDict(),
    })  # fmt: skip
    net["marked_out"].weight.muon = False
    net["bare"]["table"], net["bare"]["matrix"] = nn.Parameter(torch.zeros(32, 32)), nn.Parameter(torch.zeros(8, 8))
    net["bare"]["matrix"].muon = True
    chosen = hidden_matrices(net)
    assert [n for n, p in net.named_parameters() if id(p) in chosen] == ["wide.weight", "kernel.weight", "bare.matrix"]


def test_the_rate_rises_stays_and_falls():
    rates = [rate_at(s, peak=2.0, warmup=4, cooldown=10, total=50) for s in range(50)]
    assert rates[:5] == [0.5, 1.0, 1.5, 2.0, 2.0]
    assert rates[40] == 2.0
    assert rates[45] == 1.0
    assert rates[49] == pytest.approx(0.2)
    assert rate_at(60, peak=2.0, warmup=4, cooldown=10, total=50) == pytest.approx(0.02)
    assert rate_at(10**9, peak=2.0, warmup=0, cooldown=0, total=0) == 2.0
