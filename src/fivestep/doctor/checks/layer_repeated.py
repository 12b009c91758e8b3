"""One layer stands several times in a container."""

from .._events import PREDICT, Seen
from .._record import Record


def layer_repeated(record: Record) -> Seen | None:
    """A `Sequential` has the same layer in several places, or a `ModuleList` that passes what it made on to it again.

    `[nn.Linear(8, 8)] * 3` is a list of three names for one layer, with one matrix: three layers deep, the network has
    the parameters of one. Only layers with parameters count; a ReLU may stand anywhere. A layer that `forward` calls in
    a loop, two layers that share a matrix, and a list whose one layer answers several inputs, as a head for each stage
    of a decoder, are not reported.
    """
    for repeated in record.repeated.values():
        if repeated.is_chained:
            return Seen(
                PREDICT,
                None,
                f"{repeated.container} has one and the same {repeated.layer} in {repeated.times:,} places: these are "
                f"not {repeated.times:,} layers, but one, with one set of weights.",
                "Make a layer for each: [nn.Linear(...) for _ in range(n)], not [nn.Linear(...)] * n. One that is used "
                "again on purpose is called in a loop in forward.",
            )
    return None
