"""The movement of Text2Video-Zero's latents against diffusers' (its attention is in test_unet)."""

import pytest
import torch

from kineograph.geometry import shifted
from kineograph.systems.text2video_zero import Text2VideoZeroOptions, cells

diffusers = pytest.importorskip("diffusers", reason="parity is measured against diffusers")


@pytest.mark.parametrize("size", [(64, 64), (8, 8), (48, 64)])
@pytest.mark.parametrize("strength", [(12.0, 12.0), (8.0, -20.0), (64.0, 0.0)])
def test_frames_are_moved_as_there(size: tuple[int, int], strength: tuple[float, float]):
    from diffusers.pipelines.deprecated.text_to_video_synthesis import pipeline_text_to_video_zero as zero

    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(1, 4, *size, generator=generator).expand(6, -1, -1, -1).contiguous()
    theirs = zero.create_motion_field_and_warp_latents(*strength, frame_ids=list(range(1, 7)), latents=latents)
    x, y = strength
    options = Text2VideoZeroOptions("a bear", motion_field_strength_x=x, motion_field_strength_y=y)
    ours = torch.stack([shifted(latents[0], *cells(k, latents, options)) for k in range(1, 7)])
    assert not torch.equal(theirs, latents)
    assert torch.equal(ours, theirs)
