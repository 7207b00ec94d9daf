"""Trains one stage of a system: losses to gradients, gradients to weights, weights to their running average.

Weights are kept twice. The system's own are bfloat16 where the machine computes well in it (CUDA, CPUs with
AVX512-BF16): whole modules in bfloat16 are much quicker than autocast. The trainer's masters are float32; they are what
the optimizers move and what is saved. Only parameters change precision, buffers keep theirs; so a part takes its input
to its weights' dtype at its own door.

Randomness inside losses comes from torch's default generator, seeded anew before every step from (seed, stage, step,
rank). A step therefore depends on nothing but the weights, the optimizers' state and its number, and a resumed run
repeats the unbroken one bit for bit with no generator's state to store.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from kineograph import config as configs
from kineograph.clip import Batch
from kineograph.config import option
from kineograph.data.loader import seed_of
from kineograph.system import System, quick_dtype
from kineograph.tensors import as_dtype
from kineograph.training.ema import EMA
from kineograph.training.optimizers import Muon, hidden_matrices, rate_at

PATIENCE = 100  # non-finite steps in a row before training gives up


@dataclass(frozen=True)
class Settings:
    """How a stage is trained; a run can be resumed with other values, and says so."""

    seed: int = option(0, "same seed, same training", minimum=0)
    learning_rate: float = option(1e-3, "the highest learning rate, of AdamW and Muon alike", minimum=0)
    lr_warmup_steps: int = option(100, "steps over which the learning rate rises", minimum=0)
    cooldown_steps: int = option(0, "last steps, over which the learning rate falls to 1 %", minimum=0)
    max_train_steps: int = option(0, "steps in all, 0 for no end", minimum=0)
    max_grad_norm: float = option(1.0, "longer gradients are shortened to this", minimum=0)
    weight_decay: float = option(0.01, "decoupled; biases and gains are spared", minimum=0)
    ema_decay: float = option(0.999, "of the running average that is saved", minimum=0, maximum=1)
    mixed_precision: str = option("no", "weights in training: bf16, no (float32), auto", choices=("no", "bf16"))
    gradient_accumulation_steps: int = option(1, "pieces a batch is taken in", minimum=1)

    def __post_init__(self):
        configs.check(self)
        if self.cooldown_steps and not self.max_train_steps:
            raise ValueError("cooldown_steps needs max_train_steps: the learning rate falls over the last steps")


def best_precision(device: torch.device | str) -> str:
    """bf16 where it is quick."""
    return "bf16" if quick_dtype(device) == torch.bfloat16 else "no"


class Part:
    """The float32 masters of a trained part, with gradients, optimizers and running average."""

    def __init__(self, name: str, module: nn.Module, weights: dict[str, nn.Parameter], settings: Settings):
        self.name, self.module = name, module
        self.names, self.live = list(weights), list(weights.values())
        muon = hidden_matrices(module)
        self.hidden = [i for i, p in enumerate(self.live) if id(p) in muon]
        others = [i for i in range(len(self.live)) if i not in set(self.hidden)]

        self.masters = [p.detach().float().clone().requires_grad_() for p in self.live]
        self.grads = [torch.zeros_like(w) for w in self.masters]
        self.used = [False] * len(self.live)
        self.ema = EMA(self.masters, settings.ema_decay)
        self.muon = Muon([self.masters[i] for i in self.hidden], weight_decay=settings.weight_decay)
        decayed = [self.masters[i] for i in others if self.masters[i].ndim > 1]
        spared = [self.masters[i] for i in others if self.masters[i].ndim <= 1]
        groups = [
            {"params": ws, "weight_decay": d} for ws, d in ((decayed, settings.weight_decay), (spared, 0.0)) if ws
        ]
        self.adamw = torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True) if groups else None
        if settings.mixed_precision == "bf16":
            for p in self.live:
                p.data = p.data.bfloat16()

    @torch.no_grad()
    def collect(self, grads: tuple[Tensor | None, ...], *, first: bool) -> None:
        """Takes or adds the gradients of one loss; None for weights it does not reach."""
        used = [g is not None for g in grads]
        if first:
            self.used = used
        elif used != self.used:
            raise RuntimeError(f"the parts of one batch reach different weights of {self.name}")
        into, new = self.gradients(), [g for g in grads if g is not None]
        if into:
            (torch._foreach_copy_ if first else torch._foreach_add_)(into, new)

    def gradients(self) -> list[Tensor]:
        """The float32 gradients of the weights that the last loss reached."""
        return [g for g, used in zip(self.grads, self.used, strict=True) if used]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Moves the masters and their average, and copies the masters to the part."""
        for master, grad, used in zip(self.masters, self.grads, self.used, strict=True):
            master.grad = grad if used else None
        self.muon.step([self.masters[i].grad for i in self.hidden], rate)
        if self.adamw:
            for group in self.adamw.param_groups:
                group["lr"] = rate
            self.adamw.step()
        self.ema.update(self.masters)
        torch._foreach_copy_(self.live, self.masters)

    def state(self) -> dict[str, Tensor]:
        """All that the next step depends on, by name."""
        kept = {}
        for name, master, average in zip(self.names, self.masters, self.ema.weights, strict=True):
            kept |= {f"{name}/weight": master.detach(), f"{name}/ema": average}
            if self.adamw and (state := self.adamw.state.get(master)):
                kept |= {f"{name}/{k}": v for k, v in state.items()}
        kept |= {f"{self.names[i]}/moment": m for i, m in zip(self.hidden, self.muon.moments, strict=True)}
        kept |= {f"{name}/buffer": b for name, b in self.module.named_buffers()}
        kept["/ema_updates"] = torch.tensor(self.ema.updates)
        return {f"{self.name}/{name}": value for name, value in kept.items()}

    @torch.no_grad()
    def restore(self, state: dict[str, Tensor]) -> None:
        """Puts back what state() gave."""
        moments = dict(zip(self.hidden, self.muon.moments, strict=True))
        pairs = {f"{self.name}/{name}/buffer": b for name, b in self.module.named_buffers()}
        for i, (name, master) in enumerate(zip(self.names, self.masters, strict=True)):
            at = f"{self.name}/{name}"
            pairs |= {f"{at}/weight": master, f"{at}/ema": self.ema.weights[i]}
            if i in moments:
                pairs[f"{at}/moment"] = moments[i]
            elif f"{at}/exp_avg" in state:
                step = torch.zeros((), device=master.device)
                fresh = {"step": step, "exp_avg": torch.zeros_like(master), "exp_avg_sq": torch.zeros_like(master)}
                self.adamw.state[master] = {k: v.detach() for k, v in fresh.items()}
                pairs |= {f"{at}/{k}": v for k, v in self.adamw.state[master].items()}
        for name, tensor in pairs.items():
            if name not in state or state[name].shape != tensor.shape:
                found = tuple(state[name].shape) if name in state else "nothing"
                raise ValueError(f"the checkpoint does not fit: {name} needs {tuple(tensor.shape)} and finds {found}")
            tensor.copy_(state[name])
        self.ema.updates = int(state[f"{self.name}//ema_updates"])
        torch._foreach_copy_(self.live, self.masters)


class Trainer:
    """Steps of one stage of a system.

    average: with several processes, replaces the tensors of a list by their means over all processes.
    """

    def __init__(
        self,
        system: System,
        stage: str,
        settings: Settings,
        *,
        device: torch.device | str = "cpu",
        rank: int = 0,
        average: Callable[[list[Tensor]], None] | None = None,
    ):
        if stage not in system.stages():
            raise ValueError(f"no stage {stage!r}; there is {', '.join(system.stages())}")
        self.system, self.stage, self.settings = system, stage, settings
        self.device, self.rank, self.average = torch.device(device), rank, average
        self.steps = self.skipped = self.skipped_in_a_row = 0
        self.norm = torch.zeros(())
        trained = system.stages()[stage].trains

        system.to(self.device)
        if hasattr(system, "begin"):
            system.begin(stage)  # whatever the stage keeps of the weights it starts from
        system.requires_grad_(False).eval()
        for module in system.children():
            if getattr(module, "external", False):
                if settings.mixed_precision == "bf16":
                    as_dtype(module, torch.bfloat16)
                continue
            for p in module.parameters():
                if p.ndim == 4:
                    p.data = p.data.to(memory_format=torch.channels_last)
        self.parts = {name: self.part(name) for name in trained}
        self.originals: list[tuple[nn.Parameter, Tensor]] = []  # frozen weights at full precision, for saving
        if settings.mixed_precision == "bf16":
            own = [p for module in system.parts().values() for p in module.parameters()]
            self.originals = [(p, p.data) for p in own if not p.requires_grad and p.dtype == torch.float32]
        for p, full in self.originals:
            p.data = full.bfloat16()

    def part(self, name: str) -> Part:
        """Unfreezes a part's weights and gives them masters."""
        module = getattr(self.system, name)
        wanted = {id(p) for p in self.system.parameters_of(name)}
        weights = {n: p.requires_grad_() for n, p in module.named_parameters() if id(p) in wanted}
        module.train()
        return Part(name, module, weights, self.settings)

    def rate_of(self, step: int) -> float:
        """The learning rate of a step."""
        s = self.settings
        return rate_at(
            step, peak=s.learning_rate, warmup=s.lr_warmup_steps, cooldown=s.cooldown_steps, total=s.max_train_steps
        )

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One step; the losses by the parts they train, as tensors so that nothing waits for them."""
        torch.manual_seed(seed_of(self.settings.seed, self.stage, self.steps, self.rank))
        rate, seen, pieces = self.rate_of(self.steps), {}, self.settings.gradient_accumulation_steps
        streams = [self.system.losses(self.stage, piece) for piece in split(batch, pieces)]
        while True:  # each pair's optimizer steps before the next loss is asked for
            parts, total = (), 0.0
            for i, stream in enumerate(streams):
                if (pair := next(stream, None)) is None:
                    break
                parts, loss = pair
                self.backward(parts, loss / pieces, first=i == 0)
                total = total + loss.detach() / pieces
            if not parts:
                break
            self.update(parts, rate)
            seen["+".join(parts)] = total
        self.steps += 1
        return seen

    def backward(self, parts: tuple[str, ...], loss: Tensor, *, first: bool) -> None:
        """Gradients of the named parts, and of no others."""
        grads = torch.autograd.grad(loss, [p for name in parts for p in self.parts[name].live], allow_unused=True)
        for name in parts:
            count = len(self.parts[name].live)
            self.parts[name].collect(grads[:count], first=first)
            grads = grads[count:]

    @torch.no_grad()
    def update(self, parts: tuple[str, ...], rate: float) -> None:
        """Clips the gradients to max_grad_norm and steps; skips the step where they are not finite."""
        grads = [g for name in parts for g in self.parts[name].gradients()]
        if self.average:
            self.average(grads)
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads)))
        if not norm.isfinite():
            self.skipped += 1
            self.skipped_in_a_row += 1
            if self.skipped_in_a_row >= PATIENCE:
                raise ValueError(f"no finite gradients in {PATIENCE} steps in a row: the learning rate may be too high")
            return
        self.skipped_in_a_row, self.norm = 0, norm
        torch._foreach_mul_(grads, (self.settings.max_grad_norm / (norm + 1e-6)).clamp(max=1.0))
        for name in parts:
            self.parts[name].step(rate)

    @contextmanager
    def averaged(self) -> Iterator[System]:
        """The system at rest, as it will be saved: averaged weights in the trained parts, full precision everywhere."""
        pairs = [(p, w) for part in self.parts.values() for p, w in zip(part.live, part.ema.weights, strict=True)]
        pairs += self.originals
        busy = [p.data for p, _ in pairs]
        for p, rest in pairs:
            p.data = rest
        self.system.eval()
        try:
            yield self.system
        finally:
            for (p, _), data in zip(pairs, busy, strict=True):
                p.data = data
            for part in self.parts.values():
                part.module.train()

    def state(self) -> tuple[dict[str, Tensor], dict]:
        """What a checkpoint holds: tensors by name, and numbers for JSON."""
        tensors = {k: v for part in self.parts.values() for k, v in part.state().items()}
        return tensors, {"stage": self.stage, "steps": self.steps, "skipped": self.skipped}

    def restore(self, tensors: dict[str, Tensor], numbers: dict) -> None:
        """Goes on from what state() gave."""
        if numbers["stage"] != self.stage:
            raise ValueError(f"the checkpoint is of stage {numbers['stage']!r}, not {self.stage!r}")
        for part in self.parts.values():
            part.restore(tensors)
        self.steps, self.skipped = numbers["steps"], numbers["skipped"]


def split(batch: Batch, pieces: int) -> list[Batch]:
    """A batch in equal pieces, for gradients that accumulate."""
    if pieces == 1:
        return [batch]
    if len(batch.captions) % pieces:
        raise ValueError(f"a batch of {len(batch.captions)} does not split into {pieces} equal pieces")
    size = len(batch.captions) // pieces
    return [piece(batch, slice(i, i + size)) for i in range(0, len(batch.captions), size)]


def piece(batch: Batch, some: slice) -> Batch:
    """Some of a batch's clips."""
    known = {k: x[some] for k, x in batch.known().items()}
    return replace(batch, video=batch.video[some], captions=batch.captions[some], fps=batch.fps[some], **known)
