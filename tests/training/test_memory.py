import platform
import subprocess
import sys

import pytest

from kineograph.training.memory import keep_memory

FAULTS = """
import resource, torch
from kineograph.training.memory import keep_memory
{first}
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(20_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
several = [torch.ones(20_000_000) for _ in range(8)]
del several
print(min(faults() for _ in range(5)))
"""


def faults(first: str) -> int:
    """Pages that a large tensor touches for the first time, in a process of its own, after others were freed."""
    done = subprocess.run(
        [sys.executable, "-c", FAULTS.format(first=first)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps memory its own way")
def test_what_a_tensor_frees_the_next_one_gets():
    assert faults("assert keep_memory()") * 10 < faults("")


def test_elsewhere_it_does_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_memory()
