"""Probabilities go into a loss that expects logits."""

import math

from .._events import MEASURE, Differentiated, Measured, Seen
from .._record import Record

WITHIN = 1e-3
"""How far the sum of probabilities may be from 1: half precision."""


def softmax_twice(record: Record) -> Seen | None:
    """`cross_entropy` got rows that are not negative and sum to 1: it takes the softmax of them once more.

    The softmax of probabilities is nearly flat: of ten classes the right one gets at most e / (e + 9) = 0.23, so the
    loss cannot fall below log(e + C - 1) - 1 = 1.4612, and the gradient is small everywhere. A `log_softmax` before it
    is merely superfluous, and nothing is reported, unless it got the output of a softmax: that is one too many for
    `nll_loss` as well. Seen by the numbers, whatever made them; a softmax over another axis, as `nn.Softmax(dim=0)`
    takes it, or before another one, is seen by the graph: in a loss written by hand too, as `log_softmax(softmax(z))`.
    """
    return _of_log_probabilities(record) or _of_logits(record) or _by_hand(record)


def _by_hand(record: Record) -> Seen | None:
    passes = [event for event in record.of(Differentiated) if event.is_first]
    found = [event.doubled for event in passes if event.doubled is not None]
    if not found or len(found) < len(passes):
        return None
    kind, place, num_classes = found[0]
    name = "softmax" if kind == "Softmax" else "log_softmax"
    return Seen(
        MEASURE,
        place or passes[0].place,
        f"What goes into a {name} over {num_classes} numbers on the way to the loss is the output of a softmax over "
        f"the same axis: the second one is nearly flat, and none of its shares is above {_highest(num_classes):.4f}.",
        "Leave out the first: the model gives logits, and the loss takes their log_softmax.",
    )


def _of_log_probabilities(record: Record) -> Seen | None:
    names = ("cross_entropy", "nll_loss")
    losses = [event for event in record.of(Measured) if event.has_grad and event.name in names]
    if not losses or {(one.source, one.before) for one in losses} != {("LogSoftmax", "Softmax")}:
        return None
    first = losses[0]
    num_classes = first.input.shape[1 if len(first.input.shape) > 1 else 0]
    return Seen(
        MEASURE,
        first.source_place or first.place,
        f"The outputs have been through a softmax and a log_softmax, which takes the softmax once more: of "
        f"{num_classes} classes no loss below {_lowest(num_classes):.4f} can be reached, and gradients are small.",
        "Leave out the softmax: log_softmax and nll_loss, or cross_entropy alone, take the logits.",
    )


def _of_logits(record: Record) -> Seen | None:
    losses = [
        event
        for event in record.of(Measured)
        if event.has_grad and event.name == "cross_entropy" and max(event.input.shape[1:2], default=0) > 1
    ]
    twice = [event for event in losses if event.row_sums and all(abs(sum_ - 1) < WITHIN for sum_ in event.row_sums)]
    others = [event for event in losses if event.source == "Softmax"]
    if losses and len(others) == len(losses) and len(twice) < len(losses):
        return _over_another_axis(others[0])
    if not twice or len(twice) < len(losses):
        return None
    first, num_classes = twice[0], twice[0].input.shape[1]
    return Seen(
        MEASURE,
        first.source_place or first.place,
        f"The {num_classes} outputs of every row are positive and sum to 1, as after a softmax; cross_entropy takes "
        f"the softmax itself, so no loss below {_lowest(num_classes):.4f} can be reached and gradients are small.",
        "Give cross_entropy the logits: leave out the softmax in the model, and take it where probabilities are shown.",
    )


def _over_another_axis(event: Measured) -> Seen:
    low, high = event.row_sums or (0.0, 0.0)
    return Seen(
        MEASURE,
        event.source_place or event.place,
        f"The outputs come from a softmax over another axis than the classes: a row sums to between {low:.3g} and "
        f"{high:.3g}, so rows of a batch compete. cross_entropy takes the softmax over the classes itself.",
        "Give cross_entropy the logits: leave out the softmax in the model; where probabilities are shown, softmax(1).",
    )


def _highest(num_classes: int) -> float:
    """The greatest share, e / (e + C - 1)."""
    return math.e / (math.e + num_classes - 1)


def _lowest(num_classes: int) -> float:
    """-log(e / (e + C - 1))."""
    return math.log(math.e + num_classes - 1) - 1
