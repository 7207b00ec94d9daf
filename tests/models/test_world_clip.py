import pytest
import torch

from kineograph.condition import Condition
from kineograph.models.world_clip import SHARPNESS, WorldCLIP, WorldCLIPConfig, encoder_of, together


@pytest.fixture
def network() -> WorldCLIP:
    torch.manual_seed(0)
    return WorldCLIP(WorldCLIPConfig()).eval()


@torch.no_grad()
def test_both_towers_end_on_one_sphere(network: WorldCLIP):
    images, words = (
        network.see(torch.rand(3, 3, 64, 64) * 2 - 1),
        network.read(encoder_of(network.config)(["a", "b c"])),
    )
    assert images.shape == (3, 32)
    assert words.shape == (2, 32)
    for vectors in (images, words):
        torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(vectors)))


@torch.no_grad()
def test_a_caption_is_read_as_if_it_were_alone(network: WorldCLIP):
    text = encoder_of(network.config)
    both = network.read(text(["a bear", "a long tale of a bear that walks"]))
    torch.testing.assert_close(both[:1], network.read(text(["a bear"])), atol=1e-6, rtol=0)


@torch.no_grad()
def test_what_padding_holds_is_not_read(network: WorldCLIP):
    cond = encoder_of(network.config)(["a bear", "a long tale of a bear"])
    dirty = torch.where(cond.mask[..., None], cond.tokens, torch.tensor(7.0))
    torch.testing.assert_close(network.read(Condition(dirty, cond.mask, cond.vector)), network.read(cond))


@torch.no_grad()
def test_sharpness_begins_as_clips_and_is_capped(network: WorldCLIP):
    assert float(network.scale) == pytest.approx(SHARPNESS, rel=1e-5)
    network.sharpness.data.fill_(50)
    assert float(network.scale) == pytest.approx(100)


def test_a_clip_is_the_mean_of_its_frames_directions():
    frames = torch.tensor([[[3.0, 0, 0], [0, 5.0, 0]]])
    torch.testing.assert_close(together(frames), torch.tensor([[0.5**0.5, 0.5**0.5, 0]]))


@torch.no_grad()
def test_half_precision_says_about_the_same(network: WorldCLIP):
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    full = network.see(images)
    half = network.bfloat16().see(images)
    assert half.dtype == torch.float32
    assert ((full * half).sum(1) > 0.999).all()


def test_bad_input_is_said(network: WorldCLIP):
    with pytest.raises(ValueError, match=r"b 3 64 64; got \(1, 3, 32, 32\)"):
        network.see(torch.zeros(1, 3, 32, 32))
    with pytest.raises(ValueError, match="divisible by 16; got 40"):
        WorldCLIPConfig(size=40)
    with pytest.raises(ValueError, match="text is 'clip'; it can be bytes or minilm"):
        WorldCLIPConfig(text="clip")
