"""Phenaki: sizes of the paper, scenes that go on from what was shown, films of any length, pictures among films."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from kineograph import config as configs
from kineograph.clip import Batch, Clip
from kineograph.condition import Condition
from kineograph.systems.phenaki import Config, Phenaki, PhenakiOptions
from kineograph.training.trainer import Settings, Trainer


def stirred(system: Phenaki) -> Phenaki:
    """All weights moved a little: layers that begin at zero would hide what was asked."""
    chance = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in system.parameters():
            p.add_(torch.randn(p.shape, generator=chance), alpha=0.1)
    return system


@pytest.fixture
def toy() -> Phenaki:
    return stirred(Phenaki.preset("toy"))


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


class Windows:
    """What the sampler was given and gave, window by window, and what was shown."""

    def __init__(self, system: Phenaki, monkeypatch: pytest.MonkeyPatch):
        self.system, self.given, self.told, self.shown = system, [], [], []
        sample, show = system.masked.sample, system.show

        def sampled(net: object, tokens: Tensor, cond: Condition, null: Condition, **more: object) -> Tensor:
            self.given.append(tokens.view(1, -1, 4, 4))
            self.told.append((cond, null, more))
            out = sample(net, tokens, cond, null, **more)
            known = tokens != system.masked.codes
            assert torch.equal(out[known], tokens[known])
            return out

        monkeypatch.setattr(system.masked, "sample", sampled)
        monkeypatch.setattr(system, "show", lambda video, o: self.shown.append(video) or show(video, o))

    def known(self) -> list[int]:
        """The known time steps of each window, of how many."""
        return [int((x != self.system.masked.codes).all((2, 3)).sum()) for x in self.given]


@pytest.fixture
def windows(toy: Phenaki, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Windows]:
    def generate(prompt: str = "a bear walks", **options: object) -> Windows:
        with monkeypatch.context() as patch:
            seen = Windows(toy, patch)
            toy.generate(asked(prompt, **options))
        return seen

    return generate


# sizes


def on_meta(preset: str) -> Phenaki:
    with torch.device("meta"):
        return Phenaki(replace(Phenaki.PRESETS[preset], text="bytes"))


def millions(part: torch.nn.Module) -> float:
    return sum(p.numel() for p in part.parameters()) / 1e6


@pytest.mark.slow
@pytest.mark.parametrize(("preset", "billions"), [("paper", 1.8), ("paper_small", 0.9)])
def test_the_papers_sizes_have_its_parameters_and_tokens(preset: str, billions: float):
    system = on_meta(preset)
    assert round(millions(system.dream) / 1e3, 1) == billions
    tokens = system.tokenizer.encode(torch.empty(1, 11, 3, 128, 128, device="meta"))
    assert tokens.numel() == 1536
    assert len(system.tokenizer.book.book) == 8192


def test_the_bundled_size_fits_into_30_megabytes_of_half_precision():
    system = on_meta("world")
    stored = sum(x.numel() for part in system.parts().values() for x in part.state_dict().values())
    assert 2 * stored < 30e6
    tokens = system.tokenizer.encode(torch.empty(1, 16, 3, 64, 64, device="meta"))
    assert tokens.shape == (1, 6, 8, 64)  # of 8 x 8 patches of eight codes each
    assert system.config.dream.text_dim == 384


def test_parts_that_do_not_fit_each_other_are_refused():
    toy = Config()
    with pytest.raises(ValueError, match=r"makes \(64, 1, 5, 4, 4, 32\) .* takes \(100, 1, 5, 4, 4, 32\)"):
        Phenaki(replace(toy, dream=replace(toy.dream, codes=100)))
    with pytest.raises(ValueError, match="10 do not fit, 9 and 11 do"):
        Phenaki(replace(toy, frames=10))
    with pytest.raises(ValueError, match="text is 't5'; it can be bytes or minilm"):
        Phenaki(replace(toy, text="t5"))


# stories


def test_a_scene_goes_on_from_the_last_frames_shown_encoded_again(windows, toy: Phenaki):
    told = windows("a bear walks | a bear swims | a bear sleeps", num_frames=4)
    assert told.known() == [0, 2, 3]  # of 4 frames 3 fit, of 8 the 5 that are kept
    assert [x.shape[1] for x in told.given] == [3, 4, 5]
    film = torch.cat(told.shown, 1)
    assert film.shape[1] == 12
    assert torch.equal(told.given[1][:, :2], toy.tokenizer.encode(film[:, 1:4]))
    assert torch.equal(told.given[2][:, :3], toy.tokenizer.encode(film[:, 3:8]))
    assert len({float(cond.tokens.sum()) for cond, _, _ in told.told}) == 3


def test_a_long_scene_goes_on_window_by_window(windows, toy: Phenaki):
    told = windows(num_frames=20)
    assert [x.shape[1] for x in told.shown] == [9, 4, 4, 3]
    assert told.known() == [0, 3, 3, 3]
    assert all(x.shape[1] <= toy.config.dream.grid[0] for x in told.given)


@pytest.mark.parametrize(("keep", "known", "shown"), [(1, [0, 1], [9, 8]), (3, [0, 2, 2], [9, 6, 2])])
def test_how_much_is_taken_over_can_be_asked(windows, keep: int, known: list[int], shown: list[int]):
    told = windows(num_frames=17, keep_frames=keep)
    assert told.known() == known
    assert [x.shape[1] for x in told.shown] == shown


@pytest.mark.parametrize(("keep", "words"), [(4, "4 do not fit, 3 and 5 do"), (9, "below 9, a window's; got 9")])
def test_an_overlap_that_does_not_fit_is_refused_at_once(toy: Phenaki, keep: int, words: str):
    with pytest.raises(ValueError, match=words):
        toy.generate(asked(keep_frames=keep))


@pytest.mark.parametrize("frames", [1, 2, 3, 9, 10, 14])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (48, 100)])
def test_any_length_and_shape_comes_out(toy: Phenaki, frames: int, height: int, width: int):
    clip = toy.generate(asked(num_frames=frames, height=height, width=width))
    assert clip.frames.shape == (frames, 3, height, width)


def test_a_picture_or_a_video_can_stand_at_the_beginning(windows, toy: Phenaki, tmp_path: Path):
    frames = torch.stack([torch.full((3, 32, 32), 20 * i, dtype=torch.uint8) for i in range(1, 9)])
    clip = Clip(frames, 8.0)
    video, picture = clip.save(tmp_path / "before.gif"), tmp_path / "before.png"
    Clip(frames[:1], 8.0).save(picture)
    plain, after = windows(num_frames=4), windows(num_frames=4, image_path=str(video))
    assert after.known() == [3]
    still = windows(num_frames=4, image_path=str(picture))
    assert still.known() == [1]
    assert sum(x.shape[1] for x in still.shown) == 4
    assert plain.known() == [0]
    assert not torch.equal(after.shown[0], plain.shown[0])


def test_memory_does_not_grow_with_the_film(toy: Phenaki):
    """Window after window comes out, and none is asked for before the one before is taken."""
    film = toy.film(asked("a | b", num_frames=4096), lambda done, what: None)
    with torch.inference_mode():
        assert [len(next(film)) for _ in range(3)] == [9, 4, 4]


def test_negative_words_stand_in_the_place_of_nothing(windows, toy: Phenaki):
    _, null, _ = windows().told[0]
    assert null.tokens is not None
    assert torch.equal(null.tokens[0, 0], toy.dream.null)
    _, null, _ = windows(negative_prompt="rain").told[0]
    assert torch.equal(null.tokens, toy.text(["rain"]).tokens)
    assert null.vector is None


def test_options_reach_the_sampler(windows, toy: Phenaki):
    _, _, more = windows(
        guidance_scale=5.0, temperature=0.5, choice_temperature=2.0, num_inference_steps=3, token_critic=True
    ).told[0]
    assert (more["guidance"], more["temperature"], more["choice_temperature"], more["steps"]) == (5.0, 0.5, 2.0, 3)
    assert more["judge"] is toy.judge
    with pytest.raises(ValueError, match="these weights have none"):
        Phenaki(Config(judge_depth=0)).generate(asked(token_critic=True))


def test_progress_never_goes_back(toy: Phenaki):
    seen = []
    toy.generate(asked("a bear | a fish", num_frames=12), lambda done, what: seen.append((done, what)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[0] == (0.0, "a bear")
    assert seen[-1] == (1.0, "done")
    assert len({done for done, _ in seen}) > 6


# teaching


def test_the_stages_are_those_of_the_paper_and_what_they_need(toy: Phenaki):
    assert list(toy.stages()) == [
        "learn_to_see", "learn_tokens", "learn_to_draw", "learn_to_dream", "learn_to_judge", "learn_upsampler",
    ]  # fmt: skip
    assert list(toy.parts()) == ["features", "tokenizer", "critic", "dream", "judge", "upsampler"]
    with pytest.raises(ValueError, match="set judge_depth"):
        Phenaki(Config(judge_depth=0)).clip_shape("learn_to_judge")


@pytest.mark.parametrize(("share", "rows"), [(0.0, []), (0.25, [1]), (1.0, [4])])
def test_pictures_are_first_frames_of_their_share_of_a_batch(share: float, rows: list[int], monkeypatch):
    toy = stirred(Phenaki(Config(pictures=share)))
    seen, loss, batch = [], toy.masked.loss, soft()
    monkeypatch.setattr(toy.masked, "loss", lambda net, x, *rest: seen.append((x, rest)) or loss(net, x, *rest))
    assert toy.learn_to_dream(toy.encode("learn_to_dream", batch)).isfinite()
    small = [(x, rest) for x, rest in seen if x.shape[1] == 16]
    assert [len(x) for x, _ in small] == rows
    assert sum(len(x) for x, _ in seen) == 4
    for x, (cond, _, known) in small:
        assert torch.equal(x, toy.tokenizer.encode(batch.video[: len(x), :1]).flatten(1))
        assert torch.equal(cond.tokens, toy.text(batch.captions).tokens[: len(x)])
        assert not known.any()


@pytest.mark.parametrize(("share", "shapes"), [(0.0, [(4, 9)]), (0.5, [(10, 1), (2, 9)]), (1.0, [(20, 1)])])
def test_the_tokenizer_learns_from_pictures_and_films(share: float, shapes: list, monkeypatch: pytest.MonkeyPatch):
    toy = stirred(Phenaki(Config(pictures=share)))
    seen, loss = [], toy.tokenizer.loss
    monkeypatch.setattr(toy.tokenizer, "loss", lambda x: seen.append(tuple(x.shape[:2])) or loss(x))
    pairs = list(toy.learn_tokens(soft()))
    assert [parts for parts, _ in pairs] == [("tokenizer",), ("critic",)]
    assert seen == shapes


def test_the_critic_rests_where_its_weight_is_zero():
    toy = stirred(Phenaki(Config(adversarial=0.0, perceptual=0.0)))
    assert [parts for parts, _ in toy.learn_tokens(soft())] == [("tokenizer",)]


def test_published_networks_watch_where_the_user_has_them(monkeypatch: pytest.MonkeyPatch):
    seen = []

    def watching(name: str) -> Callable[..., Callable]:
        return lambda *where: lambda made, real: seen.append((name, made.shape)) or (made - real).abs().mean()

    monkeypatch.setattr("kineograph.systems.phenaki.lpips_distance", watching("lpips"))
    monkeypatch.setattr("kineograph.systems.phenaki.i3d_distance", watching("i3d"))
    batch, plain = soft(), Config(pictures=0.25, adversarial=0.0, looks=2)

    def loss(**changes: object) -> float:
        torch.manual_seed(0)
        return next(stirred(Phenaki(replace(plain, **changes))).learn_tokens(batch))[1].item()

    without = loss(perceptual=0.0)
    assert not seen
    assert loss(eyes="lpips") > without
    assert seen == [("lpips", (1 * 5 * 1 + 3 * 2, 3, 32, 32))]  # one look at each picture, two at each film
    seen.clear()
    assert loss(perceptual=0.0, i3d="i3d.pt") > without
    assert seen == [("i3d", (3, 9, 3, 32, 32))]
    with pytest.raises(ValueError, match="eyes is 'vgg'; it can be features or lpips"):
        Phenaki(Config(eyes="vgg"))


def test_networks_that_judge_the_tokenizer_learn_nothing_from_it(toy: Phenaki):
    _, loss = next(toy.learn_tokens(soft()))
    watching = [*toy.features.parameters(), *toy.critic.parameters()]
    assert set(torch.autograd.grad(loss, watching, allow_unused=True, retain_graph=True)) == {None}
    assert all(g.any() for g in torch.autograd.grad(loss, list(toy.tokenizer.parameters())))


def test_the_embedding_of_nothing_gets_gradients(toy: Phenaki):
    torch.manual_seed(1)
    loss = toy.learn_to_dream(toy.encode("learn_to_dream", soft(96)))
    assert torch.autograd.grad(loss, toy.dream.null)[0].any()


def test_a_fresh_transformer_takes_its_embeddings_from_the_book_and_a_taught_one_keeps_them():
    toy = Phenaki.preset("toy")
    fresh, count = toy.dream.embed.weight.detach().clone(), toy.config.tokenizer.book.code_dim
    toy.begin("learn_tokens")
    assert torch.equal(toy.dream.embed.weight, fresh)
    toy.begin("learn_to_dream")
    book = toy.tokenizer.book.book
    torch.testing.assert_close(toy.dream.embed.weight[:-1, :count].detach(), (book - book.mean(0)) / book.std(0))
    Trainer(toy, "learn_to_dream", Settings(lr_warmup_steps=0)).step(soft())
    learned = toy.dream.embed.weight.detach().clone()
    toy.begin("learn_to_dream")
    assert torch.equal(toy.dream.embed.weight, learned)


def test_a_resumed_tokenizer_training_goes_on_bit_for_bit():
    settings, batch = Settings(lr_warmup_steps=0), soft(4)

    def fresh() -> Trainer:
        return Trainer(Phenaki.preset("toy"), "learn_tokens", settings)

    trainer = fresh()
    for _ in range(2):
        losses = trainer.step(batch)
    assert list(losses) == ["tokenizer", "critic"]
    tensors, numbers = trainer.state()
    assert "tokenizer/book.book/buffer" in tensors
    tensors, again = {k: v.clone() for k, v in tensors.items()}, fresh()
    again.restore(tensors, numbers)
    for one in (trainer, again):
        one.step(batch)
    ours, theirs = trainer.state()[0], again.state()[0]
    assert all(torch.equal(ours[k], theirs[k]) for k in ours)
    assert not torch.equal(ours["tokenizer/book.book/buffer"], tensors["tokenizer/book.book/buffer"])


def test_a_decoder_that_learns_on_leaves_tokens_as_they_are():
    trainer, batch = Trainer(stirred(Phenaki.preset("toy")), "learn_to_draw", Settings(lr_warmup_steps=0)), soft()
    net = trainer.system.tokenizer
    tokens, drawn = net.encode(batch.video), net.decode(net.encode(batch.video))
    before = {name: p.detach().clone() for name, p in net.state_dict().items()}
    assert list(trainer.step(batch)) == ["tokenizer", "critic"]
    assert torch.equal(net.encode(batch.video), tokens)
    assert not torch.equal(net.decode(tokens), drawn)
    changed = {name for name, p in net.state_dict().items() if not torch.equal(p, before[name])}
    assert {name.split(".")[0] for name in changed} == {
        "at_decoder", "first_out", "group_out", "decoder_time", "decoder_space", "book",
    }  # fmt: skip
    assert {name for name in changed if name.startswith("book")} == {"book.outward.weight", "book.outward.bias"}


@pytest.mark.parametrize("stage", ["learn_tokens", "learn_to_draw", "learn_to_dream"])
def test_every_stage_trains_in_bfloat16_and_in_pieces(stage: str):
    settings = Settings(mixed_precision="bf16", gradient_accumulation_steps=2)
    trainer = Trainer(Phenaki.preset("toy"), stage, settings)
    losses = trainer.step(soft(4))
    assert all(loss.isfinite() for loss in losses.values())
    assert trainer.skipped == 0


@pytest.mark.parametrize("stage", ["learn_to_see", "learn_tokens", "learn_to_draw", "learn_to_dream", "learn_to_judge"])
def test_validation_gives_figures_and_clips(toy: Phenaki, stage: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("kineograph.systems.phenaki.SAMPLES", ("a bear",))
    figures, clips = toy.validate(stage, soft(6))
    assert all(isinstance(value, float) for value in figures.values())
    coded = {"psnr", "psnr_moving", "usage", "perplexity"}
    wanted = {"learn_to_see": {"matched"}, "learn_tokens": coded, "learn_to_draw": coded}
    assert set(figures) == wanted.get(stage, {"loss"})
    assert len(clips) == {"learn_to_see": 0, "learn_tokens": 12, "learn_to_draw": 12}.get(stage, 1)


def test_half_precision_weights_make_a_film(toy: Phenaki, tmp_path: Path):
    toy.save(tmp_path / "half", dtype=torch.float16)
    again = Phenaki.load(tmp_path / "half", dtype=torch.bfloat16)
    assert again.generate(asked("a bear | a fish", num_frames=4)).frames.shape == (8, 3, 32, 32)


def test_its_config_can_be_changed_by_flags():
    config = configs.set_path(Phenaki.PRESETS["world"], "pictures", "0.3")
    config = configs.set_path(config, "tokenizer.book.codes", "2048")
    assert config.pictures == 0.3
    assert config.tokenizer == replace(
        Phenaki.PRESETS["world"].tokenizer, book=replace(Phenaki.PRESETS["world"].tokenizer.book, codes=2048)
    )
