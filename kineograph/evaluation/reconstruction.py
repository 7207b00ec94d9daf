"""How well a codec gives clips back: PSNR, SSIM and LPIPS, of each frame, averaged over the frames of a clip.

All compare frames in their order, so they are for a clip and its own copy, not for two clips of one prompt.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.clip import Clip
from kineograph.evaluation.frechet import bootstrap
from kineograph.models.watchers import lpips_network

LOUDEST = 100.0  # dB, which stands for frames that are equal
WINDOW, DEVIATION = 11, 1.5  # pixels, of SSIM's window
STEADY = 0.01**2, 0.03**2  # K1^2, K2^2 (Wang et al. 2004, eq. 13, for a range of 1)
LUMA = 0.299, 0.587, 0.114  # of r g b (BT.601)
CHANNELS = ("luma", "colours")


@dataclass(frozen=True)
class Quality:
    """The mean over clips of a figure, its 95 % interval, and each clip's own."""

    name: str
    value: float
    low: float
    high: float
    clips: tuple[float, ...]

    @property
    def record(self) -> dict:
        """As plain data for JSON."""
        return asdict(self)


def psnr(out: Tensor, video: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB.  n c h w in [0, 1], twice -> n; equal frames count as 100."""
    error = (out.double() - video.double()).square().flatten(1).mean(1)
    return (-10 * error.log10()).clamp(max=LOUDEST)


def ssim(out: Tensor, video: Tensor, *, channels: str = "luma") -> Tensor:
    """Structural similarity (Wang et al. 2004): n 3 h w in [0, 1], twice -> n.

    The published window: 11 x 11, Gaussian of 1.5 pixels, where it lies wholly in the picture. channels: "luma" (as
    published, for grey) or "colours" (the mean over r g b). The picture is not made smaller first.
    """
    if channels not in CHANNELS:
        raise ValueError(f"SSIM is taken of {' or '.join(CHANNELS)}; got {channels!r}")
    if min(out.shape[-2:]) < WINDOW:
        raise ValueError(f"SSIM needs {WINDOW} pixels each way; got {tuple(out.shape[-2:])}")
    x, y = (z.double() for z in (out, video))
    if channels == "luma":
        weights = x.new_tensor(LUMA).reshape(3, 1, 1)
        x, y = ((z * weights).sum(1, keepdim=True) for z in (x, y))
    mean_x, mean_y = windowed(x), windowed(y)
    var_x, var_y = windowed(x * x) - mean_x.square(), windowed(y * y) - mean_y.square()
    both = windowed(x * y) - mean_x * mean_y
    light = (2 * mean_x * mean_y + STEADY[0]) / (mean_x.square() + mean_y.square() + STEADY[0])
    structure = (2 * both + STEADY[1]) / (var_x + var_y + STEADY[1])
    return (light * structure).flatten(1).mean(1)


def windowed(x: Tensor) -> Tensor:
    """Gaussian means.  n c h w -> n c h-10 w-10."""
    places = torch.arange(WINDOW, device=x.device, dtype=x.dtype) - WINDOW // 2
    line = (-places.square() / (2 * DEVIATION**2)).exp()
    line = line / line.sum()
    flat = x.flatten(0, 1)[:, None]  # (n c) 1 h w
    flat = F.conv2d(F.conv2d(flat, line.reshape(1, 1, -1, 1)), line.reshape(1, 1, 1, -1))
    return flat[:, 0].unflatten(0, x.shape[:2])


class LPIPS:
    """Learned perceptual distance (Zhang et al. 2018), by the package lpips if the user has it; lower is nearer."""

    def __init__(self, net: str = "alex", network: nn.Module | None = None):
        self.name, self.network = f"LPIPS ({net})", lpips_network(net) if network is None else network.eval()

    @torch.inference_mode()
    def __call__(self, out: Tensor, video: Tensor) -> Tensor:
        """n 3 h w in [0, 1], twice -> n."""
        return self.network(out.float() * 2 - 1, video.float() * 2 - 1).flatten()


def measure(
    pairs: Iterable[tuple[str, Clip, Clip]],
    *,
    channels: str = "luma",
    lpips: LPIPS | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Quality]:
    """(name, given back, given) clips -> PSNR and SSIM, and LPIPS where it is passed, under their full names."""
    ways = {"PSNR": psnr, f"SSIM ({channels})": lambda x, y: ssim(x, y, channels=channels)}
    if lpips is not None:
        ways[lpips.name] = lpips
    found: dict[str, list[float]] = {name: [] for name in ways}
    for name, out, given in pairs:
        if out.frames.shape != given.frames.shape:
            raise ValueError(
                f"{name} is {tuple(out.frames.shape)} given back and was {tuple(given.frames.shape)} (frames, colours, "
                "height, width): only clips of one shape are compared"
            )
        frames = [clip.frames.float() / 255 for clip in (out, given)]
        for title, way in ways.items():
            figure = float(way(*frames).mean())
            if figure != figure:
                raise ValueError(f"{title} of {name} is not a number")
            found[title].append(figure)
    count = len(found["PSNR"])
    if count < 2:
        raise ValueError(f"an interval needs two clips or more; got {count}")
    return {name: averaged(name, figures, resamples, seed) for name, figures in found.items()}


def averaged(name: str, figures: list[float], resamples: int, seed: int) -> Quality:
    """The mean of the clips' figures with its interval."""
    each = torch.tensor(figures, dtype=torch.float64)
    value, rng = float(each.mean()), torch.Generator().manual_seed(seed)
    low, high = bootstrap(lambda rows: float(each[rows].mean()), value, [len(each)], resamples=resamples, rng=rng)
    return Quality(name, value, low, high, tuple(figures))
