"""A command run by several processes together, started by `torchrun`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ..ranks import Ranks, join_ranks, leave_ranks
from ..saved.checkpoint import checkpoints_in
from ._options import RunOptions


@contextmanager
def joined(timeout: float) -> Iterator[Ranks]:
    """A context with the ranks among which this process runs, usually alone."""
    try:
        yield join_ranks(timeout)
    finally:
        leave_ranks()


def going_on(options: RunOptions, folder: Path) -> RunOptions:
    """The options with which restarted ranks resume the run in that folder."""
    if checkpoints_in(folder):
        return replace(options, resume=folder)
    return replace(options, out=folder, resume=None)


def program(ranks: Ranks) -> str:
    """The command to start the same ranks again, in place of the program's name."""
    if ranks.are_alone:
        return "fivestep"
    return f"torchrun --nproc-per-node {os.environ.get('LOCAL_WORLD_SIZE', ranks.size)} -m fivestep"
