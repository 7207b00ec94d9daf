import numpy as np
import pytest
import torch

from kineograph.clip import Clip
from kineograph.data.loader import Order, Rendered, Steps, first_clips, known, on_device, seed_of, shuffle


class Numbers:
    """Clip i shows its number and, frame by frame, the time."""

    frames, fps = 6, 8.0

    def __len__(self):
        return 50

    def __getitem__(self, index):
        frames = torch.zeros(self.frames, 3, 4, 4, dtype=torch.uint8)
        frames[:, 0], frames[:, 1] = index, torch.arange(self.frames, dtype=torch.uint8)[:, None, None]
        return Clip(frames, self.fps)

    def caption(self, index, variant=0):
        return f"{index}: {variant}"


def steps(**more):
    data = Numbers()
    return Steps(Order(50, 8, seed=3), Rendered(data), data.caption, fps=data.fps, **more)


def same(a, b):
    return torch.equal(a.video, b.video) and a.captions == b.captions and torch.equal(a.fps, b.fps)


def test_seeds_are_the_same_everywhere():
    assert seed_of(0, "learn_codec", 7) == 7554403469323777250
    assert seed_of(0, "learn_codec", 8) != seed_of(0, "learn_codec", 7)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 16, 17, 1000])
def test_a_shuffle_is_a_permutation(count):
    out = shuffle(np.arange(count), count, seed=5)
    assert sorted(out.tolist()) == list(range(count))


def test_shuffles_mix_and_differ_by_seed():
    a, b = shuffle(np.arange(1000), 1000, seed=1), shuffle(np.arange(1000), 1000, seed=2)
    assert (a == b).mean() < 0.02
    assert abs(np.corrcoef(a, np.arange(1000))[0, 1]) < 0.1
    assert abs(np.corrcoef(a[1:], a[:-1])[0, 1]) < 0.1


def test_shuffling_two_billion_clips_takes_no_memory():
    out = shuffle(np.arange(1000), 2**31, seed=1)
    assert len(set(out.tolist())) == 1000
    assert 0 <= out.min() < 2**28
    assert 2**31 - 2**28 < out.max() < 2**31


def test_every_epoch_takes_each_clip_once_across_batch_borders():
    order = Order(10, 4, seed=0)
    stream = np.concatenate([order.at(s) for s in range(10)])
    epochs = stream.reshape(4, 10)
    assert all(sorted(e.tolist()) == list(range(10)) for e in epochs)
    assert not (epochs[0] == epochs[1]).all()


def test_an_empty_order_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        Order(0, 4)


def test_a_step_depends_on_its_number_alone():
    run = list(steps(frames=2).run(0, 5, workers=0))
    assert same(run[3], steps(frames=2)[3])
    assert same(run[4], next(steps(frames=2).run(4, 5, workers=0)))
    assert not same(run[3], run[4])


def test_workers_give_the_same_batches_in_order():
    ours = list(steps(frames=2).run(2, 6, workers=2))
    assert len(ours) == 4
    assert all(same(batch, steps(frames=2)[2 + i]) for i, batch in enumerate(ours))


def test_windows_are_runs_of_frames_and_captions_vary():
    seen, words = set(), set()
    for step in range(20):
        batch = steps(frames=3)[step]
        assert batch.video.shape == (8, 3, 3, 4, 4)
        times = batch.video[:, :, 1, 0, 0].long()
        assert (times[:, 1:] - times[:, :-1] == 1).all()
        assert [int(c.split(":")[0]) for c in batch.captions] == batch.video[:, 0, 0, 0, 0].tolist()
        seen |= set(times[:, 0].tolist())
        words |= {c.split(":")[1] for c in batch.captions}
    assert seen == {0, 1, 2, 3}
    assert len(words) > 150


def test_ranks_share_a_batch():
    whole = steps()[5].video[:, 0, 0, 0, 0].tolist()
    shares = [steps(rank=r, ranks=2)[5].video[:, 0, 0, 0, 0].tolist() for r in range(2)]
    assert shares == [whole[::2], whole[1::2]]


def test_pixels_become_floats_and_encodings_stay():
    batch = on_device(steps()[0])
    assert batch.video.dtype == torch.float32
    assert batch.video.min() == -1
    coded = on_device(type(batch)(torch.full((1, 2, 3, 4, 4), 2.5).half(), ("a",), torch.ones(1), "codec"))
    assert coded.video.dtype == torch.float32
    assert (coded.video == 2.5).all()
    assert coded.through == "codec"


def test_labels_come_with_their_clips_and_words_without_pictures():
    data = Numbers()
    labels = lambda index: [index, index % 7]
    words = Steps(Order(50, 8, seed=3), None, data.caption, labels=labels, fps=8.0)[5]
    numbers = [int(text.partition(":")[0]) for text in words.captions]
    assert words.video.shape == (8, 0)
    assert words.labels.tolist() == [labels(n) for n in numbers]
    whole = steps(labels=labels)[5]
    assert whole.labels.tolist() == words.labels.tolist()
    assert torch.equal(on_device(whole).labels, whole.labels)
    assert steps()[5].labels is None


def test_the_first_clips_have_their_first_wordings():
    frames = torch.zeros(3, 2, 3, 4, 4, dtype=torch.uint8)
    batch = first_clips(Numbers(), frames)
    assert batch.video is frames
    assert batch.captions == ("0: 0", "1: 0", "2: 0")
    assert batch.fps.tolist() == [8.0] * 3
    assert batch.labels is None


def test_a_stage_is_told_what_it_wants_and_the_clips_know():
    class Labelled(Numbers):
        def labels(self, index: int) -> list[int]:
            return [index]

    frames = torch.zeros(3, 2, 3, 4, 4, dtype=torch.uint8)
    assert list(known(Labelled(), ("labels", "layout"))) == ["labels"]
    assert known(Labelled(), ()) == {}
    assert first_clips(Labelled(), frames).labels is None
    batch = first_clips(Labelled(), frames, ("labels", "layout"))
    assert batch.labels.tolist() == [[0], [1], [2]]
    assert batch.layout is None
