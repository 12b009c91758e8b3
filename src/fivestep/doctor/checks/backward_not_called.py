"""Updates are made without a gradient."""

from .._events import GRADIENT, Seen, Updated
from .._record import HABIT, Record


def backward_not_called(record: Record) -> Seen | None:
    """An optimizer took several steps, backward was not called once, and no parameter had a gradient.

    Such a step moves nothing. A gradient that was put into `.grad` by hand counts as one.
    """
    updates = list(record.of(Updated))
    if len(updates) < HABIT or record.num_backwards:
        return None
    if any(moved.gradient is not None for event in updates for moved in event.moved):
        return None
    return Seen(
        GRADIENT,
        updates[0].place,
        f"{record.num_updates:,} updates were made, and no parameter had a gradient: backward was not called.",
        "Call loss.backward() before optimizer.step().",
    )
