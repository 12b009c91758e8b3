"""How much memory this process may have and has, and allocator settings that return it early where it is scarce."""

import ctypes
import functools
import os
import re
import sys
from pathlib import Path

from .groups import MEMBERSHIP, ROOT, folders_of_groups

GIVE_BACK = "retain:false,dirty_decay_ms:100,muzzy_decay_ms:0,narenas:1"
"""For polars' allocator (jemalloc): one arena; addresses and pages are returned a tenth of a second after their use."""

OF_POLARS = "dirty_decay_ms:500,muzzy_decay_ms:1000"
"""What polars 2.1 leaves in the environment of child processes, a setting that nobody chose."""

M_MMAP_THRESHOLD, MAPPED_BYTES = -3, 2**18
"""For glibc: arrays from a quarter of a megabyte on have mappings of their own, which are returned when freed.

By default that threshold rises to the largest array ever freed, up to 32 MB; blocks and windows then share a heap,
which becomes fragmented.
"""

MAPPED_LARGE = 2**23
"""The same for 8 MB, where there is enough memory: in a heap, large arrays that come and go leave gaps, which the next
ones, as they are aligned, do not fit into."""

M_ARENA_MAX = -8
"""For glibc too: one heap for all threads, each of which would otherwise reserve 64 MB of addresses."""

TIGHT = 2**32
"""Bytes of memory below which memory is returned early. With more, faster reading is worth more."""


@functools.cache
def memory_size() -> int:
    """The bytes of memory that this process may have; a larger file cannot belong to a run on this machine.

    What the machine has, or less if `ulimit`, a container or a Linux control group sets a limit.
    """
    try:
        physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # a system without this
        physical = 2**36
    return min([physical, *limits()])


def held() -> int:
    """The resident memory of this process in bytes; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, AttributeError):  # no Linux
        return 0


def is_limited() -> bool:
    """Whether `ulimit`, a container or the like allows this process less than `TIGHT`."""
    return min([TIGHT, *limits()]) < TIGHT


def has_few_addresses() -> bool:
    """Whether its address space is limited, of which a mapped file takes as much as its size."""
    return bool(_own_limits("RLIMIT_AS"))


def limits() -> list[int]:
    """The limits of this process: on its address space, on its data, and those of its control groups."""
    return [
        *_own_limits("RLIMIT_AS", "RLIMIT_DATA"),
        *limits_of_groups(MEMBERSHIP, ROOT),
    ]


def _own_limits(*kinds: str) -> list[int]:
    try:
        import resource  # imported here: Windows has none
    except ImportError:
        return []
    found = [resource.getrlimit(getattr(resource, kind))[0] for kind in kinds]
    return [limit for limit in found if limit != resource.RLIM_INFINITY]


def limits_of_groups(membership: Path, root: Path) -> list[int]:
    """The limits of this process's control groups and their ancestors, of both versions; none on other systems."""
    names = {True: "memory.max", False: "memory.limit_in_bytes"}
    groups = folders_of_groups(membership, root, "memory")
    return [limit for folder, is_new in groups for limit in _number_in(folder / names[is_new])]


def _number_in(path: Path) -> list[int]:
    try:
        return [int(path.read_text(encoding="ascii"))]
    except (OSError, ValueError):  # not there, or "max"
        return []


def is_memory(folder: str, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Whether files in that folder lie in memory, as those in `/tmp` do on many systems."""
    try:
        lines = mounts.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):  # no Linux
        return False
    mounted = (line.split()[1:3] for line in lines)
    types = {Path(_unescaped(place)): kind for place, kind in mounted}  # the last mount covers the others
    real = Path(folder).resolve()
    return next((types[above] for above in (real, *real.parents) if above in types), "") in ("tmpfs", "ramfs")


def _unescaped(place: str) -> str:
    r"""A path from the list of mounts, in which space, tab, newline and backslash are \040, \011, \012, \134."""
    return re.sub(r"\\(040|011|012|134)", lambda found: chr(int(found[1], 8)), place)


def take_system_memory() -> None:
    """Makes pyarrow use the system's allocator, before it is imported: its own reserves a gigabyte of addresses."""
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


def give_back_soon() -> None:
    """Makes both allocators return memory early, which slows reading; to be called before polars is imported."""
    if os.environ.get("_RJEM_MALLOC_CONF", OF_POLARS) == OF_POLARS:
        os.environ["_RJEM_MALLOC_CONF"] = GIVE_BACK
    _set_in_malloc(M_MMAP_THRESHOLD, MAPPED_BYTES)
    _set_in_malloc(M_ARENA_MAX, 1)


def give_back_large() -> None:
    """Makes the system's allocator return large arrays at once; each new one then gets its pages anew."""
    _set_in_malloc(M_MMAP_THRESHOLD, MAPPED_BYTES if is_limited() else MAPPED_LARGE)


def _set_in_malloc(option: int, value: int) -> None:
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            mallopt(option, value)
