"""The processes that train together: one, or as many as torchrun or `accelerate launch` starts."""

import os

import torch
from torch import Tensor


class Processes:
    """This process among those that train together; alone, it costs nothing and needs no accelerate."""

    def __init__(self):
        self.rank, self.count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if self.count > 1:
            try:
                from accelerate import Accelerator
            except ImportError as error:
                raise ImportError(
                    "training in several processes needs accelerate: pip install kineograph[train]"
                ) from error
            self.accelerator = Accelerator(cpu=self.device.type == "cpu")
            self.device = self.accelerator.device

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def average(self, tensors: list[Tensor]) -> None:
        """Replaces tensors by their means over the processes."""
        flat = self.accelerator.reduce(torch.cat([x.flatten() for x in tensors]), reduction="mean")
        for x, mean in zip(tensors, flat.split([x.numel() for x in tensors]), strict=True):
            x.copy_(mean.view(x.shape))

    def any(self, flag: bool) -> bool:
        """Whether any process says so."""
        if self.count == 1:
            return flag
        return bool(self.accelerator.reduce(torch.tensor(float(flag), device=self.device), reduction="sum"))

    def wait(self) -> None:
        """Until all processes are here."""
        if self.count > 1:
            self.accelerator.wait_for_everyone()
