"""Tune-A-Video: what is taught, whom frames read, a clip that is learned."""

import argparse
from pathlib import Path

import pytest
import torch
from torch import Tensor

from kineograph.clip import Batch, Clip
from kineograph.condition import Condition
from kineograph.models.temporal import first_and_previous
from kineograph.systems.latent_diffusion import LatentDiffusion
from kineograph.systems.tune_a_video import TuneAVideo
from kineograph.training import run


def test_exactly_what_the_authors_teach_is_taught():
    """Queries of self- and cross-attention, and attention along time without its norm."""
    system = TuneAVideo.preset("toy")
    wanted = {id(p) for p in system.parameters_of("layers")}
    names = {name for name, p in system.layers.named_parameters() if id(p) in wanted}
    kinds = {name.split(".transformer_blocks.0.")[1] for name in names}
    along_time = {f"temporal.attn.{x}" for x in ("to_q.weight", "to_k.weight", "to_v.weight")}
    along_time |= {"temporal.attn.to_out.0.weight", "temporal.attn.to_out.0.bias"}
    assert kinds == {"attn1.to_q.weight", "attn2.to_q.weight"} | along_time
    blocks = [name for name in system.image.unet.state_dict() if name.endswith("attn1.to_k.weight")]
    assert len(names) == len(blocks) * len(kinds)


@torch.no_grad()
def test_frames_that_are_alike_are_drawn_as_the_image_system_draws_them():
    system, image = TuneAVideo.preset("toy"), LatentDiffusion.preset("toy")
    x = torch.randn(1, 1, 4, 4, 4).expand(-1, 4, -1, -1, -1)
    t, cond = torch.tensor([300]), Condition(tokens=torch.randn(1, 3, 32))
    assert torch.allclose(system.network(system.image)(x, t, cond), image.unet(x, t, cond), atol=1e-5)


def test_frames_read_the_first_and_the_one_before():
    system = TuneAVideo.preset("toy")
    assert system.network(system.image).keywords == {"look": first_and_previous}


def moving_square(frames: int = 8) -> Tensor:
    video = -torch.ones(frames, 3, 16, 16)
    for k in range(frames):
        video[k, :, 4:10, k : k + 6] = 1
    return video


def test_one_clip_is_learned():
    """The loss on the clip falls by a tenth in 100 steps, with the same draws of noise before and after."""
    torch.manual_seed(0)
    system = TuneAVideo.preset("toy").train()
    batch = system.encode("learn_clip", Batch.of([Clip.of(moving_square(), caption="a square moves")]))
    weights = system.parameters_of("layers")
    optimizer = torch.optim.Adam(weights, lr=3e-3)

    def tried() -> float:
        torch.manual_seed(7)
        with torch.no_grad():
            return sum(float(system.learn_clip(batch)) for _ in range(16)) / 16

    before = tried()
    for _ in range(100):
        optimizer.zero_grad()
        system.learn_clip(batch).backward()
        optimizer.step()
    assert tried() < 0.9 * before


@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_the_trainer_takes_a_video_file(tmp_path: Path, precision: str):
    film = Clip.of(moving_square(12), caption="").save(tmp_path / "film.gif")
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    words = f"tune_a_video --preset toy --stage learn_clip --data {film} --batch-size 1 --max-train-steps 2 --workers 0"
    words += f" --validation-clips 1 --output-dir {tmp_path / 'run'} --mixed-precision {precision} --logging-steps 1"
    assert run.main(parser.parse_args([*words.split(), "--prompt", "a square moves"])) == 0
    tuned = TuneAVideo.load(tmp_path / "run" / "system")
    options = tuned.Options(
        "a ball moves", motion=str(film), num_frames=8, height=16, width=16, num_inference_steps=3
    )  # fmt: skip
    assert tuned.generate(options).frames.shape == (8, 3, 16, 16)
