"""The bricks of UNets give the same whichever of their paths is taken."""

import pytest
import torch
from torch import nn

from kineograph.nn import blocks
from kineograph.nn.blocks import Attention, GroupNorm


@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_the_same_written_out_and_fused(masked: bool, monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(0)
    layer, x, context = Attention(16, 2, 8), torch.randn(3, 5, 16), torch.randn(3, 7, 8)
    mask = torch.arange(7) < torch.tensor([[[[7]]], [[[1]]], [[[4]]]]) if masked else None
    written = layer(x, context, mask)
    with torch.no_grad():
        assert torch.allclose(layer(x, context, mask), written, atol=1e-6)
    monkeypatch.setattr(blocks, "WRITTEN_OUT", 5 * 7 - 1)
    assert torch.allclose(layer(x, context, mask), written, atol=1e-6)
    if masked:
        context[1, 1:], context[2, 4:] = 1e3, -1e3
        assert torch.equal(layer(x, context, mask)[1:], layer(x, context * mask[:, 0, 0, :, None], mask)[1:])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_group_norm_is_torchs(dtype: torch.dtype):
    torch.manual_seed(0)
    theirs, x = nn.GroupNorm(4, 16, eps=1e-4), torch.randn(2, 16, 3, 5).to(dtype)
    nn.init.normal_(theirs.weight)
    nn.init.normal_(theirs.bias)
    ours = GroupNorm(4, 16, eps=1e-4)
    ours.load_state_dict(theirs.state_dict())
    out = ours.to(dtype)(x.contiguous(memory_format=torch.channels_last))
    assert out.dtype == dtype
    wanted = theirs.to(dtype).float()(x.float()).to(dtype)
    assert torch.allclose(out, wanted, atol=1e-6) if dtype == torch.float32 else torch.equal(out, wanted)
