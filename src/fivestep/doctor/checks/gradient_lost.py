"""Gradients are cleared before anything has used them."""

from .._events import FORGET, Seen, Updated
from .._record import Record

FEWEST, SHARE = 5, 0.8
"""Updates seen, and the share of them before which a gradient was lost: more than where a batch is skipped at times."""


def gradient_lost(record: Record) -> Seen | None:
    """Before nearly every update, the gradients of one or more backward passes were cleared, and none had used them.

    `zero_grad()` stands within the loop over small batches whose gradients should add up: only the last of them counts,
    and the others were computed for nothing. Reported for one loss and one optimizer. Batches that are left out now and
    then, gradients that are put together by hand from those of single rows, passes between which the weights were
    moved, as in sharpness-aware steps, and gradients of another optimizer that is not stepped, are not reported.
    """
    updates = list(record.of(Updated))
    after_lost = [event for event in updates if event.num_lost]
    if record.unused or len(after_lost) < FEWEST or len(after_lost) < SHARE * len(updates) or not record.is_one_loss:
        return None
    number = sum(event.num_lost for event in after_lost)
    return Seen(
        FORGET,
        after_lost[0].place,
        f"Before {len(after_lost)} of {len(updates)} updates seen, gradients were cleared that nothing had used: "
        f"{number} backward passes were lost.",
        "To add up several batches, call zero_grad() once after each optimizer.step(), not before each backward().",
    )
