"""Layers in a network that belong to another part."""

import torch
from torch import nn

from kineograph.nn.lent import Layers, Lent


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(2, 2)
        self.blocks = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.blocks[1](self.blocks[0](self.stem(x)))


def lent() -> tuple[Net, Layers]:
    net = Net()
    layers = Layers({"stem": nn.Linear(2, 2), "blocks.1": nn.Linear(2, 2)})
    layers.lend(net)
    return net, layers


def test_weights_are_named_as_in_the_network_and_belong_to_the_layers_alone():
    net, layers = lent()
    assert set(layers.state_dict()) == {"stem.weight", "stem.bias", "blocks.1.weight", "blocks.1.bias"}
    assert set(net.state_dict()) == {"blocks.0.weight", "blocks.0.bias"}


def test_the_network_speaks_through_them_and_teaches_them():
    net, layers = lent()
    x = torch.randn(3, 2)
    out = layers.get_submodule("blocks.1")(net.blocks[0](layers.get_submodule("stem")(x)))
    assert torch.equal(net(x), out)
    net(x).sum().backward()
    assert all(p.grad is not None for p in layers.parameters())


def test_what_is_lent_keeps_its_precision_when_the_network_changes_its_own():
    net, layers = lent()
    net.bfloat16()
    assert all(p.dtype == torch.float32 for p in layers.parameters())
    assert isinstance(net.stem, Lent)
    assert net(torch.randn(3, 2).bfloat16()).dtype == torch.bfloat16
