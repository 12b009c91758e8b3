"""Every step takes the first batch."""

from .._events import ROWS, Measured, Seen
from .._record import Record

FEWEST = 10
"""Batches with the same targets, each the first of a loader that was begun anew: all there is to see of the fault."""


def first_batch_alone(record: Record) -> Seen | None:
    """`next(iter(loader))` within the loop: the loader begins anew for each update, and gives the same rows each time.

    Reported for a loader of several batches that does not shuffle, if all targets seen are the same ones. A batch that
    is memorized on purpose is fetched once, before the loop.
    """
    losses = [event for event in record.of(Measured) if event.has_grad and event.target is not None]
    short = [one for one in record.loaders.values() if one.is_in_order and one.length > 1 and one.num_short >= FEWEST]
    if not short or len(losses) < FEWEST or len({event.target for event in losses}) > 1:
        return None
    loader = short[0]
    return Seen(
        ROWS,
        losses[0].place,
        f"A DataLoader of {loader.length:,} batches was begun {loader.num_begun:,} times, once for each update, and "
        "all targets seen are the same: every step takes its first batch.",
        "Write `for x, y in loader:` around the steps, with shuffle=True, in place of next(iter(loader)).",
    )
