"""Tiny random folders as diffusers writes them: Stable Diffusion, ModelScope, a motion adapter."""

from pathlib import Path

import diffusers
import torch
import transformers
from tokenizers import pre_tokenizers
from torch import Tensor, nn

UNET = {
    "block_out_channels": (16, 32), "layers_per_block": 1, "cross_attention_dim": 24, "norm_num_groups": 8,
    "sample_size": 8,
}  # fmt: skip


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def stirred(module: nn.Module) -> nn.Module:
    """The module with every weight moved: none is zero, none is one."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in module.parameters():
            p.add_(torch.randn(p.shape, generator=generator), alpha=0.05)
    return module.eval()


def shared() -> dict:
    """Text encoder, tokenizer, codec and scheduler of a tiny pipeline."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*letters, *(c + "</w>" for c in letters), "be", "bea", "bear</w>", "<|startoftext|>", "<|endoftext|>"]
    vocab, merges = {word: i for i, word in enumerate(words)}, [("b", "e"), ("be", "a"), ("bea", "r</w>")]
    torch.manual_seed(0)
    text = transformers.CLIPTextModel(
        transformers.CLIPTextConfig(
            vocab_size=len(vocab), hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
            eos_token_id=vocab["<|endoftext|>"], bos_token_id=vocab["<|startoftext|>"],
        )
    )  # fmt: skip
    codec = diffusers.AutoencoderKL(
        block_out_channels=(8, 8), layers_per_block=1, norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    )  # fmt: skip
    scheduler = diffusers.DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False,
        steps_offset=1,
    )  # fmt: skip
    tokenizer = transformers.CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=77)
    return {"text_encoder": stirred(text), "tokenizer": tokenizer, "vae": stirred(codec), "scheduler": scheduler}


def unet2d(**changes: object) -> nn.Module:
    blocks = ("CrossAttnDownBlock2D", "DownBlock2D"), ("UpBlock2D", "CrossAttnUpBlock2D")
    given = {"attention_head_dim": 2, "down_block_types": blocks[0], "up_block_types": blocks[1]} | UNET | changes
    return stirred(diffusers.UNet2DConditionModel(**given))


def stable_diffusion(**changes: object):
    return diffusers.StableDiffusionPipeline(
        **shared(), unet=unet2d(**changes), safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )


def modelscope():
    from diffusers import TextToVideoSDPipeline

    unet = diffusers.UNet3DConditionModel(
        **UNET, down_block_types=("CrossAttnDownBlock3D", "DownBlock3D"), attention_head_dim=8,
        up_block_types=("UpBlock3D", "CrossAttnUpBlock3D"),
    )  # fmt: skip
    return TextToVideoSDPipeline(**shared(), unet=stirred(unet))


def adapter() -> nn.Module:
    return stirred(
        diffusers.MotionAdapter(
            block_out_channels=(16, 32), motion_layers_per_block=1, motion_num_attention_heads=4,
            motion_norm_num_groups=8, motion_max_seq_length=6,
        )
    )  # fmt: skip


def folders(place: Path) -> Path:
    """A Stable Diffusion folder, a ModelScope folder and an adapter below `place`."""
    stable_diffusion().save_pretrained(place / "sd")
    modelscope().save_pretrained(place / "modelscope")
    adapter().save_pretrained(place / "adapter")
    return place
