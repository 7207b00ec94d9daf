"""Whole tiny folders of diffusers, opened by our systems: the same noise gives the same frames, and they come back."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from kineograph import hub
from kineograph.models.temporal import AnimateDiffPlan, Plan
from kineograph.systems._layered import Layered
from kineograph.systems.animatediff import AnimateDiff
from kineograph.systems.animatediff import Config as AnimateDiffConfig
from kineograph.systems.latent_diffusion import LatentDiffusion, LatentDiffusionOptions, image_system
from kineograph.systems.modelscope import ModelScope
from kineograph.systems.tune_a_video import Config as TuneAVideoConfig
from kineograph.systems.tune_a_video import TuneAVideo

diffusers = pytest.importorskip("diffusers", reason="parity is measured against diffusers")
tiny = pytest.importorskip("tiny_diffusers", reason="its folders hold a text encoder of transformers")
normal, stirred = tiny.normal, tiny.stirred

pytestmark = pytest.mark.slow
PROMPT, NEGATIVE, STEPS, GUIDANCE = "a bear walks", "blur", 4, 3.0
SIZE = {"height": 16, "width": 16}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.folders(tmp_path_factory.mktemp("published"))


def asked(system: Layered, frames: int = 3, **changes: object) -> object:
    given = {"negative_prompt": NEGATIVE, "num_frames": frames, "num_inference_steps": STEPS} | SIZE
    return system.Options(PROMPT, guidance_scale=GUIDANCE, **(given | changes))


@torch.no_grad()
def frames_of(system: Layered, options: object, noise: Tensor) -> Tensor:
    """b t c h w noise -> the frames our system makes of it, in [-1, 1]."""
    image = system.drawn_by(options)
    cond, null = image.text([PROMPT]), image.text([NEGATIVE])
    latents = system.window(system.network(image, options), image, cond, null, noise, noise[:, :0], options)
    return image.codec.decode(latents).clamp(-1, 1)


def theirs(pipeline, noise: Tensor) -> Tensor:
    pipeline.set_progress_bar_config(disable=True)
    out = pipeline(
        prompt=PROMPT, negative_prompt=NEGATIVE, latents=noise.transpose(1, 2), num_inference_steps=STEPS,
        guidance_scale=GUIDANCE, output_type="pt", num_frames=noise.shape[1], **SIZE,
    )  # fmt: skip
    return torch.as_tensor(out.frames) * 2 - 1


def opened(place: Path):
    return diffusers.DiffusionPipeline.from_pretrained(place)


def test_modelscope_s_folder(folder: Path, tmp_path: Path):
    noise, system = normal(1, 3, 4, 8, 8), ModelScope.load(folder / "modelscope")
    out = frames_of(system, asked(system), noise)
    assert out.std() > 0.05
    assert (out - theirs(opened(folder / "modelscope"), noise)).abs().max() <= 1e-5
    hub.written(system.published(), tmp_path / "back")
    assert (theirs(opened(tmp_path / "back"), noise) - out).abs().max() <= 1e-5
    assert system.parts() == {}
    again = ModelScope.load(system.save(tmp_path / "named"))
    assert again.generate(asked(again)).digest == system.generate(asked(system)).digest


def test_a_motion_adapter_on_stable_diffusion(folder: Path, tmp_path: Path):
    noise = normal(1, 3, 4, 8, 8)
    system = AnimateDiff(AnimateDiffConfig(frames=6, positions=6, image=str(folder / "sd")))
    options = asked(system, motion_adapter=str(folder / "adapter"))
    out = frames_of(system, options, noise)
    hub.written(
        hub.Published(
            hub.animated(system.image.unet, folder / "adapter"), system.image.codec, system.image.text,
            system.published().schedule,
        ),
        tmp_path / "pipeline",
    )  # fmt: skip
    pipeline = diffusers.AnimateDiffPipeline.from_pretrained(
        folder / "sd", motion_adapter=diffusers.MotionAdapter.from_pretrained(folder / "adapter")
    )
    assert out.std() > 0.05
    assert (out - theirs(pipeline, noise)).abs().max() <= 1e-5
    assert (theirs(opened(tmp_path / "pipeline"), noise) - out).abs().max() <= 1e-5
    plain = frames_of(system, asked(system), noise)
    assert (out - plain).abs().max() > 1e-3
    image = image_system(str(tmp_path / "pipeline"))
    assert image.unet.plan == Plan(), "of AnimateDiff's folder, the image system is used"


def test_motion_modules_of_ours_come_back_as_diffusers_pipeline(folder: Path, tmp_path: Path):
    noise = normal(1, 3, 4, 8, 8)
    system = AnimateDiff(AnimateDiffConfig(frames=6, positions=6, image=str(folder / "sd")))
    stirred(system.layers), stirred(system.lora)
    out = frames_of(system, asked(system), noise)
    hub.written(system.published(), tmp_path / "back")
    pipeline = opened(tmp_path / "back")
    assert type(pipeline).__name__ == "AnimateDiffPipeline"
    assert (theirs(pipeline, noise) - out).abs().max() <= 1e-5
    assert hub.opened(tmp_path / "back").unet.plan == AnimateDiffPlan(2, 6, middle=False)


def test_stable_diffusion_s_folder_draws(folder: Path, monkeypatch: pytest.MonkeyPatch):
    system, noise = LatentDiffusion.load(folder / "sd"), normal(1, 1, 4, 8, 8)
    monkeypatch.setattr(system, "noise", lambda *shape, seed: noise.reshape(shape))
    options = LatentDiffusionOptions(
        PROMPT, negative_prompt=NEGATIVE, num_inference_steps=STEPS, guidance_scale=GUIDANCE, **SIZE
    )
    pipeline = opened(folder / "sd")
    pipeline.set_progress_bar_config(disable=True)
    image = pipeline(
        PROMPT, negative_prompt=NEGATIVE, latents=noise[:, 0], num_inference_steps=STEPS, guidance_scale=GUIDANCE,
        output_type="pt", **SIZE,
    ).images  # fmt: skip
    assert (system.generate(options).frames.float() - image * 255).abs().max() <= 0.51
    assert system.parts() == {}


def test_every_animator_moves_stable_diffusion(folder: Path, tmp_path: Path):
    config = TuneAVideoConfig(frames=6, image=str(folder / "sd"))
    system = TuneAVideo(config)
    assert system.generate(asked(system)).frames.shape == (3, 3, 16, 16)
    again = TuneAVideo.load(system.save(tmp_path / "tuned"))
    assert again.generate(asked(again)).digest == system.generate(asked(system)).digest
    with pytest.raises(ValueError, match="makes videos"):
        image_system(str(folder / "modelscope"))
    with pytest.raises(ValueError, match="plan TuneAVideoPlan"):
        hub.written(system.published(), tmp_path / "no")
    toy = TuneAVideo.preset("toy")
    with pytest.raises(ValueError, match="AutoencoderKL and CLIP"):
        hub.written(toy.published(), tmp_path / "no")
