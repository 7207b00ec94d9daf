"""Networks that look at frames and judge them: one tells real from made, one says how alike two look."""

from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from kineograph.nn.convolution import Residual


class Trunk(nn.Module):
    """n 3 h w -> feature maps at 1/2, 1/4, 1/8, ... of the size, as many as there are widths."""

    def __init__(self, widths: tuple[int, ...]):
        super().__init__()
        self.stem = nn.Conv2d(12, widths[0], 3, 1, 1)
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in pairwise(widths))
        self.blocks = nn.ModuleList(Residual(width) for width in widths[1:])
        self.to(memory_format=torch.channels_last)

    def maps(self, frames: Tensor) -> list[Tensor]:
        x = F.pixel_unshuffle(frames, 2).to(self.stem.weight.dtype).contiguous(memory_format=torch.channels_last)
        x = self.stem(x)
        found = [x]
        for down, block in zip(self.downs, self.blocks, strict=True):
            x = block(down(F.silu(x)))
            found.append(x)
        return found


class Critic(Trunk):
    """n 3 h w -> one score for each patch of the coarsest map, n 1 h' w' in float32: high where it looks real."""

    def __init__(self, widths: tuple[int, ...]):
        super().__init__(widths)
        self.verdict = nn.Conv2d(widths[-1], 1, 1)

    def forward(self, frames: Tensor) -> Tensor:
        return self.verdict(F.silu(self.maps(frames)[-1])).float()

    def loss(self, real: Tensor, made: Tensor) -> Tensor:
        """The hinge loss (Lim & Ye 2017); a slight pull keeps the scores near zero.  n 3 h w both."""
        yes, no = self(real), self(made.detach())
        drift = yes.square().mean() + no.square().mean()
        return F.relu(1 - yes).mean() + F.relu(1 + no).mean() + 1e-3 * drift


class Features(Trunk):
    """n 3 h w -> feature maps for a perceptual distance. They are learned by telling which caption belongs to a clip.

    So what a caption can name is what the distance sees: who and what is there, doing what and where.
    """

    def __init__(self, widths: tuple[int, ...], text_dim: int):
        super().__init__(widths)
        self.gist = nn.Linear(widths[-1], text_dim)
        self.sharpness = nn.Parameter(torch.tensor(2.0))  # the logarithm of what cosines are multiplied with

    def forward(self, frames: Tensor) -> list[Tensor]:
        return self.maps(frames)

    def match(self, video: Tensor, vector: Tensor) -> Tensor:
        """video: b t 3 h w, vector: b d of their captions -> how well each clip fits each caption, b b."""
        seen = F.silu(self.maps(video.flatten(0, 1))[-1]).mean((2, 3)).unflatten(0, video.shape[:2]).mean(1)
        seen = F.normalize(self.gist(seen).float(), dim=1)
        return self.sharpness.float().exp() * seen @ F.normalize(vector.float(), dim=1).t()

    def loss(self, video: Tensor, vector: Tensor) -> Tensor:
        """Each clip must find its caption and each caption its clip (Radford et al. 2021)."""
        scores = self.match(video, vector)
        own = torch.arange(len(scores), device=scores.device)
        return (F.cross_entropy(scores, own) + F.cross_entropy(scores.t(), own)) / 2


def frozen(net: nn.Module) -> Callable:
    """The network as a function whose gradients reach its input and not its weights."""
    weights = {name: p.detach() for name, p in net.named_parameters()}
    return lambda *args: functional_call(net, weights, args)


def distance(features: Callable[[Tensor], list[Tensor]], made: Tensor, real: Tensor) -> Tensor:
    """How unlike frames look to a network, after Zhang et al. 2018: mean squared difference of unit feature vectors.

    features: n 3 h w -> maps n c h' w'; made, real: n 3 h w.
    """
    with torch.no_grad():
        wanted = [unit(x) for x in features(real)]
    parts = [(unit(x) - y).square().sum(1).mean() for x, y in zip(features(made), wanted, strict=True)]
    return torch.stack(parts).mean()


def unit(x: Tensor) -> Tensor:
    """n c h w -> the same, vectors over c shortened to length one; those near zero stay there."""
    x = x.float()
    return x * (x.square().sum(1, keepdim=True) + 1e-3).rsqrt()
