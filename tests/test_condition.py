import pytest
import torch

from kineograph.condition import Condition


def told(rows: int, tokens: int, value: float) -> Condition:
    return Condition(tokens=torch.full((rows, tokens, 2), value), vector=torch.full((rows, 3), value))


def test_where_keeps_rows_and_takes_the_others_from_one_null_row():
    kept = told(3, 4, 1.0).where(torch.tensor([True, False, True]), told(1, 4, 0.0))
    assert kept.tokens[:, 0, 0].tolist() == [1, 0, 1]
    assert kept.vector[:, 0].tolist() == [1, 0, 1]
    assert kept.mask is None


def test_where_pads_and_masks_prompts_of_other_lengths():
    kept = told(2, 4, 1.0).where(torch.tensor([True, False]), told(1, 2, 0.5))
    assert kept.tokens.shape == (2, 4, 2)
    assert kept.mask.tolist() == [[True] * 4, [True, True, False, False]]


def test_where_keeps_what_the_null_lacks_and_refuses_what_it_has_more():
    frames = torch.ones(2, 1, 3, 4, 4)
    kept = Condition(told(2, 3, 1.0).tokens, frames=frames).where(
        torch.tensor([True, False]), Condition(told(1, 3, 0).tokens)
    )
    assert torch.equal(kept.frames, frames)
    with pytest.raises(ValueError, match="frames"):
        told(2, 3, 1.0).where(torch.tensor([True, False]), Condition(frames=frames))


def test_cat_joins_rows_and_needs_the_same_parts():
    both = Condition.cat([told(1, 2, 0.0), told(2, 3, 1.0)])
    assert both.tokens.shape == (3, 3, 2)
    assert both.vector[:, 0].tolist() == [0, 1, 1]
    assert both.mask.sum(1).tolist() == [2, 3, 3]
    with pytest.raises(ValueError, match="same parts"):
        Condition.cat([told(1, 2, 0.0), Condition(tokens=torch.zeros(1, 2, 2))])


def test_map_touches_what_is_there():
    assert told(1, 2, 1.0).map(lambda x: x * 3).vector.tolist() == [[3.0, 3.0, 3.0]]
    assert Condition().map(lambda x: x * 3).items() == {}
