"""Each update makes the loss larger."""

import math
from collections.abc import Iterator

from ...diagnosis._finding import figure
from .._events import GRADIENT, Differentiated, Measured, Seen, Updated
from .._record import Record

FEWEST = 5


def loss_negated(record: Record) -> Seen | None:
    """In every round, backward got minus what a loss of torch gave, or that loss itself under `maximize=True`.

    The losses of torch are to become small, and `nll_loss` has its minus already. Said of one optimizer that moves a
    model in training: an attack moves its rows, and in a game one player raises the loss of another.
    """
    pairs, updates = list(_pairs(record)), list(record.of(Updated))
    in_models = {leaf for model in record.models.values() for leaf in model.leaves}
    moved = {one.leaf for event in updates for one in event.moved}
    if len(pairs) < FEWEST or not updates or not record.is_one_loss or moved.isdisjoint(in_models):
        return None
    is_upwards = all(event.is_upwards for event in updates)
    sign = 1 if is_upwards else -1
    if not all(one.value > 0 and math.isclose(last.loss, sign * one.value, rel_tol=1e-4) for one, last in pairs):
        return None
    first, last = pairs[0]
    how = (
        "the optimizer has maximize=True"
        if is_upwards
        else f"backward got minus what {first.name} gave ({figure(first.value)}, then {figure(last.loss)})"
    )
    return Seen(
        GRADIENT,
        updates[0].place if is_upwards else last.place,
        f"In all {len(pairs)} rounds seen, {how}: each update makes the loss larger.",
        "Leave maximize out." if is_upwards else "Call backward on the loss as it is, without a minus.",
    )


def _pairs(record: Record) -> Iterator[tuple[Measured, Differentiated]]:
    """Each backward pass with the loss that was measured last before it."""
    last = None
    for event in record.events:
        if isinstance(event, Measured) and event.has_grad:
            last = event
        elif isinstance(event, Differentiated) and last is not None:
            yield last, event
