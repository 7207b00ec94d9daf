"""How well a codec or an upsampler gives back what it was given."""

from torch import Tensor


def psnr(out: Tensor, video: Tensor, where: Tensor | None = None) -> float:
    """Peak signal-to-noise ratio in dB of values in [-1, 1], b ...: mean over clips, or over pixels where `where`."""
    error = (out - video).square() / 4
    mean = error[where].mean() if where is not None else error.flatten(1).mean(1)
    return float((-10 * mean.log10()).mean())


def moving(video: Tensor) -> Tensor:
    """b t c h w -> b t c h w bool: where a pixel differs from its mean over the clip by a twentieth of the range."""
    return ((video - video.mean(1, keepdim=True)).abs().amax(2, keepdim=True) > 0.1).expand_as(video)
