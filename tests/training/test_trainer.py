import math
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import nn

from kineograph.training.trainer import Settings, Trainer, split

QUICK = Settings(learning_rate=1e-2, lr_warmup_steps=2, max_train_steps=6, cooldown_steps=3)


def clone(tensors):
    return {k: v.clone() for k, v in tensors.items()}


@pytest.mark.parametrize("precision", ["no", "bf16"])
@pytest.mark.parametrize("stage", ["learn_codec", "learn_contest"])
def test_a_resumed_run_repeats_the_unbroken_one_bit_for_bit(fake, batches, stage, precision):
    settings = replace(QUICK, mixed_precision=precision)
    other, losses = deepcopy(fake), []
    first = Trainer(fake, stage, settings)
    for step in range(6):
        losses.append(first.step(batches(step)))
        if step == 2:
            tensors, numbers = first.state()
            tensors = clone(tensors)
    second = Trainer(other, stage, settings)
    second.restore(tensors, numbers)
    again = [second.step(batches(step)) for step in range(3, 6)]
    assert losses[3:] == again
    ours, theirs = first.state(), second.state()
    assert ours[1] == theirs[1]
    assert ours[0].keys() == theirs[0].keys()
    for name, x in ours[0].items():
        assert torch.equal(x, theirs[0][name]), name
    for a, b in zip(fake.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


def test_only_the_named_parts_move(fake, batches):
    before = clone(fake.state_dict())
    Trainer(fake, "learn_generator", QUICK).step(batches(0))
    moved = {k.partition(".")[0] for k, v in fake.state_dict().items() if not torch.equal(v, before[k])}
    assert moved == {"generator"}


def test_losses_fall(fake, batches):
    trainer = Trainer(fake, "learn_codec", replace(QUICK, max_train_steps=0, cooldown_steps=0))
    losses = [float(trainer.step(batches(0))["codec"]) for _ in range(60)]
    assert losses[-1] < 0.6 * losses[0]


def test_a_system_that_begins_a_stage_is_told(fake):
    fake.begin = lambda stage: told.append(stage)
    told = []
    Trainer(fake, "learn_codec", QUICK)
    assert told == ["learn_codec"]


def test_accumulated_gradients_are_those_of_the_whole_batch(fake, batches):
    two = deepcopy(fake)
    plain = Trainer(fake, "learn_codec", QUICK)
    pieces = Trainer(two, "learn_codec", replace(QUICK, gradient_accumulation_steps=4))
    loss = lambda system: (
        lambda stage, batch: iter([(("codec",), system.codec.hidden(batch.video.new_ones(1, 32, 4, 4)).mean())])
    )
    fake.losses, two.losses = loss(fake), loss(two)
    plain.step(batches(0))
    pieces.step(batches(0))
    for a, b in zip(plain.parts["codec"].grads, pieces.parts["codec"].grads, strict=True):
        torch.testing.assert_close(a, b)
    with pytest.raises(ValueError, match="does not split into 3"):
        Trainer(two, "learn_codec", replace(QUICK, gradient_accumulation_steps=3)).step(batches(0))


def test_a_step_without_finite_gradients_is_skipped_and_counted(fake, batches, monkeypatch):
    trainer = Trainer(fake, "learn_codec", QUICK)
    trainer.step(batches(0))
    before = clone(trainer.state()[0])
    bad = batches(1)
    bad.video[0, 0, 0, 0, 0] = math.nan
    trainer.step(bad)
    assert trainer.skipped == 1
    after = trainer.state()[0]
    assert all(torch.equal(v, after[k]) for k, v in before.items() if not k.endswith("/buffer"))
    monkeypatch.setattr("kineograph.training.trainer.PATIENCE", 2)
    with pytest.raises(ValueError, match="learning rate"):
        trainer.step(bad)


def test_gradients_are_shortened(fake, batches):
    trainer = Trainer(fake, "learn_codec", replace(QUICK, max_grad_norm=1e-3))
    trainer.step(batches(0))
    norm = torch.stack([g.norm() for g in trainer.parts["codec"].grads]).norm()
    assert norm <= 1.01e-3 < trainer.norm


def test_weights_without_gradient_stay(fake, batches):
    fake.codec.unused = nn.Linear(32, 32)
    before = fake.codec.unused.weight.detach().clone()
    trainer = Trainer(fake, "learn_codec", replace(QUICK, weight_decay=0.5))
    trainer.step(batches(0))
    assert torch.equal(fake.codec.unused.weight, before)
    trainer.restore(*trainer.state())


def test_at_rest_the_system_has_averaged_weights_in_full_precision(fake, batches, tmp_path):
    critic = fake.critic.weight.detach().clone()
    trainer = Trainer(fake, "learn_codec", replace(QUICK, mixed_precision="bf16"))
    trainer.step(batches(0))
    live = fake.codec.hidden.weight.detach().clone()
    assert live.dtype == fake.critic.weight.dtype == torch.bfloat16
    with trainer.averaged() as system:
        part = trainer.parts["codec"]
        assert torch.equal(system.codec.hidden.weight, part.ema.weights[part.names.index("hidden.weight")])
        assert torch.equal(system.critic.weight, critic)
        assert not system.codec.training
        system.save(tmp_path)
    assert torch.equal(fake.codec.hidden.weight, live)
    assert fake.codec.training
    assert type(fake).load(tmp_path).critic.weight.equal(critic)
    trainer.step(batches(1))


def test_what_a_part_does_not_teach_is_in_half_precision_too_and_stays_as_it_was(fake, batches):
    taught = [fake.codec.hidden.weight]
    fake.parameters_of = lambda part: taught if part == "codec" else list(fake.parts()[part].parameters())
    others = {name: p.detach().clone() for name, p in fake.codec.named_parameters() if name != "hidden.weight"}
    trainer = Trainer(fake, "learn_codec", replace(QUICK, mixed_precision="bf16"))
    trainer.step(batches(0))
    assert {p.dtype for p in fake.codec.parameters()} == {torch.bfloat16}
    with trainer.averaged() as system:
        assert {p.dtype for p in system.codec.parameters()} == {torch.float32}
        assert all(torch.equal(system.codec.get_parameter(name), x) for name, x in others.items())


def test_several_processes_average_their_gradients(fake, batches):
    seen = []
    trainer = Trainer(fake, "learn_codec", QUICK, average=lambda grads: seen.append([g.zero_() for g in grads]))
    trainer.step(batches(0))
    assert len(seen) == 1
    assert len(seen[0]) == len(trainer.parts["codec"].live)
    assert trainer.norm == 0


def test_a_checkpoint_of_something_else_is_refused(fake, batches):
    trainer = Trainer(fake, "learn_codec", QUICK)
    tensors, numbers = trainer.state()
    with pytest.raises(ValueError, match="of stage 'other'"):
        trainer.restore(tensors, numbers | {"stage": "other"})
    with pytest.raises(ValueError, match=r"codec/hidden.weight/weight needs \(32, 32, 3, 3\) and finds nothing"):
        trainer.restore({k: v for k, v in tensors.items() if "hidden.weight/weight" not in k}, numbers)
    with pytest.raises(ValueError, match="no stage 'learn_nothing'"):
        Trainer(fake, "learn_nothing", QUICK)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mixed_precision": "fp8"},
        {"ema_decay": 1.5},
        {"learning_rate": -1.0},
        {"cooldown_steps": 5},
        {"lr_warmup_steps": -1},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(**wrong)


def test_pieces_of_a_batch_keep_their_labels(batches):
    whole = replace(batches(0), labels=torch.arange(8)[:, None])
    pieces = split(whole, 4)
    assert [piece.labels.flatten().tolist() for piece in pieces] == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert [len(piece) for piece in pieces] == [2] * 4
    assert split(batches(0), 2)[0].labels is None
