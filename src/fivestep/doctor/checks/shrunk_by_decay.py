"""Weight decay takes the weights to nothing."""

from ...diagnosis._finding import figure
from .._events import UPDATE, Seen, Updated
from .._record import Record
from .._shrinking import shrinking_of


def shrunk_by_decay(record: Record) -> Seen | None:
    """The loss does not fall, and under weight decay updates do little but make the weights smaller.

    An update takes away lr * weight_decay of every weight, and adds what the gradient says. Where the decay is the
    stronger one, the weights go to 0, and the outputs with them: all matrices of an optimizer are a tenth of what they
    were, or its first updates point to where the weights are 0. While the loss falls, nothing is reported.
    """
    if not record.is_stuck:
        return None
    for key, rule in record.rules.items():
        updates = [event for event in record.of(Updated) if event.optimizer == key and event.decay]
        shrinking = shrinking_of(record, key) if updates else None
        if shrinking is not None:
            last = updates[-1]
            return Seen(
                UPDATE,
                last.place,
                f"The loss does not fall, and under {rule.name} with weight_decay {figure(last.decay)} "
                f"{shrinking.words}.",
                "Leave weight_decay out, and try 0.01 with AdamW, or 0.0001 with SGD, once the loss falls.",
            )
    return None
