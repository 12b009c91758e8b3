"""All units of a layer compute the same."""

from .._events import PREDICT, Seen, Updated
from .._record import Record

FEWEST = 10
"""Updates: rows that only begin alike are apart after the first one, or the second where a layer behind began at 0."""


def units_alike(record: Record) -> Seen | None:
    """A matrix began with rows that are all the same, and after ten updates or more they still are.

    Units that begin alike get the same gradient and stay alike: the layer is as good as one unit. Where all weights are
    0, hidden layers get no gradient at all. A last layer that begins at 0, or one of the two matrices of an adapter, is
    not meant: its rows part with the first updates.
    """
    alike = {key for key, leaf in record.leaves.items() if leaf.num_alike >= FEWEST}
    if not alike:
        return None
    first = record.leaves[min(alike)]
    return Seen(
        PREDICT,
        next(event.place for event in record.of(Updated)),
        f"All {first.shape[0]:,} rows of {first.words} are the same, at the beginning and after {first.num_alike} "
        "updates seen: units that begin alike stay alike, and do the work of one.",
        "Begin with random weights: leave torch's own, or nn.init.kaiming_normal_(layer.weight); biases may be 0.",
    )
