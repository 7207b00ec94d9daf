"""How fast this machine could go, and how much work there is: roofs, floating-point operations, bytes.

After the roofline model (Williams et al. 2009): work of F operations on B bytes takes at least
max(F / peak, B / bandwidth) seconds, where peak and bandwidth are what this machine has been seen to reach.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry, sdpa_flop_count

aten = torch.ops.aten
Shape = tuple[int, int, int]  # m k n of m k @ k n
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
SHAPES = 4  # those with most of the work are timed
SPELL = 0.25  # seconds that each roof is looked for
TRIAD = 2**24  # floats in each of three arrays: 64 MiB, more than caches hold


class Work(TorchDispatchMode):
    """Counts while it is on: operations, those of each matrix shape, and the weights that were read.

    A convolution counts as the matrix product it amounts to. torch counts all attention but that of CPUs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops, self.shapes = 0, Counter[Shape]()
        self.read: set[int] = set()  # storages of tensors that went into anything

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        packet = func._overloadpacket
        attention = packet is aten._scaled_dot_product_flash_attention_for_cpu
        if packet not in flop_registry and not attention:
            with self:
                if (out := func.decompose(*args, **kwargs)) is not NotImplemented:
                    return out
        self.read |= {x.untyped_storage().data_ptr() for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)}
        out = func(*args, **kwargs)
        if attention:
            self.flops += sdpa_flop_count(*(x.shape for x in args[:3]))
        elif packet in flop_registry:
            flops = flop_registry[packet](*args, **kwargs, out_val=out)
            self.flops += flops
            if (shape := product(packet, args, out)) is not None:
                self.shapes[shape] += flops
        return out


def product(packet: object, args: tuple, out: object) -> Shape | None:
    """m k n of an operation that is a matrix product, or amounts to one."""
    if packet in (aten.mm, aten.addmm):
        a, b = args[-2:]
        return a.shape[0], a.shape[1], b.shape[1]
    if packet is aten.convolution:
        weight = args[1]
        return out.numel() // out.shape[1], math.prod(weight.shape[1:]), weight.shape[0]
    return None


def roofs(shapes: Iterable[Shape], device: torch.device) -> dict:
    """Operations a second of matrix products, by precision and shape, and bytes a second of a triad."""
    found: dict[str, dict[str, float]] = {
        name: {" x ".join(map(str, s)): gemm(s, dtype, device) for s in shapes} for name, dtype in DTYPES.items()
    }
    peaks = {name: max(rows.values()) for name, rows in found.items() if rows}
    return {"gemm": found, "peak_flops": peaks, "bandwidth": bandwidth(device)}


def gemm(shape: Shape, dtype: torch.dtype, device: torch.device) -> float:
    """Operations a second of a product of two matrices, the best seen."""
    m, k, n = shape
    a, b = torch.randn(m, k, device=device).to(dtype), torch.randn(n, k, device=device).to(dtype).t()  # as of a Linear
    return 2 * m * k * n / best(lambda: torch.mm(a, b))


def bandwidth(device: torch.device) -> float:
    """Bytes a second of a = b + s c, the best seen: two are read, one is written (STREAM's triad, McCalpin 1995)."""
    a, b, c = (torch.ones(TRIAD, device=device) for _ in range(3))
    return 3 * 4 * TRIAD / best(lambda: torch.add(b, c, alpha=3.0, out=a))


def best(work: Callable[[], object]) -> float:
    """The fewest seconds that work took, of three runs or more."""
    work()
    took, end = [], time.perf_counter() + SPELL
    while len(took) < 3 or time.perf_counter() < end:
        took.append(seconds(work))
    return min(took)


def seconds(work: Callable[[], object]) -> float:
    """How long work takes, until the device is done."""
    now()
    begin = time.perf_counter()
    work()
    return now() - begin


def now() -> float:
    """The time, once the device has done what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()
