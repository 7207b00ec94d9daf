import copy

import pytest
import torch
from torch import Tensor

from kineograph.models.cosines import Cosines
from kineograph.models.frame_codec import FrameCodec, FrameCodecConfig


@pytest.fixture(scope="module")
def codec() -> FrameCodec:
    torch.manual_seed(0)
    return FrameCodec(FrameCodecConfig()).eval().requires_grad_(False)


def film(b: int = 2, t: int = 3, h: int = 32, w: int = 32, seed: int = 0) -> Tensor:
    return torch.rand(b, t, 3, h, w, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def far(a: Tensor, b: Tensor) -> float:
    return ((a - b).abs().max() / b.std()).item()


@pytest.mark.parametrize(("h", "w"), [(32, 32), (8, 8), (16, 40)])
def test_frames_become_an_eight_times_smaller_grid_and_come_back(codec: FrameCodec, h: int, w: int):
    z = codec.encode(film(h=h, w=w))
    assert z.shape == (2, 3, 4, h // 8, w // 8)
    assert z.dtype == torch.float32
    assert codec.decode(z).shape == (2, 3, 3, h, w)


@pytest.mark.parametrize("encoder", [(), (16, 32)])
def test_with_a_level_less_the_grid_is_four_times_smaller(encoder: tuple[int, ...]):
    config = FrameCodecConfig(4, encoder, (16, 32), (1, 1), (1, 2), text_dim=5)
    codec, video = FrameCodec(config), film(h=8, w=20)
    z = codec.encode(video)
    assert codec.factor == 4
    assert z.shape == (2, 3, 4, 2, 5)
    assert codec.decode(z, torch.zeros(2, 5)).shape == video.shape
    with pytest.raises(ValueError, match="divisible by 4"):
        codec.encode(film(h=8, w=18))


@pytest.mark.parametrize(
    "levels", [{"decoder_widths": (16, 32)}, {"encoder_widths": (16, 32)}, {"decoder_widths": (), "decoder_depths": ()}]
)
def test_levels_that_do_not_agree_are_named(levels: dict):
    with pytest.raises(ValueError, match="encoder and decoder have the same levels; got widths"):
        FrameCodecConfig(**levels)


def test_each_frame_is_coded_as_if_it_were_alone(codec: FrameCodec):
    video = film()
    z = codec.encode(video)
    out = codec.decode(z)
    for b in range(2):
        for t in range(3):
            assert far(codec.encode(video[b : b + 1, t : t + 1])[0, 0], z[b, t]) < 1e-5
            assert far(codec.decode(z[b : b + 1, t : t + 1])[0, 0], out[b, t]) < 1e-5


def test_long_films_are_coded_piece_by_piece(codec: FrameCodec):
    video = film(1, 300, 8, 8)
    z = codec.encode(video)
    assert z.shape == (1, 300, 4, 1, 1)
    assert far(codec.encode(video[:, 250:270]), z[:, 250:270]) < 1e-5
    assert far(codec.decode(z[:, 60:70]), codec.decode(z)[:, 60:70]) < 1e-5


def test_half_precision_stays_near_and_answers_in_float32(codec: FrameCodec):
    low, video = copy.deepcopy(codec).bfloat16(), film()
    z, out = codec.encode(video), codec.decode(codec.encode(video))
    assert low.dtype == torch.bfloat16
    assert low.encode(video).dtype == low.decode(z).dtype == torch.float32
    assert far(low.encode(video), z) < 0.1
    assert far(low.decode(z), out) < 0.1


def test_latents_are_brought_to_mean_zero_and_variance_one(codec: FrameCodec):
    taught, video = copy.deepcopy(codec), film(2, 8, seed=1)
    plain = taught.bottleneck(video.flatten(0, 1))
    for _ in range(500):
        taught.follow(plain)
    z = taught.encode(video)
    assert z.mean((0, 1, 3, 4)).abs().max() < 0.05
    assert (z.std((0, 1, 3, 4)) - 1).abs().max() < 0.05
    assert torch.allclose(taught.decode(z).flatten(0, 1), taught.pixels(plain), atol=1e-4)


def test_learning_keeps_the_statistics_and_they_are_saved(codec: FrameCodec):
    taught = copy.deepcopy(codec)
    taught.loss(film())
    assert taught.mean.any()
    assert not torch.equal(taught.std, torch.ones(4))
    assert {"mean", "std"} <= set(taught.state_dict())
    assert not codec.mean.any()


def test_latents_are_bounded(codec: FrameCodec):
    loud = copy.deepcopy(codec)
    loud.encoder[-1].weight.mul_(1000)
    assert loud.bottleneck(film()[0]).abs().max() <= 4


def test_errors_cost_more_where_something_moves(codec: FrameCodec, monkeypatch: pytest.MonkeyPatch):
    video = torch.zeros(1, 4, 3, 32, 32)
    video[:, ::2, :, 4:12, 4:12] = 1  # a spot that blinks
    costs = []
    for y in (4, 20):
        wrong = video.clone()
        wrong[..., y : y + 8, 4:12] += 0.1
        monkeypatch.setattr(codec, "pixels", lambda z, told, wrong=wrong: wrong.flatten(0, 1))
        costs.append(codec.loss(video).item())
    monkeypatch.setattr(codec, "pixels", lambda z, told: video.flatten(0, 1))
    assert codec.loss(video) == 0
    assert costs[0] > 1.2 * costs[1] > 0


@pytest.mark.parametrize("shape", [(2, 3, 32, 32), (1, 2, 4, 32, 32), (1, 2, 3, 30, 32), (1, 2, 3, 32, 12)])
def test_another_shape_is_named_with_the_one_wanted(codec: FrameCodec, shape: tuple[int, ...]):
    with pytest.raises(
        ValueError, match=r"b t 3 h w with h and w divisible by 8; this is \(" + ", ".join(map(str, shape))
    ):
        codec.encode(torch.zeros(shape))


@pytest.fixture(scope="module")
def reader() -> FrameCodec:
    """A codec of waves whose decoder reads prompts; all its weights are moved a little."""
    torch.manual_seed(0)
    reading = FrameCodec(FrameCodecConfig(encoder_widths=(), text_dim=5)).eval().requires_grad_(False)
    reading.told.weight.normal_()
    reading.decoder[-1].weight.normal_(0, 0.1)
    return reading


def test_a_fresh_codec_of_waves_gives_back_the_waves():
    codec = FrameCodec(FrameCodecConfig(encoder_widths=())).eval()
    z = codec.encode(film())
    assert torch.equal(codec.decode(z).flatten(0, 1), codec.encoder.inverse(z.flatten(0, 1)))


def test_its_encodings_depend_on_its_encoder_alone(codec: FrameCodec):
    kept = {k: v.clone() for k, v in codec.encoding_state().items()}
    other = copy.deepcopy(codec)
    other.decoder[0].weight.add_(1)
    assert all(torch.equal(v, kept[k]) for k, v in other.encoding_state().items())
    other.encoder[0].weight.add_(1)
    assert not all(torch.equal(v, kept[k]) for k, v in other.encoding_state().items())


def test_a_codec_of_waves_has_only_a_decoder_to_teach(reader: FrameCodec):
    assert not list(reader.encoder.parameters())
    video = film(4, 2)
    assert far(reader.encode(video), Cosines(4)(video.flatten(0, 1)).unflatten(0, (4, 2))) < 1e-6
    taught = copy.deepcopy(reader).requires_grad_()
    taught.loss(video, torch.randn(4, 5)).backward()
    assert all(p.grad is not None for p in taught.parameters())
    assert torch.equal(taught.mean, torch.zeros(4))


def test_what_is_told_shows_in_its_own_clip_alone(reader: FrameCodec):
    z, told = reader.encode(film(3)), torch.randn(3, 5, generator=torch.Generator().manual_seed(1))
    other = told.clone()
    other[1] *= -1
    a, b = reader.decode(z, told), reader.decode(z, other)
    assert torch.equal(a[0], b[0])
    assert (a[1] - b[1]).abs().max() > 1e-3
    assert torch.equal(reader.decode(z), reader.decode(z, torch.zeros(3, 5)))
    assert far(reader.decode(z[1:2], told[1:2]), a[1:2]) < 1e-5
