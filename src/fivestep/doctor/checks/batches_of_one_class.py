"""Every batch holds rows of one class."""

from collections import Counter

from .._events import ROWS, Measured, Seen
from .._record import Record

ROWS_OF_A_BATCH, FEWEST = 8, 3
"""Where two classes share all rows, eight are of one class once in 128 batches by chance; three of each, never."""


def batches_of_one_class(record: Record) -> Seen | None:
    """Half of the batches have one label for all rows, and more than one class has several such batches.

    The rows are sorted by class and not shuffled: the model learns to answer the class of the last batches, and forgets
    the ones before. A class that nearly all rows have may fill a batch by chance; a second one does not, three times
    over, with eight rows or more in a batch.
    """
    losses = [
        (event, event.target)
        for event in record.of(Measured)
        if event.name == "cross_entropy" and event.has_grad and event.target is not None
    ]
    losses = [
        (event, y) for event, y in losses if y.dtype == "int64" and len(y.shape) == 1 and y.shape[0] >= ROWS_OF_A_BATCH
    ]
    pure = Counter(y.low for _, y in losses if y.low == y.high)
    several = [label for label, times in pure.items() if times >= FEWEST]
    if len(several) < 2 or 2 * pure.total() < len(losses):
        return None
    return Seen(
        ROWS,
        losses[0][0].place,
        f"In {pure.total()} of {len(losses)} batches seen, all rows have one label; there are such batches of "
        f"{len(pure)} classes. The rows seem to be sorted by class.",
        "Shuffle the training rows: DataLoader(..., shuffle=True), or x[order] with order = torch.randperm(len(x)).",
    )
