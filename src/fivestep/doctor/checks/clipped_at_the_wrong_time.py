"""Gradients are clipped when there are none, or when they have been used."""

from .._events import UPDATE, Clipped, Seen, Updated
from .._record import HABIT, Record


def clipped_at_the_wrong_time(record: Record) -> Seen | None:
    """In all calls on a line, the gradients that were clipped had been used by an update, or there were none yet.

    Clipping changes `.grad`, so it counts between backward and the update alone. Reported where updates had gradients;
    a call that follows on one at the right time is not reported, nor a network whose gradient is 0.
    """
    if not any(one.gradient for event in record.of(Updated) for one in event.moved):
        return None
    for place in dict.fromkeys(event.place for event in record.of(Clipped)):
        clips = [event for event in record.of(Clipped) if event.place == place]
        if len(clips) < HABIT:
            continue
        if all(event.is_used for event in clips):
            when = "an update had used the gradients before they were clipped"
        elif all(event.is_empty for event in clips):
            when = "there were no gradients to be clipped, or all were 0"
        else:
            continue
        return Seen(
            UPDATE,
            place,
            f"In all {len(clips)} calls seen, {when}: the clipping changes nothing.",
            "Clip between loss.backward() and optimizer.step().",
        )
    return None
