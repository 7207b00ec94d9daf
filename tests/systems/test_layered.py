"""What AnimateDiff, ModelScope and Tune-A-Video promise alike, beyond the contract."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from kineograph.clip import Batch, Clip
from kineograph.condition import Condition
from kineograph.models.frame_codec import FrameCodec, FrameCodecConfig
from kineograph.models.temporal import itself
from kineograph.models.unet import UNetConfig
from kineograph.processes.samplers import ddim
from kineograph.systems._layered import Layered, frozen
from kineograph.systems.animatediff import AnimateDiff
from kineograph.systems.latent_diffusion import Config as ImageConfig
from kineograph.systems.latent_diffusion import LatentDiffusion, LatentDiffusionOptions
from kineograph.systems.modelscope import ModelScope
from kineograph.systems.tune_a_video import TuneAVideo

ALL = [AnimateDiff, ModelScope, TuneAVideo]
SMALL = {"height": 16, "width": 16, "num_inference_steps": 3}


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def stirred(system: Layered) -> Layered:
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in system.layers.parameters():
            p.add_(torch.randn(p.shape, generator=generator), alpha=0.1)
    return system


def batch(frames: int = 8, size: int = 16) -> Batch:
    torch.manual_seed(0)
    return Batch.of([Clip.of(torch.rand(frames, 3, size, size) * 2 - 1, caption="a bear") for _ in range(2)])


@pytest.fixture(scope="module", params=ALL, ids=lambda kind: kind.name())
def young(request: pytest.FixtureRequest) -> Layered:
    return request.param.preset("toy")


@pytest.fixture(scope="module", params=ALL, ids=lambda kind: kind.name())
def grown_up(request: pytest.FixtureRequest) -> Layered:
    return stirred(request.param.preset("toy"))


@pytest.fixture(scope="module")
def image() -> LatentDiffusion:
    return LatentDiffusion.preset("toy")


def asked(system: Layered, **changes: object) -> object:
    return system.Options(**({"prompt": "a bear walks", "num_frames": 3} | SMALL | changes))


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name())
def test_weights_are_known_by_the_layers_and_by_the_image_system(kind: type[Layered], tmp_path: Path):
    def known(bias: float, stir: bool) -> str:
        image = LatentDiffusion.preset("toy")
        with torch.no_grad():
            image.unet.conv_out.bias.fill_(bias)
        image.save(tmp_path / f"image {bias}")
        system = kind(replace(kind.PRESETS["toy"], image=str(tmp_path / f"image {bias}")))
        (stirred(system) if stir else system).save(tmp_path / f"{bias} {stir}")
        return kind.load(tmp_path / f"{bias} {stir}").weights

    names = [known(bias, stir) for bias in (0.0, 1.0) for stir in (False, True)]
    assert len(set(names)) == 4
    assert all(len(name) == 64 for name in names)


@torch.no_grad()
def test_at_birth_every_frame_is_the_image_system_s_but_for_rounding(young: Layered, image: LatentDiffusion):
    """In double precision, where rounding (which on some processors depends on a batch's shape) is far below 1e-12."""
    young, image = deepcopy(young).double(), deepcopy(image).double()
    x, t = normal(2, 5, 4, 4, 4).double(), torch.tensor([5, 700])
    cond = Condition(tokens=normal(2, 3, 32, seed=2).double())
    out = young.unet_of(young.image)(x, t, cond, look=itself)
    assert (out - image.unet(x, t, cond)).abs().max() < 1e-12


def test_at_birth_a_film_of_one_frame_is_the_image_system_s_picture(young: Layered, image: LatentDiffusion):
    picture = image.generate(LatentDiffusionOptions("a bear walks", **SMALL))
    assert torch.equal(young.generate(asked(young, num_frames=1)).frames, picture.frames)


@torch.no_grad()
@pytest.mark.parametrize("told", [False, True])
def test_latents_are_judged_as_the_image_system_judges_them(young: Layered, told: bool):
    young = deepcopy(young)
    young.image.codec = FrameCodec(FrameCodecConfig(4, (), (8,), (), (1,)))  # waves: coarse ones count more
    assert len(young.image.importance(normal(2, 1, 4, 4, 4)).unique()) > 1
    side = 4 * young.image.codec.factor
    seen = replace(batch(frames=1), video=normal(2, 1, 4, 4, 4), scenery=normal(2, 1, 3, side, side) if told else None)
    torch.manual_seed(3)
    wanted = young.image.learn_diffusion(seen)
    torch.manual_seed(3)
    torch.randint(1, ())  # which frame the image system looks at
    assert torch.allclose(young.loss(seen), wanted, rtol=1e-5)
    assert not told or wanted > 2 * young.image.learn_diffusion(replace(seen, scenery=None)), "actors are everywhere"


def test_only_what_a_stage_names_moves_and_all_of_it_within_two_steps(young: Layered):
    kind = type(young)
    for name, step in kind.stages().items():
        system = kind.preset("toy").train()
        before = {k: v.clone() for k, v in system.state_dict().items()}
        lent = {f"layers.{k}" for k in system.layers.state_dict()} if "layers" in step.trains else set()
        weights = [p for part in step.trains for p in system.parameters_of(part)]
        optimizer = torch.optim.Adam(weights, lr=1e-3)
        torch.manual_seed(0)
        for _ in range(2):
            [(parts, loss)] = system.losses(name, batch())
            grads = torch.autograd.grad(loss, weights, allow_unused=True)
            for p, g in zip(weights, grads, strict=True):
                p.grad = g
            optimizer.step()
        assert parts == step.trains
        moved = {k for k, v in system.state_dict().items() if not torch.equal(v, before[k])}
        assert all(k.split(".")[0] in step.trains for k in moved)
        kept = {k for k in lent - moved if ".temporal.norm." not in k}
        assert not kept, f"{name} leaves {sorted(kept)[:3]} as they were"


def test_frames_speak_to_each_other_once_taught(grown_up: Layered):
    x, t, cond = normal(1, 4, 4, 4, 4), torch.tensor([500]), Condition(tokens=normal(1, 3, 32, seed=2))
    other = x.clone()
    other[:, 3] += 1
    with torch.no_grad():
        net = grown_up.unet_of(grown_up.image)
        moved = (net(x, t, cond, look=itself) - net(other, t, cond, look=itself)).abs().amax((0, 2, 3, 4))
    assert (moved > 1e-6).all()


def test_a_story_goes_on_from_the_frames_before(grown_up: Layered):
    """Changing the first shot changes the second; changing the second leaves the first."""
    film = lambda prompt: grown_up.generate(asked(grown_up, prompt=prompt)).frames
    story, other_end, other_start = film("a bear | a fish"), film("a bear | a car"), film("a car | a fish")
    assert story.shape == (6, 3, 16, 16)
    assert torch.equal(story[:3], other_end[:3])
    assert not torch.equal(story[3:], other_end[3:])
    assert not torch.equal(story[3:], other_start[3:])


def test_a_film_may_be_longer_than_a_window(grown_up: Layered):
    assert len(grown_up.generate(asked(grown_up, num_frames=19)).frames) == 19


def test_known_frames_are_kept_to_the_end(grown_up: Layered, monkeypatch: pytest.MonkeyPatch):
    known, cond, seen = normal(1, 2, 4, 2, 2), grown_up.image.text(["a bear"]), []

    def watched(*args: object, **named: object) -> Tensor:
        seen.append(ddim(*args, **named))
        return seen[-1]

    monkeypatch.setattr("kineograph.systems._layered.ddim", watched)
    with torch.no_grad():
        net = grown_up.network(grown_up.image)
        new = grown_up.window(
            net, grown_up.image, cond, cond, normal(1, 5, 4, 2, 2, seed=4), known, asked(grown_up)
        )  # fmt: skip
    assert new.shape == (1, 3, 4, 2, 2)
    assert torch.allclose(seen[0][:, :2], known, atol=1e-5)


def test_it_goes_on_from_a_picture_and_follows_a_video(grown_up: Layered, tmp_path: Path):
    path = str(Clip.of(normal(6, 3, 16, 16).clamp(-1, 1)).save(tmp_path / "film.gif"))
    plain = grown_up.generate(asked(grown_up)).digest
    for change in ({"image_path": path}, {"motion": path}, {"image_path": path, "motion": path}):
        clip = grown_up.generate(asked(grown_up, **change))
        assert clip.frames.shape == (3, 3, 16, 16)
        assert clip.digest != plain
        assert clip.digest == grown_up.generate(asked(grown_up, **change)).digest


def test_what_was_inverted_comes_back_for_a_network_that_knows_the_noise(grown_up: Layered):
    """A network whose answer is the same everywhere: then inversion is exact."""
    noise, options = normal(1, 3, 4, 2, 2, seed=9), asked(grown_up, motion="any", num_inference_steps=6)
    process = grown_up.process(grown_up.image)
    schedule = process.schedule

    def oracle(x: Tensor, t: Tensor, cond: Condition) -> Tensor:  # it says v of the one noise there is
        alpha, sigma = schedule.at(t, x)
        clean = (x - sigma * noise) / alpha
        return alpha * noise - sigma * clean

    frames = (torch.arange(3 * 3 * 16 * 16) % 256).reshape(3, 3, 16, 16).to(torch.uint8)
    with torch.no_grad():
        start = grown_up.traced(oracle, grown_up.image, frames, options, lambda share: None)
        nothing = torch.zeros(1, 0, 4, 2, 2)
        cond = grown_up.image.text(["a bear"])
        back = grown_up.window(oracle, grown_up.image, cond, cond, start, nothing, options)
        source = grown_up.image.codec.encode(Clip(frames).video[None])
    assert process.predicts == "v"
    assert torch.allclose(back, source, atol=1e-3)


def test_prompt_and_negative_prompt_matter(grown_up: Layered):
    plain = grown_up.generate(asked(grown_up)).digest
    for change in ({"prompt": "a red car"}, {"negative_prompt": "snow"}):
        assert grown_up.generate(asked(grown_up, **change)).digest != plain


def test_another_image_system_is_moved_by_the_same_layers(grown_up: Layered, tmp_path: Path):
    torch.manual_seed(5)
    other = LatentDiffusion(ImageConfig())
    folder = str(other.save(tmp_path / "other"))
    plain = grown_up.generate(asked(grown_up))
    moved = grown_up.generate(asked(grown_up, image_system=folder))
    assert moved.digest != plain.digest
    assert grown_up.generate(asked(grown_up)).digest == plain.digest
    assert not [k for k in grown_up.parts() if k == "image"]


def test_an_image_system_of_another_shape_is_refused(grown_up: Layered, tmp_path: Path):
    config = replace(ImageConfig(), unet=UNetConfig(widths=(8, 32)))
    folder = str(LatentDiffusion(config).save(tmp_path / "wide"))
    with pytest.raises(ValueError, match="does not take these layers"):
        grown_up.generate(asked(grown_up, image_system=folder))
    with pytest.raises(ValueError, match="does not take these layers"):
        grown_up.generate(asked(grown_up, image_system=folder))
    with pytest.raises(ValueError, match="there is no folder"):
        grown_up.generate(asked(grown_up, image_system="/no/such/folder"))


def test_what_is_saved_is_its_own_layers_and_the_name_of_the_image_system(young: Layered, tmp_path: Path):
    names = {path.name for path in young.save(tmp_path / "own").iterdir()}
    assert "image.safetensors" not in names
    assert {"layers.safetensors", "system.json"} <= names
    again = type(young).load(tmp_path / "own", dtype=torch.bfloat16)
    assert again.precision == "bfloat16"
    assert again.image.unet.dtype == torch.bfloat16
    assert len(again.weights) == 64
    again.generate(asked(again))


def test_it_validates_every_stage(young: Layered, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("kineograph.systems._layered.SAMPLES", ("a bear walks",))
    for name in young.stages():
        figures, clips = young.validate(name, batch())
        assert figures["loss"] > 0
        assert all(clip.frames.shape == (8, 3, 16, 16) for clip in clips)


def test_frozen_parts_learn_nothing_and_are_as_before_afterwards():
    a, b = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1).requires_grad_(False)
    with frozen(a, b):
        assert not a(torch.ones(1)).requires_grad
    assert a.weight.requires_grad
    assert not b.weight.requires_grad


def test_windows_that_leave_no_room_are_refused():
    for kind in ALL:
        with pytest.raises(ValueError, match="overlap by 1 to 7; got 8"):
            kind.Config(frames=8, overlap=8)
