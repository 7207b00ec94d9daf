"""ModelScope: whose UNet is taught, and on what."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from kineograph.clip import Batch
from kineograph.systems.modelscope import ModelScope


def latents(frames: int = 8) -> Batch:
    torch.manual_seed(0)
    return Batch(torch.randn(2, frames, 4, 2, 2), ("a bear", "a fish"), torch.full((2,), 8.0), "codec")


def test_until_all_is_taught_the_image_system_s_unet_is_only_named(tmp_path: Path):
    system = ModelScope(replace(ModelScope.PRESETS["toy"], tuned=False))
    assert set(system.parts()) == {"layers"}
    system.begin("learn_motion")
    assert set(system.parts()) == {"layers"}
    before = system.image.unet.state_dict()
    system.begin("learn_jointly")
    assert set(system.parts()) == {"layers", "unet"}
    assert system.config.tuned
    assert all(torch.equal(x, before[k]) for k, x in system.unet.state_dict().items())
    assert system.unet.conv_in.weight is not system.image.unet.conv_in.weight
    system.begin("learn_jointly")
    again = ModelScope.load(system.save(tmp_path / "all"))
    assert set(again.parts()) == {"layers", "unet"}


def test_the_unet_that_was_taught_is_the_one_that_draws():
    system = ModelScope.preset("toy")
    options = system.Options("a bear", num_frames=2, height=16, width=16, num_inference_steps=3)
    before = system.generate(options).digest
    with torch.no_grad():
        system.unet.conv_out.bias.add_(0.5)
    assert system.generate(options).digest != before


@pytest.mark.parametrize(("share", "frames"), [(0.0, 8), (1.0, 1)])
def test_a_share_of_the_steps_sees_single_images(share: float, frames: int, monkeypatch: pytest.MonkeyPatch):
    system, seen = ModelScope(replace(ModelScope.PRESETS["toy"], images=share)), []
    monkeypatch.setattr(system, "loss", lambda batch: seen.append(batch.video.shape[1]) or batch.video.sum())
    for name in system.stages():
        next(iter(system.losses(name, latents())))
    assert seen == [frames, frames]


def test_one_step_in_eight_by_default():
    system = ModelScope.preset("toy")
    torch.manual_seed(0)
    clips = replace(latents(), video=torch.zeros(1, 8, 1, 1, 1))
    frames = [system.clips_or_images(clips).video.shape[1] for _ in range(2000)]
    assert 0.1 < frames.count(1) / 2000 < 0.15
