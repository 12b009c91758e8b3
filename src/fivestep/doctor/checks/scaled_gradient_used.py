"""The update uses gradients that the factor of mixed precision is still in."""

from .._events import UPDATE, Seen, Updated
from .._record import HABIT, Record


def scaled_gradient_used(record: Record) -> Seen | None:
    """`optimizer.step()` was called after the backward pass of a scaled loss, without `scaler.step` or `unscale_`.

    The step of SGD is then 65,536 times as long as the learning rate says; Adam hides it, but for its epsilon and for
    weight decay. Steps that became infinite are not skipped either. Gradients that were divided by hand are not
    reported.
    """
    updates = list(record.of(Updated))
    scaled = [event for event in updates if event.scale > 1]
    if len(scaled) < HABIT:
        return None
    return Seen(
        UPDATE,
        scaled[0].place,
        f"In {len(scaled)} of {len(updates)} updates seen, the gradient was still multiplied by the scaler's factor, "
        f"{scaled[0].scale:,.0f}.",
        "Write scaler.step(optimizer) and scaler.update() in place of optimizer.step().",
    )
