"""What every system promises, tried on the toy preset of each."""

import json
import re
from dataclasses import fields, is_dataclass, replace

import pytest
import torch

from kineograph import config as configs
from kineograph.catalogue import bundled, catalogue, docstring
from kineograph.clip import Batch, Clip
from kineograph.system import System, find, load

STAGES = [(name, stage) for name in catalogue() for stage in find(name).stages()]


@pytest.fixture(scope="module", params=sorted(catalogue()))
def toy(request: pytest.FixtureRequest) -> System:
    return stirred(request.param)


def stirred(name: str) -> System:
    """A toy whose weights are all moved a little: layers that begin at zero would hide seeds, prompts and losses."""
    system = find(name).preset("toy")
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in (p for part in system.parts() for p in system.parameters_of(part)):
            p.add_(torch.randn(p.shape, generator=generator), alpha=0.05)
    return system


def batch_for(system: System, stage: str) -> Batch:
    """Two labelled clips of soft shapes that drift, of the shape the stage wants; of one frame if it wants none."""
    frames, size = system.clip_shape(stage)
    frames = max(frames, 1)
    x = torch.linspace(0, 3, size)
    t = torch.arange(frames)[:, None, None]
    waves = [torch.stack([(x + y[:, None] * k + t / 4).sin() for k in (0.5, 1, 2)], 1) for y in (x, 2 * x)]
    captions = ("a red ball rolls", "a bear walks in the snow")
    batch = Batch.of([Clip.of(wave, caption=text) for wave, text in zip(waves, captions, strict=True)])
    known = system.clip_shape(stage)[0] or system.config.frames
    layout = torch.rand(2, known, 14, generator=torch.Generator().manual_seed(0))
    return replace(batch, labels=torch.tensor([[0, 1], [3, 2]]), layout=layout, scenery=batch.video.flip(-1))


def asked(system: System, **changes: object) -> object:
    return system.Options(**({"prompt": "a bear walks on the beach"} | changes))


def test_the_docstring_has_a_year_and_a_figure(toy: System):
    text = docstring(toy.name())
    assert re.search(r"\b(19|20)\d\d\b", text), "the docstring names no year"
    assert re.search(r"->|─|--", text), "the docstring draws no figure"


def test_it_has_presets_options_and_stages(toy: System):
    assert is_dataclass(toy.Config)
    assert {"prompt", "seed", "fps", "height", "width", "num_frames"} <= {f.name for f in fields(toy.Options)}
    assert all(f.metadata.get("help") for f in fields(toy.Options)), "an option has no help"
    for preset in toy.PRESETS.values():
        assert configs.load(toy.Config, json.loads(json.dumps(configs.dump(preset)))) == preset
    for name, step in toy.stages().items():
        assert set(step.trains) <= set(toy.parts()), f"{name} trains a part that is not there"
        assert not step.through or hasattr(toy, step.through)
        assert step.through not in step.trains


def test_external_parts_have_nothing_to_train(toy: System):
    for name, part in toy.named_children():
        if getattr(part, "external", False):
            assert toy.parameters_of(name) == []
            assert not any(p.requires_grad for p in part.parameters())


@pytest.mark.parametrize(("name", "stage"), STAGES)
def test_losses_are_finite_and_reach_exactly_the_parts_they_name(name: str, stage: str):
    system = stirred(name).train()
    batch, trains = batch_for(system, stage), find(name).stages()[stage].trains
    weights = {part: [p for p in m.parameters() if p.requires_grad] for part, m in system.named_children()}
    reached = set()
    for parts, loss in system.losses(stage, batch):
        assert loss.ndim == 0
        assert loss.isfinite()
        grads = torch.autograd.grad(loss, [p for ps in weights.values() for p in ps], allow_unused=True)
        left = iter(grads)
        moved = {part for part, ps in weights.items() if [g for _, g in zip(ps, left) if g is not None]}  # noqa: B905
        assert all(g.isfinite().all() for g in grads if g is not None)
        assert set(parts) <= moved, f"{stage} does not reach {set(parts) - moved}"
        assert moved <= set(trains), f"{stage} reaches {moved - set(trains)}, which it does not train"
        reached |= set(parts)
    assert reached == set(trains)


@pytest.mark.parametrize(("name", "stage"), STAGES)
def test_the_loss_falls_when_one_batch_is_repeated(name: str, stage: str):
    system = stirred(name).train()
    batch = batch_for(system, stage)
    optimizers = {
        part: torch.optim.Adam(system.parameters_of(part), lr=2e-3) for part in find(name).stages()[stage].trains
    }
    history = []
    for _ in range(20):
        torch.manual_seed(0)  # the same noise every time: nothing but the weights changes
        total = 0.0
        for parts, loss in system.losses(stage, batch):
            weights = [p for part in parts for p in system.parameters_of(part)]
            for p, g in zip(weights, torch.autograd.grad(loss, weights, allow_unused=True), strict=True):
                p.grad = g
            for part in parts:
                optimizers[part].step()
            total += loss.item()
        history.append(total)
    assert min(history[-3:]) < history[0], f"the loss went from {history[0]:.4f} to {history[-1]:.4f}"


@pytest.mark.parametrize(("name", "stage"), STAGES)
def test_a_stage_learns_the_same_from_encodings_made_before(name: str, stage: str):
    system = stirred(name)
    batch = batch_for(system, stage)
    encoded = system.encode(stage, batch)
    assert system.encode(stage, encoded) is encoded
    both = []
    for given in (batch, encoded):
        torch.manual_seed(0)
        both.append(next(system.losses(stage, given))[1])
    assert torch.equal(*both)


def test_generate_keeps_the_promised_shape_and_rate(toy: System):
    options = asked(toy)
    clip = toy.generate(options)
    assert clip.frames.shape == (options.num_frames, 3, options.height, options.width)
    assert clip.fps == options.fps


def test_a_timed_story_has_the_frames_its_times_say(toy: System):
    options = asked(toy, prompt="0-0.5s: a bear walks | 0.5-1.5s: a bear swims")
    assert len(toy.generate(options).frames) == sum(options.story.frames(num_frames=1, fps=options.fps))


def test_the_same_seed_gives_the_same_clip_and_another_seed_another(toy: System):
    options = asked(toy)
    clip = toy.generate(options)
    assert clip.digest == toy.generate(options).digest
    assert clip.digest != toy.generate(replace(options, seed=options.seed + 1)).digest


def test_a_saved_system_makes_the_same_clip(toy: System, tmp_path):
    toy.save(tmp_path / "weights")
    again = type(toy).load(tmp_path / "weights")
    assert again.config == toy.config
    assert again.generate(asked(toy)).digest == toy.generate(asked(toy)).digest


def test_options_survive_json(toy: System):
    options = asked(toy, seed=3)
    assert configs.load(toy.Options, json.loads(json.dumps(configs.dump(options)))) == options
    json.dumps(configs.schema(toy.Options))


def test_progress_runs_to_the_end_and_can_cancel(toy: System):
    seen = []
    toy.generate(asked(toy), lambda done, what: seen.append(done))
    assert seen == sorted(seen)
    assert seen
    assert seen[0] >= 0
    assert seen[-1] <= 1

    def cancel(done: float, what: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        toy.generate(asked(toy), cancel)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", bundled())
def test_bundled_weights_make_a_film_in_either_precision(name: str, dtype: torch.dtype):
    system = load(name, dtype=dtype)
    clip = system.generate(asked(system, num_frames=2, num_inference_steps=3))
    assert len(system.weights) == 64
    assert clip.frames.float().std() > 10, "the picture is flat"
