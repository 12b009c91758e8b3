"""Gradients are found, but nothing moves the weights."""

from collections import Counter

from .._events import UPDATE, Differentiated, Predicted, Seen
from .._record import HABIT, Record


def never_updated(record: Record) -> Seen | None:
    """After several backward passes on one line, no weight of a model in training changed, and no optimizer stepped.

    Seen by the weights themselves, so an update that is written by hand counts as one. A model in evaluation mode may
    well be differentiated without being trained, and nothing is reported; nor of gradients that are taken once of each
    of several models, or on several lines, as when they are compared: that is no loop that trains.
    Of several optimizers, one is named that was not stepped in a loop that has come to its own end.
    """
    if record.num_updates:
        return _unused(record)
    passes = [event for event in record.of(Differentiated) if event.leaves]
    in_training = {event.model for event in record.of(Predicted) if event.is_training and event.has_grad}
    reached = {key for event in passes for key in event.leaves if record.leaves[key].model in in_training}
    times = Counter((event.place, key) for event in passes for key in event.leaves & reached)
    again = {key: place for (place, key), number in times.items() if number >= HABIT}
    if not again or any(record.leaves[key].has_changed for key in reached):
        return None
    place = next(event.place for event in passes if event.place in again.values())
    rules = [rule.name for rule in record.rules.values() if not rule.leaves.isdisjoint(again)]
    whose = (
        f"There is an optimizer, {rules[0]}, that has them; its step() was not called."
        if rules
        else "There is no optimizer."
    )
    return Seen(
        UPDATE,
        place,
        f"Backward was called {record.num_backwards:,} times, and no weight has changed ({record.names(set(again))}). "
        f"{whose}",
        "Call optimizer.step() after loss.backward().",
    )


def _unused(record: Record) -> Seen | None:
    """Of an optimizer that is not stepped, while others are."""
    if not record.is_complete or not record.unused:
        return None
    key, leaves = next(iter(record.unused.items()))
    passes = [event for event in record.of(Differentiated) if not event.leaves.isdisjoint(leaves)]
    return Seen(
        UPDATE,
        passes[0].place,
        f"{record.names(leaves)} get gradients, and stay as they began: their optimizer, {record.rules[key].name}, was "
        "not stepped once.",
        "Call step() of every optimizer after loss.backward().",
    )
