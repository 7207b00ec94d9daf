"""Pictures looked up elsewhere; turns in many dimensions, against everything that is known of them."""

import math

import pytest
import torch
from torch import Tensor

from kineograph.geometry import Rotation, shifted

EXACT = 1e-12


def vectors(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def matrix(turn: Rotation, share: float = 1.0) -> Tensor:
    """R, whose columns are the axes turned."""
    return turn(torch.eye(turn.n1.shape[-1], dtype=torch.float64), share).T


def near(a: Tensor, b: Tensor | float) -> bool:
    return bool((a - b).abs().max() <= EXACT)


@pytest.mark.parametrize("dim", [2, 3, 17, 768])
def test_a_turn_is_orthogonal_of_determinant_one_and_takes_one_vector_to_the_other(dim: int):
    a, b = vectors(2, dim)
    turn = Rotation.between(a, b)
    r = matrix(turn)
    assert near(r @ r.T, torch.eye(dim, dtype=torch.float64))
    assert near(torch.linalg.det(r), 1)
    assert near(turn(a) * b.norm() / a.norm(), b)


def test_it_is_the_formula_and_the_exponential_of_its_generator():
    turn = Rotation.between(*vectors(2, 9))
    n1, n2, angle = turn.n1, turn.n2, turn.angle
    skew, plane = torch.outer(n2, n1) - torch.outer(n1, n2), torch.outer(n1, n1) + torch.outer(n2, n2)
    assert near(matrix(turn), torch.eye(9) + skew * angle.sin() + plane * (angle.cos() - 1))
    assert near(matrix(turn), torch.linalg.matrix_exp(angle * skew))


def test_turns_in_one_plane_add_up_and_shares_are_parts_of_the_angle():
    turn = Rotation.between(*vectors(2, 9))
    assert near(matrix(turn, 0.3) @ matrix(turn, 0.5), matrix(turn, 0.8))
    assert near(matrix(turn, 2.0), matrix(turn) @ matrix(turn))
    assert near(matrix(turn, -1.0), matrix(turn).T)
    x = vectors(4, 9, seed=1)
    assert torch.equal(turn(x, 0.0), x)


def test_in_three_dimensions_it_is_rodrigues_formula():
    turn = Rotation.between(*vectors(2, 3))
    x, y, z = torch.linalg.cross(turn.n1, turn.n2).tolist()
    k = torch.tensor([[0, -z, y], [z, 0, -x], [-y, x, 0]], dtype=torch.float64)
    assert near(matrix(turn), torch.eye(3) + turn.angle.sin() * k + (1 - turn.angle.cos()) * k @ k)


@pytest.mark.parametrize("scale", [1.0, 3.7, 1e-9])
def test_parallel_vectors_turn_nothing(scale: float):
    a = vectors(9)
    assert near(matrix(Rotation.between(a, scale * a)), torch.eye(9, dtype=torch.float64))


@pytest.mark.parametrize("pair", [(0, 1), (1, 0), (0, 0)])
def test_nothing_has_no_direction_to_turn_from_or_to(pair: tuple[int, int]):
    a, b = vectors(2, 9) * torch.tensor(pair)[:, None]
    assert near(matrix(Rotation.between(a, b)), torch.eye(9, dtype=torch.float64))


@pytest.mark.parametrize("gap", [1e-3, 1e-8, 1e-13])
def test_nearly_parallel_and_nearly_opposite_vectors_lose_no_digits(gap: float):
    a, aside = vectors(2, 9)
    for b in (a + gap * aside, -a + gap * aside):
        turn = Rotation.between(a, b)
        assert near(turn(a) * b.norm() / a.norm(), b)
        assert near((turn.n1 * turn.n2).sum(), 0)


def test_opposite_vectors_take_half_a_turn_towards_the_farthest_axis():
    a = torch.tensor([3.0, 0.5, -2.0, 0.1], dtype=torch.float64)
    turn = Rotation.between(a, -a)
    assert near(turn(a), -a)
    assert near(turn.angle, math.pi)
    assert turn.n2.argmax() == 3
    assert near(matrix(turn) @ matrix(turn).T, torch.eye(4, dtype=torch.float64))


def test_many_turns_at_once_are_the_same_as_one_by_one():
    a, b, x = vectors(3, 5, 9)
    turns = Rotation.between(a, b)
    assert near(turns(x), torch.stack([Rotation.between(a[i], b[i])(x[i]) for i in range(5)]))
    assert near(turns[2](x), Rotation.between(a[2], b[2])(x))


def test_one_dimension_has_no_plane():
    with pytest.raises(ValueError, match="2 dimensions or more; these vectors have 1"):
        Rotation.between(torch.ones(1), torch.ones(1))


def test_a_shift_by_whole_cells_looks_there_and_sees_a_mirror_beyond_the_border():
    row = torch.arange(4.0).reshape(1, 1, 1, 4)
    assert shifted(row, 1, 0).flatten().tolist() == [1, 2, 3, 3]
    assert shifted(row, -2, 0).flatten().tolist() == [1, 0, 0, 1]
    assert shifted(row, 6, 0).flatten().tolist() == [1, 0, 0, 1]
    assert torch.equal(shifted(row.mT, 0, 1), shifted(row, 1, 0).mT)
    assert torch.equal(shifted(row, 0, 0), row)
