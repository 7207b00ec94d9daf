import pytest
import torch

from kineograph.training import checkpoints


def write(folder, step):
    return checkpoints.write(folder, {"x": torch.tensor([float(step)])}, {"steps": step})


def test_the_newest_two_are_kept(tmp_path):
    for step in (1, 2, 3):
        write(tmp_path, step)
    assert [p.name for p in checkpoints.found(tmp_path)] == ["step-00000002", "step-00000003"]
    tensors, numbers = checkpoints.latest(tmp_path)
    assert tensors["x"].item() == 3
    assert numbers == {"steps": 3}


@pytest.mark.parametrize("damage", ["cut", "flip", "no_head", "empty"])
def test_a_damaged_one_falls_back_to_the_one_before(tmp_path, damage):
    write(tmp_path, 1)
    newest = write(tmp_path, 2)
    file = newest / checkpoints.TENSORS
    data = file.read_bytes()
    if damage == "cut":
        file.write_bytes(data[:-2])
    elif damage == "flip":
        file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif damage == "no_head":
        (newest / checkpoints.NUMBERS).unlink()
    else:
        (newest / checkpoints.NUMBERS).write_text("")
    with pytest.warns(UserWarning, match="step-00000002 cannot be used"):
        tensors, _ = checkpoints.latest(tmp_path)
    assert tensors["x"].item() == 1
    write(tmp_path, 2)  # the damaged one gives way
    assert checkpoints.latest(tmp_path)[1] == {"steps": 2}


def test_nothing_usable_is_an_error_and_nothing_at_all_is_none(tmp_path):
    assert checkpoints.latest(tmp_path / "none") is None
    (write(tmp_path, 1) / checkpoints.NUMBERS).unlink()
    with (
        pytest.warns(UserWarning, match="cannot be used"),
        pytest.raises(ValueError, match="none of the 1 checkpoints"),
    ):
        checkpoints.latest(tmp_path)


def test_a_write_that_dies_leaves_the_old_ones(tmp_path, monkeypatch):
    write(tmp_path, 1)
    monkeypatch.setattr(checkpoints, "digest", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(tmp_path, 2)
    monkeypatch.undo()
    assert checkpoints.latest(tmp_path)[1] == {"steps": 1}


def test_a_future_that_was_given_up_is_forgotten(tmp_path):
    for step in (5, 9):
        write(tmp_path, step)
    write(tmp_path, 6)
    assert [p.name for p in checkpoints.found(tmp_path)] == ["step-00000005", "step-00000006"]
