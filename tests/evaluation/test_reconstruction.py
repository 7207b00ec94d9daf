import json
import math
import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from kineograph.clip import Clip
from kineograph.evaluation.reconstruction import LPIPS, measure, psnr, ssim
from kineograph.processes.reconstruction import psnr as psnr_of_clips


def picture(count: int = 2, height: int = 20, width: int = 24, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


def test_psnr_is_of_frames_and_agrees_with_training():
    out, video = picture(3), picture(3, seed=1)
    each = psnr(out, video)
    assert each.shape == (3,)
    assert float(each.mean()) == pytest.approx(psnr_of_clips(out * 2 - 1, video * 2 - 1), abs=1e-4)
    assert float(psnr(video + 0.1, video)[0]) == pytest.approx(20, abs=1e-4)
    assert psnr(video, video).tolist() == [100] * 3


def test_ssim_is_the_published_formula():
    x, y = (z.double() for z in (picture(1), picture(1, seed=1) * 0.5 + picture(1) * 0.5))
    offsets = np.arange(11) - 5
    window = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    grey = [
        (z[0] * torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)[:, None, None]).sum(0).numpy() for z in (x, y)
    ]
    found = []
    for i in range(10):
        for j in range(14):
            a, b = (g[i : i + 11, j : j + 11] for g in grey)
            ma, mb = (window * a).sum(), (window * b).sum()
            va, vb = (window * (a - ma) ** 2).sum(), (window * (b - mb) ** 2).sum()
            cov = (window * (a - ma) * (b - mb)).sum()
            c1, c2 = 0.01**2, 0.03**2
            found.append((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))
    assert float(ssim(x, y)) == pytest.approx(np.mean(found), abs=1e-9)


def test_ssim_of_equal_frames_is_one_and_of_flat_ones_is_their_light():
    x = picture()
    assert ssim(x, x).tolist() == pytest.approx([1, 1])
    a, b = torch.full((1, 3, 16, 16), 0.2), torch.full((1, 3, 16, 16), 0.6)
    wanted = (2 * 0.12 + 1e-4) / (0.04 + 0.36 + 1e-4)
    assert float(ssim(a, b)) == pytest.approx(wanted, abs=1e-6)
    assert float(ssim(a, b, channels="colours")) == pytest.approx(wanted, abs=1e-6)
    red = x.clone()
    red[:, 0] = 1 - red[:, 0]
    assert float(ssim(red, x, channels="colours")[0]) != pytest.approx(float(ssim(red, x)[0]), abs=0.02)


class Distance(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        assert float(x.min()) >= -1
        return (x - y).abs().mean((1, 2, 3), keepdim=True)


def test_lpips_is_the_users_own(monkeypatch):
    package = ModuleType("lpips")
    package.LPIPS = lambda net, verbose: Distance()
    monkeypatch.setitem(sys.modules, "lpips", package)
    assert LPIPS("vgg").name == "LPIPS (vgg)"
    x = picture()
    assert LPIPS()(x, x * 0).tolist() == pytest.approx((2 * x.mean((1, 2, 3))).tolist(), abs=1e-6)
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(ImportError, match="pip install lpips"):
        LPIPS()


def clips(noise: float, count: int = 3) -> list[tuple[str, Clip, Clip]]:
    found = []
    for i in range(count):
        video = picture(4, seed=i) * 2 - 1
        worn = video + noise * torch.randn(video.shape, generator=torch.Generator().manual_seed(i))
        found.append((f"clip {i}", Clip.of(worn), Clip.of(video)))
    return found


def test_more_damage_is_worse_by_every_figure():
    network = LPIPS("tiny", Distance())
    little, much = (measure(clips(noise), lpips=network, resamples=50) for noise in (0.05, 0.3))
    assert set(little) == {"PSNR", "SSIM (luma)", "LPIPS (tiny)"}
    assert little["PSNR"].low > much["PSNR"].high
    assert little["SSIM (luma)"].low > much["SSIM (luma)"].high
    assert little["LPIPS (tiny)"].high < much["LPIPS (tiny)"].low
    record = json.loads(json.dumps(much["PSNR"].record))
    assert len(record["clips"]) == 3
    assert math.isclose(sum(record["clips"]) / 3, record["value"])


def test_bad_input_is_said():
    (name, out, given), *rest = clips(0.1)
    with pytest.raises(ValueError, match=r"clip 0 is \(3, 3, 20, 24\) given back and was \(4, 3, 20, 24\)"):
        measure([(name, Clip(out.frames[:3]), given), *rest])
    with pytest.raises(ValueError, match="two clips or more; got 1"):
        measure([(name, out, given)])
    with pytest.raises(ValueError, match="11 pixels each way"):
        ssim(picture(1, 8, 30), picture(1, 8, 30))
    with pytest.raises(ValueError, match="luma or colours; got 'rgb'"):
        ssim(picture(), picture(), channels="rgb")
    broken = LPIPS("x", Distance())
    broken.network.forward = lambda x, y: torch.full((len(x),), torch.nan)
    with pytest.raises(ValueError, match=r"LPIPS \(x\) of clip 0 is not a number"):
        measure(clips(0.1), lpips=broken)
