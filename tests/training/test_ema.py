import torch

from kineograph.training.ema import EMA


def test_the_average_follows_early_weights_quickly():
    weight = torch.zeros(3)
    ema = EMA([weight], 0.9)
    weight.fill_(1.0)
    ema.update([weight])
    torch.testing.assert_close(ema.weights[0], torch.full((3,), 0.9))  # decay (1 + 0) / (10 + 0)
    ema.update([weight])
    torch.testing.assert_close(ema.weights[0], torch.full((3,), 1 - 0.1 * 2 / 11))


def test_the_decay_rises_to_its_limit():
    ema = EMA([torch.zeros(1)], 0.9)
    ema.updates = 80
    assert ema.rate() == 0.9
