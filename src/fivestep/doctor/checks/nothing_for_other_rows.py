"""What is learned of the training rows says nothing of others."""

import math

from .._constant import constant_of
from .._events import ROWS, Measured, Place, Seen
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
    rows or more, is below one deviation, on each line that evaluates; batches with one target in all rows say nothing,
    and do not count. Labels that left their rows are found in about half of all cases: what a network makes of them is
    one function, which may fit by luck. A shift of rows in the order of time, whose neighbors are alike, is not found.
    Measured, by a script that was not kept, on breast cancer, digits and diabetes: with shuffled training labels 15 of
    30 runs, with the right ones none of 30.
    """
    if record.num_updates < FEWEST_UPDATES or not record.is_one_loss or not _has_learned(record):
        return None
    groups: dict[Place | None, dict[int, list[Measured]]] = {}
    for event in _evaluations(record):
        groups.setdefault(event.place, {}).setdefault(event.round, []).append(event)
    whole = {place: _whole(list(rounds.values())) for place, rounds in groups.items()}
    if not groups or not all(map(_is_unrelated, whole.values())):
        return None
    place, rounds = next(iter(whole.items()))
    num_rows = _num_rows(rounds[0])
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
    return OPPOSITE * math.sqrt(_num_rows(_telling(rounds[0]))) < mean < CHANCE


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
    models = {key for key, model in record.models.items() if not model.leaves.isdisjoint(trained)}
    return [event for event in record.of(Measured) if event.model in models and not event.has_grad and event.round]


def _whole(rounds: list[list[Measured]]) -> list[list[Measured]]:
    """The evaluations, without the last if it has fewer rows than that before: the end of the loop cut it off."""
    is_cut_off = len(rounds) > 1 and _num_rows(rounds[-1]) < _num_rows(rounds[-2])
    return rounds[:-1] if is_cut_off else rounds


def _num_rows(events: list[Measured]) -> int:
    return sum(event.input.shape[0] if event.input.shape else 1 for event in events)


def _telling(events: list[Measured]) -> list[Measured]:
    """The batches in which a shuffle of the targets would change something."""
    return [event for event in events if event.relation is not None and event.relation[1] > 0]


def _score(events: list[Measured]) -> float | None:
    """How related answers and targets of one evaluation are, in deviations of chance; None if it cannot be told."""
    relations = [event.relation for event in events if event.relation is not None]
    variance = sum(one[1] for one in relations)
    if len(relations) < len(events) or _num_rows(_telling(events)) < FEWEST_ROWS:
        return None
    return sum(one[0] for one in relations) / math.sqrt(variance)
