"""AnimateDiff: windows, the domain adapter, MotionLoRA."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from kineograph.systems.animatediff import AnimateDiff, AnimateDiffOptions, Config, in_windows

SMALL = {"num_frames": 3, "height": 16, "width": 16, "num_inference_steps": 3}


def stirred(*parts: str) -> AnimateDiff:
    system = AnimateDiff.preset("toy")
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for part in parts:
            for p in system.get_submodule(part).parameters():
                p.add_(torch.randn(p.shape, generator=generator), alpha=0.1)
    return system


def asked(**changes: object) -> AnimateDiffOptions:
    return AnimateDiffOptions("a bear walks", **(SMALL | changes))


@pytest.mark.parametrize("total", [3, 8, 9, 12, 21])
def test_windows_that_agree_are_what_one_window_says(total: int):
    asked_for = []

    def denoise(x: Tensor, t: Tensor) -> Tensor:
        asked_for.append(x.shape[1])
        return 2 * x

    x = torch.randn(1, total, 2, 2, 2)
    assert torch.allclose(in_windows(denoise, 8, 4)(x, torch.zeros(1)), 2 * x, atol=1e-6)
    assert set(asked_for) == {min(total, 8)}
    assert len(asked_for) == max(1, -(-(total - 4) // 4))


def test_where_windows_overlap_they_are_averaged():
    number = iter((1.0, 3.0))
    out = in_windows(lambda x, t: torch.full_like(x, next(number)), 4, 2)(torch.zeros(1, 6, 1, 1, 1), torch.zeros(1))
    assert out.flatten().tolist() == [1, 1, 2, 2, 3, 3]


def test_the_domain_adapter_is_left_out_of_films_unless_asked_for():
    plain, adapted = AnimateDiff.preset("toy"), stirred("domain")
    clip = plain.generate(asked())
    assert adapted.generate(asked()).digest == clip.digest
    assert adapted.generate(asked(domain_adapter=1.0)).digest != clip.digest
    assert adapted.generate(asked()).digest == clip.digest


def test_motion_lora_changes_motion_modules_and_can_be_left_out():
    plain, taught = stirred("layers"), stirred("layers", "lora")
    clip = plain.generate(asked())
    assert taught.generate(asked(motion_lora=0.0)).digest == clip.digest
    assert taught.generate(asked()).digest != clip.digest


def test_folded_motion_lora_says_the_same():
    system = stirred("layers", "lora")
    system.lora.scale, system.domain.scale = 1.0, 0.0
    x, t, cond = torch.randn(1, 3, 4, 4, 4), torch.tensor([400]), system.image.text(["a bear"])
    with torch.no_grad():
        whole = system.published().unet
        assert whole.plan == system.plan
        assert torch.allclose(whole(x, t, cond), system.image.unet(x, t, cond), atol=1e-5)


def test_motion_is_taught_with_the_noise_the_config_says():
    system = AnimateDiff(replace(Config(), betas="linear"))
    assert system.process(system.image).schedule.betas == "linear"
    assert system.image.diffusion.schedule.betas == "scaled_linear"
    assert AnimateDiff(Config()).process(system.image) is system.image.diffusion


def test_more_frames_than_positions_are_refused():
    with pytest.raises(ValueError, match="tell 8 frames apart are taught no 9"):
        Config(frames=9, positions=8)
    system = AnimateDiff.preset("toy")
    with pytest.raises(ValueError, match="at most 16 frames apart; got 17"):
        system.image.unet(torch.randn(1, 17, 4, 2, 2), torch.tensor([3]), system.image.text(["a bear"]))
