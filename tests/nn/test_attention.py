import pytest
import torch
import torch.nn.functional as F

from kineograph.nn.attention import NormedAttention, attend, unscaled_norm


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def woken(dim: int = 12, heads: int = 3) -> NormedAttention:
    """An attention whose output is not zero."""
    attention = NormedAttention(dim, heads)
    torch.nn.init.normal_(attention.to_out.weight, generator=torch.Generator().manual_seed(1))
    return attention


@pytest.mark.parametrize("masked", [False, True])
def test_it_is_torchs_scaled_dot_product_attention(masked: bool):
    q, k, v = normal(2, 3, 5, 8), normal(2, 3, 7, 8, seed=1), normal(2, 3, 7, 8, seed=2)
    mask = torch.where(normal(2, 1, 1, 7, seed=3) > 0.5, -1e4, 0.0) if masked else None
    assert torch.allclose(attend(q, k, v, mask), F.scaled_dot_product_attention(q, k, v, attn_mask=mask), atol=1e-5)


def test_masked_tokens_have_no_say():
    q, k, v = normal(1, 2, 4, 8), normal(1, 2, 6, 8, seed=1), normal(1, 2, 6, 8, seed=2)
    mask = torch.tensor([0, 0, 0, 0, -1e4, -1e4])
    assert torch.allclose(attend(q, k, v, mask), attend(q, k[:, :, :4], v[:, :, :4]), atol=1e-6)


def test_the_norm_leaves_mean_zero_and_variance_one():
    x = unscaled_norm(5 + 3 * normal(4, 6, 32))
    assert torch.allclose(x.mean(-1), torch.zeros(4, 6), atol=1e-5)
    assert torch.allclose(x.square().mean(-1), torch.ones(4, 6), atol=1e-3)


def test_multi_head_attention_is_its_formula():
    attention, x, context = woken(), normal(2, 5, 12), normal(2, 7, 12, seed=1)
    q = attention.to_q(x)
    k, v = attention.to_kv(context).chunk(2, -1)
    heads = []
    for i in range(3):
        one = slice(4 * i, 4 * i + 4)
        scores = unscaled_norm(q[..., one]) @ unscaled_norm(k[..., one]).mT / 2
        heads.append(scores.softmax(-1) @ v[..., one])
    assert torch.allclose(attention(x, context), attention.to_out(torch.cat(heads, -1)), atol=1e-5)
    assert torch.equal(attention(x), attention(x, x))


def test_it_begins_at_zero():
    assert not NormedAttention(12, 3)(normal(2, 5, 12)).any()


def test_the_order_of_the_context_does_not_matter():
    attention, x, context = woken(), normal(2, 5, 12), normal(2, 7, 12, seed=1)
    assert torch.allclose(attention(x, context), attention(x, context.flip(1)), atol=1e-5)


def test_a_dim_that_the_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match="dim 10 is not divisible by 3 heads"):
        NormedAttention(10, 3)
