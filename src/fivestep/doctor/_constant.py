"""What an answer that never looks at the row has as loss, on the batches that a loop ended with."""

import math
from typing import NamedTuple, final

from ..diagnosis._finding import figure
from ._events import Measured
from ._record import Record

NEAR = 0.99
"""The share of the constant answer's loss below which something has been learned."""

FEWEST_UPDATES, ROWS_OF_A_CLASS, FEWEST = 200, 20, 5
"""Before which a plateau is quite usual; for a share that is right within a fifth; batches for a mean of the loss."""


@final
class Constant(NamedTuple):
    """The losses of a loop, and the means of the last ones: the loop's, and that of the shares of its classes."""

    losses: list[Measured]
    num_classes: int
    ours: float
    theirs: float

    @property
    def is_beaten(self) -> bool:
        """Whether the loss is below by more than noise."""
        return self.ours < NEAR * self.theirs

    @property
    def words(self) -> str:
        """What the constant answer is, and what it has."""
        return f"the shares of the {self.num_classes} classes as answer for every row have {figure(self.theirs)}"


def constant_of(record: Record) -> Constant | None:
    """The constant answer of a loop of 200 updates or more with one plain cross-entropy that is all of the loss.

    The shares p_k = n_k / n of the classes, as answer for every row, have their entropy as loss, 0.693 of two classes
    that are as frequent as each other: what every model must fall below. None for too few rows to tell the shares, for
    pairs, where each row is a class of its own, and for several optimizers at a time, whose losses need not fall.
    """
    losses = [event for event in record.of(Measured) if event.has_grad]
    if record.num_updates < FEWEST_UPDATES or not record.is_in_turn:
        return None
    counts = [event.counts for event in losses]
    if len({event.place for event in losses}) != 1 or len({len(one) for one in counts}) != 1 or not counts[0]:
        return None
    together, last = [sum(column) for column in zip(*counts, strict=True)], record.late(losses, FEWEST)
    classes = [k for k, count in enumerate(together) if count]
    if len(classes) < 2 or sum(together) < ROWS_OF_A_CLASS * len(classes) or max(map(max, counts)) < 2:
        return None
    shares = [count / sum(together) for count in together]
    constant = [-sum(one.counts[k] * math.log(shares[k]) for k in classes) / sum(one.counts) for one in last]
    found = Constant(losses, len(classes), sum(one.value for one in last) / len(last), sum(constant) / len(constant))
    return found if math.isfinite(found.ours) and _is_all_of_it(record, losses) else None


def _is_all_of_it(record: Record, losses: list[Measured]) -> bool:
    """Whether backward was called on these losses as they are, not on a sum with others."""
    return len(record.losses) == len(losses) and all(
        math.isclose(one.value, loss, rel_tol=1e-5) for one, loss in zip(losses, record.losses, strict=True)
    )
