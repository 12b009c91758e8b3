"""Weight decay takes the weights to nothing."""

from ...diagnosis._finding import figure
from .._events import UPDATE, Seen, Updated
from .._record import FEWEST, Record

LEFT = 0.1
"""Of the first norm of a matrix. An output of two layers is a hundredth then: nothing is answered but the bias."""


def shrunk_by_decay(record: Record) -> Seen | None:
    """The loss does not fall, and under weight decay all matrices of an optimizer are a tenth of what they were.

    An update takes away lr * weight_decay of every weight, and adds what the gradient says. Where the decay is the
    stronger one, the weights go to 0, and the outputs with them. While the loss falls, nothing is said.
    """
    for key, rule in record.rules.items():
        updates = [event for event in record.of(Updated) if event.optimizer == key and event.moved]
        if len(updates) < FEWEST or not updates[-1].decay or not record.is_stuck:
            continue
        first, last = ({one.leaf: one.weight for one in event.moved} for event in (updates[0], updates[-1]))
        left = [last[leaf] / first[leaf] for leaf in _matrices(record, updates[0]) if leaf in last]
        if left and max(left) <= LEFT:
            return Seen(
                UPDATE,
                updates[-1].place,
                f"The loss does not fall, and the matrices of {rule.name} have shrunk to {figure(max(left))} of their "
                f"size or less, with weight_decay {figure(updates[-1].decay)}.",
                "Leave weight_decay out, and try 0.01 with AdamW, or 0.0001 with SGD, once the loss falls.",
            )
    return None


def _matrices(record: Record, update: Updated) -> list[int]:
    return [one.leaf for one in update.moved if one.weight > 0 and len(record.leaves[one.leaf].shape) > 1]
