"""How a process becomes one of the ranks, and leaves them."""

import atexit
import os
from datetime import timedelta

import torch
import torch.distributed as dist

from ..check import InputError
from .groups import START_TIMEOUT, in_one_sentence
from .ranks import ALONE, JOINED, TIMEOUT, Ranks
from .torchrun import number_in_environment, store_for_ranks

VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""The environment variables in which `torchrun`, or another launcher, describes the ranks."""


def join_ranks(timeout: float = TIMEOUT) -> Ranks:
    """The ranks among which this process was started, by `torchrun` for example; `ALONE` otherwise.

    Waits for all of them. `timeout` is how long a rank waits for others without a heartbeat, in seconds; it waits for
    one that is merely slow as long as needed. A process group that the program has initialized itself is used as it is.
    Raises a `RanksError` if they cannot be reached, and an `InputError` if the environment variables are invalid.
    """
    if dist.is_available() and dist.is_initialized():
        rank, size = dist.get_rank(), dist.get_world_size()
        return ALONE if size == 1 else Ranks(rank, size, int(os.environ.get("LOCAL_RANK", rank)), timeout)
    size, rank = number_in_environment("WORLD_SIZE", 1), number_in_environment("RANK", 0)
    if size == 1:
        return ALONE
    for name in VARIABLES:
        if not os.environ.get(name):
            raise InputError(f"{name} must be set where WORLD_SIZE is, got nothing; start the ranks with torchrun.")
    with in_one_sentence(max(timeout, START_TIMEOUT)):
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        store = store_for_ranks(rank, size, max(timeout, START_TIMEOUT))
        seconds = timedelta(seconds=max(timeout, START_TIMEOUT))
        if store is None:
            dist.init_process_group(backend, timeout=seconds)
        else:
            dist.init_process_group(backend, timeout=seconds, store=store, rank=rank, world_size=size)
    atexit.register(leave_ranks)  # else torch 2.13's threads, still running, abort the process at its exit
    return Ranks(rank, size, number_in_environment("LOCAL_RANK", rank), timeout)


def leave_ranks() -> None:
    """Ends what `join_ranks` began."""
    for ranks in list(JOINED):
        ranks.leave()
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
