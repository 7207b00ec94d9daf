from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from kineograph.clip import Clip
from kineograph.evaluation import features
from kineograph.evaluation.features import I3D, Inception, RandomFeatures, Read, VideoMAE, extract
from kineograph.evaluation.frechet import measure
from kineograph.evaluation.labels import Reader


class Detector(nn.Module):
    """Has the signature of the published I3D, and tells what it was given."""

    def forward(self, x: Tensor, rescale: bool = True, resize: bool = True, return_features: bool = False) -> Tensor:
        y = x.float()
        flags = torch.tensor([float(rescale), float(resize), float(return_features), float(x.dtype == torch.uint8)])
        return torch.cat([y.mean((2, 3, 4)), y.amin((1, 2, 3, 4))[:, None], flags.expand(len(x), 4)], 1)


class Pictures(nn.Module):
    """Has the signature of the published Inception."""

    def forward(self, x: Tensor, return_features: bool = False) -> Tensor:
        assert return_features
        return x.float().mean((2, 3))


@pytest.fixture
def script(tmp_path):
    def write(module: nn.Module) -> Path:
        torch.jit.script(module).save(str(tmp_path / "network.pt"))
        return tmp_path / "network.pt"

    return write


def clips(count: int, *, frames: int = 16, height: int = 24, width: int = 32, seed: int = 0) -> list[tuple[str, Clip]]:
    rng = torch.Generator().manual_seed(seed)
    videos = torch.randint(0, 256, (count, frames, 3, height, width), generator=rng, dtype=torch.uint8)
    return [(f"clip {i}", Clip(video)) for i, video in enumerate(videos)]


def test_stylegan_v_gives_bytes_and_lets_the_network_resize(script):
    some = clips(3, frames=20)
    extractor = I3D(script(Detector()))
    got = extract(extractor, some, batch=2)
    wanted = torch.stack([clip.frames[:16].float().mean((0, 2, 3)) for _, clip in some])
    assert got.shape == (3, 8)
    torch.testing.assert_close(got[:, :3], wanted)
    assert got[0, 4:].tolist() == [1, 1, 1, 1]  # rescale, resize, return_features, bytes
    assert extractor.name == "FVD (I3D, stylegan-v, 16 frames)"
    assert extractor.biased


def test_videogpt_resizes_and_rescales_before(script):
    got = extract(I3D(script(Detector()), "videogpt", frames=10), clips(2, frames=10))
    assert got[0, 4:].tolist() == [0, 0, 1, 0]
    assert -1 <= float(got[:, 3].min()) < 0


@pytest.mark.parametrize(("height", "width"), [(24, 33), (33, 24), (16, 16)])
def test_videogpt_keeps_the_middle_and_the_shape_of_things(height: int, width: int):
    frames = torch.zeros(1, 1, 3, height, width, dtype=torch.uint8)
    top, left = (height - min(height, width)) // 2, (width - min(height, width)) // 2
    frames[..., top : top + 16, left : left + 16] = 255
    out = features.videogpt(frames, 48)
    assert out.shape == (1, 3, 1, 48, 48)
    assert float(out.min()) >= -1
    assert float(out.max()) == 1
    assert float(out[0, 0, 0, 20, 20]) == 1
    same = torch.full((1, 2, 3, height, width), 51, dtype=torch.uint8)
    assert torch.allclose(features.videogpt(same, 48), torch.tensor(-0.6))


@pytest.mark.parametrize(("height", "width"), [(40, 56), (56, 40), (32, 32), (20, 71)])
def test_videomae_sees_what_its_processor_shows(height: int, width: int, tmp_path):
    transformers = pytest.importorskip("transformers")
    from transformers.models.videomae.image_processing_pil_videomae import VideoMAEImageProcessorPil

    frames = clips(1, frames=4, height=height, width=width)[0][1].frames
    mean, deviation = features.IMAGENET  # as in the published models' preprocessor_config.json
    sizes = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    processor = VideoMAEImageProcessorPil(**sizes, image_mean=list(mean), image_std=list(deviation))
    images = list(np.ascontiguousarray(frames.permute(0, 2, 3, 1).numpy()))
    wanted = processor([images], return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(features.videomae(frames[None], 32), wanted, atol=1e-5, rtol=0)

    config = transformers.VideoMAEConfig(
        image_size=32, patch_size=16, num_frames=4, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16,
    )  # fmt: skip
    model = transformers.VideoMAEModel(config).eval()
    model.save_pretrained(tmp_path / "tiny")
    extractor = VideoMAE.load(tmp_path / "tiny")
    with torch.no_grad():
        tokens = model(pixel_values=wanted).last_hidden_state
    got = extract(extractor, [("a", Clip(frames))])
    torch.testing.assert_close(got, tokens.mean(1), atol=1e-5, rtol=1e-4)
    assert extractor.name == "FVD (VideoMAE tiny, 4 frames)"


def test_inception_sees_every_frame(script):
    some = clips(3, frames=5)
    extractor = Inception(script(Pictures()), frames=5)
    got = extract(extractor, some, batch=2)
    assert got.shape == (15, 3)
    assert extractor.rows == 5
    torch.testing.assert_close(got[5:10], some[1][1].frames.float().mean((2, 3)))


def test_the_readers_features_are_what_its_labels_are_made_of():
    reader = Reader.preset("toy")
    extractor = Read(reader)
    some = clips(2, frames=16, height=64, width=64)
    got = extract(extractor, some)
    with torch.no_grad():
        said = torch.cat(reader.network(torch.stack([clip.video for _, clip in some])), 1)
        torch.testing.assert_close(reader.network.heads(got.to(reader.network.heads.weight.dtype)).float(), said)
    assert extractor.name.startswith("World distance (label reader")
    assert not reader.network.heads._forward_pre_hooks


def test_random_features_are_the_same_everywhere_and_see_damage():
    rng = torch.Generator().manual_seed(5)
    smooth = torch.rand(140, 16, 3, 4, 4, generator=rng)[..., :, None, :, None].expand(-1, -1, -1, -1, 4, -1, 4)
    frames = (smooth.flatten(-2).flatten(-3, -2).cumsum(1) * 15).to(torch.uint8)  # it gets lighter
    real, other = (extract(RandomFeatures(), [("c", Clip(f)) for f in some]) for some in frames.split(70))
    again = extract(RandomFeatures(), [("c", Clip(f)) for f in frames[:70]], batch=70)
    torch.testing.assert_close(real, again, atol=1e-5, rtol=1e-4)
    noisy = (frames[70:] + 25 * torch.randn(frames[70:].shape, generator=rng)).clamp(0, 255).to(torch.uint8)
    frozen = frames[70:, :1].expand(-1, 16, -1, -1, -1)
    found = [
        measure(real, extract(RandomFeatures(), [("c", Clip(f)) for f in some]), name="d", resamples=20).value
        for some in (frames[70:], noisy, frozen)
    ]
    assert found[0] == pytest.approx(measure(real, other, name="d", resamples=20).value, rel=1e-3)
    assert min(found[1:]) > 2 * found[0]


def test_clips_of_several_sizes_keep_their_order():
    some = [*clips(2), *clips(1, height=40, seed=1), *clips(2, seed=2)]
    got = extract(RandomFeatures(), some)
    alone = torch.cat([extract(RandomFeatures(), [one]) for one in some])
    torch.testing.assert_close(got, alone, atol=1e-5, rtol=1e-4)


def test_features_that_are_not_numbers_name_their_clip():
    class Broken(RandomFeatures):
        def __call__(self, frames: Tensor) -> Tensor:
            out = super().__call__(frames).clone()
            out[frames[:, 0, 0, 0, 0] == 7] = torch.nan
            return out

    some = clips(5)
    some[3][1].frames[0, 0, 0, 0] = 7
    for other in (0, 1, 2, 4):
        some[other][1].frames[0, 0, 0, 0] = 8
    with pytest.raises(ValueError, match="the features of clip 3 are not finite"):
        extract(Broken(), some, batch=2)


def test_bad_input_is_said(tmp_path, script):
    with pytest.raises(ValueError, match=r"no file .*i3d.pt, which FVD needs; it comes from https://www.dropbox"):
        I3D(tmp_path / "i3d.pt")
    (tmp_path / "text.pt").write_text("no network")
    with pytest.raises(
        ValueError, match=r"text.pt is not a TorchScript file, or damaged; FID needs the one from https"
    ):
        Inception(tmp_path / "text.pt")
    path = script(Detector())
    with pytest.raises(ValueError, match="no preprocessing 'tats' for I3D; there are stylegan-v, videogpt"):
        I3D(path, "tats")
    with pytest.raises(ValueError, match="10 frames or more; got 8"):
        I3D(path, frames=8)
    with pytest.raises(ValueError, match="clip 0 has 12 frames; 16 are looked at"):
        extract(I3D(path), clips(1, frames=12))
    with pytest.raises(ValueError, match="no clips"):
        extract(RandomFeatures(), [])
    with pytest.raises(ValueError, match=r"uint8, b t 3 h w; got torch.float32"):
        RandomFeatures()(torch.zeros(1, 16, 3, 8, 8))
    with pytest.raises(ValueError, match="need 5 frames or more; got 4"):
        RandomFeatures(frames=4)
    with pytest.raises(ValueError, match="clips of 4 frames; 16"):
        RandomFeatures()(torch.zeros(1, 4, 3, 8, 8, dtype=torch.uint8))
