"""What every system is: parts built from a config, stages that train them, a way from prompt to clip, files."""

import hashlib
import importlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, replace
from inspect import isgenerator
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from kineograph import config as configs
from kineograph import tensors
from kineograph.catalogue import CHECKPOINTS, catalogue, names, unknown
from kineograph.clip import Batch, Clip
from kineograph.config import option
from kineograph.story import Story

__all__ = [
    "Options",
    "Progress",
    "System",
    "catalogue",
    "find",
    "load",
    "opened",
    "option",
    "quick_dtype",
    "silent",
    "stage",
    "weights_hash",
]

FORMAT = 1  # of system.json and the files beside it

Progress = Callable[[float, str], None]


def silent(done: float, what: str) -> None:
    """The progress of those who do not watch: done in 0..1, what is being done. One that raises cancels the work."""


@dataclass(frozen=True)
class Options:
    """What a person may ask of any system; a system's own Options change defaults and limits, or add fields."""

    prompt: str = option(MISSING, 'what to show; "a | b" is a story of two shots, "0-2s: a | 2-5s: b" a timed one')
    negative_prompt: str = option("", "what not to show", maximum=4096)
    image_path: str = option("", "a picture or video whose frames the film continues from")
    num_frames: int = option(16, "frames of each shot whose duration the story does not give", minimum=1, maximum=4096)
    fps: int = option(8, "frames per second", minimum=1, maximum=120)
    height: int = option(256, "pixels", minimum=16, maximum=2048, multiple_of=2)
    width: int = option(256, "pixels", minimum=16, maximum=2048, multiple_of=2)
    num_inference_steps: int = option(4, "sampling steps: more are slower and finer", minimum=1, maximum=1000)
    guidance_scale: float = option(3.0, "how strictly to follow the prompt", minimum=0, maximum=100)
    seed: int = option(1024, "same seed, same film", minimum=0, maximum=2**63 - 1)

    def __post_init__(self) -> None:
        configs.check(self)
        _ = self.story

    @property
    def story(self) -> Story:
        """The prompt as shots."""
        return Story.parse(self.prompt)


class Stage(Protocol):
    """A method marked as a training stage: the parts it trains, the codec it sees the batch through, and what it wants
    to know of clips beside their captions; whether they are better without their actors.
    """

    trains: tuple[str, ...]
    through: str
    wants: tuple[str, ...]
    empty: bool

    def __call__(self, system: Any, batch: Batch) -> Any:
        """The loss; or, of a GAN, an iterator of (parts, loss)."""


def stage(
    *trains: str, through: str = "", wants: tuple[str, ...] = (), empty: bool = False
) -> Callable[[Callable], Stage]:
    """Marks a method as a training stage of the named parts; stages run in the order they stand.

    `through` names a frozen codec: the stage sees its encodings in place of the video, and a cache may keep them.
    `wants` names the fields of `Batch` to fill, "labels", "layout" or "scenery", where the clips know them; `empty`
    clips show no actors, where they know how to.
    """

    def mark(method: Callable) -> Stage:
        marked = cast(Stage, method)
        marked.trains, marked.through, marked.wants, marked.empty = trains, through, wants, empty
        return marked

    return mark


AnyOptions = Options  # inside System the name Options is the system's own


class System(nn.Module):
    """A recipe: the parts it is built from, the stages that teach them, and how they make a clip.

    A part whose attribute `external` is true comes from an installed package: it is neither saved, loaded nor trained.
    """

    Config: ClassVar[type]
    Options: ClassVar[type] = Options
    PRESETS: ClassVar[dict[str, Any]]

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.weights = ""  # SHA-256 of the files the weights came from
        self.build(config)

    def build(self, config: Any) -> None:
        """Names the parts: `self.codec = ...`, from the config."""
        raise NotImplementedError

    def generate(self, options: AnyOptions, progress: Progress = silent) -> Clip:
        """A clip of `options.story`, height x width, at options.fps; the same options give the same frames."""
        raise NotImplementedError

    def clip_shape(self, stage: str) -> tuple[int, int]:
        """(frames, size) of the square clips a stage wants to be fed."""
        return self.config.frames, self.config.size

    @classmethod
    def name(cls) -> str:
        """The system's name: that of its file."""
        return cls.__module__.rpartition(".")[2]

    @classmethod
    def preset(cls, name: str) -> "System":
        """A system of one of the sizes its file names, untrained; its random weights are the same every time."""
        if name not in cls.PRESETS:
            raise ValueError(unknown(f"preset of {cls.name()}", name, sorted(cls.PRESETS)))
        with torch.random.fork_rng():
            torch.manual_seed(0)
            system = cls(cls.PRESETS[name])
        system.weights = f"untrained {name}"
        return system.eval()

    @classmethod
    def stages(cls) -> dict[str, Stage]:
        """The methods marked as stages, in the order they stand."""
        return {k: m for base in reversed(cls.__mro__) for k, m in vars(base).items() if hasattr(m, "trains")}

    def losses(self, stage: str, batch: Batch) -> Iterator[tuple[tuple[str, ...], Tensor]]:
        """The losses of one step of a stage, each with the parts it trains; a GAN yields more than one.

        The optimizer of a pair's parts steps before the next pair is asked for.
        """
        step = self.stages()[stage]
        out = step(self, self.encode(stage, batch))
        if isgenerator(out):
            yield from out
        else:
            yield step.trains, out

    @torch.no_grad()
    def encode(self, stage: str, batch: Batch) -> Batch:
        """The batch as a stage sees it: through its frozen codec, unless it has been through it before."""
        codec = self.stages()[stage].through
        if not codec or batch.through == codec:
            return batch
        return replace(batch, video=getattr(self, codec).encode(batch.video), through=codec)

    def parts(self) -> dict[str, nn.Module]:
        """The parts that are the system's own and hold anything: saved, loaded, trained."""
        own = ((name, part) for name, part in self.named_children() if not getattr(part, "external", False))
        return {name: part for name, part in own if part.state_dict()}

    def parameters_of(self, part: str) -> list[nn.Parameter]:
        """What an optimizer of one part steps; nothing for an external part."""
        if part not in dict(self.named_children()):
            raise ValueError(unknown(f"part of {self.name()}", part, list(self.parts())))
        return list(self.parts()[part].parameters()) if part in self.parts() else []

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next((p.device for p in self.parameters()), torch.device("cpu"))

    @property
    def precision(self) -> str:
        """What the own weights are kept in, float32 or bfloat16; the same weights in the other make other frames."""
        own = (p.dtype for part in self.parts().values() for p in part.parameters())
        return str(next(own, torch.float32)).removeprefix("torch.")

    def noise(self, *shape: int, seed: int) -> Tensor:
        """Normal noise of a shape, the same for a seed on every device."""
        return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(self.device)

    def save(self, folder: str | Path, *, dtype: torch.dtype | None = None) -> Path:
        """Writes system.json and one safetensors file per part, each whole or not at all; floats as dtype if given."""
        folder = Path(folder)
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"{folder} is a file; weights are saved in a folder")
        folder.mkdir(parents=True, exist_ok=True)
        head = {"format": FORMAT, "system": self.name(), "config": configs.dump(self.config)}
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder))
        try:
            for name, part in self.parts().items():
                kept = {k: stored(x, dtype) for k, x in part.state_dict().items()}
                safetensors.torch.save_file(kept, str(partial / f"{name}.safetensors"))
            (partial / "system.json").write_text(json.dumps(head, indent=2) + "\n", encoding="utf-8")
            mode = (partial / "system.json").stat().st_mode  # as the umask says; safetensors makes its files private
            for path in partial.iterdir():
                path.chmod(mode)
                with path.open("rb") as file:
                    os.fsync(file.fileno())
            for path in sorted(partial.iterdir()):
                path.replace(folder / path.name)
        except safetensors.SafetensorError as error:
            raise OSError(f"cannot write weights in {folder}: {error}") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return folder

    @classmethod
    def load(cls, folder: str | Path, *, dtype: torch.dtype = torch.float32) -> "System":
        """A system as it was saved, its weights as dtype, buffers as they were; only safetensors files are opened."""
        folder = Path(folder)
        head = read_head(folder)
        if head["system"] != cls.name():
            raise ValueError(f"{folder} holds a {head['system']}, not a {cls.name()}")
        try:
            system = cls(configs.load(cls.Config, head["config"]))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{folder / 'system.json'} does not describe a {cls.name()}: {error}") from error
        system.weights = weights_hash(folder)
        for name, part in system.parts().items():
            fill(part, folder / f"{name}.safetensors")
            tensors.as_dtype(part, dtype)
        return system.eval()


def opened(name_or_folder: str | Path, preset: str = "", *, dtype: torch.dtype | None = None) -> System:
    """A system to make films with: an untrained one of a preset, or a trained one, as dtype or as is quick here."""
    if preset:
        return find(str(name_or_folder)).preset(preset)
    return load(name_or_folder, dtype=dtype or quick_dtype())


def quick_dtype(device: torch.device | str = "cpu") -> torch.dtype:
    """bfloat16 where it is quick: on CUDA, and on CPUs that multiply it in hardware; else float32."""
    quick = torch.device(device).type == "cuda" or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if quick else torch.float32


def stored(x: Tensor, dtype: torch.dtype | None) -> Tensor:
    """A tensor as a file keeps it: on the CPU, contiguous, sharing no memory; floats as dtype."""
    return x.detach().to("cpu", dtype if x.is_floating_point() else None, copy=True).contiguous()


def read_head(folder: Path) -> dict:
    """What system.json says: format, system, config."""
    path = folder / "system.json"
    if not folder.exists():
        raise ValueError(f"there is no folder {folder}")
    if not folder.is_dir():
        raise ValueError(f"{folder} is a file; weights are a folder with system.json and safetensors files")
    if not path.exists():
        raise ValueError(f"{folder} holds no weights of ours: it has no system.json")
    try:
        head = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if not isinstance(head, dict) or not isinstance(head.get("system"), str) or "config" not in head:
        raise ValueError(f"{path} is not ours: it names no system and config")
    if head.get("format") != FORMAT:
        raise ValueError(f"{path} has format {head.get('format')}; this version reads format {FORMAT}")
    return head


def fill(part: nn.Module, path: Path, *, grown: bool = False) -> None:
    """Copies a safetensors file into a part; ValueError names one that is missing, damaged or of another shape.

    grown: the part may have layers of which the file knows nothing; they stay as they are.
    """
    found = tensors.read(path)
    if grown:
        found = {name: x for name, x in part.state_dict().items() if name not in found} | found
    tensors.check(found, part.state_dict(), path)
    part.load_state_dict(found)


def weights_hash(folder: str | Path) -> str:
    """SHA-256 over a folder's part files, names included: what a clip remembers of the weights that made it."""
    total = hashlib.sha256()
    for path in sorted(Path(folder).glob("*.safetensors")):
        with path.open("rb") as file:
            total.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()


def find(name: str) -> type[System]:
    """The class of a system by the name of its file; an unknown name is offered the nearest ones."""
    if name not in names():
        raise ValueError(unknown("system", name, names()))
    module = importlib.import_module(f"kineograph.systems.{name}")
    own = [v for v in vars(module).values() if isinstance(v, type) and v.__module__ == module.__name__]
    return next(v for v in own if issubclass(v, System))


def load(name_or_folder: str | Path, *, dtype: torch.dtype = torch.float32) -> System:
    """A trained system: `load("kineograph")` from the bundled weights, or from a folder that `save` wrote."""
    text = str(name_or_folder)
    if text in names():
        folder = CHECKPOINTS / text
        if not folder.is_dir():
            raise ValueError(f"no weights of {text} are bundled: train it with `kineograph train {text}`")
        return find(text).load(folder, dtype=dtype)
    if isinstance(name_or_folder, str) and re.fullmatch(r"\w+", text) and not Path(text).exists():
        raise ValueError(unknown("system or folder", text, names()))
    return find(read_head(Path(name_or_folder))["system"]).load(name_or_folder, dtype=dtype)
