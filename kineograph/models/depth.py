"""Networks of transformers that see depth or a pose in pictures, so that what is drawn can be compared with a video.

load_depth("depth-anything/Depth-Anything-V2-Small-hf")    any model for depth estimation, from a folder or the Hub
load_pose("usyd-community/vitpose-base-simple")            ViTPose, of one figure that fills the picture
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.models.vision import pretrained
from kineograph.models.weights import read_json

DEPTH_FROM = "https://huggingface.co/depth-anything/Depth-Anything-V2-Small-hf"
POSE_FROM = "https://huggingface.co/usyd-community/vitpose-base-simple"
LEAST = 1e-6  # of a deviation that is divided by


class Maps(nn.Module):
    """maps(pictures): n 3 h w in [-1, 1] -> n c h' w', with a gradient to the pictures. Frozen.

    size: height and width that the network looks at.
    """

    external = True

    def __init__(self, network: nn.Module, size: tuple[int, int], mean: list[float], std: list[float]):
        super().__init__()
        self.network, self.size = network.requires_grad_(False).eval(), size
        self.register_buffer("mean", torch.tensor(mean).reshape(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).reshape(3, 1, 1), persistent=False)

    def prepared(self, pictures: Tensor) -> Tensor:
        pictures = F.interpolate(pictures.float(), size=self.size, mode="bicubic", antialias=True)
        return ((pictures.clamp(-1, 1) + 1) / 2 - self.mean) / self.std


class Depth(Maps):
    """Depth as far as a picture tells it: of each picture, with mean 0 and deviation 1.  -> n 1 h' w'."""

    def forward(self, pictures: Tensor) -> Tensor:
        depth = self.network(pixel_values=self.prepared(pictures)).predicted_depth[:, None]
        return (depth - depth.mean((2, 3), keepdim=True)) / depth.std((2, 3), keepdim=True).clamp(min=LEAST)


class Pose(Maps):
    """Where each joint may be.  -> n joints h' w'."""

    def forward(self, pictures: Tensor) -> Tensor:
        return self.network(pixel_values=self.prepared(pictures)).heatmaps


def load_depth(name: str | Path) -> Depth:
    """A model for depth estimation of transformers from a folder, or by its name on the Hub."""
    return Depth(pretrained("AutoModelForDepthEstimation", name, DEPTH_FROM), *preparation(name))


def load_pose(name: str | Path) -> Pose:
    """A VitPoseForPoseEstimation of transformers from a folder, or by its name on the Hub."""
    return Pose(pretrained("VitPoseForPoseEstimation", name, POSE_FROM), *preparation(name))


def preparation(name: str | Path) -> tuple[tuple[int, int], list[float], list[float]]:
    """The size, mean and deviation of pictures that a folder's preprocessor_config.json says."""
    path = Path(name) / "preprocessor_config.json"
    if not Path(name).is_dir():
        from huggingface_hub import hf_hub_download

        path = Path(hf_hub_download(str(name), "preprocessor_config.json"))
    told = read_json(path)
    size = told.get("size") or {}
    height, width = (
        size.get("height", size.get("shortest_edge", 384)),
        size.get("width", size.get("shortest_edge", 384)),
    )
    return (height, width), told.get("image_mean") or [0.5] * 3, told.get("image_std") or [0.5] * 3
