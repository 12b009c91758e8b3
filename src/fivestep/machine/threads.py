"""A single thread for work that is too small to share, and for the rest the number of processors, and which."""

import ctypes
import functools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import torch
from threadpoolctl import ThreadpoolController

from ..params import Params
from .groups import MEMBERSHIP, ROOT, folders_of_groups

SHARED_FROM = 2e6
"""Floating-point operations of a pass from which a second thread pays (about 20 microseconds of one core)."""


class HasParams(Protocol):
    """An engine, or something else with parameters."""

    params: Params


@contextmanager
def threads_for(engine: HasParams, num_rows: int) -> Iterator[None]:
    """A context in which torch uses one thread if a pass over `num_rows` rows is small, else as many as before.

    Two threads gain nothing on a small network and wait for each other: beside another busy process, a step on 2-8-1
    takes fifty times as long with two as with one. Switching costs 0.2 microseconds.
    """
    if 2 * num_rows * engine.params.flat.numel() >= SHARED_FROM:
        yield
        return
    with one_thread():
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """A context in which torch uses one thread.

    GNU OpenMP, which comes with torch, lets its other threads spin for seven milliseconds after each shared operation,
    even a copy of ten thousand numbers: on two cores, one of them is wasted meanwhile.
    """
    before = torch.get_num_threads()
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def begin_no_threads() -> None:
    """From here on torch uses only one thread for work of the calling thread; other threads are not affected.

    `torch.set_num_threads` would also affect threads that start later. This sets OpenMP's own number, which is kept for
    each thread; torch sets it when first asked, and never again.
    """
    torch.get_num_threads()
    ThreadpoolController().limit(limits=1, user_api="openmp")


@functools.cache
def num_processors() -> int:
    """The processors that this process may use: those it may run on, or its control groups' share of their time.

    Determined once: work that was divided among so many threads must not be divided differently a moment later.
    """
    allowed = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, min([allowed, *shares_of_groups(MEMBERSHIP, ROOT)]))


def shares_of_groups(membership: Path, root: Path) -> list[int]:
    """The limits, in whole processors, of this process's control groups and their ancestors, of both versions."""
    groups = folders_of_groups(membership, root, "cpu")
    return [share for folder, is_new in groups for share in _share_in(folder, is_new=is_new)]


def _share_in(folder: Path, *, is_new: bool) -> list[int]:
    """The processors of a group's quota of microseconds per period; none if it has no limit."""
    files = ("cpu.max",) if is_new else ("cpu.cfs_quota_us", "cpu.cfs_period_us")
    try:
        quota, period = " ".join((folder / name).read_text(encoding="utf-8") for name in files).split()
        return [int(quota) // int(period)] if int(quota) > 0 else []
    except (OSError, ValueError):  # not there, or "max"; in version 1 it is -1
        return []


def cores_apart(count: int) -> list[int]:
    """A core for each of so many threads, the first that of this thread; none where that cannot be said, or too few."""
    if sys.platform != "linux" or len(cores := sorted(os.sched_getaffinity(0))) < count:
        return []
    here = ctypes.CDLL(None).sched_getcpu()
    return sorted(cores, key=lambda core: core != here)[:count]


def move_to(core: int) -> None:
    """Moves this thread to a core, without pinning it there.

    Linux starts a thread on the core of its creator, and takes up to ten milliseconds to notice an idle one; meanwhile
    threads that wait for one another share one core.
    """
    allowed = os.sched_getaffinity(0)
    with suppress(OSError):  # a core that is no longer allowed
        os.sched_setaffinity(0, {core})
        os.sched_setaffinity(0, allowed)
