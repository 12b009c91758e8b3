"""The gradient is cleared after backward has found it and before the update uses it."""

from .._events import FORGET, Seen, Updated
from .._record import Record


def gradient_cleared_too_late(record: Record) -> Seen | None:
    """Backward gave the parameters of an optimizer a gradient, but at its update all of them were zero or gone.

    Such an update moves nothing, or moves by momentum and weight decay alone. Reported if it was so in every update
    seen that had been given a gradient, and in two at least.
    """
    given = [event for event in record.of(Updated) if event.was_given and event.moved]
    lost = [event for event in given if not any(moved.gradient for moved in event.moved)]
    if len(lost) < 2 or len(lost) < len(given):
        return None
    return Seen(
        FORGET,
        lost[0].place,
        f"In {len(lost)} of {len(given)} updates seen, backward had found a gradient, but it was zero or gone when "
        f"{record.rules[lost[0].optimizer].name} came to use it.",
        "Keep the order: optimizer.zero_grad(), loss.backward(), optimizer.step().",
    )
