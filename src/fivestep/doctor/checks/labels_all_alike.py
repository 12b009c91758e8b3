"""All labels are the same."""

from .._events import ROWS, Measured, Seen
from .._graph import PRODUCTS
from .._record import Record

FEWEST = 20
"""Batches; where a class has 0.7 of all rows, twenty batches of two are all of it once in a million times."""

CLASSES = 3
"""Outputs, at least: of two classes one may be so rare, as a fraud is, that no batch seen has it."""


def labels_all_alike(record: Record) -> Seen | None:
    """In all batches seen, `cross_entropy` got one and the same label for every row, and logits for several classes.

    The loss falls to 0 at once, and the model answers that class whatever comes. It happens where labels of shape
    (N, 1) go through `argmax(1)`, where the wrong column is read, or where all are cast to 0. Contrastive losses, whose
    right answer stands in the first column, are not reported: there the logits are no layer's.
    """
    losses = [event for event in record.of(Measured) if event.name == "cross_entropy" and event.has_grad]
    if len(losses) < FEWEST or any(len(event.counts) < CLASSES or sum(event.counts) < 2 for event in losses):
        return None
    labels = {k for event in losses for k, count in enumerate(event.counts) if count}
    if len(labels) != 1 or any(event.source not in PRODUCTS for event in losses):
        return None
    if len({event.input.mark for event in losses}) < FEWEST or len({len(event.counts) for event in losses}) != 1:
        return None
    return Seen(
        ROWS,
        losses[0].place,
        f"In all {len(losses)} batches seen, every label is {min(labels)}, and the model has "
        f"{len(losses[0].counts)} outputs: nothing is to be told apart.",
        "Print y[:10] right before the loss: argmax(1) of one column is always 0. Rows sorted by class: shuffle them.",
    )
