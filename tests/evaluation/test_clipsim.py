import json
from collections.abc import Sequence

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from kineograph.clip import Clip
from kineograph.evaluation.alignment import Alignment
from kineograph.evaluation.clipsim import ImageTextSpace, clipsim, consistency, msrvtt, of_frames, similarity
from kineograph.models.vision import TransformersImageText, WorldImageText

WORDS = ("red", "green", "blue")


class Colours:
    """Pictures and words as the colours they show and name."""

    name = "colours"

    def images(self, frames: Tensor) -> Tensor:
        return frames.float().mean((2, 3))

    def texts(self, captions: Sequence[str]) -> Tensor:
        return torch.tensor([[float(word in text) for word in WORDS] for text in captions])


def painted(*colours: str, caption: str) -> Clip:
    """A clip with a frame of each colour."""
    frames = torch.zeros(len(colours), 3, 8, 8, dtype=torch.uint8)
    for i, colour in enumerate(colours):
        frames[i, WORDS.index(colour)] = 200
    return Clip(frames, caption=caption)


class Tokens(dict):
    def to(self, device: torch.device) -> "Tokens":
        return self


def letters(texts: Sequence[str], *, max_length: int, **_: object) -> Tokens:
    """A tokenizer of letters that begins with 1 and ends and fills with 2, which is the end."""
    rows = [[1, *(3 + ord(letter) % 20 for letter in text[: max_length - 2]), 2] for text in texts]
    width = max(map(len, rows))
    ids = torch.tensor([row + [2] * (width - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    return Tokens(input_ids=ids, attention_mask=mask)


@pytest.fixture(scope="module")
def model():
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.CLIPConfig(
        text_config=sizes
        | {"vocab_size": 30, "max_position_embeddings": 12, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2},
        vision_config=sizes | {"image_size": 32, "patch_size": 8},
        projection_dim=12,
    )
    return transformers.CLIPModel(config).eval()


def space_of(model, **rest) -> ImageTextSpace:
    """The tiny CLIP with a tokenizer of letters."""
    return ImageTextSpace(TransformersImageText(model, letters, called="tiny"), **rest)


@pytest.mark.parametrize(("height", "width"), [(40, 56), (24, 24), (70, 33)])
def test_it_is_transformers_clip_on_the_same_clips(model, height: int, width: int):
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    rng = torch.Generator().manual_seed(1)
    videos = torch.randint(0, 256, (3, 5, 3, height, width), generator=rng, dtype=torch.uint8)
    captions = ["a bear", "two cats in the sea, and a long tail of words", "snow"]
    clips = [Clip(video, caption=caption) for video, caption in zip(videos, captions, strict=True)]
    processor = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    wanted = []
    with torch.no_grad():
        for clip in clips:
            images = list(np.ascontiguousarray(clip.frames.permute(0, 2, 3, 1).numpy()))
            pixels = processor(images, return_tensors="pt")["pixel_values"]
            out = model(pixel_values=pixels, **letters([clip.caption], max_length=12))
            wanted.append((out.image_embeds @ out.text_embeds.T)[:, 0])
    space = space_of(model, batch=2)
    for clip, each in zip(clips, wanted, strict=True):
        torch.testing.assert_close(of_frames(space, clip.frames, clip.caption), each, atol=1e-5, rtol=0)
    got = clipsim(space, [(str(i), clip) for i, clip in enumerate(clips)], protocol="three", resamples=50)
    assert got.value == pytest.approx(float(torch.stack(wanted).mean()), abs=1e-5)
    assert got.space == "CLIP tiny"


def test_captions_do_not_depend_on_their_neighbours(model):
    space = space_of(model, batch=2)
    together = space.texts(["a bear", "a very long one", "ox"])
    alone = torch.cat([space.texts([text]) for text in ("a bear", "a very long one", "ox")])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_older_and_newer_transformers_are_read(model, monkeypatch):
    wanted = space_of(model).texts(["ox"])
    wrapped = model.get_text_features
    monkeypatch.setattr(model, "get_text_features", lambda **given: wrapped(**given).pooler_output)
    torch.testing.assert_close(space_of(model).texts(["ox"]), wanted)


def test_world_clip_needs_no_download():
    network = Alignment.preset("toy").network
    space = ImageTextSpace(WorldImageText(network, called="toy"), batch=3)
    frames = torch.randint(0, 256, (5, 3, 64, 64), generator=torch.Generator().manual_seed(2), dtype=torch.uint8)
    with torch.no_grad():
        wanted = network.see(frames.float() / 127.5 - 1)
        words = network.read(space.network.text(["a bear"]))[0]
    torch.testing.assert_close(space.images(frames), wanted)
    torch.testing.assert_close(of_frames(space, frames, "a bear"), wanted @ words)
    assert of_frames(space, frames[..., :48], "a bear", way="clip").shape == (1,)
    assert space.name == "World CLIP toy"


def test_the_right_caption_wins_and_a_wrong_one_is_seen():
    right = [(str(i), painted(*[colour] * 4, caption=f"all is {colour}")) for i, colour in enumerate(WORDS * 2)]
    wrong = [(name, Clip(clip.frames, caption="all is red")) for name, clip in right]
    first, second = (clipsim(Colours(), some, protocol="p", real=0.5, resamples=100) for some in (right, wrong))
    assert first.value == pytest.approx(1)
    assert first.relative == pytest.approx(2)
    assert second.value == pytest.approx(1 / 3)
    assert second.low < second.value < second.high < first.low
    assert second.clips == pytest.approx((1, 0, 0, 1, 0, 0))
    assert json.loads(json.dumps(second.record))["protocol"] == "p"


def test_frames_and_clip_are_two_ways():
    clip = painted("red", "green", caption="red")
    assert of_frames(Colours(), clip.frames, "red").tolist() == [1, 0]
    assert similarity(Colours(), ("a", clip)) == pytest.approx(0.5)
    assert similarity(Colours(), ("a", clip), way="clip") == pytest.approx(0.5**0.5)
    assert similarity(Colours(), ("a", clip), every=2) == pytest.approx(1)


def test_consistency_of_neighbours_and_of_all_pairs():
    vectors = torch.tensor([[1.0, 0], [2, 0], [0, 3]])
    assert consistency(vectors) == pytest.approx(0.5)
    assert consistency(vectors, "all") == pytest.approx(1 / 3)
    rows = torch.randn(6, 4)
    cosines = F.cosine_similarity(rows[:, None], rows[None], dim=2)
    assert consistency(rows, "all") == pytest.approx(float(cosines[~torch.eye(6, dtype=torch.bool)].mean()), abs=1e-6)
    assert consistency(torch.ones(3, 5)) == pytest.approx(1)


@pytest.fixture
def listing(tmp_path):
    videos = [{"video_id": f"video{i}", "split": "train" if i < 2 else "test"} for i in range(6)]
    sentences = [{"sen_id": 100 - n, "video_id": f"video{n % 6}", "caption": f" caption {n} "} for n in range(30)]
    path = tmp_path / "test_videodatainfo.json"
    path.write_text(json.dumps({"info": {}, "videos": videos, "sentences": sentences}))
    return path


def test_msrvtt_protocols_say_what_they_are(listing):
    every, said = msrvtt(listing, "all captions")
    assert len(every) == 20
    assert said == "MSR-VTT test, all captions: 20 captions of 4 clips"
    assert every[0] == ("video5", "caption 29")  # in the order of their numbers
    one, said = msrvtt(listing, "one caption", seed=3)
    assert said == "MSR-VTT test, one caption: 4 captions of 4 clips, seed 3"
    assert sorted(video for video, _ in one) == ["video2", "video3", "video4", "video5"]
    assert set(one) <= set(every)
    assert msrvtt(listing, seed=3)[0] == one
    assert any(msrvtt(listing, seed=seed)[0] != one for seed in range(4, 8))


def test_bad_input_is_said(listing, tmp_path):
    clip = painted("red", caption="red")
    with pytest.raises(ValueError, match="a has no caption"):
        similarity(Colours(), ("a", painted("red", caption="")))
    with pytest.raises(ValueError, match="frames or clip; got 'mean'"):
        similarity(Colours(), ("a", clip), way="mean")
    with pytest.raises(ValueError, match="every must be 1"):
        similarity(Colours(), ("a", clip), every=0)
    with pytest.raises(ValueError, match="two clips or more; got 1"):
        clipsim(Colours(), [("a", clip)], protocol="p")
    broken = Colours()
    broken.images = lambda frames: torch.full((len(frames), 3), torch.nan)
    with pytest.raises(ValueError, match="the features of a are not finite"):
        clipsim(broken, [("a", clip), ("b", clip)], protocol="p")
    with pytest.raises(ValueError, match="neighbours or of all"):
        consistency(torch.ones(3, 2), "some")
    with pytest.raises(ValueError, match="two frames"):
        consistency(torch.ones(1, 2))
    with pytest.raises(ValueError, match="no protocol 'half'; there are all captions, one caption"):
        msrvtt(listing, "half")
    with pytest.raises(ValueError, match=r"no file .*none.json"):
        msrvtt(tmp_path / "none.json")
    listing.write_text("[]")
    with pytest.raises(ValueError, match="not MSR-VTT's JSON"):
        msrvtt(listing)
    listing.write_text(json.dumps({"videos": [], "sentences": []}))
    with pytest.raises(ValueError, match="no captions of test clips"):
        msrvtt(listing)
