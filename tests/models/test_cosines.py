"""The waves are JPEG's, orthonormal, linear, and come from coarse to fine."""

import pytest
import torch

from kineograph.models.cosines import Cosines, strongest


def film(n: int = 3, h: int = 16, w: int = 24) -> torch.Tensor:
    return torch.rand(n, 3, h, w, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("block", [4, 8])
def test_all_waves_together_lose_nothing(block: int):
    waves = Cosines(3 * block**2, block)
    assert waves(film()).shape == (3, 3 * block**2, 16 // block, 24 // block)
    assert torch.allclose(waves.inverse(waves(film())), film(), atol=1e-5)


@pytest.mark.parametrize("count", [0, 49])
def test_a_block_has_so_many_waves(count: int):
    with pytest.raises(ValueError, match=f"4 x 4 pixels has 48 waves; {count} are asked for"):
        Cosines(count, 4)


@pytest.mark.parametrize("size", [4, 8])
def test_the_waves_are_orthonormal_and_are_scipys(size: int):
    waves, _ = strongest(3 * size**2, (1, size, size))
    assert torch.allclose(waves @ waves.T, torch.eye(len(waves)), atol=1e-6)
    fft = pytest.importorskip("scipy.fft")
    block = film(1, size, size)[0]
    grey = fft.dctn(block.sum(0).numpy() / 3**0.5, norm="ortho")
    found = (waves @ block.flatten()).abs().sort().values
    assert all((found - abs(x)).abs().min() < 1e-5 for x in grey.flatten().tolist())


@pytest.mark.parametrize("count", [1, 4, 16])
def test_more_waves_are_the_same_ones_and_finer_ones(count: int):
    few, all_of_them = strongest(count, (1, 8, 8)), strongest(192, (1, 8, 8))
    assert torch.equal(few[0], all_of_them[0][:count])
    assert (all_of_them[1].diff() <= 0).all()


@pytest.mark.parametrize("block", [(3, 4, 4), (2, 4, 8), (5, 2, 1)])
def test_waves_of_blocks_of_frames_are_orthonormal_and_what_stands_comes_first(block: tuple[int, int, int]):
    frames, height, width = block
    waves, spread = strongest(3 * frames * height * width, block)
    assert torch.allclose(waves @ waves.T, torch.eye(len(waves)), atol=1e-6)
    assert (spread.diff() <= 0).all()
    films = waves.view(-1, frames, 3, height, width)
    still = (films - films[:, :1]).abs().amax((1, 2, 3, 4)) < 1e-6
    assert still.sum() == 3 * height * width
    assert still[0]


def test_one_colour_is_one_wave_and_averages_are_averages():
    flat = torch.full((1, 3, 8, 8), 0.5)
    latents = Cosines(8)(flat)[0, :, 0, 0]
    assert latents[0] > 1
    assert latents[1:].abs().max() < 1e-5
    waves, frames = Cosines(8), film(2)
    assert torch.allclose(waves(frames).mean(0), waves(frames.mean(0, keepdim=True))[0], atol=1e-5)
