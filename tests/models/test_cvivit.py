from dataclasses import replace

import pytest
import torch
from torch import Tensor

from kineograph.models.cvivit import CViViT, CViViTConfig, backwards, pixels
from kineograph.models.quantizers import CodebookConfig

SMALL = CViViTConfig(size=16, patch=(2, 4, 4), dim=16, heads=2, spatial=2, temporal=2)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def stirred(config: CViViTConfig = SMALL) -> CViViT:
    """A network whose weights are all moved a little: its layers begin as the identity."""
    torch.manual_seed(0)
    net = CViViT(config).eval().requires_grad_(False)
    for i, p in enumerate(net.parameters()):
        p.add_(normal(*p.shape, seed=i), alpha=0.2)
    return net


@pytest.fixture(scope="module")
def net() -> CViViT:
    return stirred()


def step_of(frame: int, group: int = 2) -> int:
    """The time step a frame belongs to: the first frame, then groups."""
    return -(-frame // group)


@pytest.mark.parametrize(("group", "frames"), [(2, 3), (2, 7), (2, 11), (4, 5), (4, 13)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_changed_frame_leaves_every_earlier_step_as_it_was_bit_for_bit(group: int, frames: int, dtype: torch.dtype):
    net = stirred(replace(SMALL, patch=(group, 4, 4))).to(dtype)
    video = normal(2, frames, 3, 16, 16).clamp(-1, 1)
    states, tokens = net.look(video), net.encode(video)
    out = net.decode(tokens)
    for frame in range(frames):
        changed = video.clone()
        changed[:, frame] = -changed[:, frame].roll(3, -1)
        step = step_of(frame, group)
        assert torch.equal(net.look(changed)[:, :step], states[:, :step])
        again = net.encode(changed)
        assert torch.equal(again[:, :step], tokens[:, :step])
        assert not torch.equal(again[:, step:], tokens[:, step:])  # and does not go unnoticed
        shown = 1 + (step - 1) * group if step else 0
        assert torch.equal(net.decode(again)[:, :shown], out[:, :shown])
        assert torch.equal(net(changed)[0][:, :shown], net(video)[0][:, :shown])


@pytest.mark.parametrize("frames", [3, 7])
def test_changed_tokens_leave_earlier_frames_as_they_were(net: CViViT, frames: int):
    tokens = net.encode(normal(1, frames, 3, 16, 16))
    out = net.decode(tokens)
    for step in range(tokens.shape[1]):
        changed = tokens.clone()
        changed[:, step] = (changed[:, step] + 1) % 64
        again = net.decode(changed)
        shown = 1 + (step - 1) * 2 if step else 0
        assert torch.equal(again[:, :shown], out[:, :shown])
        assert not torch.equal(again[:, shown], out[:, shown])


@pytest.mark.parametrize("frames", [1, 3, 7, 41])
def test_the_same_weights_take_an_image_and_any_length_that_fits(net: CViViT, frames: int):
    video = normal(2, frames, 3, 16, 16)
    tokens = net.encode(video)
    assert tokens.shape == (2, 1 + (frames - 1) // 2, 4, 4)
    assert tokens.dtype == torch.int64
    assert net.decode(tokens).shape == video.shape


def test_an_image_takes_the_path_of_a_first_frame(net: CViViT):
    video = normal(3, 7, 3, 16, 16)
    tokens, image = net.encode(video), net.encode(video[:, :1])
    assert torch.equal(image, tokens[:, :1])
    torch.testing.assert_close(net.look(video[:, :1]), net.look(video)[:, :1])
    torch.testing.assert_close(net.decode(image), net.decode(tokens)[:, :1])


def test_a_beginning_has_the_tokens_it_has_in_the_whole(net: CViViT):
    video = normal(2, 7, 3, 16, 16)
    assert torch.equal(net.encode(video[:, :5]), net.encode(video)[:, :3])


def test_first_frames_and_groups_have_their_own_projections(net: CViViT):
    assert net.first_in.in_features == 3 * 4 * 4
    assert net.group_in.in_features == 2 * 3 * 4 * 4
    video = normal(1, 3, 3, 16, 16)
    broken = stirred()
    broken.group_in.weight.add_(1)
    assert torch.equal(broken.encode(video[:, :1]), net.encode(video[:, :1]))
    assert not torch.equal(broken.look(video)[:, 1], net.look(video)[:, 1])


def test_the_brightness_of_a_plain_patch_is_seen(net: CViViT):
    grey = torch.full((1, 1, 3, 16, 16), 0.2)
    assert (net.look(grey) - net.look(4 * grey)).abs().max() > 0.1


@pytest.mark.parametrize(
    ("frames", "words"), [(2, "2 do not fit, 1 and 3 do"), (16, "16 do not fit, 15 and 17 do"), (0, "1 does")]
)
def test_lengths_that_do_not_fit_are_told_the_nearest_that_do(net: CViViT, frames: int, words: str):
    with pytest.raises(ValueError, match=words):
        net.encode(torch.zeros(1, frames, 3, 16, 16))


def test_other_shapes_are_refused(net: CViViT):
    with pytest.raises(ValueError, match=r"a video is b t 3 16 16; this is \(1, 3, 3, 16, 32\)"):
        net.encode(torch.zeros(1, 3, 3, 16, 32))
    with pytest.raises(ValueError, match="5 x 5 pixels do not tile frames of 16 x 16"):
        CViViT(replace(SMALL, patch=(2, 5, 5)))


def test_patches_need_not_be_square():
    net = stirred(replace(SMALL, patch=(2, 4, 8)))
    video = normal(2, 5, 3, 16, 16)
    tokens = net.encode(video)
    assert tokens.shape == (2, 3, 4, 2)
    assert net.decode(tokens).shape == video.shape


def test_codes_of_one_patch_are_neighbours_in_a_row():
    net = stirred(replace(SMALL, book=CodebookConfig(groups=3)))
    video = normal(2, 5, 3, 16, 16)
    tokens = net.encode(video)
    assert tokens.shape == (2, 3, 4, 12)
    assert net.tokens == (4, 12)
    assert torch.equal(tokens.view(2, 3, 4, 4, 3), net.book.encode(net.look(video)))
    torch.testing.assert_close(net.decode(tokens), net(video)[0])


@pytest.mark.parametrize("patch", [(2, 4, 4), (3, 4, 8)])
@pytest.mark.parametrize("groups", [1, 4])
def test_it_begins_as_the_waves_of_its_patches(patch: tuple[int, int, int], groups: int):
    """With states and codes as wide as patches, what is read is what is drawn; and a code is nearly its patch."""
    size = 3 * patch[0] * patch[1] * patch[2]
    torch.manual_seed(0)
    book = CodebookConfig(code_dim=size // groups + 1, groups=groups)
    net = CViViT(replace(SMALL, patch=patch, dim=4 * size // 3, book=book)).requires_grad_(False)
    video = 0.1 * normal(1, 1 + 2 * patch[0], 3, 16, 16)
    states = net.look(video)
    torch.testing.assert_close(net.draw(states), video, atol=1e-4, rtol=0)
    codes = net.book.outward(net.book.project(states).flatten(-2))
    torch.testing.assert_close(net.draw(codes), video, atol=0.02, rtol=0)


def test_the_loss_reaches_every_weight():
    net = stirred().requires_grad_(True).train()
    loss, out = net.loss(normal(2, 5, 3, 16, 16))
    assert out.shape == (2, 5, 3, 16, 16)
    loss.backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


def test_the_loss_is_float32_in_bfloat16():
    net = stirred().train()
    for p in net.parameters():
        p.data = p.data.bfloat16()
    loss, out = net.loss(normal(2, 5, 3, 16, 16))
    assert loss.dtype == out.dtype == torch.float32


def test_attention_across_time_looks_back_and_forgets():
    mask = backwards(4, 2)
    assert mask.shape == (2, 4, 4)
    assert torch.equal(mask[0].isinf(), torch.ones(4, 4).triu(1).bool())
    assert torch.equal(mask[0, 3], -(2.0**-4) * torch.tensor([3.0, 2.0, 1.0, 0.0]))


def test_what_moves_counts_more():
    still = torch.zeros(1, 3, 3, 4, 4)
    assert pixels(still + 0.5, still).item() == pytest.approx(0.75)
    moves = still.clone()
    moves[:, 1] = 1
    assert pixels(moves + 0.5, moves).item() == pytest.approx(0.75 * 3, rel=0.2)
