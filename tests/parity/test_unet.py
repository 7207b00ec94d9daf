"""One UNet against diffusers' three, and its frame attention against Text2Video-Zero's, on the same random weights."""

import pytest
import torch
from torch import Tensor, nn

from kineograph.condition import Condition
from kineograph.hub import named_as_ours
from kineograph.models.temporal import AnimateDiffPlan, ModelScopePlan, Plan, first
from kineograph.models.unet import UNet, UNetConfig

diffusers = pytest.importorskip("diffusers", reason="parity is measured against diffusers")
tiny = pytest.importorskip("tiny_diffusers", reason="its folders hold a text encoder of transformers")
normal, stirred = tiny.normal, tiny.stirred

SHAPE = {
    "in_channels": 4, "out_channels": 4, "block_out_channels": (16, 32), "layers_per_block": 1,
    "cross_attention_dim": 24, "norm_num_groups": 8,
}  # fmt: skip


def ours(theirs: nn.Module, plan: Plan, **changes: object) -> UNet:
    config = {"widths": (16, 32), "attends": (True, False), "heads": (2, 2), "context_dim": 24, "groups": 8}
    net = UNet(UNetConfig(**(config | changes)), plan)
    net.load_state_dict(named_as_ours(theirs.state_dict()))
    return net.eval()


def apart(net: UNet, theirs: nn.Module, out: Tensor, x: Tensor, t: Tensor, text: Tensor, **more: object) -> float:
    with torch.no_grad():
        assert out.std() > 0.1
        return (net(x, t, Condition(tokens=text), **more) - out).abs().max().item()


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("size", [(8, 8), (7, 10)])
def test_the_unet_of_stable_diffusion(linear: bool, size: tuple[int, int]):
    blocks = {
        "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    }
    shape = SHAPE | {"block_out_channels": (16, 32, 32), "layers_per_block": 2}
    heads = (1, 2, 4) if linear else (2, 2, 2)
    theirs = diffusers.UNet2DConditionModel(
        **shape, **blocks, attention_head_dim=heads if linear else 2, use_linear_projection=linear
    )
    stirred(theirs)
    net = ours(theirs, Plan(), widths=(16, 32, 32), attends=(True, True, False), heads=heads, depth=2)
    x, t, text = normal(2, 3, 4, *size), torch.tensor([7, 900]), normal(2, 5, 24, seed=2)
    with torch.no_grad():
        flat = theirs(x.flatten(0, 1), t.repeat_interleave(3), text.repeat_interleave(3, 0)).sample
    assert apart(net, theirs, flat.unflatten(0, (2, 3)), x, t, text) <= 1e-5


def test_the_unet_of_modelscope():
    theirs = diffusers.UNet3DConditionModel(
        **SHAPE, down_block_types=("CrossAttnDownBlock3D", "DownBlock3D"), attention_head_dim=8,
        up_block_types=("UpBlock3D", "CrossAttnUpBlock3D"),
    )  # fmt: skip
    stirred(theirs)
    net = ours(theirs, ModelScopePlan(), heads=(2, 4))
    x, t, text = normal(2, 3, 4, 8, 8), torch.tensor([7, 900]), normal(2, 5, 24, seed=2)
    with torch.no_grad():
        out = theirs(x.transpose(1, 2), t, text).sample.transpose(1, 2)
    assert apart(net, theirs, out, x, t, text) <= 1e-5


@pytest.mark.parametrize("middle", [False, True])
def test_the_unet_of_animatediff(middle: bool):
    theirs = diffusers.UNetMotionModel(
        **SHAPE, down_block_types=("CrossAttnDownBlockMotion", "DownBlockMotion"), num_attention_heads=2,
        up_block_types=("UpBlockMotion", "CrossAttnUpBlockMotion"), motion_num_attention_heads=4,
        motion_max_seq_length=6, use_motion_mid_block=middle,
    )  # fmt: skip
    stirred(theirs)
    net = ours(theirs, AnimateDiffPlan(heads=4, positions=6, middle=middle))
    x, t, text = normal(2, 6, 4, 8, 8), torch.tensor([7, 900]), normal(2, 5, 24, seed=2)
    with torch.no_grad():
        out = theirs(x.transpose(1, 2), t, text.repeat_interleave(6, 0)).sample.transpose(1, 2)
    assert apart(net, theirs, out, x, t, text) <= 1e-5


def test_looking_at_the_first_frame_as_text2video_zero_does():
    from diffusers.pipelines.deprecated.text_to_video_synthesis import pipeline_text_to_video_zero as zero

    theirs = diffusers.UNet2DConditionModel(
        **SHAPE, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), attention_head_dim=2,
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    )  # fmt: skip
    stirred(theirs)
    x, t, text = normal(2, 3, 4, 8, 8), torch.tensor([40, 40]), normal(2, 5, 24, seed=2)
    for processor in (zero.CrossFrameAttnProcessor, zero.CrossFrameAttnProcessor2_0):
        theirs.set_attn_processor(processor(batch_size=2))
        with torch.no_grad():
            flat = theirs(x.flatten(0, 1), 40, text.repeat_interleave(3, 0)).sample
        assert apart(ours(theirs, Plan()), theirs, flat.unflatten(0, (2, 3)), x, t, text, look=first) <= 1e-5
