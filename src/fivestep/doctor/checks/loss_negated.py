"""Each update makes the loss larger."""

import math

from ...diagnosis._finding import figure
from .._events import GRADIENT, Differentiated, Measured, Seen, Updated
from .._pairs import Line, line_of, pairs_of
from .._record import Record

FEWEST = 5
"""Points on one line: two lie on one always, and of five that are on none, none is by chance."""


def loss_negated(record: Record) -> Seen | None:
    """In every round, backward got minus what a loss of torch gave, or that loss itself under `maximize=True`.

    Or a negative multiple, with a constant or without: the rounds seen lie on a line that falls. The losses of torch
    are to become small, and `nll_loss` has its minus already. Reported for one optimizer that moves a model in
    training: an attack moves its rows, and in a game one player raises the loss of another. Or backward got a mean of
    what `log_softmax` gave, without a minus: the least probable answer wins.
    """
    pairs, updates = list(pairs_of(record)), list(record.of(Updated))
    in_models = {leaf for model in record.models.values() for leaf in model.leaves}
    moved = {one.leaf for event in updates for one in event.moved}
    if not updates or not record.is_one_loss or moved.isdisjoint(in_models):
        return None
    if (without := _without_a_minus(record)) is not None or len(pairs) < FEWEST:
        return without
    is_upwards = all(event.is_upwards for event in updates)
    if not all(one.value > 0 and math.isfinite(one.value) and math.isfinite(last.loss) for one, last in pairs):
        return None
    line = line_of(pairs)
    if line is None or (line.slope > 0) != is_upwards:
        return None
    first, last = pairs[0]
    how = (
        "the optimizer has maximize=True"
        if is_upwards
        else f"backward got {_words(line, first)} ({figure(first.value)}, then {figure(last.loss)})"
    )
    return Seen(
        GRADIENT,
        updates[0].place if is_upwards else last.place,
        f"In all {len(pairs)} rounds seen, {how}: each update makes the loss larger.",
        "Leave maximize out." if is_upwards else "Call backward on the loss as it is, without a minus.",
    )


def _without_a_minus(record: Record) -> Seen | None:
    """Log probabilities that are made small."""
    passes, updates = list(record.of(Differentiated)), list(record.of(Updated))
    is_upwards = any(event.is_upwards for event in updates)
    if is_upwards or len(passes) < FEWEST or not all(event.is_mean_of_logs for event in passes):
        return None
    return Seen(
        GRADIENT,
        passes[0].place,
        f"In all {len(passes)} rounds seen, backward got a mean of log probabilities as they are (first "
        f"{figure(passes[0].loss)}): each update makes the right answers less probable.",
        "Put a minus before it, or take F.cross_entropy, which has it.",
    )


def _words(line: Line, first: Measured) -> str:
    """What was made of the loss."""
    times = "minus" if math.isclose(line.slope, -1, rel_tol=1e-3) else f"{figure(line.slope)} times"
    return f"{times} what {first.name} gave" + (f", and {figure(line.offset)}" if line.offset else "")
