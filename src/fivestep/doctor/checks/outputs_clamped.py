"""A clamp holds outputs where they are wrong."""

from .._events import MEASURE, Measured, Seen
from .._record import HABIT, Record
from .gradient_of_zero import gradient_of_zero

SHARE = 0.1
"""Of the outputs of the last fifth of the losses seen; at the start more may be at a bound, and come back."""


def outputs_clamped(record: Record) -> Seen | None:
    """The outputs come from a clamp or a hardtanh, and of the last ones a tenth is held at a bound, off its target.

    The slope of a clamp is 0 outside of its bounds: an output that is held there gets no gradient, however wrong it is.
    Outputs that are held where they should be are right, as the black of an image is, and so are those of a sigmoid
    that a clamp keeps from the ends. Where all are held from the start, `gradient of zero` says so; where outputs
    become logits, `bounded logits` says what a clamp does.
    """
    losses = [one for one in record.of(Measured) if one.has_grad and one.reach is not None]
    if gradient_of_zero(record) is not None:
        return None
    by_clamp: dict[object, list[Measured]] = {}
    for one in losses:  # of several clamps, each by itself
        by_clamp.setdefault((one.source_place or one.place, one.reach), []).append(one)
    return next((seen for each in by_clamp.values() if (seen := _seen(each)) is not None), None)


def _seen(losses: list[Measured]) -> Seen | None:
    """The same of the losses whose outputs come from one clamp."""
    last = losses[-max(HABIT, len(losses) // 5) :]
    share = sum(one.held for one in last) / len(last)
    if len(losses) < HABIT or share < SHARE:
        return None
    assert last[0].reach is not None
    low, high = last[0].reach
    return Seen(
        MEASURE,
        last[0].source_place or last[0].place,
        f"The outputs come from a clamp to [{low:g}, {high:g}]; {share:.0%} of the last ones are held at a bound while "
        "their targets are elsewhere, and get no gradient.",
        "Leave out the clamp in training: a sigmoid keeps outputs between 0 and 1 and has a slope everywhere; clamp "
        "where predictions are used.",
    )
