import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from kineograph.clip import Clip
from kineograph.data import cache as caches
from kineograph.data.cache import Cache, Store, Stored


class Squares:
    """Clips of one colour; remembers which were drawn."""

    def __init__(self, seed=0, size=8):
        self.seed, self.split, self.frames, self.fps, self.size, self.drawn = seed, "train", 2, 8.0, size, []

    def __len__(self):
        return 100

    def __getitem__(self, index):
        self.drawn.append(index)
        return Clip(torch.full((2, 3, self.size, self.size), index, dtype=torch.uint8))


class Codec(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Conv2d(3, 4, 2, 2)

    def encode(self, video):
        return self.net(video.flatten(0, 1).to(self.net.weight.dtype)).float().unflatten(0, video.shape[:2])


@pytest.fixture
def codec():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Codec()


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(caches, "CHUNK", 8)
    monkeypatch.setattr(caches, "SMALL", 3)


def test_clips_are_kept_as_rendered(tmp_path):
    store = Cache(tmp_path, Squares()).frames(10, workers=0)
    assert store.array().shape == (10, 2, 8, 8, 3)
    clip = Stored(store)(7)
    assert clip.shape == (2, 3, 8, 8)
    assert torch.equal(clip, Squares()[7].frames)


def test_worker_processes_render_the_same(tmp_path):
    store = Cache(tmp_path, Squares()).frames(20, workers=2)
    assert (store.array()[:, 0, 0, 0, 0] == np.arange(20)).all()


def test_more_clips_extend_a_cache_and_fewer_render_nothing(tmp_path):
    Cache(tmp_path, Squares()).frames(10, workers=0)
    data = Squares()
    assert Cache(tmp_path, data).frames(25, workers=0).count == 25
    assert data.drawn == list(range(10, 25))
    assert (Cache(tmp_path, Squares()).frames(5, workers=0).array()[:, 0, 0, 0, 0] == np.arange(25)).all()
    with pytest.raises(ValueError, match="101 clips asked for, and the dataset has 100"):
        Cache(tmp_path, data).frames(101, workers=0)


@pytest.mark.parametrize("other", [Squares(seed=1), Squares(size=16)])
def test_a_cache_of_something_else_is_refused_or_rebuilt(tmp_path, other):
    Cache(tmp_path, Squares()).frames(4, workers=0)
    with pytest.raises(ValueError, match=r"(seed|size) is \d+ there and \d+ here"):
        Cache(tmp_path, other).frames(4, workers=0)
    store = Cache(tmp_path, other, rebuild=True).frames(3, workers=0)
    assert store.count == 3
    assert store.array().shape[2] == other.size


class Known(Squares):
    def labels(self, index):
        return [index, 7]

    def layout(self, index):
        return [[index / 2, 0.5]] * 2

    def scenery(self, index):
        return self[index].frames


@pytest.mark.parametrize("name", ["labels", "layout", "scenery"])
def test_what_is_known_of_clips_is_kept_as_told(tmp_path, name):
    Cache(tmp_path, Known()).known(name, 5, workers=0)
    store = Cache(tmp_path, Known()).known(name, 12, workers=2)
    assert store.count == 12
    for index in (0, 4, 11):
        kept, told = Stored(store)(index), torch.as_tensor(getattr(Known(), name)(index))
        assert (kept.dtype, kept.tolist()) == (told.dtype, told.tolist())
    with pytest.raises(ValueError, match="seed is 0 there and 1 here"):
        Cache(tmp_path, Known(seed=1)).known(name, 5, workers=0)


def test_encodings_are_the_codecs(tmp_path, codec):
    store = Cache(tmp_path, Squares()).encodings(codec, 10, workers=0)
    video = torch.stack([Squares()[i].video for i in range(10)])
    latents = torch.stack([Stored(store)(i) for i in range(10)])
    assert latents.dtype == torch.float16
    torch.testing.assert_close(latents.float(), codec.encode(video).detach(), rtol=1e-3, atol=1e-3)
    assert not list(tmp_path.glob("frames*"))


def test_encodings_in_bfloat16_leave_the_codec_alone(tmp_path, codec):
    Cache(tmp_path, Squares()).encodings(codec, 2, precision="bf16", workers=0)
    assert codec.net.weight.dtype == torch.float32
    assert codec.net.weight.requires_grad


def test_encodings_of_another_codec_are_refused(tmp_path, codec):
    Cache(tmp_path, Squares()).encodings(codec, 2, workers=0)
    with torch.no_grad():
        codec.net.bias[0] += 1e-3
    with pytest.raises(ValueError, match="codec is"):
        Cache(tmp_path, Squares()).encodings(codec, 2, workers=0)


def test_a_codec_says_what_its_encodings_depend_on(tmp_path, codec):
    codec.encoding_state = lambda: {"weight": codec.net.weight}
    store = Cache(tmp_path, Squares()).encodings(codec, 2, workers=0)
    with torch.no_grad():
        codec.net.bias[0] += 1e-3
    assert Cache(tmp_path, Squares()).encodings(codec, 2, workers=0).count == store.count
    with torch.no_grad():
        codec.net.weight[0] += 1e-3
    with pytest.raises(ValueError, match="codec is"):
        Cache(tmp_path, Squares()).encodings(codec, 2, workers=0)


def test_what_was_half_written_does_not_count(tmp_path):
    Cache(tmp_path, Squares()).frames(4, workers=0)
    with (tmp_path / "frames.u8").open("ab") as file:
        file.write(b"half a record")
    (tmp_path / "frames.u8.json.tmp").write_text("{")
    store = Cache(tmp_path, Squares()).frames(9, workers=0)
    assert (store.array()[:, 1, 7, 7, 2] == np.arange(9)).all()
    assert (tmp_path / "frames.u8").stat().st_size == 9 * 2 * 8 * 8 * 3


def test_damage_is_said(tmp_path):
    Cache(tmp_path, Squares()).frames(4, workers=0)
    os.truncate(tmp_path / "frames.u8", 100)
    with pytest.raises(ValueError, match="cut short"):
        Cache(tmp_path, Squares()).frames(4, workers=0)
    (tmp_path / "frames.u8.json").write_text("{}")
    with pytest.raises(ValueError, match="not the header of a cache"):
        Cache(tmp_path, Squares()).frames(4, workers=0)
    assert Cache(tmp_path, Squares(), rebuild=True).frames(4, workers=0).count == 4


KILLED = """
import sys, numpy as np
from kineograph.data.cache import Store
store = Store(sys.argv[1], dtype="|u1", fingerprint={})
print("ready", flush=True)
while True:
    first = store.count
    store.append(np.repeat(np.arange(first, first + 50)[:, None] % 251, 1000, 1))
"""


def test_a_killed_writer_leaves_a_whole_store(tmp_path):
    path = tmp_path / "numbers"
    writer = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE)
    assert writer.stdout.readline() == b"ready\n"
    while (
        not (tmp_path / "numbers.json").exists() or json.loads((tmp_path / "numbers.json").read_text())["count"] < 200
    ):
        assert writer.poll() is None
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    store = Store(path, dtype="|u1", fingerprint={})
    assert store.count >= 200
    assert (store.array() == np.arange(store.count)[:, None] % 251).all()
    store.append(np.full((1, 1000), store.count % 251))
    assert (Store(path, dtype="|u1", fingerprint={}).array() == np.arange(store.count)[:, None] % 251).all()


def test_progress_comes_to_one(tmp_path):
    seen = []
    Cache(tmp_path, Squares()).frames(20, workers=0, progress=lambda done, what: seen.append((done, what)))
    assert seen[-1] == (1.0, "rendering clips")
    assert [s for s, _ in seen] == sorted(s for s, _ in seen)


def test_whole_numbers_are_kept_exactly(tmp_path):
    class Tokenizer(nn.Module):
        discrete = True

        def encode(self, video):
            return 60_001 + video.shape[1] * torch.arange(12).view(1, 3, 2, 2).expand(len(video), -1, -1, -1)

    store = Cache(tmp_path, Squares()).encodings(Tokenizer(), 5, name="tokenizer", workers=0)
    tokens = Stored(store)(4)
    assert tokens.dtype == torch.int32
    assert torch.equal(tokens, Tokenizer().encode(torch.zeros(1, 2, 3, 8, 8))[0].int())
    assert store.path.name == "tokenizer.i32"
