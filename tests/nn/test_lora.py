"""Low-rank corrections of linear layers."""

import torch
from torch import nn

from kineograph.nn.lora import LoRAs


def corrected() -> tuple[nn.Sequential, LoRAs]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 6), nn.SiLU(), nn.Linear(6, 3, bias=False))
    loras = LoRAs(net, ["2"], 2)
    loras.attach(net)
    return net, loras


def test_they_begin_as_nothing():
    net, loras = corrected()
    x = torch.randn(5, 4)
    with_them = net(x)
    loras.scale = 0.0
    assert torch.equal(net(x), with_them)
    assert set(net.state_dict()) == {"0.weight", "0.bias", "2.weight"}


def test_a_layer_speaks_as_if_its_weights_had_the_product_added():
    net, loras = corrected()
    up, down = loras.get_submodule("2").up.weight, loras.get_submodule("2").down.weight
    nn.init.normal_(up)
    x = torch.randn(5, 4)
    h = net[1](net[0](x))
    loras.scale = 0.5
    assert torch.allclose(net(x), h @ (net[2].weight + 0.5 * up @ down).T, atol=1e-6)
    loras.scale = 0.0
    assert torch.equal(net[2](h), nn.functional.linear(h, net[2].weight))


def test_both_matrices_learn_within_two_steps():
    net, loras = corrected()
    optimizer, seen = torch.optim.SGD(loras.parameters(), lr=0.1), set()
    for _ in range(2):
        optimizer.zero_grad()
        net(torch.ones(1, 4)).square().sum().backward()
        seen |= {name for name, p in loras.named_parameters() if p.grad.any()}
        optimizer.step()
    assert seen == {"2.down.weight", "2.up.weight"}
