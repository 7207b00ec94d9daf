"""How the C library keeps memory: what large tensors give back is kept, since new pages cost more than sums on CPUs."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of mallopt(3)


def keep_memory() -> bool:
    """From now on this process keeps what it frees, where glibc allocates; whether it does.

    By default glibc maps every large tensor anew, and the system clears each of its pages when it is first touched. A
    training step, which makes and frees hundreds of megabytes, can spend half of its time so.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):
        return False
    return bool(libc.mallopt(M_MMAP_MAX, 0) and libc.mallopt(M_TRIM_THRESHOLD, -1))
