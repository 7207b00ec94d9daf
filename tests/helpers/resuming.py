"""That a training by command which was interrupted comes to the same weights, bit for bit."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

from kineograph.training.trainer import Trainer


def check(learn: Callable[[list[str]], int], folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Runs `learn` with flags for four steps, once in one go and once interrupted after two; its last validation."""
    flags = ["--preset", "toy", "--clips", "8", "--train-batch-size", "4", "--workers", "0", "--cooldown-steps", "1"]
    flags += ["--validation-clips", "2", "--max-train-steps", "4", "--resume-from-checkpoint", "latest"]
    a, b = folder / "a", folder / "b"
    assert learn(["--output-dir", str(a), *flags]) == 0
    step = Trainer.step

    def stopped(trainer: Trainer, batch: object) -> object:
        if trainer.steps == 2:
            raise KeyboardInterrupt
        return step(trainer, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", stopped)
        with pytest.raises(KeyboardInterrupt):
            learn(["--output-dir", str(b), "--checkpointing-steps", "1", *flags])
    assert learn(["--output-dir", str(b), *flags]) == 0
    one, other = (safetensors.torch.load_file(str(x / "system" / "network.safetensors")) for x in (a, b))
    assert all(torch.equal(one[k], other[k]) for k in one)
    log = [json.loads(line) for line in (a / "log.jsonl").read_text().splitlines()]
    return log[-1]["validation"]
