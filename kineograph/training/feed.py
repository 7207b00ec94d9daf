"""What training sees: batches of clips that are drawn as they are needed, or kept in a cache."""

import argparse
from collections.abc import Callable, Sequence

from kineograph.data.cache import Cache, Stored
from kineograph.data.loader import Order, Rendered, Steps, known
from kineograph.system import System
from kineograph.training.processes import Processes
from kineograph.training.trainer import Settings

Clips = Callable[[str, int, int], Sequence]  # split, frames, size -> what `request.clips_of` gives
SCENERY = "scenery"  # the folder, in a cache, of clips without actors that stand beside those with them


class Feed:
    """The clips of one stage of a system, as `args` asks for them.

    progress: told the share that is done, and of what, while a cache is filled.
    """

    def __init__(
        self,
        args: argparse.Namespace,
        system: System,
        stage: str,
        clips: Clips,
        settings: Settings,
        processes: Processes,
        progress: Callable[[float, str], None],
    ):
        self.args, self.system, self.clips, self.settings = args, system, clips, settings
        self.stage, self.processes, self.progress = system.stages()[stage], processes, progress
        self.frames, self.size = system.clip_shape(stage)
        if args.cache and not args.clips:
            raise ValueError("--cache needs --clips: how many clips to keep")
        if args.cache and not self.frames:
            raise ValueError(f"{stage} sees words only; --cache keeps clips")

    def seen(self, split: str) -> Sequence:
        """Whole clips, of which a stage may want a window, with or without their actors as it wants them."""
        clips = self.clips(split, max(self.frames, getattr(self.system.config, "frames", 0)), self.size)
        return getattr(clips, "empty", clips) if self.stage.empty else clips

    def steps(self) -> Steps:
        """The batches of every step, from the cache if there is one."""
        args, clips, through = self.args, self.seen("train"), ""
        if self.frames and hasattr(clips, "window"):
            clips = clips.window(self.frames)  # none is drawn but what is seen
        source, told = Rendered(clips) if self.frames else None, known(clips, self.stage.wants)
        if args.cache:
            through = self.stage.through
            kept = self.fill(clips, told) if self.processes.first else None
            self.processes.wait()
            source, told = kept or self.fill(clips, told)
        return Steps(
            Order(args.clips or len(clips), args.train_batch_size, self.settings.seed),
            source,
            clips.caption,
            **told,
            fps=clips.fps,
            frames=0 if through else self.frames,
            through=through,
            rank=self.processes.rank,
            ranks=self.processes.count,
        )

    def fill(self, clips: Sequence, told: dict[str, Callable]) -> tuple[Stored, dict[str, Stored]]:
        """The clips in the cache, or their encodings where the stage goes through a codec, and what is known of them;
        what is missing is made now.
        """
        args, through = self.args, self.stage.through
        how = {"workers": max(1, args.workers), "progress": self.progress}
        cache = Cache(args.cache, clips, rebuild=args.rebuild_cache)
        if through:
            store = cache.encodings(
                getattr(self.system, through),
                args.clips,
                name=through,
                precision=self.settings.mixed_precision,
                device=self.processes.device,
                **how,
            )
        else:
            store = cache.frames(args.clips, **how)
        kept = {name: cache.known(name, args.clips, **how) for name in told if name != SCENERY}
        if SCENERY in told:  # the frames of other clips, which other stages may see
            kept[SCENERY] = Cache(args.cache / SCENERY, clips.empty, rebuild=args.rebuild_cache).frames(
                args.clips, **how
            )
        return Stored(store), {name: Stored(store) for name, store in kept.items()}
