import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from kineograph.condition import Condition
from kineograph.models.video_transformer import VideoTransformer, VideoTransformerConfig, starting_with
from kineograph.nn.layout import maps

CONFIG = VideoTransformerConfig()
TIME = torch.tensor([0.3, 0.9])


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def net() -> VideoTransformer:
    """A network whose weights are all moved a little: much of it begins at zero."""
    torch.manual_seed(0)
    net = VideoTransformer(CONFIG).eval().requires_grad_(False)
    for i, p in enumerate(net.parameters()):
        p.add_(normal(*p.shape, seed=i), alpha=0.1)
    return net


@pytest.fixture
def cond() -> Condition:
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    return Condition(tokens=normal(2, 5, 32, seed=1), mask=mask, vector=normal(2, 32, seed=2))


def noisy(t: int = 8, seed: int = 3) -> Tensor:
    return normal(2, t, 4, 4, 4, seed=seed)


def differ(a: Tensor, b: Tensor) -> bool:
    return (a - b).abs().amax(tuple(range(1, a.ndim))).min().item() > 1e-3  # in every row


def test_a_fresh_network_predicts_nothing(cond: Condition):
    assert not VideoTransformer(CONFIG)(noisy(), TIME, cond).any()


@pytest.mark.parametrize("t", [4, 8])
def test_windows_up_to_the_longest_keep_their_shape(net: VideoTransformer, cond: Condition, t: int):
    out = net(noisy(t), TIME, cond)
    assert out.shape == (2, t, 4, 4, 4)
    assert out.dtype == torch.float32


def test_known_frames_are_read_but_not_given_back(net: VideoTransformer, cond: Condition):
    known = normal(2, 4, 4, 4, 4, seed=4)
    out = net(noisy(4), TIME, starting_with(cond, known))
    assert out.shape == (2, 4, 4, 4, 4)
    assert differ(out, net(noisy(4), TIME, starting_with(cond, known + 1)))
    assert differ(out, net(noisy(4), TIME, cond))
    assert torch.equal(net(noisy(4), TIME, starting_with(cond, None)), net(noisy(4), TIME, cond))


def test_known_frames_are_marked_as_such(net: VideoTransformer, cond: Condition):
    """The same latents as known and as noisy frames are not the same to the frames after them."""
    known = normal(2, 4, 4, 4, 4, seed=4)
    out = net(noisy(4), TIME, starting_with(cond, known))
    assert differ(out, net(torch.cat([known, noisy(4)], 1), TIME, cond)[:, 4:])


def test_padding_has_no_say(net: VideoTransformer, cond: Condition):
    out = net(noisy(), TIME, cond)
    longer = cond.padded(9)
    longer = replace(longer, tokens=torch.where(longer.mask[..., None], longer.tokens, 7.0))
    assert torch.allclose(net(noisy(), TIME, longer), out, atol=1e-5)
    alone = Condition(tokens=cond.tokens[1:, :3], vector=cond.vector[1:])
    assert torch.allclose(net(noisy()[1:], TIME[1:], alone), out[1:], atol=1e-5)


def test_no_mask_means_that_every_token_is_real(net: VideoTransformer, cond: Condition):
    real = replace(cond, mask=torch.ones(2, 5, dtype=torch.bool))
    assert torch.allclose(net(noisy(), TIME, replace(cond, mask=None)), net(noisy(), TIME, real), atol=1e-6)


def test_tokens_vector_time_and_noise_each_count(net: VideoTransformer, cond: Condition):
    out = net(noisy(), TIME, cond)
    assert differ(out, net(noisy(), TIME, replace(cond, tokens=normal(2, 5, 32, seed=8))))
    assert differ(out, net(noisy(), TIME, replace(cond, vector=normal(2, 32, seed=8))))
    assert differ(out, net(noisy(), TIME.flip(0), cond))
    assert differ(out, net(noisy(seed=8), TIME, cond))


def test_a_jump_of_no_length_is_no_jump(net: VideoTransformer, cond: Condition):
    out = net(noisy(), TIME, cond)
    assert torch.equal(net(noisy(), TIME, cond, torch.zeros(2)), out)
    quarter, half = (net(noisy(), TIME, cond, torch.full((2,), step)) for step in (0.25, 0.5))
    assert differ(out, quarter)
    assert differ(quarter, half)


def test_before_it_is_distilled_a_jump_is_the_plain_prediction(net: VideoTransformer, cond: Condition):
    plain = copy.deepcopy(net)
    for p in plain.step.parameters():
        p.zero_()
    assert torch.equal(plain(noisy(), TIME, cond, torch.full((2,), 0.25)), plain(noisy(), TIME, cond))


def test_rows_of_a_batch_do_not_see_each_other(net: VideoTransformer, cond: Condition):
    out = net(noisy(), TIME, cond)
    for i in range(2):
        one = cond.map(lambda x, i=i: x[i : i + 1])
        assert torch.allclose(net(noisy()[i : i + 1], TIME[i : i + 1], one), out[i : i + 1], atol=1e-5)


def test_every_place_of_the_grid_sees_every_other(net: VideoTransformer, cond: Condition):
    x = noisy()
    x[:, 0, 0, 0, 0] += 1
    assert ((net(x, TIME, cond) - net(noisy(), TIME, cond)).abs() > 1e-6).float().mean() > 0.95


def test_half_precision_stays_near_and_answers_in_float32(net: VideoTransformer, cond: Condition):
    out, low = net(noisy(), TIME, cond), copy.deepcopy(net).bfloat16()(noisy(), TIME, cond)
    assert low.dtype == torch.float32
    assert (low - out).std() < 0.05 * out.std()


@pytest.mark.parametrize(
    ("shape", "known"),
    [((1, 6, 4, 4, 4), 0), ((1, 12, 4, 4, 4), 0), ((1, 8, 4, 4, 4), 4), ((1, 6, 4, 4, 4), 2), ((1, 8, 3, 4, 4), 0),
     ((1, 8, 4, 8, 4), 0)],
)  # fmt: skip
def test_another_grid_is_named_with_the_one_wanted(net: VideoTransformer, cond: Condition, shape: tuple, known: int):
    one = cond.map(lambda x: x[:1])
    if known:
        one = starting_with(one, torch.zeros(1, known, 4, 4, 4))
    words = rf"b t 4 4 4 with t .* a multiple of 4 up to 8; these are .* with {known} known"
    with pytest.raises(ValueError, match=words):
        net(torch.zeros(shape), torch.ones(1), one)


@pytest.mark.parametrize(("frames", "size", "patch"), [(6, 4, (4, 2)), (8, 5, (4, 2))])
def test_patches_that_do_not_tile_the_grid_are_refused(frames: int, size: int, patch: tuple[int, int]):
    with pytest.raises(ValueError, match=f"do not tile {frames} frames of {size} x {size}"):
        VideoTransformer(VideoTransformerConfig(frames=frames, size=size, patch=patch))


@pytest.fixture(scope="module")
def retouching() -> VideoTransformer:
    """As `net`, with layouts and the convolutions over each frame."""
    torch.manual_seed(0)
    net = VideoTransformer(replace(CONFIG, layout_dim=14, retouch=2)).eval().requires_grad_(False)
    for i, p in enumerate(net.parameters()):
        p.add_(normal(*p.shape, seed=i), alpha=0.1)
    return net


def test_retouching_begins_with_nothing(cond: Condition):
    torch.manual_seed(0)
    net = VideoTransformer(replace(CONFIG, retouch=1))
    torch.nn.init.normal_(net.leave[-1].weight, std=0.1)
    before = net(noisy(), TIME, cond)
    net.retouch = None
    assert before.any()
    assert torch.equal(net(noisy(), TIME, cond), before)


def test_blocks_added_to_trained_ones_change_nothing_at_first(cond: Condition):
    few, more = (VideoTransformer(replace(CONFIG, retouch=depth)).eval().requires_grad_(False) for depth in (1, 3))
    for i, p in enumerate(few.parameters()):
        p.add_(normal(*p.shape, seed=i), alpha=0.1)
    more.load_state_dict(more.state_dict() | few.state_dict())
    assert torch.equal(more(noisy(), TIME, cond), few(noisy(), TIME, cond))


def test_each_frame_is_retouched_by_itself_and_by_its_own_layout(retouching: VideoTransformer, cond: Condition):
    x, layout, fine = noisy(), 0.5 + normal(2, 8, 14, seed=5).abs(), normal(4, 16, 4, 4, seed=6)
    signal = retouching.signal(TIME, cond, None)
    retouch = lambda x, fine, signal, layout: retouching.retouch(
        x, fine, signal, layout, None if layout is None else maps(layout, 4)
    )
    out = retouch(x, fine, signal, layout)
    assert out.shape == x.shape
    one, moved = x.clone(), layout.clone()
    one[:, 3] += 1
    moved[:, 5, -1] += 1
    for changed, frame in ((retouch(one, fine, signal, layout), 3), (retouch(x, fine, signal, moved), 5)):
        changes = (changed - out).abs().amax((0, 2, 3, 4)) > 1e-5
        assert changes.nonzero().flatten().tolist() == [frame]
    assert differ(out, retouch(x, fine + 1, signal, layout))
    assert differ(out, retouch(x, fine, signal + 1, layout))
    assert differ(out, retouch(x, fine, signal, None))


def test_known_frames_are_retouched_out(retouching: VideoTransformer, cond: Condition):
    known, layout = normal(2, 4, 4, 4, 4, seed=4), normal(2, 8, 14, seed=5)
    assert retouching(noisy(4), TIME, replace(starting_with(cond, known), layout=layout)).shape == (2, 4, 4, 4, 4)
