"""The gradient of every matrix is zero, though the loss is not."""

from .._events import GRADIENT, Differentiated, Measured, Moved, Seen, Updated
from .._record import Record

FEWEST = 10
"""Updates from the first on: matrices behind a last layer that begins at 0 have no gradient in one update."""


ADVICE = (
    "Look for round, floor, sign, a comparison, clamp or Dropout(p=1) on the way to the loss; such numbers are for the "
    "accuracy."
)
OF_ONE = (
    "The outputs come from a softmax over one number, which is always 1: for one output take a sigmoid, best as "
    "F.binary_cross_entropy_with_logits; or give the softmax the axis of the classes."
)


def gradient_of_zero(record: Record) -> Seen | None:
    """From the first update on, all matrices of an optimizer had gradients of exactly zero, while the loss was not 0.

    Something on the way to the loss has slope 0 everywhere: `round`, `floor`, `sign`, a comparison, a `clamp` far
    beyond its range, a dropout of everything, or a factor of 0. Autograd gives it a gradient, of zeros. Units that are
    dead or alike, and gradients that were cleared before the update, are other findings. A softmax over a single output
    is 1 for every row.
    """
    losses = [event.loss for event in record.of(Differentiated)]
    if not losses or 0 in losses or any(leaf.num_alike for leaf in record.leaves.values()):
        return None
    if any(activation.num_dead == activation.num_units for activation in record.activations):
        return None
    for key, rule in record.rules.items():
        updates = [event for event in record.of(Updated) if event.optimizer == key]
        moved = [one for event in updates for one in event.moved if one.gradient is not None]
        matrices = [one for one in moved if len(record.leaves[one.leaf].shape) > 1]
        if len(updates) < FEWEST or not matrices or any(one.gradient for one in matrices):
            continue
        if _is_cleared(updates, moved):
            continue
        place = next(record.of(Differentiated)).place
        return Seen(
            GRADIENT,
            place,
            f"In all {len(updates)} updates seen, the gradient of every matrix of {rule.name} was 0, and the loss was "
            "not: something between them has no slope.",
            OF_ONE if _is_softmax_of_one(record) else ADVICE,
        )
    return None


def _is_softmax_of_one(record: Record) -> bool:
    losses = list(record.of(Measured))
    return bool(losses) and all(one.source == "Softmax" and one.input.low == one.input.high for one in losses)


def _is_cleared(updates: list[Updated], moved: list[Moved]) -> bool:
    """Whether there had been a gradient, and nothing is left of it."""
    return any(event.was_given for event in updates) and not any(one.gradient for one in moved)
