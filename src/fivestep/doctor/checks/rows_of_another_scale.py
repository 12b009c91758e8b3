"""The model is evaluated on rows that were not scaled as those of the training."""

from ...diagnosis._finding import figure
from .._events import ROWS, Facts, Predicted, Seen
from .._record import HABIT, Record

FACTOR = 10.0
"""How far apart the deviations are, or the means, in deviations of the training rows: pixels up to 255 in place of 1
are 255 times as large, and numbers that were standardized are of deviation 1 around 0."""

FEWEST_ROWS = 8
"""Of a batch: a few rows may be anywhere."""


def rows_of_another_scale(record: Record) -> Seen | None:
    """All rows that a trained model got without gradient are ten times as large as all of the training, or far away.

    Only the training rows were standardized, or divided by 255, or only the others. What was learned does not hold
    there, and the evaluation looks like overfitting. Reported of floating-point inputs, if all calls of an evaluation
    are so, of eight rows or more each: where one line evaluates on rows as in training, another one may look far
    beyond them, and the rows of a game of two models may be anywhere.
    """
    if not record.is_one_loss:
        return None
    trained = {leaf for rule in record.rules.values() if rule.num_steps for leaf in rule.leaves}
    for key, model in record.models.items():
        calls = [event for event in record.of(Predicted) if event.model == key and _rows_of(event) is not None]
        before = [rows for event in calls if event.has_grad and (rows := _rows_of(event)) is not None]
        after = [(event, rows) for event in calls if not event.has_grad and (rows := _rows_of(event)) is not None]
        if model.leaves.isdisjoint(trained) or len(before) < HABIT or len(after) < HABIT:
            continue
        if all(_is_elsewhere(rows, before) for _, rows in after):
            event, rows = after[0]
            return Seen(
                ROWS,
                event.place,
                f"{model.name} is evaluated on rows of mean {figure(rows.mean)} and deviation "
                f"{figure(rows.deviation)}; those of its training have {figure(before[0].mean)} and "
                f"{figure(before[0].deviation)}.",
                "Scale all rows alike, by the mean and the deviation of the training rows: (x - mean) / deviation.",
            )
    return None


def _rows_of(event: Predicted) -> Facts | None:
    """The only input, if it is a batch of floating-point rows that differ."""
    if len(event.inputs) != 1 or event.are_rows_alike:
        return None
    (rows,) = event.inputs
    is_batch = len(rows.shape) > 1 and rows.shape[0] >= FEWEST_ROWS and "float" in rows.dtype
    return rows if is_batch and rows.is_finite and rows.deviation > 0 else None


def _is_elsewhere(rows: Facts, before: list[Facts]) -> bool:
    """Whether rows are larger, smaller or elsewhere than those of every batch before, and outside of their range."""
    deviations = [one.deviation for one in before]
    is_larger = rows.deviation > FACTOR * max(deviations)
    is_smaller = FACTOR * rows.deviation < min(deviations)
    is_far = all(abs(rows.mean - one.mean) > FACTOR * (one.deviation + rows.deviation) for one in before)
    return is_larger or is_smaller or is_far
