"""Embedding rotation: the turns of a video reach the prompt and the noise as the article has it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from kineograph.clip import Clip
from kineograph.condition import Condition
from kineograph.geometry import Rotation
from kineograph.systems.embedding_rotation import (
    EmbeddingRotation,
    EmbeddingRotationOptions,
    circle,
    conditions,
    laid,
    row_length,
    turned,
)  # fmt: skip
from kineograph.systems.latent_diffusion import LatentDiffusion

DIM = 12


@pytest.fixture(scope="module")
def toy() -> EmbeddingRotation:
    return EmbeddingRotation.preset("toy")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of four frames that drifts from one picture to another."""
    a, b = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)).repeat_interleave(8, 2)[:, :, None]
    a, b = (x.flatten(0, 1).repeat_interleave(8, 2) for x in (a, b))
    frames = torch.stack([a.lerp(b, k / 3) for k in range(4)])
    return Clip.of(2 * frames - 1).save(tmp_path_factory.mktemp("films") / "film.mp4")


def asked(**changes: object) -> EmbeddingRotationOptions:
    given = {"prompt": "a bear walks", "height": 16, "width": 16, "num_inference_steps": 3, "num_frames": 4}
    return EmbeddingRotationOptions(**(given | changes))


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def path(vectors: Tensor, x: Tensor, share: float = 1.0, **changes: object) -> Tensor:
    return turned(x, vectors, asked(**changes), share, align=bool(changes.get("align")))


def test_in_one_space_the_first_embedding_is_turned_into_each_of_the_others():
    vectors = normal(5, DIM)
    wanted = vectors / vectors.norm(dim=1, keepdim=True) * vectors[0].norm()
    for against in ("neighbour", "anchor"):
        torch.testing.assert_close(path(vectors, vectors[:1], against=against)[:, 0], wanted, atol=1e-12, rtol=0)


def test_neighbours_turn_what_was_turned_and_the_anchor_what_was_first():
    vectors, x = normal(4, DIM), normal(3, DIM, seed=1)
    one, two = Rotation.between(vectors[0], vectors[1]), Rotation.between(vectors[1], vectors[2])
    torch.testing.assert_close(path(vectors, x)[2], two(one(x)))
    torch.testing.assert_close(path(vectors, x, against="anchor")[2], Rotation.between(vectors[0], vectors[2])(x))


def test_the_ways_are_partial_soft_and_perturbation():
    vectors, x = normal(2, DIM), normal(3, DIM, seed=1)
    turn = Rotation.between(*vectors)
    raw = {"renormalise": False}
    torch.testing.assert_close(path(vectors, x, 0.4, **raw)[1], turn(x, 0.4))
    torch.testing.assert_close(path(vectors, x, 0.01, way="perturbation", **raw)[1], x + 0.01 * turn(x))
    vectors = torch.stack([vectors[0], vectors[0] + 0.3 * vectors[1]])  # an acute angle
    turn, weight = Rotation.between(*vectors), torch.cosine_similarity(*vectors, dim=0) ** 3
    torch.testing.assert_close(path(vectors, x, way="soft", power=3.0, **raw)[1], (1 - weight) * x + weight * turn(x))


@pytest.mark.parametrize("way", ["full", "soft", "perturbation"])
@pytest.mark.parametrize("course", ["rotation", "random", "straight"])
def test_lengths_are_kept_where_that_is_asked(way: str, course: str):
    vectors, x = normal(4, DIM), normal(3, DIM, seed=1)
    lengths = path(vectors, x, 0.5, way=way, path=course).norm(dim=2)
    torch.testing.assert_close(lengths, x.norm(dim=1).expand(4, -1))
    if way != "full":
        assert not torch.allclose(path(vectors, x, 0.5, way=way, path=course, renormalise=False).norm(dim=2), lengths)


def test_a_share_of_nothing_and_a_still_video_leave_all_as_it_is():
    vectors, x = normal(4, DIM), normal(3, DIM, seed=1)
    assert torch.equal(path(vectors, x, 0.0, renormalise=False), x.expand(4, -1, -1))
    torch.testing.assert_close(path(vectors[:1].expand(4, -1), x), x.expand(4, -1, -1), atol=1e-14, rtol=0)


def test_planes_by_lot_have_the_angles_of_the_video():
    vectors = normal(2, DIM)
    angle = Rotation.between(*vectors).angle
    basis = torch.eye(DIM, dtype=torch.float64)
    wanted = DIM - 2 + 2 * angle.cos()  # the trace of a turn
    for course in ("rotation", "random"):
        torch.testing.assert_close(path(vectors, basis, path=course)[1].trace(), wanted)
    assert not torch.allclose(path(vectors, basis)[1], path(vectors, basis, path="random")[1])


def test_the_straight_way_has_the_same_ends():
    vectors, x = normal(5, DIM), normal(3, DIM, seed=1)
    turned_way, straight = (path(vectors, x, path=p, renormalise=False) for p in ("rotation", "straight"))
    assert torch.equal(straight[0], x)
    torch.testing.assert_close(straight[-1], turned_way[-1])
    torch.testing.assert_close(straight[2], (x + turned_way[-1]) / 2)


@pytest.mark.parametrize("dim", [DIM, 20, 7])
def test_another_space_keeps_the_angles_of_the_turns(dim: int):
    vectors = normal(2, DIM)
    trace = path(vectors, torch.eye(dim, dtype=torch.float64))[1].trace()
    torch.testing.assert_close(trace, dim - 2 + 2 * Rotation.between(*vectors).angle.cos())


def test_a_larger_space_takes_the_vectors_as_they_are_to_each_other():
    vectors = normal(4, DIM)
    torch.testing.assert_close(laid(vectors, 30) @ laid(vectors, 30).T, vectors @ vectors.T)
    assert laid(vectors, DIM) is vectors
    assert laid(vectors, 5).shape == (4, 5)


def test_aligned_the_planes_lie_where_the_tokens_are():
    """Of a token far from every plane nothing turns; aligned, it is what turns."""
    vectors = torch.stack([torch.tensor([1.0, 0.1 * k] + [0.0] * 10, dtype=torch.float64) for k in range(4)])
    token = torch.zeros(1, DIM, dtype=torch.float64)
    token[0, 7] = 2.0
    far, near = path(vectors, token), path(vectors, token, align=True)
    torch.testing.assert_close(far, token.expand(4, 1, -1), atol=1e-14, rtol=0)
    wanted = torch.cosine_similarity(vectors[0], vectors[3], dim=0)
    torch.testing.assert_close(torch.cosine_similarity(near[0], near[3]), wanted[None], atol=2e-3, rtol=0)


def test_tokens_and_vector_turn_and_the_mask_stays():
    vectors, tokens, vector = normal(3, DIM), normal(1, 5, 8), normal(1, 6)
    mask = torch.tensor([[True] * 4 + [False]])
    cond = Condition(tokens=tokens, mask=mask, vector=vector)
    film = conditions(cond, vectors, asked())
    assert torch.equal(film.mask, mask.expand(3, -1))
    torch.testing.assert_close(film.tokens, path(vectors, tokens[0]))
    torch.testing.assert_close(film.vector, path(vectors, vector)[:, 0])
    still = conditions(cond, vectors, asked(turn="noise"))
    assert torch.equal(still.tokens, tokens.expand(3, -1, -1))


def test_noise_stays_as_normal_as_it_was_and_the_seed_is_that_of_the_first_frame(toy: EmbeddingRotation):
    options = asked(turn="noise", height=64, width=64, noise_share=2.0)
    vectors = normal(4, DIM)
    noise = toy.noises(toy.image, vectors, options)
    assert torch.equal(noise[0], toy.noise(4, 8, 8, seed=options.seed))
    rows = noise.reshape(4, -1, row_length(256, DIM))
    torch.testing.assert_close(rows @ rows.mT, (rows @ rows.mT)[:1].expand_as(rows @ rows.mT))  # only turned
    assert (noise[3] - noise[0]).norm() > 0.1 * noise[0].norm()
    text = toy.noises(toy.image, vectors, replace(options, turn="text"))
    assert torch.equal(text[3], noise[0])


def test_rows_are_as_long_as_they_can_be():
    assert [row_length(16384, 768), row_length(1024, 256), row_length(16, 192), row_length(7, 5)] == [512, 256, 16, 7]


def test_a_circle_turns_evenly_in_one_plane():
    vectors = circle(7, 30.0, seed=3)
    cosines = vectors @ vectors.T
    torch.testing.assert_close(cosines.diagonal(1), torch.full((6,), 3**0.5 / 2, dtype=torch.float64))
    assert torch.linalg.matrix_rank(vectors) == 2


def test_a_video_moves_the_film_by_text_and_by_noise(toy: EmbeddingRotation, film: Path):
    still = toy.generate(asked(motion=str(film), text_share=0.0)).frames
    assert torch.equal(still, still[:1].expand_as(still))
    made = {
        turn: toy.generate(asked(motion=str(film), turn=turn, noise_share=2.0)) for turn in ("text", "noise", "both")
    }
    assert len({clip.digest for clip in made.values()}) == 3
    for clip in made.values():
        assert torch.equal(clip.frames[0], still[0])
        assert not torch.equal(clip.frames[3], still[0])


def test_the_frames_are_the_same_drawn_alone_or_together(toy: EmbeddingRotation, film: Path, monkeypatch):
    together = toy.generate(asked(motion=str(film), num_frames=6)).frames
    monkeypatch.setattr("kineograph.systems.embedding_rotation.BATCH", 1)
    alone = toy.generate(asked(motion=str(film), num_frames=6)).frames
    assert (together.int() - alone.int()).abs().max() <= 1


def test_a_short_video_runs_back_and_forth(toy: EmbeddingRotation, film: Path):
    vectors = toy.vectors(asked(motion=str(film)), 9)
    assert vectors.shape == (9, 192)
    assert torch.equal(vectors, vectors[[0, 1, 2, 3, 2, 1, 0, 1, 2]])


def test_a_story_has_its_prompts_and_the_noise_turns_on(toy: EmbeddingRotation):
    options = asked(prompt="a bear walks | a red car", turn="noise", degrees=50.0, noise_share=1.0)
    frames = toy.generate(options).frames
    assert len(frames) == 8
    car = toy.generate(replace(options, prompt="a red car")).frames
    assert not torch.equal(frames[4], car[0])  # the noise of the fifth frame, not of the first
    text = replace(options, turn="text")
    assert torch.equal(toy.generate(text).frames[4], toy.generate(replace(text, prompt="a red car")).frames[0])


def test_a_picture_is_kept_the_more_the_weaker_the_change(toy: EmbeddingRotation, film: Path):
    drawn = {s: toy.generate(asked(image_path=str(film), strength=s)).frames for s in (0.0, 0.7)}
    assert torch.equal(drawn[0.0], drawn[0.0][:1].expand(4, -1, -1, -1))
    assert not torch.equal(drawn[0.7], drawn[0.0])


def test_another_image_system_draws_and_is_opened_once(toy: EmbeddingRotation, tmp_path: Path):
    other = LatentDiffusion.preset("toy")
    with torch.no_grad():
        other.unet.conv_in.weight.mul_(2)
    options = asked(image_system=str(other.save(tmp_path / "other")))
    assert toy.generate(options).digest != toy.generate(asked()).digest
    assert toy.drawn_by(options) is toy.drawn_by(options)
    assert toy.drawn_by(options) is not toy.image


def test_what_cannot_be_is_refused(toy: EmbeddingRotation):
    with pytest.raises(ValueError, match="one of text, noise, both"):
        asked(turn="everything")
    with pytest.raises(ValueError, match="there is no file nowhere"):
        toy.generate(asked(motion="nowhere.mp4"))
