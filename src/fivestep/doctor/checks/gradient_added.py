"""An update that is written by hand goes uphill."""

from .._events import UPDATE, Differentiated, Seen
from .._pairs import line_of, pairs_of
from .._record import Record

FEWEST = 5
"""Moves of each parameter; that one points along the gradient by chance is out of the question in two dimensions."""


def gradient_added(record: Record) -> Seen | None:
    """`p += lr * p.grad`: every parameter was moved along its gradient, of a loss of torch that is to become small.

    The gradient points to where the loss grows. Seen by the parameters themselves, between two backward passes, where
    no optimizer has them. A likelihood may be climbed, and so may the loss of an attack, which moves rows and leaves
    the parameters of the model alone: neither is reported.
    """
    pairs, passes = list(pairs_of(record)), list(record.of(Differentiated))
    moved = {key for event in passes for key in event.leaves if record.leaves[key].num_moves}
    in_models = {leaf for model in record.models.values() for leaf in model.leaves}
    if len(pairs) < FEWEST or record.num_updates or not record.is_one_loss or not moved:
        return None
    leaves = [record.leaves[key] for key in moved]
    if any(leaf.num_moves < FEWEST or leaf.num_along < leaf.num_moves for leaf in leaves):
        return None
    line = line_of(pairs)
    if line is None or line.slope < 0 or (in_models and moved.isdisjoint(in_models)):
        return None
    return Seen(
        UPDATE,
        passes[0].place,
        f"The update by hand moved {record.names(moved)} along the gradient, to where {pairs[0][0].name} is larger, "
        f"in all {min(leaf.num_moves for leaf in leaves)} updates seen.",
        "Subtract it: p -= lr * p.grad.",
    )
