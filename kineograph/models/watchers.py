"""Published networks that say how unlike frames and films look, for those who have them; each is opened once.

lpips_distance()     frames, by the package lpips (Zhang et al. 2018)
i3d_distance(path)   films, by an I3D (Carreira & Zisserman 2017) as TorchScript, such as StyleGAN-V's
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

Distance = Callable[[Tensor, Tensor], Tensor]  # made, real -> a number whose gradient reaches what is made

I3D_SIDE = 224  # pixels
I3D_FRAMES = 9  # the fewest that it can take


@cache
def lpips_distance(device: torch.device | str = "cpu") -> Distance:
    """Of frames n 3 h w in [-1, 1]; ImportError where the package is missing."""
    try:
        import lpips
    except ImportError as error:
        raise ImportError("LPIPS needs the package lpips and its weights: pip install lpips") from error
    net = lpips.LPIPS(net="vgg", verbose=False).to(device).eval().requires_grad_(False)
    return lambda made, real: net(made.float(), real.float()).mean()


@cache
def i3d_distance(path: str | Path, device: torch.device | str = "cpu") -> Distance:
    """Of films b t 3 h w in [-1, 1], at least nine frames: the mean squared difference of unit feature vectors.

    The file is called as network(b 3 t 224 224 in [-1, 1], rescale=False, resize=False, return_features=True).
    ValueError where it cannot be opened.
    """
    if not Path(path).is_file():
        raise ValueError(f"there is no file {path}, from which I3D was to be read as TorchScript")
    try:
        net = torch.jit.load(str(path), map_location=device).eval()
    except RuntimeError as error:
        raise ValueError(f"{path} is not a TorchScript file, or damaged") from error
    for weight in net.parameters():
        weight.requires_grad_(False)

    def features(films: Tensor) -> Tensor:
        b, t = films.shape[:2]
        if t < I3D_FRAMES:
            raise ValueError(f"I3D watches films of {I3D_FRAMES} frames or more; these have {t}")
        x = F.interpolate(films.flatten(0, 1).float(), size=(I3D_SIDE, I3D_SIDE), mode="bilinear", align_corners=False)
        x = x.unflatten(0, (b, t)).transpose(1, 2)  # b c t h w
        return F.normalize(net(x, rescale=False, resize=False, return_features=True).float(), dim=1)

    def distance(made: Tensor, real: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = features(real)
        return (features(made) - wanted).square().sum(1).mean()

    return distance
