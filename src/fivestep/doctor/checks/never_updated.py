"""Gradients are found, but nothing moves the weights."""

from .._events import UPDATE, Differentiated, Predicted, Seen
from .._record import HABIT, Record


def never_updated(record: Record) -> Seen | None:
    """After several backward passes, no weight of a model in training has changed, and no optimizer took a step.

    Seen by the weights themselves, so an update that is written by hand counts as one. A model in evaluation mode may
    well be differentiated without being trained, and nothing is reported.
    """
    passes = [event for event in record.of(Differentiated) if event.leaves]
    in_training = {event.model for event in record.of(Predicted) if event.is_training and event.has_grad}
    reached = {key for event in passes for key in event.leaves if record.leaves[key].model in in_training}
    if (
        record.num_updates
        or len(passes) < HABIT
        or not reached
        or any(record.leaves[key].has_changed for key in reached)
    ):
        return None
    rules = [rule.name for rule in record.rules.values() if not rule.leaves.isdisjoint(reached)]
    whose = (
        f"There is an optimizer, {rules[0]}, that has them; its step() was not called."
        if rules
        else "There is no optimizer."
    )
    return Seen(
        UPDATE,
        passes[0].place,
        f"Backward was called {record.num_backwards:,} times, and no weight has changed ({record.names(reached)}). "
        f"{whose}",
        "Call optimizer.step() after loss.backward().",
    )
