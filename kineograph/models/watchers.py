"""Published networks that look at frames and films, for those who have them, and how unlike they find them.

scripted(path)       any network of a TorchScript file
lpips_distance()     frames, by the package lpips (Zhang et al. 2018)
i3d_distance(path)   films, by an I3D (Carreira & Zisserman 2017) as TorchScript, such as StyleGAN-V's
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Distance = Callable[[Tensor, Tensor], Tensor]  # made, real -> a number whose gradient reaches what is made

I3D_FROM = "https://www.dropbox.com/s/ge9e5ujwgetktms/i3d_torchscript.pt (StyleGAN-V's evaluation)"
I3D_SIDE = 224  # pixels
SHORTEST = 10  # frames that I3D can look at


def scripted(path: str | Path, what: str, source: str) -> torch.jit.ScriptModule:
    """A network from a TorchScript file; ValueError names the file, what needs it and where it comes from."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"there is no file {path}, which {what} needs; it comes from {source}")
    try:
        return torch.jit.load(path, map_location="cpu").eval()
    except RuntimeError as error:
        raise ValueError(f"{path} is not a TorchScript file, or damaged; {what} needs the one from {source}") from error


def lpips_network(net: str) -> nn.Module:
    """LPIPS over the features of "alex" or "vgg", which learns no more; ImportError where the package is missing."""
    try:
        import lpips
    except ImportError as error:
        raise ImportError(
            "LPIPS needs the package lpips and its weights; install it with: pip install lpips"
        ) from error
    return lpips.LPIPS(net=net, verbose=False).eval().requires_grad_(False)


@cache
def lpips_distance(device: torch.device | str = "cpu") -> Distance:
    """Of frames n 3 h w in [-1, 1]; ImportError where the package is missing."""
    net = lpips_network("vgg").to(device)
    return lambda made, real: net(made.float(), real.float()).mean()


@cache
def i3d_distance(path: str | Path, device: torch.device | str = "cpu") -> Distance:
    """Of films b t 3 h w in [-1, 1], at least ten frames: the mean squared difference of unit feature vectors.

    The file is called as network(b 3 t 224 224 in [-1, 1], rescale=False, resize=False, return_features=True).
    ValueError where it cannot be opened.
    """
    net = scripted(path, "the video perceptual loss", I3D_FROM).to(device)
    for weight in net.parameters():
        weight.requires_grad_(False)

    def features(films: Tensor) -> Tensor:
        b, t = films.shape[:2]
        if t < SHORTEST:
            raise ValueError(f"I3D watches films of {SHORTEST} frames or more; these have {t}")
        x = F.interpolate(films.flatten(0, 1).float(), size=(I3D_SIDE, I3D_SIDE), mode="bilinear", align_corners=False)
        x = x.unflatten(0, (b, t)).transpose(1, 2)  # b c t h w
        return F.normalize(net(x, rescale=False, resize=False, return_features=True).float(), dim=1)

    def distance(made: Tensor, real: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = features(real)
        return (features(made) - wanted).square().sum(1).mean()

    return distance
