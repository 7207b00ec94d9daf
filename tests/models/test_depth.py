"""Depth and pose by networks of transformers, of random weights in folders that it wrote itself."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from kineograph.models.depth import load_depth, load_pose

transformers = pytest.importorskip("transformers", reason="the networks are those of transformers")


def saved(network: nn.Module, folder: Path, size: tuple[int, int]) -> Path:
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.3)  # as made, it sees nothing: deviations are 1e-8
    network.save_pretrained(folder)
    told = {"size": dict(zip(("height", "width"), size, strict=True)), "image_mean": [0.4] * 3, "image_std": [0.2] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(told))
    return folder


@pytest.fixture(scope="module")
def depth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    backbone = transformers.Dinov2Config(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, image_size=28, patch_size=14,
        out_indices=[1, 2, 3, 4], reshape_hidden_states=False, apply_layernorm=True,
    )  # fmt: skip
    config = transformers.DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=16, neck_hidden_sizes=[8] * 4, fusion_hidden_size=8,
        head_hidden_size=8, patch_size=14,
    )  # fmt: skip
    return saved(transformers.DepthAnythingForDepthEstimation(config), tmp_path_factory.mktemp("depth"), (28, 28))


@pytest.fixture(scope="module")
def pose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    backbone = transformers.VitPoseBackboneConfig(
        image_size=[32, 32], patch_size=[16, 16], hidden_size=16, num_hidden_layers=2, num_attention_heads=2
    )
    config = transformers.VitPoseConfig(backbone_config=backbone, num_labels=5, use_simple_decoder=True)
    return saved(transformers.VitPoseForPoseEstimation(config), tmp_path_factory.mktemp("pose"), (32, 32))


def test_depth_is_that_of_transformers_on_prepared_pictures_to_scale_and_shift(depth: Path):
    pictures = torch.rand(2, 3, 28, 28) * 2 - 1
    out = load_depth(depth)(pictures)
    theirs = transformers.DepthAnythingForDepthEstimation.from_pretrained(depth).eval()
    with torch.no_grad():
        wanted = theirs(pixel_values=((pictures + 1) / 2 - 0.4) / 0.2).predicted_depth[:, None]
    assert wanted.std() > 0.1
    wanted = (wanted - wanted.mean((2, 3), keepdim=True)) / wanted.std((2, 3), keepdim=True)
    torch.testing.assert_close(out, wanted, atol=1e-4, rtol=1e-4)


def test_maps_have_a_gradient_to_pictures_of_any_shape_and_weights_have_none(depth: Path, pose: Path):
    for maps, channels in ((load_depth(depth), 1), (load_pose(pose), 5)):
        pictures = (torch.rand(1, 3, 40, 24) * 2 - 1).requires_grad_()
        seen = maps(pictures)
        assert seen.shape[:2] == (1, channels)
        seen.square().mean().backward()
        assert float(pictures.grad.abs().max()) > 0
        assert not any(p.requires_grad for p in maps.parameters())


def test_what_is_no_such_network_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="cannot be loaded"):
        load_depth(tmp_path)
