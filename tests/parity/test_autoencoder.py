"""Our image codecs against diffusers', on the same random weights."""

import pytest
import torch
from torch import Tensor, nn

from kineograph.models.autoencoder import AutoencoderConfig, KLAutoencoder, VQAutoencoder

diffusers = pytest.importorskip("diffusers", reason="parity is measured against diffusers")

SHAPE = {
    "block_out_channels": (8, 16, 16), "layers_per_block": 2, "latent_channels": 4, "norm_num_groups": 4,
    "down_block_types": ("DownEncoderBlock2D",) * 3, "up_block_types": ("UpDecoderBlock2D",) * 3,
}  # fmt: skip
CONFIG = {"widths": (8, 16, 16), "depth": 2, "channels": 4, "groups": 4}
VIDEO = torch.rand(2, 3, 3, 16, 24, generator=torch.Generator().manual_seed(0)) * 2 - 1


def stirred(module: nn.Module, by: float = 0.05) -> nn.Module:
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in module.parameters():
            p.add_(torch.randn(p.shape, generator=generator), alpha=by)
    return module.eval()


@pytest.mark.parametrize("attends", [True, False])
@torch.no_grad()
def test_the_kl_codec(attends: bool):
    theirs = stirred(diffusers.AutoencoderKL(**SHAPE, mid_block_add_attention=attends))
    codec = KLAutoencoder(AutoencoderConfig(**CONFIG, attends=attends, scale=0.18215)).eval()
    codec.load_state_dict(theirs.state_dict())
    told = theirs.encode(VIDEO.flatten(0, 1)).latent_dist
    mean, log_variance = codec.moments(VIDEO.flatten(0, 1))
    assert (mean - told.mean).abs().max() <= 1e-5
    assert (log_variance - told.logvar).abs().max() <= 1e-5
    latents = codec.encode(VIDEO)
    assert (latents.flatten(0, 1) - told.mean * 0.18215).abs().max() <= 1e-5
    out = theirs.decode(latents.flatten(0, 1) / 0.18215).sample
    assert out.std() > 0.1
    assert (codec.decode(latents).flatten(0, 1) - out).abs().max() <= 1e-5
    sampled = told.sample(torch.Generator().manual_seed(5)) * 0.18215
    drawn = codec.encode(VIDEO, torch.Generator().manual_seed(5))
    assert (drawn.flatten(0, 1) - sampled).abs().max() <= 1e-5


@pytest.mark.parametrize("code_dim", [0, 3])
@torch.no_grad()
def test_the_vq_codec(code_dim: int):
    theirs = stirred(diffusers.VQModel(**SHAPE, num_vq_embeddings=32, vq_embed_dim=code_dim or None), by=0.2)
    codec = VQAutoencoder(AutoencoderConfig(**CONFIG, codes=32, code_dim=code_dim)).eval()
    codec.load_state_dict(theirs.state_dict())
    told = theirs.encode(VIDEO.flatten(0, 1)).latents
    tokens: Tensor = codec.encode(VIDEO)
    assert tokens.shape == (2, 3, 4, 6)
    assert len(tokens.unique()) > 1
    assert torch.equal(tokens.flatten(), theirs.quantize(told)[2][2])
    assert (codec.decode(tokens).flatten(0, 1) - theirs.decode(told).sample).abs().max() <= 1e-5
