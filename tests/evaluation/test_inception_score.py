import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.clip import Clip
from kineograph.evaluation.inception_score import C3D, PROTOCOLS, c3d, classify, inception_score, score


def probabilities(count: int, classes: int = 7, seed: int = 0) -> Tensor:
    return (3 * torch.randn(count, classes, generator=torch.Generator().manual_seed(seed))).softmax(1)


@pytest.mark.parametrize("classes", [2, 101])
def test_uniform_is_one_and_one_hot_is_the_number_of_classes(classes: int):
    assert score(torch.full((50, classes), 1 / classes)) == pytest.approx(1)
    assert score(torch.eye(classes).repeat(3, 1)) == pytest.approx(classes)
    assert score(torch.eye(classes)[:1].repeat(9, 1)) == pytest.approx(1)  # sure, but always of the same


def test_a_whole_set_of_perfect_clips_has_no_spread():
    got = inception_score(torch.eye(10).repeat(20, 1), "whole")
    assert (got.mean, got.std, got.value, got.high) == pytest.approx((10, 0, 10, 10))
    assert got.low > 9


def test_parts_and_shuffling_are_as_published():
    p = probabilities(205)
    got = inception_score(p, "stylegan-v")
    rows = p.double().numpy().copy()
    np.random.RandomState(42).shuffle(rows)
    wanted = []
    for i in range(10):
        part = rows[i * 205 // 10 : (i + 1) * 205 // 10]
        kl = part * (np.log(part) - np.log(part.mean(0, keepdims=True)))
        wanted.append(np.exp(kl.sum(1).mean()))
    assert (got.mean, got.std) == pytest.approx((np.mean(wanted), np.std(wanted)))
    assert got.low < got.value < got.high
    assert got.value == pytest.approx(score(p))
    assert got.mean < got.value  # fewer clips, lower score


def test_tganv2_takes_its_sets_one_after_the_other():
    p = probabilities(100)
    got = inception_score(p, "tganv2")
    assert got.mean == pytest.approx(np.mean([score(p[10 * i : 10 * i + 10]) for i in range(10)]))
    assert got.warnings == ("100 clips where the custom is 20480: not to be compared",)
    assert json.loads(json.dumps(got.record))["parts"] == 10
    assert PROTOCOLS["stylegan-v"].clips == 2048


def test_what_is_no_probability_is_refused():
    p = probabilities(40)
    with pytest.raises(ValueError, match=r"clip 3 has no probabilities.*softmax"):
        inception_score(torch.where(torch.arange(40)[:, None] == 3, 5 * p, p))
    p[11, 2] = torch.nan
    with pytest.raises(ValueError, match="clip 11"):
        inception_score(p)
    with pytest.raises(ValueError, match="cuts the clips in 10; 19 are too few"):
        inception_score(probabilities(19))
    with pytest.raises(ValueError, match="no protocol 'openai'; there are stylegan-v"):
        inception_score(probabilities(40), "openai")
    with pytest.raises(ValueError, match="n k"):
        inception_score(torch.ones(4))


def test_c3d_sees_blue_first_and_less_the_mean():
    frames = torch.zeros(1, 16, 3, 20, 30, dtype=torch.uint8)
    frames[:, :, 0] = 255  # red
    mean = torch.full((3, 16, 112, 112), 28.0)
    got = c3d(frames, mean)
    assert got.shape == (1, 3, 16, 112, 112)
    assert got[0, :, 0, 0, 0].tolist() == pytest.approx([-28, -28, 228])
    ramp = torch.arange(0, 250, 10, dtype=torch.uint8).expand(1, 16, 3, 25, 25)
    assert c3d(ramp, 0 * mean)[0, 0, 0, 5, [0, -1]].tolist() == pytest.approx([128 / 127.5 * 0, 240 * 128 / 127.5])


class Network(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.float().mean((2, 3, 4)) / 50


@pytest.mark.parametrize("published", [True, False])
def test_c3d_from_files_gives_probabilities(tmp_path, published: bool):
    torch.jit.script(Network()).save(str(tmp_path / "c3d.pt"))
    rng = np.random.default_rng(0)
    volume = rng.uniform(80, 120, (3, 1, 16, 128, 171)).astype("f")
    np.savez(tmp_path / "mean2.npz", mean=volume)
    clip = Clip(torch.randint(0, 256, (18, 3, 16, 16), dtype=torch.uint8))
    classifier = C3D(tmp_path / "c3d.pt", tmp_path / "mean2.npz" if published else None)
    got = classify(classifier, [("a", clip), ("b", clip)])
    assert got.shape == (2, 3)
    assert got.sum(1).tolist() == pytest.approx([1, 1])
    if published:
        given = c3d(clip.frames[None, :16], torch.from_numpy(volume[:, 0, :, 8:120, 8:120]))
        torch.testing.assert_close(got[:1].float(), F.softmax(given.mean((2, 3, 4)) / 50, 1))
    with pytest.raises(ValueError, match="b has 9 frames; 16"):
        classify(classifier, [("a", clip), ("b", Clip(clip.frames[:9]))])


def test_missing_files_say_where_they_come_from(tmp_path):
    with pytest.raises(ValueError, match=r"no file .*c3d.pt, which the Inception Score of UCF-101 needs.*dropbox"):
        C3D(tmp_path / "c3d.pt")
    torch.jit.script(Network()).save(str(tmp_path / "c3d.pt"))
    with pytest.raises(ValueError, match=r"mean2.npz, which C3D needs; it comes from https"):
        C3D(tmp_path / "c3d.pt", tmp_path / "mean2.npz")
    (tmp_path / "mean2.npz").write_text("nothing")
    with pytest.raises(ValueError, match="not a mean volume"):
        C3D(tmp_path / "c3d.pt", tmp_path / "mean2.npz")
    np.savez(tmp_path / "small.npz", mean=np.zeros((3, 16, 64, 64)))
    with pytest.raises(ValueError, match="no mean volume 3 16 h w of 120"):
        C3D(tmp_path / "c3d.pt", tmp_path / "small.npz")
