"""Outputs that cannot take every size go into a loss that takes logits."""

import math

from .._events import MEASURE, Measured, Seen
from .._record import Record

WORDS = {"Sigmoid": "sigmoid", "Tanh": "tanh", "Relu": "ReLU", "Clamp": "clamp", "Hardtanh": "hardtanh"}
WIDTHS = {"Sigmoid": 1.0, "Tanh": 2.0}
"""How far two outputs can be apart."""

LOWEST = 0.1
"""The lowest loss, in nats, that is held against a clamp: one to -10 and 10, which only keeps numbers finite, has 0."""


def bounded_logits(record: Record) -> Seen | None:
    """`cross_entropy` got the answers of a sigmoid, tanh, ReLU or clamp, or the binary one those of a ReLU or a tanh.

    If outputs are at most w apart, no row of C classes gets a loss below log(1 + (C - 1) exp(-w)), however sure the
    model is. An output that cannot be negative says "no" to nobody: its sigmoid is 0.5 at least. A ReLU before
    `cross_entropy` leaves a way to 0, and only a loss that does not fall is held against it. For a sigmoid before the
    binary one there is a check of its own.
    """
    return _of_classes(record) or _of_two(record)


def _of_classes(record: Record) -> Seen | None:
    losses = [one for one in record.of(Measured) if one.has_grad and one.name == "cross_entropy"]
    losses = [one for one in losses if len(one.input.shape) > 1]
    sources = {one.source for one in losses}
    if len(sources) != 1 or not sources <= WORDS.keys() or losses[0].input.shape[1] < 2:
        return None
    source, first = losses[0].source, losses[0]
    if source == "Relu" and not record.is_stuck:
        return None
    if source == "Relu":
        seen = (
            "The loss does not fall, and the outputs have been through a ReLU: where one is 0, no gradient goes back."
        )
    else:
        num_classes = first.input.shape[1]
        width = WIDTHS[source] if source in WIDTHS else _width(first)
        lowest = math.log1p((num_classes - 1) * math.exp(-width))
        if source not in WIDTHS and lowest < LOWEST:
            return None
        seen = (
            f"The outputs have been through a {WORDS[source]}, so the {num_classes} of a row are at most "
            f"{width:g} apart, and no loss below {lowest:.4f} can be reached."
        )
    return _said(first, seen)


def _width(event: Measured) -> float:
    """How far two outputs of a clamp can be apart."""
    return math.inf if event.reach is None else event.reach[1] - event.reach[0]


def _of_two(record: Record) -> Seen | None:
    name = "binary_cross_entropy_with_logits"
    losses = [one for one in record.of(Measured) if one.has_grad and one.name == name]
    if not losses or {one.source for one in losses} not in ({"Relu"}, {"Tanh"}):
        return None
    of_relu = losses[0].source == "Relu"
    lowest = "0.6931 for targets of 0" if of_relu else f"{math.log1p(math.exp(-1)):.4f} for any target"
    between = "not negative" if of_relu else "between -1 and 1"
    seen = f"The outputs have been through a {WORDS[losses[0].source]} and are {between}: no loss below {lowest}."
    return _said(losses[0], seen)


def _said(event: Measured, seen: str) -> Seen:
    return Seen(
        MEASURE,
        event.source_place or event.place,
        seen,
        "End the model with a linear layer: the loss takes its numbers as they are, of any size and sign.",
    )
