"""The model is made anew in each epoch, and forgets what it has learned."""

from .._events import UPDATE, Seen, Updated
from .._record import Record

FEWEST = 5
"""Models after the first one, and three times as many as a comparison of a few trials has at least."""


def model_made_anew(record: Record) -> Seen | None:
    """Models follow on each other, each with new weights and an optimizer of its own, for one pass over the same rows.

    A function that trains one epoch makes model and optimizer itself: the loss falls within an epoch, and is back where
    it began with the next. Reported for six in a row, with the same options, that take the same `DataLoader` once each,
    or one or two updates in a loop without one. Trials with seeds, rates or sizes of their own, folds with rows of
    their own, members that are kept, and weights that are handed on from one to the next are not reported.
    """
    longest = max(record.rules.values(), key=lambda rule: rule.num_fresh, default=None)
    if longest is None or longest.num_fresh < FEWEST:
        return None
    places = [event.place for event in record.of(Updated)]
    return Seen(
        UPDATE,
        places[-1] if places else None,
        f"{longest.num_fresh + 1:,} models, each with new weights and a new {longest.name}, had one pass over the same "
        "rows one after another: what one has learned is lost with it, and the loss begins anew.",
        "Make model and optimizer once, before the loop over the epochs, and give both to what trains an epoch.",
        is_of_script=True,
    )
