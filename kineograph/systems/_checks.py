"""How well a part does on held-out clips: figures for the log, and clips side by side for a sheet."""

import torch
from torch import Tensor

from kineograph.clip import Batch, Clip
from kineograph.models.frame_codec import FrameCodec
from kineograph.models.painter import Painter
from kineograph.models.upsampler import Upsampler
from kineograph.processes.reconstruction import moving, psnr

Check = tuple[dict[str, float], list[Clip]]
SHOWN = 6  # clips of a sheet


def codec(part: FrameCodec, video: Tensor, told: Tensor | None) -> Check:
    """Each clip, and after it what becomes of it."""
    return compared(part.decode(part.encode(video), told).clamp(-1, 1), video)


def compared(out: Tensor, video: Tensor) -> Check:
    """What a codec makes of clips, against them."""
    return {"psnr": psnr(out, video), "psnr_moving": psnr(out, video, moving(video))}, beside(video, out)


def upsampler(part: Upsampler, through: FrameCodec, video: Tensor, told: Tensor, *, noise: float) -> Check:
    """Bicubic enlargement, ours, the truth: of frames through a codec, whose latents are disturbed by noise or not."""
    latents, figures, shown = through.encode(part.shrunk(video)), {}, []
    for name, strength in (("", 0.0), ("_disturbed", noise)):
        small = through.decode(latents + strength * torch.randn_like(latents), told).clamp(-1, 1)
        out, plain = part(small, told).clamp(-1, 1), part.bicubic(small).clamp(-1, 1)
        figures |= {f"psnr{name}": psnr(out, video), f"psnr_bicubic{name}": psnr(plain, video)}
        shown = beside(plain, out, video)
    return figures, shown


def painter(part: Painter, batch: Batch) -> Check:
    """Each clip, and after it its scenery with painted figures."""
    out = part(batch.scenery, batch.labels, batch.layout)
    return {"psnr": psnr(out, batch.video), "psnr_without": psnr(batch.scenery, batch.video)}, beside(batch.video, out)


def beside(*videos: Tensor) -> list[Clip]:
    """The first clips of each, b t 3 h w, in turn."""
    return [Clip.of(v) for same in zip(*(video[:SHOWN] for video in videos), strict=True) for v in same]
