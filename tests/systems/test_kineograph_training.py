"""How the default system is taught: its stages, the teacher that stands still, what weighs how much."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from kineograph.clip import Batch, Clip
from kineograph.processes.reconstruction import moving, psnr
from kineograph.systems.kineograph import Kineograph, lively


def soft(b: int = 4, t: int = 8, size: int = 32) -> Batch:
    """Clips of stripes that drift."""
    x = torch.linspace(0, 3, size)
    clips = [
        Clip.of(torch.stack([(x + x[:, None] * k + i / 4 + b).sin().expand(3, -1, -1) for i in range(t)]))
        for k, b in enumerate(range(b))
    ]
    return replace(Batch.of(clips), captions=tuple(f"film {i}" for i in range(b)))


def test_few_steps_learn_from_a_teacher_that_does_not_move(toy: Kineograph):
    toy.begin("learn_few_steps")
    assert toy.config.jumps == 4
    before = {k: v.clone() for k, v in toy.teacher.state_dict().items()}
    assert all(torch.equal(v, toy.generator.state_dict()[k]) for k, v in before.items())
    optimizer = torch.optim.SGD(toy.generator.parameters(), lr=0.1)
    batch = toy.encode("learn_few_steps", soft())
    for _ in range(2):
        optimizer.zero_grad()
        toy.learn_few_steps(batch).backward()
        optimizer.step()
    assert all(torch.equal(v, before[k]) for k, v in toy.teacher.state_dict().items())
    assert any(not torch.equal(v, before[k]) for k, v in toy.generator.state_dict().items())
    assert all(p.grad is None for p in toy.teacher.parameters())


def test_the_teacher_is_no_part_and_is_not_saved(toy: Kineograph, tmp_path: Path):
    toy.begin("learn_few_steps")
    assert "teacher" not in toy.parts()
    assert not any("teacher" in name for name in toy.state_dict())
    toy.save(tmp_path)
    assert sorted(p.stem for p in tmp_path.iterdir()) == [
        "codec",
        "director",
        "generator",
        "painter",
        "reader",
        "system",
        "upsampler",
    ]
    assert Kineograph.load(tmp_path).config.jumps == 4


@pytest.mark.parametrize("clips", [1, 3, 4])
def test_few_steps_learn_from_batches_of_any_size(clips: int, toy: Kineograph):
    assert toy.learn_few_steps(toy.encode("learn_few_steps", soft(clips))).isfinite()


@pytest.mark.parametrize("stage", Kineograph.stages())
def test_validation_gives_figures_and_clips(stage: str, toy: Kineograph):
    _, size = toy.clip_shape(stage)
    labelled = replace(soft(2, 8, size), labels=torch.tensor([[0, 1], [3, 2]]), layout=torch.rand(2, 8, 14))
    labelled = replace(labelled, scenery=labelled.video.flip(-1))
    figures, clips = toy.validate(stage, labelled)
    assert figures
    assert all(isinstance(value, float) for value in figures.values())
    assert bool(clips) == (stage not in ("learn_words", "learn_layout"))


@pytest.mark.parametrize(("stage", "steps"), [("learn_generator", 12), ("learn_few_steps", 4)])
def test_sheets_take_the_steps_that_the_weights_want(stage: str, steps: int, toy: Kineograph, monkeypatch):
    asked, generate = [], toy.generate
    monkeypatch.setattr(toy, "generate", lambda options: asked.append(options) or generate(options))
    toy.begin(stage)
    toy.validate(stage, replace(soft(2, 8), labels=torch.tensor([[0, 1], [3, 2]])))
    assert {options.num_inference_steps for options in asked} == {steps}


def test_signal_to_noise_is_in_decibels_and_can_look_at_what_moves():
    clips = torch.zeros(2, 4, 3, 8, 8)
    clips[:, ::2, :, :2] = 1
    assert psnr(clips + 0.2, clips) == pytest.approx(20, abs=1e-4)
    where = moving(clips)
    assert where.float().mean() == pytest.approx(0.25)
    assert psnr(clips + 0.2 * ~where, clips, ~where) == pytest.approx(20, abs=1e-4)


def test_what_moves_matters_more():
    latents = torch.zeros(2, 4, 3, 2, 2)
    latents[0, :, :, 0, 0] = torch.tensor([-2.0, 2.0, -2.0, 2.0])[:, None]
    weight = lively(latents)
    assert weight.shape == (2, 1, 1, 2, 2)
    assert weight.mean().item() == pytest.approx(1)
    assert (weight[0, 0, 0, 0, 0] / weight[1]).allclose(torch.tensor(5.0))


@pytest.mark.parametrize("stage", ["learn_codec", "learn_upsampler"])
def test_a_decoder_that_reads_prompts_is_told_them_in_teaching(stage: str, monkeypatch: pytest.MonkeyPatch):
    config = Kineograph.PRESETS["toy"]
    system = Kineograph(replace(config, codec=replace(config.codec, encoder_widths=(), text_dim=7)))
    pixels, told = system.codec.pixels, []
    monkeypatch.setattr(system.codec, "pixels", lambda x, vector: told.append(vector) or pixels(x, vector))
    batch = soft(t=4, size=system.clip_shape(stage)[1])
    next(system.losses(stage, batch))
    assert told
    assert all(vector.abs().sum() > 0 for vector in told)
    plain = Kineograph(config)
    assert plain.gist(batch) is None


def test_words_and_layouts_need_clips_of_which_they_are_known(toy: Kineograph):
    with pytest.raises(ValueError, match="needs clips with labels"):
        toy.learn_words(soft(2))
    with pytest.raises(ValueError, match="needs clips with layouts"):
        toy.learn_layout(soft(2))
    with pytest.raises(ValueError, match="needs clips of the World"):
        toy.learn_figures(soft(2))


def test_half_the_clips_are_told_their_labels_for_certain(toy: Kineograph):
    batch = replace(soft(64, 4, 8), labels=torch.tensor([[1, 2]]).repeat(64, 1))
    torch.manual_seed(0)
    _, cond = toy.begun(torch.zeros(64, 8, 4, 4, 4), batch)
    certain = (cond.vector == toy.reader.certain(batch.labels)).all(1)
    assert 0.25 < certain.float().mean() < 0.75
    assert torch.equal(cond.vector[~certain], toy.told(batch.captions).vector[~certain])
    _, open_ = toy.begun(torch.zeros(64, 8, 4, 4, 4), replace(batch, labels=None))
    assert torch.equal(open_.vector, toy.told(batch.captions).vector)


def test_layouts_are_hidden_from_some_clips_and_missing_ones_are_zeros(toy: Kineograph):
    batch = replace(soft(8), layout=torch.ones(8, 8, 14))
    shown = torch.cat([toy.layout(batch) for _ in range(40)])[:, 0, 0]
    assert 0.8 < shown.mean() < 0.95
    assert not toy.layout(replace(batch, layout=None)).any()


def test_errors_in_coarse_waves_matter_more():
    config = Kineograph.PRESETS["toy"]
    waves = Kineograph(replace(config, codec=replace(config.codec, encoder_widths=())))
    still = torch.zeros(2, 4, 4, 2, 2)
    weight = waves.weight(still)
    assert weight.shape == (2, 1, 4, 2, 2)
    assert weight.mean().item() == pytest.approx(1)
    assert weight[0, 0, 0, 0, 0] > 1.5 * weight[0, 0, -1, 0, 0]
    assert Kineograph(config).weight(still).allclose(torch.ones(()))
