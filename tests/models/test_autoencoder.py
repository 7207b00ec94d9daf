"""Image codecs: shapes, normalisation, learning, and what is refused."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from kineograph.models import autoencoder
from kineograph.models.autoencoder import AutoencoderConfig, KLAutoencoder, VQAutoencoder

CONFIG = AutoencoderConfig()


def video(b: int = 2, t: int = 3, size: int = 16) -> Tensor:
    """Soft waves in [-1, 1], b t 3 h w."""
    x = torch.linspace(0, 6, size)
    phase = torch.arange(b * t).reshape(b, t, 1, 1, 1) / 2 + torch.arange(3).reshape(3, 1, 1)
    return ((x + x[:, None]) + phase).sin()


def codec(kind: type = KLAutoencoder, **changes: object):
    torch.manual_seed(0)
    return kind(replace(CONFIG, **changes)).eval()


@torch.no_grad()
def test_shapes_of_latents_tokens_and_frames():
    kl, vq = codec(), codec(VQAutoencoder, code_dim=3)
    z = kl.encode(video())
    assert z.shape == (2, 3, 4, 4, 4)
    assert kl.factor == vq.factor == 4
    assert kl.decode(z).shape == video().shape
    tokens = vq.encode(video())
    assert tokens.shape == (2, 3, 4, 4)
    assert tokens.dtype == torch.long
    assert vq.decode(tokens).shape == video().shape


@torch.no_grad()
def test_latents_are_shifted_and_scaled_and_back():
    plain, scaled = codec(), codec(scale=0.5, shift=2.0)
    z = plain.encode(video())
    assert torch.allclose(scaled.encode(video()), (z - 2) * 0.5, atol=1e-6)
    assert torch.allclose(scaled.decode((z - 2) * 0.5), plain.decode(z), atol=1e-5)


@torch.no_grad()
def test_a_generator_makes_samples_around_the_mean():
    kl = codec()
    draw = lambda seed: kl.encode(video(), torch.Generator().manual_seed(seed))
    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))
    mean = torch.stack([draw(k) for k in range(40)]).mean(0)
    assert (mean - kl.encode(video())).abs().mean() < 0.3


@torch.no_grad()
def test_frames_a_few_at_a_time_are_coded_as_all_at_once(monkeypatch: pytest.MonkeyPatch):
    kl, vq = codec(), codec(VQAutoencoder)
    z, tokens = kl.encode(video()), vq.encode(video())
    whole = kl.decode(z), vq.decode(tokens)
    monkeypatch.setattr(autoencoder, "AT_ONCE", 2 * 16 * 16)
    assert torch.allclose(kl.encode(video()), z, atol=1e-5)
    assert torch.equal(vq.encode(video()), tokens)
    assert torch.allclose(kl.decode(z), whole[0], atol=1e-5)
    assert torch.allclose(vq.decode(tokens), whole[1], atol=1e-5)


def test_the_nearest_code_is_looked_up():
    book = autoencoder.Codebook(16, 3)
    tokens = torch.arange(16).reshape(2, 2, 4)
    near = book.look_up(tokens) + 1e-4
    assert near.shape == (2, 3, 2, 4)
    assert torch.equal(book.nearest(near), tokens)


@pytest.mark.parametrize("kind", [KLAutoencoder, VQAutoencoder])
def test_it_learns_and_every_weight_with_it(kind: type):
    model = codec(kind).train()
    optimizer, history = torch.optim.Adam(model.parameters(), lr=1e-3), []
    for _ in range(12):
        torch.manual_seed(1)
        loss = model.loss(video(1, 2))
        optimizer.zero_grad()
        loss.backward()
        history.append(loss.item())
        optimizer.step()
    assert history[-1] < 0.95 * history[0]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_the_divergence_is_that_of_normal_distributions():
    kl = codec()
    mean, log_variance = kl.moments(video().flatten(0, 1))
    ours = torch.distributions.Normal(mean, (log_variance / 2).exp())
    whole = torch.distributions.kl_divergence(ours, torch.distributions.Normal(0.0, 1.0)).sum() / video().numel()
    losses = []
    for weight in (0.0, 1.0):
        torch.manual_seed(2)
        losses.append(kl.loss(video(), weight=weight))
    assert torch.allclose(losses[1] - losses[0], whole, rtol=1e-4)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: codec().encode(video(size=18)), "divisible by 4"),
        (lambda: codec().encode(video()[0]), "b t 3 h w"),
        (lambda: codec(VQAutoencoder).decode(torch.full((1, 1, 2, 2), 64)), "tokens are 0 .. 63; got 64 .. 64"),
        (lambda: AutoencoderConfig(widths=(6, 8)), "divisible by 4 groups"),
    ],
)
def test_what_does_not_fit_is_refused(call, words: str):
    with pytest.raises(ValueError, match=words):
        call()
