"""The default system: shots that continue, windows, the distilled path, what is asked."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from kineograph import system as systems
from kineograph import video
from kineograph.clip import Clip
from kineograph.condition import Condition
from kineograph.models.frame_codec import FrameCodec
from kineograph.models.painter import Painter
from kineograph.models.prompt_reader import PromptReader
from kineograph.models.upsampler import Upsampler, fitted
from kineograph.models.video_transformer import VideoTransformer
from kineograph.systems._windows import Past
from kineograph.systems.kineograph import Config, Kineograph, KineographOptions


class Spy:
    """Keeps what a method is given and what it gives."""

    def __init__(self, call: Callable):
        self.call, self.calls = call, []

    def __call__(self, *args: object, **kwargs: object) -> object:
        out = self.call(*args, **kwargs)
        self.calls.append((args, kwargs, out))
        return out


@pytest.fixture
def windows(
    toy: Kineograph, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[tuple[Tensor | None, Tensor, bool]]]:
    """Generates and tells of each window: the known latents its generator saw, the new ones, whether it jumped."""

    def generate(prompt: str, **options: object) -> list[tuple[Tensor | None, Tensor, bool]]:
        sample, seen = Spy(toy.flow.sample), Spy(toy.generator.forward)
        with monkeypatch.context() as patch:
            patch.setattr(toy.flow, "sample", sample)
            patch.setattr(toy.generator, "forward", seen)
            toy.generate(asked(prompt, **options))
        steps = len(seen.calls) // len(sample.calls)
        known = [args[2].frames for args, _, _ in seen.calls[::steps]]
        return [(k, out, kw["jump"]) for k, (_, kw, out) in zip(known, sample.calls, strict=True)]

    return generate


def asked(prompt: str = "a bear walks", **options: object) -> KineographOptions:
    small = {"num_frames": 4, "height": 32, "width": 32, "num_inference_steps": 2}
    return KineographOptions(prompt, **(small | options))


def test_the_parts_are_those_of_the_figure(toy: Kineograph):
    assert list(toy.parts()) == ["reader", "director", "codec", "generator", "upsampler", "painter"]
    stages = [
        "learn_words",
        "learn_layout",
        "learn_codec",
        "learn_figures",
        "learn_generator",
        "learn_upsampler",
        "learn_few_steps",
    ]
    assert list(toy.stages()) == stages
    assert toy.clip_shape("learn_words")[0] == toy.clip_shape("learn_layout")[0] == 0, "no pictures"
    assert toy.clip_shape("learn_generator") == (8, 32)
    assert toy.clip_shape("learn_figures") == (1, 128)
    assert toy.clip_shape("learn_upsampler") == (1, 128)
    with pytest.raises(ValueError, match="text is 'bert'; it can be bytes or minilm"):
        Kineograph(Config(text="bert"))


@pytest.mark.parametrize("preset", Kineograph.PRESETS)
def test_the_parts_of_a_preset_fit_each_other(preset: str):
    config = Kineograph.PRESETS[preset]
    assert config.codec.channels == config.generator.channels
    assert config.size == 8 * config.generator.size
    assert config.frames == config.generator.frames
    assert config.text == "bytes" or config.generator.text_dim == 384
    assert config.reader.dim == config.generator.text_dim
    assert sum(config.reader.classes) == config.generator.vector_dim
    assert config.codec.text_dim in (0, config.generator.vector_dim)
    director, generator = config.director, config.generator
    assert director.channels == generator.layout_dim
    assert (director.frames, director.patch[0]) == (generator.frames, generator.patch[0])
    assert (director.text_dim, director.vector_dim) == (generator.text_dim, generator.vector_dim)
    assert config.upsampler.told_dim == generator.vector_dim
    assert (config.painter.classes, config.painter.layout_dim) == (config.reader.classes, generator.layout_dim)


def test_a_shot_continues_from_the_last_latents_of_the_one_before(windows):
    (known, first, _), (after, second, _) = windows("a bear walks | a bear swims")
    assert known is None
    assert torch.equal(after[:1], first[:, -4:])
    assert second.shape[1] == 4


def test_a_long_shot_goes_on_window_by_window(windows):
    told = windows("a bear walks", num_frames=19)
    assert [out.shape[1] for _, out, _ in told] == [8, 4, 4, 4]
    film = torch.cat([out for _, out, _ in told], 1)
    for i, (known, _, _) in enumerate(told[1:]):
        assert torch.equal(known[:1], film[:, 4 + 4 * i : 8 + 4 * i])


def test_a_shot_continues_from_what_was_shown_not_from_what_was_cut(windows):
    (_, first, _), (known, _, _), _ = windows("a bear walks | a bear swims", num_frames=6)
    assert first.shape[1] == 8
    assert torch.equal(known[:1], first[:, 2:6])


def test_a_single_frame_stands_still_before_the_next_shot(windows):
    (_, first, _), (known, _, _) = windows("a bear | a fish", num_frames=1)
    assert torch.equal(known[:1], first[:, :1].expand(-1, 4, -1, -1, -1))


@pytest.mark.parametrize("frames", [1, 3, 8, 13])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (48, 100), (200, 16)])
def test_any_length_and_shape_comes_out(toy: Kineograph, frames: int, height: int, width: int):
    clip = toy.generate(asked(num_frames=frames, height=height, width=width))
    assert clip.frames.shape == (frames, 3, height, width)
    assert clip.caption == "a bear walks"


@pytest.mark.parametrize("prompt", ["0-0.5s: a | 0.5-2s: b", "0-0.3s: a | 0.3-0.6s: b | 0.6-0.9s: c | 0.9-1.2s: d"])
def test_timed_prompts_last_as_long_as_they_say(toy: Kineograph, prompt: str):
    options = asked(prompt, fps=8)
    counts = options.story.frames(num_frames=1, fps=8)
    assert len(toy.generate(options).frames) == sum(counts)


def test_each_shot_follows_its_own_prompt(toy: Kineograph):
    one, other = (toy.generate(asked(f"a bear walks | {prompt}")).frames for prompt in ("a fish", "a rocket"))
    assert torch.equal(one[:4], other[:4])
    assert not torch.equal(one[4:], other[4:])


def test_frames_come_window_by_window(toy: Kineograph, monkeypatch: pytest.MonkeyPatch):
    sample, show = Spy(toy.flow.sample), Spy(toy.show)
    monkeypatch.setattr(toy.flow, "sample", sample)
    monkeypatch.setattr(toy, "show", show)
    film = toy.film(asked("a | b", num_frames=12), systems.silent)
    with torch.inference_mode():
        assert len(next(film)) == 8
        assert len(sample.calls) == len(show.calls) == 1
        assert [len(piece) for piece in film] == [4, 4, 4, 4]
    assert max(args[0].shape[1] for args, _, _ in show.calls) == 8


@pytest.mark.parametrize("name", ["picture.png", "film.mp4"])
def test_a_picture_or_film_is_gone_on_from(name: str, toy: Kineograph, windows, tmp_path: Path):
    frames = torch.linspace(-1, 1, 8 * 3 * 32 * 32).view(8, 3, 32, 32)
    given = Clip.of(frames[:1] if name == "picture.png" else frames)
    if name == "picture.png":  # saved as a PNG a clip is a sheet
        Image.fromarray(given.frames[0].permute(1, 2, 0).numpy()).save(tmp_path / name)
    else:
        given.save(tmp_path / name)
    (known, out, _), *_ = windows("a bear walks", image_path=str(tmp_path / name), num_frames=8)
    assert known.shape[1] == out.shape[1] == 4
    count = min(4, len(given.frames))
    read = video.read(tmp_path / name, fps=8, size=32).video[None, -count:]
    assert (read - given.video[None, -count:]).abs().mean() < 0.05  # files round colours
    with torch.inference_mode():
        encoded = toy.codec.encode(read)
    encoded = encoded.expand(-1, 4, -1, -1, -1) if count == 1 else encoded
    assert torch.equal(known[:1], encoded)
    assert len(toy.generate(asked(num_frames=7, image_path=str(tmp_path / name))).frames) == 7


def test_a_picture_that_is_not_there_is_named(toy: Kineograph, tmp_path: Path):
    with pytest.raises((ValueError, OSError), match="nowhere"):
        toy.generate(asked(image_path=str(tmp_path / "nowhere.png")))


def test_only_what_the_jumps_were_distilled_to_takes_them(toy: Kineograph, windows):
    toy.config = replace(toy.config, jumps=2, jump_guidance=3.0)
    assert windows("a bear")[0][2]
    for other in ({"num_inference_steps": 3}, {"guidance_scale": 2.0}, {"negative_prompt": "snow"}):
        assert not windows("a bear", **other)[0][2]
    toy.config = replace(toy.config, jumps=0)
    assert not windows("a bear")[0][2]


def test_negative_prompt_and_guidance_change_the_film(toy: Kineograph):
    options = (asked(), asked(negative_prompt="snow"), asked(guidance_scale=6.0), asked(num_inference_steps=3))
    assert len({toy.generate(o).digest for o in options}) == 4
    unguided = asked(guidance_scale=1.0)
    assert toy.generate(unguided).digest == toy.generate(replace(unguided, negative_prompt="snow")).digest


def test_seeds_reach_every_window(toy: Kineograph):
    """Also windows with the same prompt and the same past have noise of their own."""
    noise = Spy(toy.noise)
    toy.noise = noise
    toy.generate(asked("a | a", num_frames=8, seed=2**63 - 1))
    drawn = [out for *_, out in noise.calls]
    layouts, latents = drawn[::2], drawn[1::2]
    assert [len(layouts), len(latents)] == [3, 3]
    assert not torch.equal(layouts[1], layouts[2])
    assert not torch.equal(latents[1], latents[2])


def test_prompts_that_are_too_long_are_refused_before_any_work(toy: Kineograph, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(toy.flow, "sample", None)
    with pytest.raises(ValueError, match="at most 64 tokens"):
        toy.generate(asked("a bear | " + "very " * 100 + "long"))


def test_options_name_their_limits():
    with pytest.raises(ValueError, match="guidance_scale must be at least 1"):
        asked(guidance_scale=0.5)
    with pytest.raises(ValueError, match="num_inference_steps must be at most 200"):
        asked(num_inference_steps=201)


def test_a_distilled_toy_takes_its_four_jumps(toy: Kineograph, windows):
    toy.begin("learn_few_steps")
    assert windows("a bear", num_inference_steps=4)[0][2]


def test_frames_are_made_to_cover_the_size_asked_for():
    frames = torch.zeros(2, 3, 8, 8)
    frames[..., 3:5] = 1
    assert fitted(frames, 8, 8) is frames
    assert fitted(frames, 16, 16).shape == (2, 3, 16, 16)
    tall = fitted(frames, 16, 8)
    assert tall.shape == (2, 3, 16, 8)
    assert tall[..., 3:5].mean() > 0.8 > 0.2 > tall[..., [0, 7]].abs().mean()


def test_progress_is_told_at_every_step_and_never_falls(toy: Kineograph):
    told: list[float] = []
    toy.generate(asked("a bear | a cat", num_inference_steps=3), lambda done, what: told.append(done))
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)
    assert len(told) == 2 * (1 + 3) + 1


@pytest.mark.parametrize("preset", ["world", "large"])
def test_bundled_weights_of_a_preset_would_fit_into_sixty_megabytes(preset: str):
    config = Kineograph.PRESETS[preset]
    with torch.device("meta"):
        parts = [PromptReader(config.reader), VideoTransformer(config.director), FrameCodec(config.codec)]
        parts += [VideoTransformer(config.generator), Upsampler(config.upsampler), Painter(config.painter)]
    kept = [x for part in parts for x in part.state_dict().values()]
    assert sum(x.numel() * (2 if x.is_floating_point() else x.element_size()) for x in kept) <= 60e6
    assert config.size == config.generator.size * parts[2].factor == 256 // config.upsampler.factor


PLAIN = (("a bear", "a cat", "a dog", "an owl"), ("here", "there", "up"))


def test_words_that_no_caption_used_are_retold_in_those_that_do(toy: Kineograph, monkeypatch: pytest.MonkeyPatch):
    told = Spy(toy.told)
    monkeypatch.setattr(toy, "told", told)
    monkeypatch.setattr(toy, "config", replace(toy.config, plain=PLAIN))
    monkeypatch.setattr(toy.reader, "unheard", lambda words: torch.tensor([len(words.mask[0]) > 2]))
    monkeypatch.setattr(toy.reader, "chosen", lambda *_: torch.tensor([[3, 1]]))
    prompts = [["a feline rotates"], ["an owl there"], ["a cat"]]
    toy.generate(asked("a feline rotates | a cat"))
    assert [p for (p,), *_ in told.calls if p != [""]] == prompts
    plain = Kineograph(replace(Config(), plain=PLAIN)).eval()
    assert plain.retold("a feline", torch.tensor([[3, 1]])) is None, "without a vocabulary nothing is unheard"


def test_plain_words_are_as_many_as_values():
    with pytest.raises(ValueError, match="plain has 3 phrases for a label of 4 values"):
        Kineograph(replace(Config(), plain=(("a", "b", "c"),)))


def test_windows_are_drawn_by_a_layout_that_goes_on(toy: Kineograph, monkeypatch: pytest.MonkeyPatch):
    staged = Spy(toy.staged)
    monkeypatch.setattr(toy, "staged", staged)
    film = toy.generate(asked("a bear | a fish", num_frames=8))
    first, second, third = (out for *_, out in staged.calls)
    assert first.layout.shape == (1, 8, 14)
    assert torch.equal(second.layout[:, :4], first.layout[:, 4:])
    assert torch.equal(third.layout[:, :4], second.layout[:, 4:])
    assert all(told.layout[..., 0].eq(1).all() for told in (first, second, third))
    director = toy.director.forward
    monkeypatch.setattr(toy.director, "forward", lambda *given: director(*given) + 0.5)
    assert toy.generate(asked("a bear | a fish", num_frames=8)).digest != film.digest


def test_figures_are_painted_on_the_scenery_by_their_own_layout(toy: Kineograph, monkeypatch: pytest.MonkeyPatch):
    staged, enlarged, painted = Spy(toy.staged), Spy(toy.upsampler.forward), Spy(toy.painter.forward)
    monkeypatch.setattr(toy, "staged", staged)
    monkeypatch.setattr(toy.upsampler, "forward", enlarged)
    monkeypatch.setattr(toy.painter, "forward", painted)
    toy.generate(asked("a bear | a fish", num_frames=6))
    layouts = [out.layout for *_, out in staged.calls]
    shown = [layouts[0][:, :6], layouts[1][:, 4:8], layouts[2][:, 4:6]]
    assert [args[0].shape[1] for args, *_ in enlarged.calls] == [6, 4, 2]
    for (scenery, labels, layout), *_ in painted.calls:
        assert scenery.abs().max() <= 1
        assert labels.shape == (1, 2)
        assert torch.equal(layout, shown.pop(0))
    assert not shown
    assert all(args[1].unique().tolist() == [0.0, 1.0] for args, *_ in enlarged.calls), "labels that are certain"


def test_figures_can_be_left_out(toy: Kineograph, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(toy.painter, "forward", lambda scenery, labels, layout: torch.ones_like(scenery))
    assert toy.generate(asked()).frames.eq(255).all()
    assert not toy.generate(asked(figures=False)).frames.eq(255).all()


def test_a_story_remembers_what_its_words_do_not_deny(toy: Kineograph, monkeypatch: pytest.MonkeyPatch):
    """A red car stays red in the shots that say nothing of its colour."""
    said = {"": (0.9, 0.1), "a red car": (0.0, 1.0), "it stops": (0.95, 0.05), "a white one": (1.0, 0.0)}
    real, painted = toy.told, Spy(toy.painter.forward)

    def told(prompts: list[str]) -> Condition:
        rows = [[0.0, 1.0, 0.0, 0.0, *said[prompt], 0.0] for prompt in prompts]
        return replace(real(prompts), vector=torch.tensor(rows))

    monkeypatch.setattr(toy, "told", told)
    monkeypatch.setattr(toy.painter, "forward", painted)
    toy.generate(asked("a red car | it stops | a white one | it stops"))
    assert [args[1].tolist() for args, *_ in painted.calls] == [[[1, 1]], [[1, 1]], [[1, 0]], [[1, 0]]]


def test_of_a_picture_no_layout_is_known(toy: Kineograph):
    past = Past().on(torch.randn(1, 4, 4, 4, 4), None, 4)
    told = toy.staged(toy.told(["a bear"]), toy.told([""]), past, 8, asked(), 0)
    assert not told.layout[:, :4].any()
    assert told.layout[:, 4:, 0].eq(1).all()
