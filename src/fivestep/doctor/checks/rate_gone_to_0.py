"""The schedule has ended long before the loop."""

from .._events import UPDATE, Seen, Updated
from .._record import FEWEST, Record

NOTHING = 1e-6
"""Of the greatest rate."""

PLATEAU = "ReduceLROnPlateau"

OF_A_SCHEDULE = 1e-4
"""The same where a schedule is stepped with every update: one that counts epochs falls like this."""


def rate_gone_to_0(record: Record) -> Seen | None:
    """For the later half of the updates, or more, every learning rate was below a millionth of what it had been.

    Or below a ten-thousandth, where a schedule is stepped with every update. It counts epochs and is stepped with every
    batch, or was made for fewer steps than the loop has. A rate that comes to 0 at the end of the loop is not meant,
    nor one that comes back, nor one that `ReduceLROnPlateau` takes away when the loss has fallen.
    """
    for key, rule in record.rules.items():
        updates = [event for event in record.of(Updated) if event.optimizer == key and event.rates]
        greatest = max((max(event.rates) for event in updates), default=0.0)
        schedules = [one for one in record.schedules.values() if one.rule == key]
        waits = any(one.name == PLATEAU for one in schedules)
        if waits and not record.is_stuck:
            continue
        is_each = any(2 * one.num_steps > one.num_updates for one in schedules)
        least = (OF_A_SCHEDULE if is_each else NOTHING) * greatest
        alive = [event for event in updates if max(event.rates) > least]
        if not alive or len(updates) < FEWEST:
            continue
        begin, end = alive[-1].round + 1, updates[-1].round + 1
        if end - begin >= FEWEST and 2 * begin <= end:
            first = updates[updates.index(alive[-1]) + 1]
            return Seen(
                UPDATE,
                updates[-1].place,
                f"The learning rate of {rule.name} has gone from {greatest:.4g} to {max(first.rates):.4g} by update "
                f"{first.round + 1:,}, and the loop went on to update {end:,}.",
                "Step it once an epoch, with the loss of other rows, and mode='min'; patience counts its steps."
                if waits
                else "Make the schedule as long as the loop, and step it as it counts: once a batch, or once an epoch.",
            )
    return None
