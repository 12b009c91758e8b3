"""What is added to the loss, to keep weights small, drowns it."""

from ...diagnosis._finding import figure
from .._events import MEASURE, Seen, Updated
from .._pairs import pairs_of
from .._record import Record, is_stuck
from .._shrinking import shrinking_of


def penalty_too_strong(record: Record) -> Seen | None:
    """A penalty on the weights, written by hand, is stronger than the loss that it was added to.

    `loss + strength * sum(p.pow(2).sum() for p in model.parameters())`: what backward gets falls as the weights go to
    0, while the loss of torch in it stays where it was. Seen by both, and by the weights: all matrices are a tenth of
    what they were, or the first updates point to where they are 0. While the loss itself falls, nothing is reported,
    nor where an optimizer has weight decay, which has a finding of its own.
    """
    pairs = list(pairs_of(record))
    added = [last.loss - one.value for one, last in pairs]
    if not pairs or not record.is_one_loss or not added[0] > 0 or not is_stuck([one.value for one, _ in pairs]):
        return None
    rule = next((event.optimizer for event in record.of(Updated)), None)
    if rule is None or any(event.decay for event in record.of(Updated)):
        return None
    shrinking = shrinking_of(record, rule)
    if shrinking is None:
        return None
    first, last = pairs[0]
    return Seen(
        MEASURE,
        last.place,
        f"{first.name} itself does not fall: the penalty that was added to it began at {figure(added[0])} beside its "
        f"{figure(first.value)}, and {shrinking.words}.",
        f"Multiply the penalty by 0.0001, and raise it by factors of ten as long as {first.name} still falls.",
    )
