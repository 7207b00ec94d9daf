"""What two files of tests of Phenaki share."""

from dataclasses import replace

import torch

from kineograph.clip import Batch, Clip
from kineograph.systems.phenaki import Phenaki, PhenakiOptions


def stirred(system: Phenaki) -> Phenaki:
    """All weights moved a little: layers that begin at zero would hide what was asked."""
    chance = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in system.parameters():
            p.add_(torch.randn(p.shape, generator=chance), alpha=0.1)
    return system


def asked(prompt: str = "a bear walks", **options: object) -> PhenakiOptions:
    small = {"num_frames": 9, "height": 32, "width": 32, "num_inference_steps": 2}
    return PhenakiOptions(prompt, **(small | options))


def soft(b: int = 4, t: int = 9, size: int = 32) -> Batch:
    """Clips of stripes that drift."""
    x = torch.linspace(0, 3, size)
    clips = [
        Clip.of(torch.stack([(x + x[:, None] * k + i / 4).sin().expand(3, -1, -1) for i in range(t)])) for k in range(b)
    ]
    return replace(Batch.of(clips), captions=tuple(f"film {i}" for i in range(b)))
