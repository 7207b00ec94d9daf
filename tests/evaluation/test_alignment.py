import pytest
import resuming
import torch
from torch import Tensor

from kineograph.clip import Batch, Clip
from kineograph.data.cache import identity
from kineograph.data.world.scene import VOCABULARY
from kineograph.data.world.world import World
from kineograph.evaluation import alignment
from kineograph.evaluation.alignment import IGNORED, LABELS, Alignment, Telling, Told, retrieved, some_frames, targets
from kineograph.models.world_clip import WorldCLIP
from kineograph.training.trainer import Settings, Trainer


def painted(seed: int) -> Tensor:
    """Frames in the place of a drawing: noise over a colour by lot."""
    rng = torch.Generator().manual_seed(seed)
    colour = torch.randint(0, 192, (1, 3, 1, 1), generator=rng, dtype=torch.uint8)
    return colour + torch.randint(0, 64, (4, 3, 64, 64), generator=rng, dtype=torch.uint8)


@pytest.fixture(scope="module")
def batch() -> Batch:
    told = Told(World(0, frames=4, fps=2))
    return Batch.of([Clip(painted(i), 2, told.caption(i)) for i in range(6)])


def test_tellings_survive_json_and_say_what_the_words_state():
    world = World(0)
    for i in range(10):
        telling = Telling.parse(Told(world).caption(i, 3))
        words = world.caption_of(world.scene(i), i, 3)
        assert (telling.text, telling.asked) == (words.text, words.asked)
        assert all(telling.labels[name] == getattr(world.scene(i), name) for name in LABELS)


def test_their_cache_is_the_worlds_in_as_many_frames():
    world = World(0, frames=4, fps=2)
    assert identity(Told(world)) == identity(world)
    assert identity(world) != identity(World(0))


def test_few_frames_show_the_same_moments():
    full, few = World(0, size=16), World(0, size=16, frames=4, fps=2)
    assert torch.equal(full[3].frames[::4], few[3].frames)


def test_what_the_words_do_not_state_is_not_asked_of_them():
    told = [Telling("a bear walks", Telling.parse(Told(World(0)).caption(0)).labels, frozenset({"who"}))]
    stated, all_of_them = targets(told, stated=True), targets(told, stated=False)
    who = LABELS.index("who")
    assert VOCABULARY["who"][int(stated[who, 0])] == told[0].labels["who"]
    assert (stated == IGNORED).sum() == len(LABELS) - 1
    assert (all_of_them >= 0).all()


def test_frames_are_drawn_by_lot_and_none_twice():
    video = torch.arange(4.0)[None, :, None, None, None].expand(200, 4, 1, 1, 1)
    pairs = {tuple(row) for row in some_frames(video, 2).flatten(1).tolist()}
    assert pairs == {(a, b) for a in range(4) for b in range(4) if a != b}


def test_retrieval_counts_what_comes_first():
    vectors = torch.eye(6)
    assert retrieved(vectors, vectors) == 1
    assert retrieved(vectors, vectors.roll(1, 0)) == 0
    wrong = torch.cat([vectors[:3], vectors[[4, 3, 5]]])
    assert retrieved(vectors, wrong) == pytest.approx(4 / 6)
    assert retrieved(vectors, wrong, crowd=3) == pytest.approx(4 / 6)
    assert retrieved(vectors, wrong, crowd=4) == pytest.approx(3 / 4)  # the fifth and the sixth are no crowd


def test_the_loss_falls_and_pairs_find_each_other(batch: Batch):
    trainer = Trainer(
        Alignment.preset("toy"), "learn_alignment", Settings(learning_rate=1e-2, lr_warmup_steps=0, ema_decay=0.5)
    )
    losses = [float(trainer.step(batch)["network+heads"]) for _ in range(40)]
    assert losses[-1] < 0.4 * losses[0]
    with trainer.averaged() as system, torch.no_grad():
        figures, clips = system.validate("learn_alignment", batch)
    assert figures["captions_of_clips"] == figures["clips_of_captions"] == 1
    assert figures["cosine_right"] > figures["cosine_wrong"] + 0.3
    assert clips == []


def test_the_bundled_size_is_at_most_eight_megabytes_in_half_precision():
    network = WorldCLIP(Alignment.PRESETS["world"].network)
    assert 4_000_000 <= 2 * sum(x.numel() for x in network.state_dict().values()) <= 8_000_000


def test_learning_runs_by_command_and_resumes_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.setattr(World, "__getitem__", lambda self, i: Clip(painted(i), 2))
    figures = resuming.check(alignment.learn, tmp_path, monkeypatch)
    assert {"captions_of_clips", "clips_of_captions", "scale"} <= set(figures)
