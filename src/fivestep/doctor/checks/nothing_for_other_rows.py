"""What is learned of the training rows says nothing of others."""

import math
from itertools import pairwise

from .._constant import constant_of
from .._events import ROWS, Measured, Place, Predicted, Seen
from .._record import Record

FEWEST_ROWS, FEWEST_UPDATES, FEWEST_EVALUATIONS = 200, 200, 3
"""Of 200 rows, a correlation of 0.07 is one of its own deviations by chance."""

CHANCE = 1.0
"""In deviations of the fit of shuffled targets: what a true relation exceeds in the mean of all evaluations. What was
learned of shuffled targets is one function, which fits others a little better or worse than chance, either way."""

OPPOSITE = -0.3
"""The correlation below which the answers are wrong on purpose, as those of attacked rows."""

LEARNED = 0.95
"""Of the loss of a constant answer: below it, the training rows have been learned from."""


def nothing_for_other_rows(record: Record) -> Seen | None:
    """Training rows are learned, and answers to those of the evaluations fit targets no better than shuffled ones.

    Measured by a permutation test on the losses without gradient: of a cross-entropy, how far it lies below what it
    would have with the targets of its rows shuffled; of a squared error or a binary cross-entropy of one number a row,
    the correlation of answers and targets. Overfitting does not hide a relation from it, even where the loss is above
    that of a constant. Reported for one loss, after 200 updates, if the mean of three evaluations or more, each of 200
    rows or more, is below one deviation, on each line that evaluates. Labels that left their rows are found in about
    half of all cases: what a network makes of them is one function, which may fit by luck. A shift of rows in the order
    of time, whose neighbors are alike, is not found. Measured, by a script that was not kept, on breast cancer, digits
    and diabetes: with shuffled training labels 15 of 30 runs, with the right ones none of 30.
    """
    if record.num_updates < FEWEST_UPDATES or not record.is_one_loss or not _has_learned(record):
        return None
    groups: dict[Place | None, dict[int, list[Measured]]] = {}
    for event in _evaluations(record):
        groups.setdefault(event.place, {}).setdefault(event.round, []).append(event)
    if not groups or not all(_is_unrelated(list(rounds.values())) for rounds in groups.values()):
        return None
    place, rounds = next(iter(groups.items()))
    num_rows = sum(event.input.shape[0] for event in next(iter(rounds.values())))
    return Seen(
        ROWS,
        place,
        f"The training loss falls, but in {len(rounds):,} evaluations seen, of {num_rows:,} rows, the answers fit the "
        "targets no better than shuffled ones.",
        "Look whether x and y belong together, in training and here: a shuffle, sort, join, shift or reshape of one of "
        "them alone parts them. If they do, it takes more rows, or columns that say more of the target.",
    )


def _is_unrelated(rounds: list[list[Measured]]) -> bool:
    """Whether answers and targets are no more related than by chance, over all evaluations of one line."""
    scores = [_score(events) for events in rounds]
    found = [score for score in scores if score is not None]
    if len(found) < max(FEWEST_EVALUATIONS, len(rounds)):
        return False
    mean = sum(found) / len(found)
    num_rows = sum(event.input.shape[0] for event in rounds[0])
    return OPPOSITE * math.sqrt(num_rows) < mean < CHANCE


def _has_learned(record: Record) -> bool:
    """Whether the training loss is well below that of a constant answer."""
    constant = constant_of(record)
    if constant is not None:
        return constant.ours < LEARNED * constant.theirs
    losses = [event for event in record.of(Measured) if event.has_grad]
    last = losses[-max(1, len(losses) // 5) :]
    if not record.is_long or {event.name for event in losses} != {"mse_loss"}:
        return False
    ours, theirs = sum(event.value for event in last), sum(event.target.deviation**2 for event in last if event.target)
    return math.isfinite(ours) and ours < LEARNED * theirs


def _evaluations(record: Record) -> list[Measured]:
    """Losses without gradient that follow a call of a trained model without gradient."""
    trained = {leaf for rule in record.rules.values() if rule.num_steps for leaf in rule.leaves}
    relevant = [event for event in record.events if isinstance(event, Predicted | Measured)]
    return [
        following
        for event, following in pairwise(relevant)
        if isinstance(event, Predicted)
        and not event.has_grad
        and not record.models[event.model].leaves.isdisjoint(trained)
        and isinstance(following, Measured)
        and not following.has_grad
        and following.round
    ]


def _score(events: list[Measured]) -> float | None:
    """How related answers and targets of one evaluation are, in deviations of chance; None if it cannot be told."""
    relations = [event.relation for event in events if event.relation is not None]
    variance = sum(one[1] for one in relations)
    if len(relations) < len(events) or sum(event.input.shape[0] for event in events) < FEWEST_ROWS or not variance:
        return None
    return sum(one[0] for one in relations) / math.sqrt(variance)
