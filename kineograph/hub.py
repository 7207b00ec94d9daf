"""Published systems, opened and written in diffusers' layout: Stable Diffusion 1 and 2, ModelScope, AnimateDiff.

    folder/  model_index.json   unet/  vae/  text_encoder/: config.json, *.safetensors   tokenizer/   scheduler/

Only JSON, text and safetensors are read, and nothing of them is run. A name of the form owner/name that is no folder
here is fetched through huggingface_hub, if that is installed.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kineograph.models.autoencoder import AutoencoderConfig, KLAutoencoder
from kineograph.models.clip_text import CLIPText, CLIPTextConfig, read_tokenizer, write_tokenizer
from kineograph.models.temporal import AnimateDiffPlan, ModelScopePlan, Plan
from kineograph.models.unet import UNet, UNetConfig
from kineograph.models.weights import building, filled, read_json, read_tensors, write_json, write_part

DIFFUSERS, TRANSFORMERS = "diffusion_pytorch_model", "model"  # how weight files are called
PLANS = {"UNet2DConditionModel": Plan, "UNet3DConditionModel": ModelScopePlan}
PIPELINES = {
    Plan: "StableDiffusionPipeline", ModelScopePlan: "TextToVideoSDPipeline", AnimateDiffPlan: "AnimateDiffPipeline"
}  # fmt: skip
BETAS = {"linear": "linear", "scaled_linear": "scaled_linear", "squaredcos_cap_v2": "cosine"}
PREDICTIONS = {"epsilon": "noise", "v_prediction": "v", "sample": "x0"}
LEADING = ("DDIMScheduler", "DDPMScheduler", "PNDMScheduler")  # of the spacing, where a scheduler's file names none
COMMON = {  # what all UNets of the family have alike; a file that says otherwise is of another family
    "act_fn": "silu", "flip_sin_to_cos": True, "freq_shift": 0, "only_cross_attention": False,
    "dual_cross_attention": False, "class_embed_type": None, "addition_embed_type": None, "encoder_hid_dim": None,
    "time_embedding_type": "positional", "resnet_time_scale_shift": "default", "transformer_layers_per_block": 1,
    "mid_block_type": "UNetMidBlock2DCrossAttn", "conv_in_kernel": 3, "conv_out_kernel": 3, "downsample_padding": 1,
    "mid_block_scale_factor": 1, "time_cond_proj_dim": None, "num_class_embeds": None, "attention_type": "default",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Published:
    """The parts of a published system; schedule: the fields of processes.diffusion.Schedule, predicts: Diffusion's."""

    unet: UNet
    codec: KLAutoencoder
    text: CLIPText | None
    schedule: dict[str, Any]
    predicts: str = "noise"


def published(name: str | Path) -> bool:
    """Whether a name says a folder in diffusers' layout, or no folder here but perhaps one on the Hub."""
    there = Path(name)
    return (there / "model_index.json").is_file() or ("/" in str(name) and not there.exists())


def opened(
    name: str | Path, *, variant: str = "", dtype: torch.dtype = torch.float32, motion: bool = True
) -> Published:
    """A published system from a folder or from the Hub; variant: "fp16" where a folder holds its weights so.

    motion: of AnimateDiff, with its motion modules; without them it is the image system they animate.
    """
    folder = located(name, variant)
    kind = read_json(folder / "model_index.json").get("_class_name")
    if kind not in PIPELINES.values():
        raise ValueError(f"{folder} holds a {kind}; {', '.join(PIPELINES.values())} can be opened")
    unet = open_unet(folder / "unet", variant=variant, dtype=dtype)
    if motion and (folder / "motion_adapter").is_dir():
        unet = animated(unet, folder / "motion_adapter", variant=variant)
    schedule, predicts = read_schedule(read_json(folder / "scheduler" / "scheduler_config.json"))
    codec = open_codec(folder / "vae", variant=variant, dtype=dtype)
    text = open_text(folder, variant=variant, dtype=dtype) if (folder / "text_encoder").is_dir() else None
    return Published(unet, codec, text, schedule, predicts)


def written(published: Published, folder: str | Path) -> Path:
    """Writes a system so that diffusers' DiffusionPipeline.from_pretrained opens it."""
    unet, text = published.unet, published.text
    if not isinstance(published.codec, KLAutoencoder) or not isinstance(text, CLIPText | None):
        kinds = f"{type(published.codec).__name__} and {type(text).__name__}"
        raise ValueError(f"diffusers' pipelines have AutoencoderKL and CLIP's text encoder; these are {kinds}")
    if type(unet.plan) not in PIPELINES:
        raise ValueError(f"diffusers knows no system with the plan {type(unet.plan).__name__}")
    head: dict[str, Any] = {"_class_name": PIPELINES[type(unet.plan)], "_diffusers_version": "0.30.0"}
    head |= {"scheduler": ["diffusers", "DDIMScheduler"], "vae": ["diffusers", "AutoencoderKL"]}
    head["text_encoder"] = ["transformers", "CLIPTextModel"] if text else [None, None]
    head["tokenizer"] = ["transformers", "CLIPTokenizer"] if text else [None, None]
    head["unet"] = [
        "diffusers",
        "UNet3DConditionModel" if type(unet.plan) is ModelScopePlan else "UNet2DConditionModel",
    ]
    if type(unet.plan) is Plan:
        head |= {"safety_checker": [None, None], "feature_extractor": [None, None], "requires_safety_checker": False}
    with building(folder) as place:
        if type(unet.plan) is AnimateDiffPlan:
            head |= {"motion_adapter": ["diffusers", "MotionAdapter"], "feature_extractor": [None, None]}
            write_adapter(unet, place / "motion_adapter")
        write_unet(unet, place / "unet")
        write_codec(published.codec, place / "vae")
        schedule = schedule_as_theirs(published.schedule, published.predicts)
        write_json(place / "scheduler" / "scheduler_config.json", schedule)
        if text is not None:
            write_text(text, place)
        write_json(place / "model_index.json", head)
    return Path(folder)


def located(name: str | Path, variant: str = "") -> Path:
    """The folder itself, or the local copy of what the Hub holds under owner/name."""
    folder = Path(name)
    if folder.is_dir():
        return folder
    if not isinstance(name, str) or not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name):
        raise ValueError(f"there is no folder {name}; a name on the Hub is owner/name")
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ImportError(f"to fetch {name} from the Hub: pip install huggingface_hub") from error
    stems = [f"{part}{DIFFUSERS}" for part in ("", "unet/", "vae/", "motion_adapter/")] + [
        f"text_encoder/{TRANSFORMERS}"
    ]
    endings = (
        (f".{variant}.safetensors", f".{variant}-*.safetensors") if variant else (".safetensors", "-*.safetensors")
    )
    weights = [stem + ending for stem in stems for ending in endings]
    return Path(snapshot_download(name, allow_patterns=["*.json", "tokenizer/merges.txt", *weights]))


def read_schedule(config: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """A scheduler's file as the fields of our Schedule, and what the network predicts."""
    kind, betas = config.get("_class_name", ""), config.get("beta_schedule", "linear")
    predicts = config.get("prediction_type", "epsilon")
    if betas not in BETAS or predicts not in PREDICTIONS or config.get("trained_betas") is not None:
        raise ValueError(f"this schedule is not known: {betas!r} betas, {predicts!r} predicted")
    ends_clean = config.get("set_alpha_to_one", kind != "PNDMScheduler")
    schedule = {
        "steps": config.get("num_train_timesteps", 1000), "start": config.get("beta_start", 1e-4),
        "end": config.get("beta_end", 0.02), "betas": BETAS[betas],
        "zero_snr": config.get("rescale_betas_zero_snr", False), "offset": config.get("steps_offset", 0),
        "spacing": config.get("timestep_spacing", "leading" if kind in LEADING else "linspace"),
        "stop": -1 if ends_clean else 0,
    }  # fmt: skip
    return schedule, PREDICTIONS[predicts]


def schedule_as_theirs(schedule: dict[str, Any], predicts: str) -> dict[str, Any]:
    """The file of diffusers' DDIMScheduler; fields that are missing have Schedule's defaults."""
    full = {"steps": 1000, "start": 0.00085, "end": 0.012, "betas": "scaled_linear", "zero_snr": False}
    full |= {"spacing": "leading", "offset": 1, "stop": -1} | schedule
    return {
        "_class_name": "DDIMScheduler", "num_train_timesteps": full["steps"], "beta_start": full["start"],
        "beta_end": full["end"], "beta_schedule": {ours: theirs for theirs, ours in BETAS.items()}[full["betas"]],
        "rescale_betas_zero_snr": full["zero_snr"], "timestep_spacing": full["spacing"], "clip_sample": False,
        "steps_offset": full["offset"], "set_alpha_to_one": full["stop"] == -1,
        "prediction_type": {ours: theirs for theirs, ours in PREDICTIONS.items()}[predicts],
    }  # fmt: skip


# The parts


def open_unet(folder: Path, *, variant: str = "", dtype: torch.dtype = torch.float32) -> UNet:
    config = read_json(folder / "config.json")
    plan, kind = PLANS.get(config.get("_class_name", "")), config.get("_class_name")
    if plan is None:
        raise ValueError(f"{folder} holds a {kind}; {', '.join(PLANS)} can be opened")
    for name, value in COMMON.items():
        if (given := config.get(name, value)) != value:
            raise ValueError(f"{folder} is a UNet of another family: its {name} is {given!r}, not {value!r}")
    widths = tuple(config["block_out_channels"])
    number = config.get("num_attention_heads") or config.get("attention_head_dim", 8)
    per_level = tuple(number) if isinstance(number, list) else (number,) * len(widths)  # heads, whatever the name says
    attends = tuple("CrossAttn" in block for block in config["down_block_types"])
    if attends[::-1] != tuple("CrossAttn" in block for block in config["up_block_types"]):
        raise ValueError(f"{folder} is a UNet of another family: its way up does not mirror its way down")
    heads = tuple(w // n for w, n in zip(widths, per_level, strict=True)) if plan is ModelScopePlan else per_level
    ours = UNetConfig(
        config.get("in_channels", 4), config.get("out_channels", 4), widths, attends, heads,
        config.get("layers_per_block", 2), config["cross_attention_dim"], 0, config.get("norm_num_groups", 32),
        config.get("norm_eps", 1e-5),
    )  # fmt: skip
    tensors = named_as_ours(read_tensors(folder, DIFFUSERS, variant))
    return filled(lambda: UNet(ours, plan()), tensors, folder, dtype)


def write_unet(unet: UNet, folder: Path) -> None:
    """A UNet with its plan's layers; of an AnimateDiff UNet the image part, for the rest is an adapter's."""
    c, space = unet.config, type(unet.plan) is ModelScopePlan
    dims = "3D" if space else "2D"
    down = [f"{'CrossAttn' * attends}DownBlock{dims}" for attends in c.attends]
    up = [f"{'CrossAttn' * attends}UpBlock{dims}" for attends in reversed(c.attends)]
    head = {"_class_name": f"UNet{dims}ConditionModel", "in_channels": c.in_channels, "out_channels": c.out_channels}
    head |= {"block_out_channels": c.widths, "down_block_types": down, "up_block_types": up, "norm_eps": c.eps}
    head |= {"layers_per_block": c.depth, "cross_attention_dim": c.context_dim, "norm_num_groups": c.groups}
    if space:
        dim = c.widths[0] // c.heads[0]
        if any(width != dim * heads for width, heads in zip(c.widths, c.heads, strict=True)):
            raise ValueError(f"diffusers' 3-D UNet has heads of one size; these are {c.heads} of widths {c.widths}")
        head["attention_head_dim"] = dim
    else:
        head |= {"attention_head_dim": c.heads, "use_linear_projection": True}
    tensors = unet.state_dict()
    if type(unet.plan) is AnimateDiffPlan:
        tensors = {name: x for name, x in tensors.items() if ".temp_attentions." not in name}
    write_part(folder, DIFFUSERS, head, tensors)


def named_as_ours(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """A UNet's tensors under our names: motion modules are temporal attentions, 1 x 1 convolutions are linear."""
    ours = {}
    for name, x in tensors.items():
        if name.endswith("pos_embed.pe"):
            continue
        linear = x.ndim == 4 and (".proj_in." in name or ".proj_out." in name)
        ours[name.replace(".motion_modules.", ".temp_attentions.")] = x[:, :, 0, 0] if linear else x
    return ours


def animated(image: UNet, name: str | Path, *, variant: str = "") -> UNet:
    """An image UNet with the motion modules of an AnimateDiff adapter, from a folder or from the Hub."""
    folder, shape = located(name, variant), image.config
    config = read_json(folder / "config.json")
    if (kind := config.get("_class_name")) != "MotionAdapter":
        raise ValueError(f"{folder} holds a {kind}, not a MotionAdapter")
    wanted = {
        "block_out_channels": list(shape.widths), "motion_layers_per_block": shape.depth, "conv_in_channels": None,
        "motion_norm_num_groups": shape.groups, "motion_mid_block_layers_per_block": 1,
        "motion_transformer_layers_per_block": 1, "motion_transformer_layers_per_mid_block": 1,
    }  # fmt: skip
    for field, value in wanted.items():
        if (given := config.get(field, value)) != value:
            raise ValueError(f"{folder} does not fit this UNet: its {field} is {given}, not {value}")
    heads, length = config.get("motion_num_attention_heads", 8), config.get("motion_max_seq_length", 32)
    if not isinstance(heads, int):
        raise ValueError(f"{folder} has motion modules with heads of {heads}; only one number for all can be opened")
    plan = AnimateDiffPlan(heads, length, config.get("use_motion_mid_block", True))
    tensors = image.state_dict() | named_as_ours(read_tensors(folder, DIFFUSERS, variant))
    return filled(lambda: UNet(shape, plan), tensors, folder, image.dtype).to(image.conv_in.weight.device)


def write_adapter(unet: UNet, folder: Path) -> None:
    """The motion modules of an AnimateDiff UNet as diffusers' MotionAdapter."""
    plan, c = unet.plan, unet.config
    if not isinstance(plan, AnimateDiffPlan):
        raise ValueError(f"only AnimateDiff's layers are an adapter; these are {type(plan).__name__}'s")
    head = {"_class_name": "MotionAdapter", "block_out_channels": c.widths, "motion_layers_per_block": c.depth}
    head |= {"motion_num_attention_heads": plan.heads, "motion_max_seq_length": plan.positions}
    head |= {"motion_norm_num_groups": c.groups, "use_motion_mid_block": plan.middle}
    new = {k: x for k, x in unet.state_dict().items() if ".temp_attentions." in k}
    write_part(folder, DIFFUSERS, head, {k.replace(".temp_attentions.", ".motion_modules."): x for k, x in new.items()})


def open_codec(folder: Path, *, variant: str = "", dtype: torch.dtype = torch.float32) -> KLAutoencoder:
    config = read_json(folder / "config.json")
    kind = config.get("_class_name")
    if kind != "AutoencoderKL" or not config.get("use_quant_conv", True) or not config.get("use_post_quant_conv", True):
        raise ValueError(f"{folder} holds a {kind} that cannot be opened; only AutoencoderKL with quant_conv can")
    ours = AutoencoderConfig(
        config["latent_channels"], tuple(config["block_out_channels"]), config.get("layers_per_block", 1),
        config.get("norm_num_groups", 32), config.get("mid_block_add_attention", True),
        config.get("scaling_factor", 0.18215), config.get("shift_factor") or 0.0,
    )  # fmt: skip
    old = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
    tensors = {}
    for name, x in read_tensors(folder, DIFFUSERS, variant).items():
        *path, last, kind = name.split(".")
        tensors[".".join([*path, old.get(last, last), kind])] = x[:, :, 0, 0] if last in old and x.ndim == 4 else x
    return filled(lambda: KLAutoencoder(ours), tensors, folder, dtype)


def write_codec(codec: KLAutoencoder, folder: Path) -> None:
    c, levels = codec.config, len(codec.config.widths)
    head = {"_class_name": "AutoencoderKL", "latent_channels": c.channels, "block_out_channels": c.widths}
    head |= {"layers_per_block": c.depth, "norm_num_groups": c.groups, "mid_block_add_attention": c.attends}
    head |= {"down_block_types": ["DownEncoderBlock2D"] * levels, "up_block_types": ["UpDecoderBlock2D"] * levels}
    head |= {"scaling_factor": c.scale, "shift_factor": c.shift or None}
    write_part(folder, DIFFUSERS, head, codec.state_dict())


def open_text(folder: Path, *, variant: str = "", dtype: torch.dtype = torch.float32) -> CLIPText:
    config = read_json(folder / "text_encoder" / "config.json")
    if (kind := config.get("architectures")) not in (None, ["CLIPTextModel"]):
        raise ValueError(f"{folder / 'text_encoder'} holds a {kind}; only CLIPTextModel can be opened")
    ours = CLIPTextConfig(
        config["vocab_size"], config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"],
        config["num_attention_heads"], config.get("max_position_embeddings", 77),
        config.get("hidden_act", "quick_gelu"), config.get("layer_norm_eps", 1e-5),
    )  # fmt: skip
    tokenizer, padding = read_tokenizer(folder / "tokenizer")
    tensors = read_tensors(folder / "text_encoder", TRANSFORMERS, variant)
    tensors = {k.removeprefix("text_model."): x for k, x in tensors.items() if not k.endswith("position_ids")}
    return filled(lambda: CLIPText(ours, tokenizer, padding=padding), tensors, folder / "text_encoder", dtype)


def write_text(text: CLIPText, folder: Path) -> None:
    c = text.config
    head = {"architectures": ["CLIPTextModel"], "model_type": "clip_text_model", "vocab_size": c.words}
    head |= {
        "hidden_size": c.dim,
        "intermediate_size": c.hidden,
        "num_hidden_layers": c.depth,
        "hidden_act": c.activation,
    }
    head |= {"num_attention_heads": c.heads, "max_position_embeddings": c.length, "layer_norm_eps": c.eps}
    head |= {"pad_token_id": text.filler, "eos_token_id": text.end}
    tensors = {f"text_model.{name}": x for name, x in text.state_dict().items()}
    write_part(folder / "text_encoder", TRANSFORMERS, head, tensors)
    write_tokenizer(text.tokenizer, text.padding, folder / "tokenizer", length=c.length)
