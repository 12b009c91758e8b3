"""The learning rate is 0."""

from .._events import UPDATE, Seen, Updated
from .._record import Record

FEWEST = 10
"""Updates: a warm-up begins at a rate of 0, and leaves it with its first step."""


def rate_of_zero(record: Record) -> Seen | None:
    """In all updates seen of an optimizer, ten or more, every learning rate was 0.

    A warm-up that begins with 0 is not reported, nor one group that is held still.
    """
    for key, rule in record.rules.items():
        updates = [event for event in record.of(Updated) if event.optimizer == key]
        if len(updates) >= FEWEST and all(event.rates and max(event.rates) == 0 for event in updates):
            return Seen(
                UPDATE,
                updates[0].place,
                f"The learning rate of {rule.name} was 0 in all {len(updates)} updates seen: they moved nothing.",
                "Look at lr, and at what a scheduler multiplies it with: step // n is 0 for the first n steps.",
            )
    return None
