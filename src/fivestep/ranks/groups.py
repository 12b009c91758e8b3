"""Additions to torch's process groups: an orderly end, a wait with a limit, and errors of one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import torch.distributed as dist

from ..check import RanksError

START_TIMEOUT = 300.0
"""Seconds that a rank waits at least for ranks that start later."""

FOREVER = timedelta(days=365)
"""The timeout for gloo, as heartbeats decide when to give up."""


def end_group(group: dist.ProcessGroup) -> None:
    """Ends a gloo group, with its threads and connections, unless it has been ended already."""
    with suppress(ValueError, AssertionError):
        dist.destroy_process_group(group)


def is_done(work: dist.Work, seconds: float) -> bool:
    """Waits for gloo's work, up to so many seconds, and returns whether it is done."""
    try:
        work.wait(timedelta(seconds=seconds))
    except RuntimeError:
        if not work.is_completed():
            return False
        work.wait()  # raises the reason if it has failed rather than timed out
    return True


@contextmanager
def in_one_sentence(timeout: float) -> Iterator[None]:
    """Torch's paragraphs about ranks that cannot be reached, as one sentence."""
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
