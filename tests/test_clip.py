import pytest
import torch

from kineograph.clip import Batch, Clip


def test_what_is_saved_is_what_one_had(ramp: Clip):
    assert torch.equal(Clip.of(ramp.video).frames, ramp.frames)


def test_of_clamps_and_keeps_what_it_is_told():
    clip = Clip.of(torch.full((2, 3, 4, 4), 7.0), fps=12, caption="white", meta={"who": "nobody"})
    assert clip.frames.min() == 255
    assert (clip.fps, clip.caption, clip.meta, clip.seconds) == (12, "white", {"who": "nobody"}, 2 / 12)


@pytest.mark.parametrize(
    "frames", [torch.zeros(2, 3, 4, 4), torch.zeros(2, 1, 4, 4).byte(), torch.zeros(0, 3, 4, 4).byte()]
)
def test_frames_of_another_kind_are_refused(frames: torch.Tensor):
    with pytest.raises(ValueError, match="uint8, t 3 h w"):
        Clip(frames)


def test_the_digest_tells_pixels_and_shapes_apart(ramp: Clip):
    other = ramp.frames.clone()
    other[3, 1, 2, 2] += 1
    assert ramp.digest == Clip(ramp.frames.clone(), 24.0).digest
    assert ramp.digest != Clip(other).digest
    assert ramp.digest != Clip(ramp.frames.reshape(16, 3, 48, 32)).digest


def test_a_batch_stacks_clips_of_one_shape(ramp: Clip):
    batch = Batch.of([ramp, ramp])
    assert batch.video.shape == (2, 16, 3, 32, 48)
    assert batch.captions == ("it grows lighter",) * 2
    assert batch.fps.tolist() == [8.0, 8.0]
    assert len(batch.to("cpu")) == 2
    with pytest.raises(ValueError, match="one shape"):
        Batch.of([ramp, Clip(ramp.frames[:3])])


def test_the_package_offers_load_and_clip_lazily():
    import kineograph

    assert kineograph.Clip is Clip
    assert callable(kineograph.load)
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = kineograph.nothing_like_it


def test_windows_are_joined_to_one_clip():
    frames = torch.randint(256, (5, 3, 4, 6), dtype=torch.uint8)
    clip = Clip.joined(iter(frames.split(2)), 5, fps=4, caption="a bear")
    assert torch.equal(clip.frames, frames)
    assert (clip.fps, clip.caption) == (4, "a bear")
    with pytest.raises(AssertionError, match="3 frames came and 5 were announced"):
        Clip.joined(iter([frames[:3]]), 5, fps=4, caption="")
