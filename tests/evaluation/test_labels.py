import json

import pytest
import resuming
import torch

from kineograph.clip import Batch, Clip
from kineograph.data.cache import identity
from kineograph.data.world.scene import VOCABULARY, Scene
from kineograph.data.world.world import World
from kineograph.evaluation import fidelity, labels
from kineograph.models.label_reader import LabelReaderConfig, ShiftedResidual
from kineograph.training.trainer import Settings, Trainer


def film(seed: int, scene: Scene) -> Clip:
    """Noise in the place of a drawing, captioned by labels."""
    frames = torch.randint(0, 256, (16, 3, 64, 64), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    return Clip(frames, caption=labels.dump(labels.labels_of(scene)))


@pytest.fixture(scope="module")
def batch() -> Batch:
    world = World(0)
    return Batch.of([film(i, world.scene(i)) for i in range(4)])


def test_labels_survive_json():
    for i in range(20):
        asked = labels.labels_of(World(0).scene(i))
        assert labels.parse(labels.dump(asked)) == asked
        assert set(asked) == set(labels.LABELS) <= set(VOCABULARY)


def test_a_label_that_cannot_be_is_refused():
    asked = labels.labels_of(World(0).scene(0))
    with pytest.raises(ValueError, match="who is 'unicorn'"):
        labels.parse(json.dumps(asked | {"who": "unicorn"}))


def test_labelled_clips_come_from_their_worlds_in_turn_with_labels_for_captions():
    worlds = World(1, size=16, frames=2), World(2, split="held_out", size=16, frames=2)
    labelled = labels.Labelled(*worlds)
    for i in range(4):
        world, number = worlds[i % 2], i // 2
        assert labelled[i].digest == world[number].digest
        assert labels.parse(labelled.caption(i, 3)) == labels.labels_of(world.scene(number))
    assert identity(labelled) != identity(labels.Labelled(*worlds[::-1]))


def test_a_judge_is_taught_all_combinations_and_tried_on_other_clips():
    taught, tried = labels.judged("train", 8, 16), labels.judged("held_out", 8, 16)
    assert [w.split for w in taught.worlds] == ["train"] * 9 + ["held_out"]
    assert [w.split for w in tried.worlds] == ["train", "held_out"]
    seeds = [w.seed for w in (*taught.worlds, *tried.worlds)]
    assert len(set(seeds)) == len(seeds)
    assert not {0, fidelity.SEED} & set(seeds)
    assert taught.fps == 4


def test_a_judge_of_pictures_is_shown_any_moment_of_a_clip():
    shown, whole = labels.judged("train", 1, 16), World(labels.TAUGHT, fps=8, size=16)
    moments = []
    for number in range(10):
        moments.append(shown.worlds[0].first(number))
        clip = shown[10 * number]  # the first of its ten Worlds
        assert torch.equal(clip.frames, whole[number].frames[moments[-1], None])
    assert min(moments) < 4
    assert max(moments) > 11


def test_films_and_pictures_have_judges_of_their_own():
    assert labels.bundled(16) == labels.bundled(2) == labels.CLIPS
    assert labels.bundled(1) == labels.PICTURES
    films, pictures = (labels.Reader.load(labels.bundled(frames)) for frames in (16, 1))
    assert films.title == f"label reader {films.weights[:8]}"
    assert pictures.title == f"picture reader {pictures.weights[:8]}"
    assert pictures.config.frames == 1


def test_targets_and_reading_speak_the_same_order(batch: Batch):
    reader = labels.Reader.preset("toy")
    wanted = reader.targets(batch.captions)  # labels b
    certain = [
        torch.nn.functional.one_hot(w, len(v)).float() for w, v in zip(wanted, reader.config.values, strict=True)
    ]
    reader.network.forward = lambda video: certain
    assert reader.read(batch.video) == [labels.parse(text) for text in batch.captions]
    assert set(reader.validate("learn_labels", batch)[0].values()) == {1.0}


def test_the_loss_falls_on_a_repeated_batch(batch: Batch):
    trainer = Trainer(labels.Reader.preset("toy"), "learn_labels", Settings(learning_rate=1e-2, lr_warmup_steps=0))
    losses = [float(trainer.step(batch)["network"]) for _ in range(25)]
    assert losses[-1] < 0.4 * losses[0]


def test_it_sees_order_in_time():
    reader, drawn = labels.Reader.preset("toy"), film(0, World(0).scene(0)).video[None]
    with torch.no_grad():
        there, back = reader.network(drawn), reader.network(drawn.flip(1))
    assert any((a - b).abs().max() > 1e-4 for a, b in zip(there, back, strict=True))


def test_it_looks_at_every_second_frame_of_sixteen_and_stretches_short_clips():
    network = labels.Reader.preset("world").network
    video = torch.arange(16.0)[None, :, None, None, None].expand(1, 16, 3, 64, 64)
    assert network.looked_at(video)[0, :, 0, 0, 0].tolist() == list(range(0, 16, 2))
    assert network.looked_at(video[:, :8])[0, :, 0, 0, 0].tolist() == list(range(8))
    assert network.looked_at(video[:, :2])[0, :, 0, 0, 0].tolist() == [0.0] * 4 + [1.0] * 4
    with pytest.raises(ValueError, match="b t 3 64 64"):
        network.looked_at(video[..., :32])


@pytest.mark.parametrize("preset", ["world", "picture"])
def test_the_bundled_size_is_at_most_three_megabytes_in_half_precision(tmp_path, preset: str):
    labels.Reader.preset(preset).save(tmp_path, dtype=torch.float16)
    assert (tmp_path / "network.safetensors").stat().st_size <= 3_000_000
    again = labels.Reader.load(tmp_path)
    assert again.config == labels.Reader.PRESETS[preset]


@torch.no_grad()
def test_a_picture_is_seen_as_a_film_that_stands_still_is_in_its_midst():
    torch.manual_seed(0)
    block = ShiftedResidual(16)
    torch.nn.init.normal_(block.second.weight)
    x = torch.rand(1, 16, 4, 4)
    still, alone = block(x.expand(5, -1, -1, -1), 5), block(x, 1)
    assert torch.allclose(still[2:3], alone, atol=1e-5)
    assert not torch.allclose(still[:1], alone, atol=0.1)


def test_the_codec_softens_a_quarter_of_the_clips(batch: Batch):
    class Grey:
        encode = staticmethod(lambda video: video)
        decode = staticmethod(torch.zeros_like)

    reader = labels.Reader.preset("toy")
    object.__setattr__(reader, "_softener", Grey())
    worn = reader.worn(batch.video)
    assert worn[0].std() < 0.12
    assert worn[1].std() > 0.12
    assert (worn[2:] - batch.video[2:]).abs().mean() < 0.1


def test_learning_resumes_bit_for_bit(tmp_path, monkeypatch):
    world = World(0)
    drawn = [film(i, world.scene(i)) for i in range(8)]
    monkeypatch.setattr(World, "__getitem__", lambda self, i: drawn[i])
    figures = resuming.check(labels.learn, tmp_path, monkeypatch)
    assert {"who", "act", "who_blurred"} <= set(figures)


def test_a_cooldown_in_minutes_stands_in_place_of_its_own_in_steps(monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(labels.run, "main", lambda args, **other: asked.append(args.cooldown_steps) or 0)
    for flags in ([], ["--hours", "1", "--cooldown-minutes", "9"], ["--cooldown-minutes", "9", "--cooldown-steps=3"]):
        labels.learn(flags)
    assert asked == [1200, 0, 3]


def test_a_flag_that_is_not_there_is_one_line():
    with pytest.raises(ValueError, match="--colour"):
        labels.learn(["--colour", "red"])


def test_what_a_judge_learns_from_is_settled(tmp_path):
    with pytest.raises(ValueError, match="--often is for systems"):
        labels.learn(["--preset", "toy", "--output-dir", str(tmp_path / "a"), "--often", "act=walks"])


def test_labels_are_worth_reading():
    """Every value of every label comes about in the World."""
    scenes = [labels.labels_of(World(0).scene(i)) for i in range(3000)]
    assert all({scene[name] for scene in scenes} == set(VOCABULARY[name]) for name in labels.LABELS)


def test_of_pictures_no_motion_is_asked():
    config = labels.Config(1, network=LabelReaderConfig(1))
    reader = labels.Reader(config)
    loss = reader.learn_labels(Batch.of([labels.judged("train", 1, 64)[i] for i in range(3)]))
    grads = torch.autograd.grad(loss, reader.network.heads.bias)[0].split(reader.network.classes)
    asked = {name for name, grad in zip(labels.LABELS, grads, strict=True) if grad.any()}
    assert asked == set(labels.LABELS) - set(labels.MOVING)


def test_every_fourth_clip_is_a_still_of_which_no_motion_is_asked(monkeypatch: pytest.MonkeyPatch):
    reader, seen = labels.Reader.preset("toy"), []
    monkeypatch.setattr(reader.network, "forward", lambda video: seen.append(video) or young(video))
    young = type(reader.network).forward.__get__(reader.network)
    clips = [labels.judged("train", 8, 64)[i] for i in range(8)]
    torch.manual_seed(0)
    loss = reader.learn_labels(Batch.of(clips))
    assert loss.isfinite()
    still = (seen[0] == seen[0][:, :1]).flatten(1).all(1)
    assert still.tolist() == [True, False, False, False] * 2
    alone = reader.learn_labels(Batch.of(clips[:1]))  # of one still alone nothing is asked that it cannot show
    grads = torch.autograd.grad(alone, reader.network.heads.bias)[0].split(reader.network.classes)
    asked = {name for name, grad in zip(labels.LABELS, grads, strict=True) if grad.any()}
    assert asked == set(labels.LABELS) - set(labels.MOVING)
