"""Layers that stand in a network and belong to another part: taught and saved apart from it."""

from torch import Tensor, nn


class Lent(nn.Module):
    """A place whose layer belongs to another part: neither saved, moved nor trained with the network around it."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = (layer,)  # in a tuple, so that it does not become a part of this network

    def forward(self, x: Tensor, *told: object) -> Tensor:
        return cast_through(self.layer[0], x, *told)


class Layers(nn.Module):
    """Layers under the names of the places in a network where they stand, so that their weights are named as there."""

    def __init__(self, layers: dict[str, nn.Module]):
        super().__init__()
        self.places = tuple(layers)
        for place, layer in layers.items():
            *path, last = place.split(".")
            parent: nn.Module = self
            for step in path:
                if step not in dict(parent.named_children()):
                    parent.add_module(step, nn.Module())
                parent = parent.get_submodule(step)
            parent.add_module(last, layer)

    def lend(self, net: nn.Module) -> None:
        """Puts every layer in its place of a network."""
        for place in self.places:
            above, _, last = place.rpartition(".")
            setattr(net.get_submodule(above), last, Lent(self.get_submodule(place)))


def cast_through(layer: nn.Module, x: Tensor, *told: object) -> Tensor:
    """What a layer says of x in its own precision, in that of x."""
    return layer(x.to(next(layer.parameters()).dtype), *told).to(x.dtype)
