"""Phenaki: sizes of the paper, scenes that go on from what was shown, films of any length, pictures among films."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from phenaki_toys import asked, stirred
from torch import Tensor

from kineograph.clip import Clip
from kineograph.condition import Condition
from kineograph.systems.phenaki import Config, Phenaki


@pytest.fixture
def toy() -> Phenaki:
    return stirred(Phenaki.preset("toy"))


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
    chosen = [windows(token_critic=critic).told[0][2]["choice_temperature"] for critic in (False, True)]
    assert chosen == [100.0, 4.5], "by lot, or as the critic's scores want it"
    with pytest.raises(ValueError, match="these weights have none"):
        Phenaki(Config(judge_depth=0)).generate(asked(token_critic=True))


def test_progress_never_goes_back(toy: Phenaki):
    seen = []
    toy.generate(asked("a bear | a fish", num_frames=12), lambda done, what: seen.append((done, what)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[0] == (0.0, "a bear")
    assert seen[-1] == (1.0, "done")
    assert len({done for done, _ in seen}) > 6
