"""backward goes through the same graph twice."""

from .._events import GRADIENT, Seen
from .._record import Record

MESSAGE = "Trying to backward through the graph a second time"


def graph_used_twice(record: Record) -> Seen | None:
    """The loop ended because backward came to a graph that an earlier backward had used up.

    Either the loss is computed once, before the loop, or something is carried from step to step with its graph: the
    state of a recurrent network, a running sum. `retain_graph=True` silences the error, and lets memory and time grow.
    """
    failed = record.failed
    if failed is None or MESSAGE not in failed.message:
        return None
    return Seen(
        GRADIENT,
        failed.place,
        "Backward came to a graph that an earlier one had used up: the loss, or a part of it, is of an earlier step.",
        "Compute prediction and loss anew in every step; cut what is carried along: state = state.detach().",
        is_of_script=True,
    )
