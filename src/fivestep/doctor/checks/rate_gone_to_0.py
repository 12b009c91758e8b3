"""The schedule has ended long before the loop."""

from .._events import UPDATE, Predicted, Seen, Updated
from .._record import FEWEST, Record, Schedule

NOTHING = 1e-6
"""Of the greatest rate: at the middle of a loop, no schedule of its length is there. An exponential one that ends at a
millionth is at a thousandth by then, a cosine and a line at a half."""

OF_A_SCHEDULE = 1e-4
"""The same where a schedule is stepped with every update: one that counts epochs falls like this."""

OF_AN_EXPONENTIAL = 1e-3
"""The same of an `ExponentialLR`: one that is meant so would end at a millionth."""

WHERE_STUCK = 0.02
"""The same if the loss does not fall either: an exponential schedule that ends at 0.0004 is there at the middle."""

EARLY, EARLY_RATE = 10, 0.05
"""The part of the loop, and of the rate, of a schedule of steps that has ended in the first tenth: 0.1 twice, say."""

PLATEAU = "ReduceLROnPlateau"
OF_STEPS = ("StepLR", "MultiStepLR", "ExponentialLR")
"""Those whose numbers are most often meant as epochs, and which never rise again."""


def rate_gone_to_0(record: Record) -> Seen | None:
    """For the later half of the updates, or more, every learning rate was below a millionth of what it had been.

    Or below a ten-thousandth, where a schedule is stepped with every update (a thousandth, if it is an
    `ExponentialLR`); or below a fiftieth, if the loss does not fall either; or below a twentieth for nine tenths of the
    updates, of `StepLR` and its like. Such a schedule counts epochs and is stepped with every batch, or was made for
    fewer steps than the loop has. A rate that comes to 0 at the end of the loop is not reported, nor one that comes
    back, nor one that `ReduceLROnPlateau` takes away when the loss has fallen, unless it is stepped with each of
    several batches.
    """
    for key, rule in record.rules.items():
        updates = [event for event in record.of(Updated) if event.optimizer == key and event.rates]
        schedules = [one for one in record.schedules.values() if one.rule == key]
        if len(updates) < FEWEST:
            continue
        gone = (_gone(updates, share, part) for share, part in _limits(record, schedules))
        first = next((event for event in gone if event is not None), None)
        if first is not None:
            greatest, end = max(max(event.rates) for event in updates), updates[-1].round + 1
            return Seen(
                UPDATE,
                updates[-1].place,
                f"The learning rate of {rule.name} has gone from {greatest:.4g} to {max(first.rates):.4g} by update "
                f"{first.round + 1:,}, and the loop went on to update {end:,}.",
                "Step it once an epoch, with the loss of other rows, and mode='min'; patience counts its steps."
                if _waits(schedules)
                else "Step it as it counts, once an epoch or once a batch, and make it as long as the loop.",
            )
    return None


def _limits(record: Record, schedules: list[Schedule]) -> list[tuple[float, int]]:
    """Shares of the greatest rate, each with the part of the loop in which it should not have come to it."""
    is_each = any(2 * one.num_steps > one.num_updates for one in schedules)
    if _waits(schedules) and not record.is_stuck:
        return [(OF_A_SCHEDULE, 2)] if is_each and _takes_batches(record) else []
    if not is_each:
        return [(NOTHING, 2)]
    is_of_steps = all(one.name in OF_STEPS for one in schedules)
    early = [(EARLY_RATE, EARLY)] if is_of_steps else []
    is_exponential = bool(schedules) and all(one.name == "ExponentialLR" for one in schedules)
    least = OF_AN_EXPONENTIAL if is_exponential else OF_A_SCHEDULE
    return [(WHERE_STUCK if record.is_stuck else least, 2), *early]


def _gone(updates: list[Updated], share: float, part: int) -> Updated | None:
    """The first update since which the rate was below the share for good, if it lies in the first part of the loop."""
    least = share * max(max(event.rates) for event in updates)
    alive = [event for event in updates if max(event.rates) > least]
    if not alive or alive[-1] is updates[-1]:
        return None
    begin, end = alive[-1].round + 1, updates[-1].round + 1
    return updates[updates.index(alive[-1]) + 1] if end - begin >= FEWEST and part * begin <= end else None


def _waits(schedules: list[Schedule]) -> bool:
    return any(one.name == PLATEAU for one in schedules)


def _takes_batches(record: Record) -> bool:
    """Whether the updates are not all of the same rows, so that a loss goes up and down from one to the next."""
    calls = [event for event in record.of(Predicted) if event.is_training and event.has_grad]
    return len({event.inputs for event in calls}) > 1
