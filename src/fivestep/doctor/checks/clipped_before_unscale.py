"""Gradients are clipped while the factor of mixed precision is still in them."""

from ...diagnosis._finding import figure
from .._events import UPDATE, Clipped, Seen
from .._record import HABIT, Record

MEANT = 1e-3
"""Of the factor: a limit above this share of it is one that was multiplied by it too."""


def clipped_before_unscale(record: Record) -> Seen | None:
    """Clipping came between the backward pass of a scaled loss and `unscale_`, in half of all calls.

    A `GradScaler` multiplies the loss, and so the gradient, by 65,536 at first, and takes that out again within
    `scaler.step`. A limit of 1 that acts in between is one of 1 / 65,536: SGD hardly moves, and for Adam every gradient
    has one size. A limit that was multiplied by the factor too is not reported, nor gradients that were divided by
    hand.
    """
    clips = list(record.of(Clipped))
    early = [event for event in clips if event.scale > 1 and event.limit < MEANT * event.scale]
    if len(early) < HABIT or 2 * len(early) < len(clips):
        return None
    first = early[0]
    return Seen(
        UPDATE,
        first.place,
        f"In {len(early)} of {len(clips)} calls seen, gradients were clipped while the scaler's factor, "
        f"{first.scale:,.0f}, was still in them: the limit of {figure(first.limit)} is one of "
        f"{figure(first.limit / first.scale)} for the gradient itself.",
        "Write scaler.unscale_(optimizer) between backward and the clipping.",
    )
