"""Low-rank corrections of linear layers (Hu et al. 2022): y = W x + scale B A x, where B is zero at first."""

from collections.abc import Callable, Iterable

from torch import Tensor, nn

from kineograph.nn.lent import Layers, cast_through


class LoRA(nn.Module):
    """... c -> ... c' through `rank` numbers."""

    def __init__(self, inner: int, outer: int, rank: int):
        super().__init__()
        self.down, self.up = nn.Linear(inner, rank, bias=False), nn.Linear(rank, outer, bias=False)
        nn.init.normal_(self.down.weight, std=1 / rank)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(self.down(x))


class LoRAs(Layers):
    """Corrections of the named linear layers of a network. With a scale of 0 they are left out, to the last bit."""

    def __init__(self, net: nn.Module, names: Iterable[str], rank: int):
        linears = {name: net.get_submodule(name) for name in names}
        super().__init__({name: LoRA(x.in_features, x.out_features, rank) for name, x in linears.items()})
        self.scale = 1.0

    def attach(self, net: nn.Module) -> None:
        """Makes the layers of a network speak with their corrections from now on."""
        for name in self.places:
            net.get_submodule(name).register_forward_hook(self.corrected(self.get_submodule(name)))

    def corrected(self, lora: nn.Module) -> Callable[[nn.Module, tuple[Tensor], Tensor], Tensor]:
        """A forward hook of a linear layer."""

        def hook(_: nn.Module, given: tuple[Tensor], out: Tensor) -> Tensor:
            if self.scale == 0:
                return out
            return out + self.scale * cast_through(lora, given[0])

        return hook
