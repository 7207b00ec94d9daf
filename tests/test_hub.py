"""Folders that diffusers writes are opened, and diffusers opens what is written: the same noise, the same frames."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor

from kineograph import hub
from kineograph.condition import Condition
from kineograph.hub import Published, animated, located, opened, read_schedule, written
from kineograph.models.temporal import AnimateDiffPlan, ModelScopePlan, Plan, TuneAVideoPlan
from kineograph.models.unet import UNet, UNetConfig
from kineograph.processes.diffusion import Diffusion, Schedule

diffusers = pytest.importorskip("diffusers", reason="folders are tried against diffusers")
tiny = pytest.importorskip("tiny_diffusers", reason="its folders hold a text encoder of transformers")
normal, unet2d = tiny.normal, tiny.unet2d

pytestmark = pytest.mark.slow
PROMPTS = ["a bear  Walks, it's 12!", "bear"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.folders(tmp_path_factory.mktemp("published"))


@torch.no_grad()
def frames_of(ours: Published, noise: Tensor, guidance: float = 3.0) -> Tensor:
    """b t c h w noise -> frames for the first prompt."""
    diffusion = Diffusion(Schedule(**ours.schedule), predicts=ours.predicts)
    cond, null = ours.text(PROMPTS[:1]), ours.text(["blur"])
    return ours.codec.decode(diffusion.sample(ours.unet, noise, cond, null, steps=4, guidance=guidance))


def quiet(pipeline):
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def asked(latents: Tensor) -> dict:
    return {
        "prompt": PROMPTS[0], "negative_prompt": "blur", "latents": latents, "num_inference_steps": 4,
        "guidance_scale": 3.0, "output_type": "pt", "height": 16, "width": 16,
    }  # fmt: skip


def image_of(pipeline, noise: Tensor) -> Tensor:
    return quiet(pipeline)(**asked(noise[:, 0])).images[:, None] * 2 - 1


def video_of(pipeline, noise: Tensor) -> Tensor:
    out = quiet(pipeline)(**asked(noise.transpose(1, 2)), num_frames=noise.shape[1])
    return torch.as_tensor(out.frames) * 2 - 1


def test_a_stable_diffusion_folder_gives_the_same_image_and_comes_back(folder: Path, tmp_path: Path):
    noise, ours = normal(1, 1, 4, 8, 8), opened(folder / "sd")
    theirs = image_of(diffusers.DiffusionPipeline.from_pretrained(folder / "sd"), noise)
    out = frames_of(ours, noise).clamp(-1, 1)
    assert out.std() > 0.05
    assert (out - theirs).abs().max() <= 1e-5
    written(ours, tmp_path / "back")
    pipeline = diffusers.DiffusionPipeline.from_pretrained(tmp_path / "back")
    assert type(pipeline).__name__ == "StableDiffusionPipeline"
    assert (image_of(pipeline, noise) - out).abs().max() <= 1e-5
    assert torch.equal(frames_of(opened(tmp_path / "back"), noise).clamp(-1, 1), out)


def test_a_modelscope_folder_gives_the_same_frames_and_comes_back(folder: Path, tmp_path: Path):
    noise, ours = normal(1, 3, 4, 8, 8), opened(folder / "modelscope")
    assert ours.unet.plan == ModelScopePlan()
    theirs = video_of(diffusers.DiffusionPipeline.from_pretrained(folder / "modelscope"), noise)
    out = frames_of(ours, noise).clamp(-1, 1)
    assert (out - theirs).abs().max() <= 1e-5
    written(ours, tmp_path / "back")
    pipeline = diffusers.DiffusionPipeline.from_pretrained(tmp_path / "back")
    assert type(pipeline).__name__ == "TextToVideoSDPipeline"
    assert (video_of(pipeline, noise) - out).abs().max() <= 1e-5


def test_an_adapter_animates_an_image_system_and_both_come_back(folder: Path, tmp_path: Path):
    noise, image = normal(1, 3, 4, 8, 8), opened(folder / "sd")
    unet = animated(image.unet, folder / "adapter")
    assert unet.plan == AnimateDiffPlan(4, 6, middle=True)
    ours = Published(unet, image.codec, image.text, image.schedule, image.predicts)
    out = frames_of(ours, noise).clamp(-1, 1)
    assert (out - frames_of(image, noise).clamp(-1, 1)).abs().max() > 1e-3
    written(ours, tmp_path / "back")
    pipeline = diffusers.DiffusionPipeline.from_pretrained(tmp_path / "back")
    assert type(pipeline).__name__ == "AnimateDiffPipeline"
    assert (video_of(pipeline, noise) - out).abs().max() <= 1e-5
    again = opened(tmp_path / "back")
    assert again.unet.plan == unet.plan
    assert torch.equal(frames_of(again, noise).clamp(-1, 1), out)


def test_linear_projections_and_heads_of_each_level(tmp_path: Path):
    """What sets Stable Diffusion 2 apart."""
    theirs = unet2d(attention_head_dim=(2, 4), use_linear_projection=True)
    theirs.save_pretrained(tmp_path)
    ours = hub.open_unet(tmp_path)
    assert ours.config.heads == (2, 4)
    x, text = normal(2, 1, 4, 8, 8), normal(2, 5, 24, seed=2)
    with torch.no_grad():
        out = theirs(x[:, 0], 30, text).sample
        assert (ours(x, torch.tensor([30, 30]), Condition(tokens=text))[:, 0] - out).abs().max() <= 1e-5


def test_old_names_of_the_codec_s_attention(folder: Path, tmp_path: Path):
    shutil.copytree(folder / "sd" / "vae", tmp_path / "vae")
    from safetensors.torch import load_file, save_file

    path = tmp_path / "vae" / "diffusion_pytorch_model.safetensors"
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    tensors = {}
    for name, x in load_file(path).items():
        for new, name_then in old.items():
            name = name.replace(f".attentions.0.{new}.", f".attentions.0.{name_then}.")
        tensors[name] = x[:, :, None, None].clone() if x.ndim == 2 else x
    save_file(tensors, path)
    new = hub.open_codec(folder / "sd" / "vae").state_dict()
    assert all(torch.equal(x, new[name]) for name, x in hub.open_codec(tmp_path / "vae").state_dict().items())


def test_schedules_are_read_with_their_kind_s_defaults():
    schedule, predicts = read_schedule({"_class_name": "PNDMScheduler", "beta_schedule": "scaled_linear"})
    assert predicts == "noise"
    assert Schedule(**schedule) == Schedule(1000, 1e-4, 0.02, offset=0, stop=0)
    schedule, predicts = read_schedule({"_class_name": "EulerDiscreteScheduler", "prediction_type": "v_prediction"})
    assert predicts == "v"
    assert Schedule(**schedule) == Schedule(1000, 1e-4, 0.02, "linear", spacing="linspace", offset=0)
    ours = {"betas": "cosine", "spacing": "trailing", "zero_snr": True}
    back, predicts = read_schedule(hub.schedule_as_theirs(ours, "v"))
    assert (Schedule(**back), predicts) == (Schedule(**ours), "v")
    with pytest.raises(ValueError, match="'sigmoid' betas"):
        read_schedule({"beta_schedule": "sigmoid"})


def changed(folder: Path, place: Path, name: str, **values: object) -> Path:
    """A copy of the folder with other values in one of its JSON files."""
    shutil.copytree(folder, place)
    head = json.loads((place / name).read_text())
    (place / name).write_text(json.dumps(head | values))
    return place


def test_what_cannot_be_opened_is_refused_with_the_reason(folder: Path, tmp_path: Path):
    sd = folder / "sd"
    refusals = {
        "holds a StableDiffusionXLPipeline": ("model_index.json", {"_class_name": "StableDiffusionXLPipeline"}),
        "its addition_embed_type is 'text_time'": ("unet/config.json", {"addition_embed_type": "text_time"}),
        "holds a UNet1DModel": ("unet/config.json", {"_class_name": "UNet1DModel"}),
        "conv_in.weight is": ("unet/config.json", {"in_channels": 9}),
        "it lacks": ("unet/config.json", {"layers_per_block": 2}),
        "holds a VQModel": ("vae/config.json", {"_class_name": "VQModel"}),
        "only CLIPTextModel": ("text_encoder/config.json", {"architectures": ["T5EncoderModel"]}),
    }
    for k, (words, (name, values)) in enumerate(refusals.items()):
        with pytest.raises(ValueError, match=words):
            opened(changed(sd, tmp_path / str(k), name, **values))
    ours, wrong = opened(sd), changed(folder / "adapter", tmp_path / "wrong", "config.json", motion_norm_num_groups=4)
    with pytest.raises(ValueError, match="motion_norm_num_groups is 4, not 8"):
        animated(ours.unet, wrong)
    tuned = Published(UNet(UNetConfig(), TuneAVideoPlan()), ours.codec, None, {})
    with pytest.raises(ValueError, match="plan TuneAVideoPlan"):
        written(tuned, tmp_path / "no")
    with pytest.raises(ValueError, match="there already"):
        written(ours, sd)
    assert not [*tmp_path.glob(".partial-*")]


def test_a_name_on_the_hub_is_fetched_without_code_or_pickles(folder: Path, monkeypatch: pytest.MonkeyPatch):
    hub_client = pytest.importorskip("huggingface_hub", reason="names on the Hub need huggingface_hub")
    calls = []

    def download(name: str, *, allow_patterns: list[str]) -> str:
        calls.append((name, allow_patterns))
        return str(folder / "sd")

    monkeypatch.setattr(hub_client, "snapshot_download", download)
    assert opened("somebody/some-model").unet.plan == Plan()
    name, patterns = calls[0]
    assert name == "somebody/some-model"
    assert all(p.endswith((".json", "merges.txt", ".safetensors")) for p in patterns)
    located("somebody/some-model", "fp16")
    assert {"unet/diffusion_pytorch_model.safetensors", "unet/diffusion_pytorch_model-*.safetensors"} <= {*patterns}
    assert not any(p.startswith("*") and p != "*.json" for p in patterns), "checkpoints of other layouts lie beside"
    assert "unet/diffusion_pytorch_model.fp16.safetensors" in calls[1][1]
    assert "unet/diffusion_pytorch_model.safetensors" not in calls[1][1]
    for wrong in ("nobody", "../somewhere/else", "a/b/c", "/no/such/folder"):
        with pytest.raises(ValueError, match="there is no folder"):
            located(wrong)
    assert len(calls) == 2
