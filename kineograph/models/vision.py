"""Networks that look at pictures: spaces shared by pictures and words, and VideoMAE.

load_image_text()                                  World CLIP, bundled
load_image_text("runs/clip/system")                one that `kineograph evaluate --learn-alignment` taught
load_image_text("openai/clip-vit-base-patch32")    a CLIP of transformers, from a folder or the hub
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.models.weights import filled, read_json
from kineograph.models.world_clip import WorldCLIP, WorldCLIPConfig, encoder_of
from kineograph.tensors import read

BUNDLED = Path(__file__).parent.parent / "checkpoints" / "world_clip"
OPENAI = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # mean, deviation
CLIP_FROM = "https://huggingface.co/openai/clip-vit-base-patch32"
HUB = r"[\w.-]+(/[\w.-]+)?"  # owner/name, which a folder may look like too
VIDEOMAE_FROM = "https://huggingface.co/MCG-NJU/videomae-base-ssv2"


class ImageText(nn.Module):
    """Puts pictures and words into one space of `dim` dimensions; both come as directions of unit length, float32.

    size: the side of the square that the network looks at. Frozen: systems that hold one neither save nor train it.
    """

    external = True
    name: str
    size: int
    dim: int

    def encode_image(self, images: Tensor) -> Tensor:
        """b 3 h w in [-1, 1], of any shape; the middle square is looked at -> b d."""
        raise NotImplementedError

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """b texts -> b d."""
        raise NotImplementedError


class WorldImageText(ImageText):
    """World CLIP with the text encoder whose tokens it reads."""

    def __init__(self, network: WorldCLIP, *, called: str = ""):
        super().__init__()
        self.network, self.text = network, encoder_of(network.config)
        self.name = f"World CLIP {called}".rstrip()
        self.size, self.dim = network.config.size, network.config.dim
        self.requires_grad_(False).eval()

    def encode_image(self, images: Tensor) -> Tensor:
        return self.network.see(squared(images, self.size))

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        return self.network.read(self.text(texts))


class TransformersImageText(ImageText):
    """A CLIPModel of transformers and its tokenizer; captions that are too long for it are cut, as published."""

    def __init__(self, model: nn.Module, tokenizer: Any, *, called: str = ""):
        super().__init__()
        self.model, self.tokenizer = model, tokenizer
        self.name = f"CLIP {called}".rstrip()
        self.size, self.dim = model.config.vision_config.image_size, model.config.projection_dim
        self.longest = model.config.text_config.max_position_embeddings
        self.requires_grad_(False).eval()

    def encode_image(self, images: Tensor) -> Tensor:
        mean, deviation = (torch.tensor(x, device=images.device).reshape(3, 1, 1) for x in OPENAI)
        pixels = ((squared(images, self.size) + 1) / 2 - mean) / deviation
        weight = next(self.model.parameters())
        return directions(self.model.get_image_features(pixel_values=pixels.to(weight)))

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        tokens = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=self.longest, return_tensors="pt"
        ).to(next(self.model.parameters()).device)
        return directions(self.model.get_text_features(**tokens))


def directions(out: Any) -> Tensor:
    """The projected vectors, which transformers 5 wraps, at unit length.  -> n d."""
    return F.normalize((out if isinstance(out, Tensor) else out.pooler_output).float(), dim=1)


def squared(images: Tensor, size: int) -> Tensor:
    """The middle square of pictures, smoothly resized.  b 3 h w in [-1, 1] -> b 3 s s, float32."""
    height, width = images.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    images = images[..., top : top + side, left : left + side].float()
    if side == size:
        return images
    return F.interpolate(images, size=(size, size), mode="bicubic", antialias=True).clamp(-1, 1)


def load_image_text(name: str | Path = "world_clip") -> ImageText:
    """The bundled "world_clip", or another: a folder of ours, or a folder or hub name of a CLIP of transformers."""
    folder = BUNDLED if name == "world_clip" else Path(name)
    if folder == BUNDLED or (folder / "system.json").is_file():
        return load_world_clip(folder)
    model = pretrained("CLIPModel", name, CLIP_FROM)
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise ValueError(f"{name} has no tokenizer that can be read: {first_line(error)}") from error
    return TransformersImageText(model, tokenizer, called=Path(name).name)


def load_world_clip(folder: Path) -> WorldImageText:
    """A World CLIP from the folder that its training wrote; of the parts there only `network` is read."""
    if not folder.is_dir():
        raise ValueError(f"no World CLIP is in {folder}: teach one with kineograph evaluate --learn-alignment")
    try:
        asked = read_json(folder / "system.json")["config"]["network"]
        config = WorldCLIPConfig(**{k: tuple(v) if isinstance(v, list) else v for k, v in asked.items()})
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{folder / 'system.json'} does not describe a World CLIP") from error
    path = folder / "network.safetensors"
    network = filled(lambda: WorldCLIP(config), read(path), path, torch.float32)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return WorldImageText(network.to(memory_format=torch.channels_last), called=digest[:8])


def load_video_mae(name: str | Path) -> nn.Module:
    """A VideoMAEModel of transformers from a folder, or by its name on the hub."""
    return pretrained("VideoMAEModel", name, VIDEOMAE_FROM)


def pretrained(kind: str, name: str | Path, source: str) -> nn.Module:
    """A model of transformers with all of its weights, from safetensors; ValueError where any is missing."""
    wanted = f"a {kind} is wanted: config.json and model.safetensors, such as {source}"
    if not Path(name).is_dir() and (isinstance(name, Path) or not re.fullmatch(HUB, name)):
        raise ValueError(f"there is no folder {name}; {wanted}")
    try:
        import transformers
    except ImportError as error:
        raise ImportError(f"a {kind} needs transformers: pip install transformers") from error
    try:
        model, told = getattr(transformers, kind).from_pretrained(name, use_safetensors=True, output_loading_info=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} cannot be loaded ({first_line(error)}); {wanted}") from error
    if missing := sorted(told["missing_keys"]):
        raise ValueError(f"{name} lacks {missing[0]} and {len(missing) - 1} weights more; {wanted}")
    return model.requires_grad_(False).eval()


def first_line(error: Exception) -> str:
    """What an error says, shortly."""
    return str(error).strip().partition("\n")[0]
