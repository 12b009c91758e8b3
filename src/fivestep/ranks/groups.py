"""What torch's process groups need from outside: an end, a wait with a limit, and errors of one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import torch.distributed as dist

from ..check import RanksError

START_TIMEOUT = 300.0
"""Seconds that a rank waits at least for those that may have started later."""

FOREVER = timedelta(days=365)
"""What gloo is told, because the signs of life say when to give up."""


def end_group(group: dist.ProcessGroup) -> None:
    """Ends a group of gloo's, with its threads and connections, unless all of them have ended."""
    with suppress(ValueError, AssertionError):
        dist.destroy_process_group(group)


def is_done(work: dist.Work, seconds: float) -> bool:
    """Waits so long for a work of gloo's."""
    try:
        work.wait(timedelta(seconds=seconds))
    except RuntimeError:
        if not work.is_completed():
            return False
        work.wait()  # which raises the reason if it has failed, and not only come late
    return True


@contextmanager
def in_one_sentence(timeout: float) -> Iterator[None]:
    """What torch says about ranks that cannot be reached, in paragraphs, as one sentence."""
    try:
        yield
    except RuntimeError as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        first = first.rpartition("] ")[2].rstrip(".")
        if "timed out" in first.lower() or "timeout" in first.lower():
            raise RanksError(
                f"all ranks must come to the same step within {timeout:g} s, got no sign of one of them ({first}); see "
                "what holds it up, or wait longer."
            ) from error
        raise RanksError(
            f"all ranks must stay to the end, got no more from one of them ({first}); see what it said last."
        ) from error
