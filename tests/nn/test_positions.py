import math

import torch

from kineograph.nn.positions import sinusoids


def test_times_become_cosines_and_sines_of_falling_frequencies():
    x = torch.tensor([0.0, 0.25, 1.0])
    out = sinusoids(x, 8)
    assert out.shape == (3, 8)
    assert torch.equal(out[0], torch.tensor([1.0] * 4 + [0.0] * 4))
    for i in range(4):
        angle = 250 * 10000 ** (-i / 4)
        assert math.isclose(out[1, i], math.cos(angle), abs_tol=1e-3)
        assert math.isclose(out[1, 4 + i], math.sin(angle), abs_tol=1e-3)


def test_neighbouring_times_are_told_apart():
    out = sinusoids(torch.linspace(0, 1, 101), 64)
    assert torch.cdist(out, out).add(10 * torch.eye(101)).min() > 0.1


def test_half_precision_times_lose_nothing_more():
    assert sinusoids(torch.tensor([0.5], dtype=torch.bfloat16), 16).dtype == torch.float32
