import torch
import torch.nn.functional as F

from kineograph.nn.convolution import Residual, ToSpace, stack


def test_a_residual_block_is_its_input_and_something_more():
    torch.manual_seed(0)
    block, x = Residual(6), torch.randn(2, 6, 5, 7)
    out = block(x)
    assert out.shape == x.shape
    assert torch.allclose(out - x, block.second(F.silu(block.first(F.silu(x)))), atol=1e-6)
    assert (out - x).std() < 0.3 * x.std()


def test_channels_become_space():
    torch.manual_seed(0)
    spread, x = ToSpace(6, 3), torch.randn(2, 6, 5, 7)
    out = spread(x)
    assert out.shape == (2, 3, 10, 14)
    weights, biases = spread.spread.weight.flatten(1), spread.spread.bias
    corner = weights @ x[0, :, 2, 3] + biases  # 3 channels x 2 x 2, the channel slowest
    assert torch.allclose(out[0, :, 4:6, 6:8].flatten(), corner, atol=1e-5)


def test_a_stack_has_blocks_of_its_own():
    blocks = stack(4, 3)
    assert len(blocks) == 3
    assert len({id(block) for block in blocks}) == 3
    assert stack(4, 0) == []
