import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from kineograph.models.watchers import i3d_distance, lpips_distance


class Eye(nn.Module):
    """Called as LPIPS is."""

    def __init__(self, net: str, verbose: bool):
        super().__init__()
        self.net, self.weight = net, nn.Parameter(torch.tensor(2.0))

    def forward(self, made: Tensor, real: Tensor) -> Tensor:
        return self.weight * (made - real).square().mean((1, 2, 3), keepdim=True)


class Film(nn.Module):
    """Called as the I3D of StyleGAN-V is."""

    def forward(self, x: Tensor, rescale: bool = True, resize: bool = True, return_features: bool = False) -> Tensor:
        assert x.shape[1] == 3
        assert x.shape[3] == 224
        assert not rescale
        assert not resize
        assert return_features
        return torch.cat([x.mean((2, 3, 4)), x.diff(dim=2).abs().mean((2, 3, 4))], 1)


@pytest.fixture(autouse=True)
def _opened_anew():
    lpips_distance.cache_clear()


@pytest.fixture
def i3d(tmp_path: Path) -> Path:
    torch.jit.script(Film()).save(str(tmp_path / "i3d.pt"))
    return tmp_path / "i3d.pt"


def test_lpips_is_the_users_own(monkeypatch: pytest.MonkeyPatch):
    package = ModuleType("lpips")
    package.LPIPS = Eye
    monkeypatch.setitem(sys.modules, "lpips", package)
    distance, made = lpips_distance(), torch.zeros(2, 3, 8, 8, requires_grad=True)
    assert distance(made, torch.ones(2, 3, 8, 8)).item() == 2
    assert distance(made, made).item() == 0
    assert torch.autograd.grad(distance(made, torch.ones(2, 3, 8, 8)), made)[0].any()
    assert lpips_distance() is distance
    lpips_distance.cache_clear()
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(ImportError, match="pip install lpips"):
        lpips_distance()


def test_i3d_watches_films(i3d: Path):
    distance = i3d_distance(i3d)
    real = torch.rand(2, 10, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    still = real[:, :1].expand_as(real).clone().requires_grad_()
    assert distance(real, real).item() == 0
    assert 0 < distance(still, real).item() <= 4
    assert torch.autograd.grad(distance(still, real), still)[0].any()
    with pytest.raises(ValueError, match="10 frames or more; these have 9"):
        distance(real[:, :9], real[:, :9])


def test_what_is_no_torchscript_is_named(tmp_path: Path):
    with pytest.raises(ValueError, match=r"there is no file .*none\.pt"):
        i3d_distance(tmp_path / "none.pt")
    (tmp_path / "bad.pt").write_bytes(b"no network")
    with pytest.raises(ValueError, match=r"bad\.pt is not a TorchScript file"):
        i3d_distance(tmp_path / "bad.pt")
