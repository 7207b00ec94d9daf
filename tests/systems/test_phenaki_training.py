"""Phenaki learns: pictures among films, a tokenizer that others judge, films that go on, and none of it forgets."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from phenaki_toys import asked, soft, stirred

from kineograph import config as configs
from kineograph.systems.phenaki import Config, Phenaki
from kineograph.training.trainer import Settings, Trainer


@pytest.fixture
def toy() -> Phenaki:
    return stirred(Phenaki.preset("toy"))


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
    toy = Phenaki(replace(Config(), dream=replace(Config().dream, embed_dim=16)))
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
