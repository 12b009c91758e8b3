"""Parameters of an optimizer never get a gradient."""

from .._events import GRADIENT, Differentiated, Seen, Updated
from .._record import HABIT, Record


def no_gradient(record: Record) -> Seen | None:
    """In every update seen, some parameters had no gradient at all, while others had one.

    Their layer is not used, or what it gives is cut off on its way to the loss: by `.detach()`, `.data`, `no_grad`,
    `argmax`, by NumPy or `.item()`. The others are of the same optimizer, or of another one: in a GAN the judge learns,
    and the maker does not if its answer is detached for both. Frozen parameters are not reported.
    """
    reached = {key for event in record.of(Differentiated) for key in event.leaves}
    with_one = {
        (event.optimizer, moved.leaf)
        for event in record.of(Updated)
        for moved in event.moved
        if moved.gradient is not None
    }
    for key, rule in record.rules.items():
        updates = [event for event in record.of(Updated) if event.optimizer == key]
        had = {leaf for other, leaf in with_one if other == key}
        without = {leaf for leaf in rule.leaves - had - reached if record.leaves[leaf].needs_grad}
        if len(updates) >= HABIT and with_one and without:
            return Seen(
                GRADIENT,
                updates[0].place,
                f"{len(without)} of {len(rule.leaves)} parameters of {rule.name} had no gradient in any of "
                f"{len(updates)} updates seen: {record.names(without)}. They stay as they began.",
                "Look whether forward uses them, and whether .detach(), .data, no_grad, argmax or numpy cuts them off.",
            )
    return None
