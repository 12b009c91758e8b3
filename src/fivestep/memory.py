"""A process that may have only so much memory: whether this is one, and how its allocators are told to give back."""

import ctypes
import os
import sys

GIVE_BACK = "retain:false,dirty_decay_ms:100,muzzy_decay_ms:0,narenas:1"
"""To polars' allocator (jemalloc): one arena; addresses and pages go back a tenth of a second after their use."""

M_MMAP_THRESHOLD, MAPPED_BYTES = -3, 2**20
"""To glibc's: arrays of a megabyte and more lie in mappings of their own, and go back as soon as they are freed.

By default that border rises to the largest array ever freed, up to 32 MB; blocks and windows then share a heap, which
ends with holes between what is kept.
"""


def is_limited() -> bool:
    """Whether `ulimit`, or whoever started the process, allows it only so many addresses, or so much data."""
    try:
        import resource  # here, because Windows has none
    except ImportError:
        return False
    kinds = (resource.RLIMIT_AS, resource.RLIMIT_DATA)
    return any(resource.getrlimit(kind)[0] != resource.RLIM_INFINITY for kind in kinds)


def give_back_soon() -> None:
    """Has both allocators return memory early, which makes reading slower; before polars is imported."""
    os.environ.setdefault("_RJEM_MALLOC_CONF", GIVE_BACK)
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)
