"""A command that several processes do together, started by `torchrun`."""

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
    """The ranks that this process is one of, usually alone, until all is done."""
    try:
        yield join_ranks(timeout)
    finally:
        leave_ranks()


def going_on(options: RunOptions, folder: Path) -> RunOptions:
    """The options with which new ranks go on with the run in that folder, which those before them have begun."""
    if checkpoints_in(folder):
        return replace(options, resume=folder)
    return replace(options, out=folder, resume=None)


def program(ranks: Ranks) -> str:
    """What to type in place of the program's name, for the same ranks again."""
    if ranks.are_alone:
        return "fivestep"
    return f"torchrun --nproc-per-node {os.environ.get('LOCAL_WORLD_SIZE', ranks.size)} -m fivestep"
