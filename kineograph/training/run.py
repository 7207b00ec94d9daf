"""`kineograph train`: a folder with settings, log, checkpoints, samples and the system; stopped and resumed at will.

runs/x/settings.json   what was asked for        runs/x/checkpoints/step-*   all that the next step depends on
runs/x/log.jsonl       one line per event        runs/x/samples/*.png        what validation showed
runs/x/system/         the system with averaged weights, to generate with or to start the next stage from
"""

import argparse
import json
import os
import signal
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor

from kineograph import __version__, video
from kineograph import config as configs
from kineograph.data.cache import digest, render
from kineograph.data.loader import Steps, first_clips, on_device, seed_of
from kineograph.system import System
from kineograph.training import checkpoints
from kineograph.training.feed import Clips, Feed
from kineograph.training.memory import keep_memory
from kineograph.training.processes import Processes
from kineograph.training.request import add_arguments, build, clips_of, settings_of, stage_of
from kineograph.training.trainer import Trainer

__all__ = ["add_arguments", "main"]


def main(args: argparse.Namespace, *, kind: type[System] | None = None, clips: Clips | None = None) -> int:
    """Trains; the exit code is 0 when done and 130 when interrupted, after a checkpoint.

    kind, clips: a system that is not in the catalogue, and clips that are not among --data.
    """
    run = Run(args, kind=kind, clips=clips)
    if args.dry_run:
        print(run.summary())
        return 0
    keep_memory()
    return run.train()


class Run:
    """One sitting of training: everything that `args` asks for, ready to go."""

    def __init__(self, args: argparse.Namespace, *, kind: type[System] | None = None, clips: Clips | None = None):
        self.args, self.processes = args, Processes()
        self.settings = settings_of(args, self.processes.device)
        self.system = build(args, kind)
        self.stage = stage_of(self.system, args.stage)
        if clips and args.often:
            raise ValueError("--often is for systems; what judges learn from is settled")
        clips = clips or (lambda *what: clips_of(args, *what))
        self.feed = Feed(args, self.system, self.stage, clips, self.settings, self.processes, self.progress)
        if not args.output_dir and not args.dry_run:
            raise ValueError("--output-dir is needed: the run's folder")
        if args.cooldown_minutes and (not args.hours or self.settings.cooldown_steps):
            raise ValueError("--cooldown-minutes are the last ones of --hours, in place of --cooldown-steps")
        if args.train_batch_size % (self.processes.count * self.settings.gradient_accumulation_steps):
            raise ValueError(
                f"a batch of {args.train_batch_size} does not divide among the processes and accumulation steps"
            )
        self.folder, self.stopped = args.output_dir, 0
        self.waiting: list[dict] = []  # losses since the last line of the log
        self.before = 0.0  # seconds of earlier sittings

    def summary(self) -> str:
        """What would be trained, for people."""
        stage, counts = self.system.stages()[self.stage], []
        for name, part in self.system.parts().items():
            millions = sum(p.numel() for p in part.parameters()) / 1e6
            counts.append(f"{name} {millions:.2f} M{' (trained)' if name in stage.trains else ''}")
        frames, size = self.system.clip_shape(self.stage)
        through = f" through {stage.through}" if stage.through else ""
        return "\n".join(
            [
                f"{self.system.name()} · {self.stage}{through} · clips of {frames} frames, {size} px",
                f"parts: {', '.join(counts)}",
                f"on {self.processes.device}: {asdict(self.settings)}",
            ]
        )

    def described(self) -> dict:
        """What the run depends on, for settings.json."""
        trained = () if hasattr(self.system, "begin") else self.system.stages()[self.stage].trains
        return {
            "version": __version__,
            "system": self.system.name(),
            "config": configs.dump(self.system.config),
            "stage": self.stage,
            "begun_with": {k: digest(part) for k, part in self.system.parts().items() if k not in trained},
            "data": {k: getattr(self.args, k) for k in ("data", "clips", "train_batch_size", "often")},
            "settings": asdict(self.settings),
        }

    def train(self) -> int:
        """Steps until time, number or a signal says stop."""
        state = self.open()
        steps = self.feed.steps()  # encodes with the codec as it was loaded, before the trainer changes its precision
        held_out = self.held_out()
        alone = self.processes.count == 1
        trainer = Trainer(
            self.system,
            self.stage,
            self.settings,
            device=self.processes.device,
            rank=self.processes.rank,
            average=None if alone else self.processes.average,
        )
        if state:
            tensors, numbers = state
            trainer.restore(tensors, numbers)
            self.before, self.waiting = numbers["seconds"], numbers["waiting"]
            self.cut_log(trainer.steps)
            self.say(f"resumed at step {trainer.steps}")
        kept = {s: signal.signal(s, self.interrupt) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            self.loop(trainer, steps, held_out)
        finally:
            for s, handler in kept.items():
                signal.signal(s, handler)
        return 130 if self.stopped else 0

    def loop(self, trainer: Trainer, steps: Steps, held_out: Tensor | None) -> None:
        """The steps of this sitting, with what happens between them."""
        args, limit = self.args, self.settings.max_train_steps or 2**62
        self.start = self.logged = time.monotonic()
        saved = validated = self.start
        end = self.start + args.hours * 3600 if args.hours else float("inf")
        falling, first = end - args.cooldown_minutes * 60 if args.cooldown_minutes else float("inf"), trainer.steps
        last = shown = -1
        for batch in steps.run(trainer.steps, limit, workers=args.workers) if trainer.steps < limit else ():
            losses = trainer.step(on_device(batch, self.processes.device))
            self.waiting.append(losses)
            if trainer.steps % args.logging_steps == 0:
                self.log_steps(trainer)
            now = time.monotonic()
            if self.processes.any(bool(self.stopped) or now >= end) or trainer.steps >= limit:
                break
            if falling < float("inf") and self.processes.any(now >= falling):
                limit = self.cool(trainer, (trainer.steps - first) / (now - self.start))
                falling = float("inf")
            if due(now - saved, args.checkpointing_minutes, trainer.steps, args.checkpointing_steps):
                self.save(trainer)
                saved, last = time.monotonic(), trainer.steps
            if held_out is not None and due(
                now - validated, args.validation_minutes, trainer.steps, args.validation_steps
            ):
                self.validate(trainer, held_out)
                validated, shown = time.monotonic(), trainer.steps
        if last != trainer.steps:
            self.save(trainer)
        if held_out is not None and shown != trainer.steps and not self.stopped:
            self.validate(trainer, held_out)
        end_of_it = "interrupted" if self.stopped else "done"
        self.say(f"{end_of_it} at step {trainer.steps}; the system is in {self.folder / 'system'}")

    def cool(self, trainer: Trainer, rate: float) -> int:
        """Begins the cooldown of --cooldown-minutes, at a rate of so many steps a second; the step where it ends."""
        pace = torch.tensor([rate], device=self.processes.device)
        if self.processes.count > 1:
            self.processes.average([pace])  # the same number of steps everywhere
        left = max(1, int(float(pace) * self.args.cooldown_minutes * 60))
        left = min(left, (self.settings.max_train_steps or 2**62) - trainer.steps)
        self.settings = replace(self.settings, max_train_steps=trainer.steps + left, cooldown_steps=left)
        trainer.settings = self.settings
        self.say(f"cooling down from step {trainer.steps} to step {trainer.steps + left}")
        return trainer.steps + left

    def interrupt(self, number: int, _: object) -> None:
        """On the first signal, stop after this step; on the second, at once."""
        if self.stopped:
            raise KeyboardInterrupt
        self.stopped = number

    # what training leaves and shows

    def held_out(self) -> Tensor | None:
        """Whole clips of the held-out split for validation, b t c h w uint8; None if the system has no `validate`."""
        count = self.args.validation_clips
        if not count or not hasattr(self.system, "validate") or not self.processes.first:
            return None
        self.shown = self.feed.seen("held_out")
        return torch.cat(list(render(self.shown, 0, count, workers=self.args.workers)))

    def open(self) -> tuple[dict[str, Tensor], dict] | None:
        """Makes or checks the run's folder; the checkpoint to go on from, if any."""
        wanted, asked = self.described(), self.args.resume_from_checkpoint
        head, points = self.folder / "settings.json", self.folder / "checkpoints"
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"{self.folder} is a file; a run is a folder")
        if checkpoints.found(points) and not asked:
            raise ValueError(
                f"{self.folder} already holds a run: give --resume-from-checkpoint latest, or another folder"
            )
        state = None
        if asked:
            state = checkpoints.latest(points) if asked == "latest" else checkpoints.read(Path(asked))
        if state and head.exists():
            before, wanted = json.loads(head.read_text()), json.loads(json.dumps(wanted))
            for key in ("system", "stage", "config"):
                if before[key] != wanted[key]:
                    raise ValueError(f"{self.folder} was begun with {key} {before[key]}, not {wanted[key]}")
            if other := [k for k, v in wanted["begun_with"].items() if before["begun_with"].get(k) != v]:
                raise ValueError(
                    f"{self.folder} was begun with other weights of {', '.join(other)}: give the same --init-from"
                )
            for key in ("data", "settings"):
                for name, value in wanted[key].items():
                    if before[key].get(name) != value:
                        self.say(f"{name} was {before[key].get(name)} and is now {value}")
        self.processes.wait()
        if self.processes.first:
            self.folder.mkdir(parents=True, exist_ok=True)
            whole(head, json.dumps(wanted, indent=2) + "\n")
            if not state:
                (self.folder / "log.jsonl").write_text("")
        return state

    def save(self, trainer: Trainer) -> None:
        """A checkpoint, and the system with averaged weights."""
        self.waiting = [{k: float(v) for k, v in losses.items()} for losses in self.waiting]
        if not self.processes.first:
            return
        tensors, numbers = trainer.state()
        numbers |= {"seconds": self.before + time.monotonic() - self.start, "waiting": self.waiting}
        checkpoints.write(self.folder / "checkpoints", tensors, numbers)
        with trainer.averaged() as system:
            system.save(self.folder / "system", dtype=getattr(torch, self.args.save_dtype))

    def validate(self, trainer: Trainer, held_out: Tensor) -> None:
        """Figures to the log and a sheet of clips, from the averaged weights; chance in it is the same in all runs."""
        wants = self.system.stages()[self.stage].wants
        batch = on_device(first_clips(self.shown, held_out, wants), self.processes.device)
        torch.manual_seed(seed_of(self.stage, "validation"))
        with trainer.averaged() as system, torch.no_grad():
            figures, clips = system.validate(self.stage, batch)
        figures = {k: float(v) for k, v in figures.items()}
        self.log({"step": trainer.steps, "validation": figures})
        self.say(f"step {trainer.steps}: " + ", ".join(f"{k} {v:.4g}" for k, v in figures.items()))
        if clips:
            name = self.folder / "samples" / f"step-{trainer.steps:08d}"
            name.parent.mkdir(exist_ok=True)
            with video.replacing(name.with_suffix(".png")) as partial:
                video.sheet(clips).save(partial, "PNG")

    def log_steps(self, trainer: Trainer) -> None:
        """One line for the steps since the last one."""
        if not self.processes.first:
            return self.waiting.clear()
        losses: dict[str, list[float]] = {}
        for step in self.waiting:
            for name, value in step.items():
                losses.setdefault(name, []).append(float(value))
        now, steps = time.monotonic(), len(self.waiting)
        line = {
            "step": trainer.steps,
            "seconds": round(self.before + now - self.start, 2),
            "samples_per_second": round(steps * self.args.train_batch_size / (now - self.logged), 2),
            "losses": {k: sum(v) / len(v) for k, v in losses.items()},
            "learning_rate": trainer.rate_of(trainer.steps - 1),
            "grad_norm": float(trainer.norm),
            "skipped": trainer.skipped,
        }
        self.waiting.clear()
        self.logged = now
        self.log(line)
        words = ", ".join(f"{k} {v:.4f}" for k, v in line["losses"].items())
        self.say(f"step {trainer.steps}: {words}, {line['samples_per_second']} clips/s", passing=True)
        return None

    def log(self, line: dict) -> None:
        """One event."""
        with (self.folder / "log.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    def cut_log(self, steps: int) -> None:
        """Forgets what an earlier sitting logged after the checkpoint: those steps come again."""
        path = self.folder / "log.jsonl"
        if self.processes.first and path.exists():
            lines = path.read_text().splitlines(keepends=True)
            whole(path, "".join(x for x in lines if x.endswith("}\n") and json.loads(x)["step"] <= steps))

    def progress(self, done: float, what: str) -> None:
        """Progress of the cache."""
        self.say(f"{what}: {done:.0%}", passing=True)

    def say(self, words: str, *, passing: bool = False) -> None:
        """A line for people; passing ones only where somebody watches, and written over."""
        watched = sys.stderr.isatty()
        if self.processes.first and (watched or not passing):
            print(f"\r\033[K{words}" if watched else words, end="" if passing else "\n", file=sys.stderr, flush=True)


def due(seconds: float, minutes: float, step: int, steps: int) -> bool:
    """Whether something that happens every so many minutes or steps happens now."""
    return (minutes > 0 and seconds >= minutes * 60) or (steps > 0 and step % steps == 0)


def whole(path: Path, text: str) -> None:
    """Writes a file at once."""
    (fresh := path.with_name(path.name + ".tmp")).write_text(text)
    os.replace(fresh, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="kineograph train", description=__doc__.partition("\n")[0])
    add_arguments(parser)
    sys.exit(main(parser.parse_args()))
