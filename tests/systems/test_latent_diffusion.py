"""Text to image, image to image, inpainting: what is promised beyond the contract."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from kineograph.clip import Batch, Clip
from kineograph.models.frame_codec import FrameCodec
from kineograph.models.prompt_reader import PromptReader
from kineograph.models.unet import UNet
from kineograph.systems.latent_diffusion import ACTORS, SAMPLERS, Config, LatentDiffusion, LatentDiffusionOptions


@pytest.fixture(scope="module")
def toy() -> LatentDiffusion:
    system = LatentDiffusion.preset("toy")
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for part in system.parts():
            for p in system.parameters_of(part):
                p.add_(torch.randn(p.shape, generator=generator), alpha=0.05)
    return system


def asked(**changes: object) -> LatentDiffusionOptions:
    given = {"prompt": "a bear walks", "height": 16, "width": 24, "num_inference_steps": 4}
    return LatentDiffusionOptions(**(given | changes))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    ramp = (torch.arange(24) * 10).to(torch.uint8).expand(16, 24)
    Image.fromarray(torch.stack([ramp, 255 - ramp, ramp], -1).numpy()).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    """White, to be painted, on the right third."""
    left = torch.zeros(16, 24, dtype=torch.uint8)
    left[:, 16:] = 255
    Image.fromarray(left.numpy()).save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def distance(a: Tensor, b: Tensor) -> float:
    return (a.float() - b.float()).abs().mean().item()


def test_a_story_is_a_picture_for_each_shot(toy: LatentDiffusion):
    frames = toy.generate(asked(prompt="a bear walks | a red car", num_frames=3)).frames
    assert frames.shape == (6, 3, 16, 24)
    assert torch.equal(frames[0], frames[2])
    assert torch.equal(frames[3], frames[5])
    assert not torch.equal(frames[0], frames[3])


def test_prompt_negative_prompt_and_guidance_matter(toy: LatentDiffusion):
    plain = toy.generate(asked()).digest
    changes = {"prompt": "a red car"}, {"negative_prompt": "snow"}, {"guidance_scale": 8.0}
    assert all(toy.generate(asked(**change)).digest != plain for change in changes)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_draws_the_same_twice(toy: LatentDiffusion, sampler: str):
    options = asked(sampler=sampler)
    assert toy.generate(options).digest == toy.generate(options).digest


def test_a_picture_is_kept_the_more_the_weaker_the_change(toy: LatentDiffusion, picture: Path):
    start = toy.codec.decode(toy.codec.encode(toy.given(asked(image_path=str(picture)))[0]))[0]
    start = Clip.of(start.detach()).frames
    draw = lambda strength: toy.generate(asked(image_path=str(picture), strength=strength)).frames
    assert torch.equal(draw(0.0), start)
    assert distance(draw(0.5), start) > 0
    assert not torch.equal(draw(0.5), draw(1.0))


def test_only_what_the_mask_shows_is_painted(toy: LatentDiffusion, picture: Path, mask: Path):
    options = asked(image_path=str(picture), mask_path=str(mask), strength=1.0)
    frames, original = toy.generate(options).frames[0], torch.from_numpy(np.array(Image.open(picture)))
    original = original.permute(2, 0, 1)
    assert distance(frames[:, :, :16], original[:, :, :16]) <= 1
    assert distance(frames[:, :, 16:], original[:, :, 16:]) > 1
    other = toy.generate(replace(options, seed=5)).frames[0]
    assert torch.equal(frames[:, :, :16], other[:, :, :16])
    assert not torch.equal(frames[:, :, 16:], other[:, :, 16:])


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="no image_path to paint in"):
        asked(mask_path="mask.png")
    with pytest.raises(ValueError, match="sampler"):
        asked(sampler="magic")
    with pytest.raises(ValueError, match="those of the codec, 4"):
        LatentDiffusion(Config(unet=replace(Config().unet, in_channels=9)))
    with pytest.raises(ValueError, match="bytes or minilm"):
        LatentDiffusion(Config(text="morse"))


def test_it_validates_both_stages(toy: LatentDiffusion):
    torch.manual_seed(0)
    batch = Batch.of([Clip.of(torch.rand(4, 3, 16, 16) * 2 - 1, caption="a bear") for _ in range(2)])
    figures, clips = toy.validate("learn_codec", batch)
    assert figures["psnr"] > 0
    assert len(clips) == 4
    figures, clips = toy.validate("learn_diffusion", batch)
    assert figures["loss"] > 0
    assert all(clip.frames.shape == (1, 3, 16, 16) for clip in clips)


def test_errors_count_more_where_an_actor_is():
    waves = replace(Config().codec, encoder_widths=(), encoder_depths=())
    system = LatentDiffusion(replace(Config(), codec=waves)).eval()
    scenery = (torch.rand(1, 1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1).expand(2, 4, -1, -1, -1)
    video = scenery.clone()
    video[1, :, :, 8:24, :8] = 0  # the second clip has an actor, two cells of 8 x 8 pixels high
    weight = system.emphasis(system.codec.encode(video), scenery)
    wanted = torch.ones(2, 4, 1, 4, 4)
    wanted[1, :, :, 1:3, 0] = ACTORS
    assert torch.equal(weight, wanted)

    def loss(**known: Tensor) -> float:
        torch.manual_seed(0)
        batch = Batch(video, ("a bear", "a bear"), torch.full((2,), 8.0), **known)
        return system.learn_diffusion(system.encode("learn_diffusion", batch)).item()

    plain = loss()
    assert loss(scenery=video) == pytest.approx(plain, rel=1e-5), "nobody is there"
    assert plain < loss(scenery=scenery) < ACTORS * plain


def test_prompts_are_read_before_their_words(toy: LatentDiffusion):
    cond, words = toy.told(["a bear", "a red car drives"]), toy.text(["a bear", "a red car drives"])
    labels = len(toy.config.reader.classes)
    assert torch.equal(cond.tokens[:, labels:], words.tokens)
    assert cond.mask[:, :labels].all()
    assert not torch.equal(cond.tokens[0, :labels], cond.tokens[1, :labels])
    assert toy.clip_shape("learn_words")[0] == 0, "no pictures"
    with pytest.raises(ValueError, match="clips with labels"):
        toy.learn_words(Batch(torch.zeros(1, 0), ("a",), torch.ones(1)))


def test_the_bundled_size_fits_into_30_megabytes_of_half_precision():
    config = LatentDiffusion.PRESETS["world"]
    with torch.device("meta"):
        parts = [PromptReader(config.reader), FrameCodec(config.codec), UNet(config.unet)]
    kept = [x for part in parts for x in part.state_dict().values()]
    assert sum(x.numel() * (2 if x.is_floating_point() else x.element_size()) for x in kept) < 30e6
    assert (parts[1].factor, config.unet.in_channels) == (4, parts[1].channels)
