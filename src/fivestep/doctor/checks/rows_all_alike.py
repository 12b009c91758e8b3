"""All rows are the same."""

import math

from .._events import ROWS, Measured, Predicted, Seen
from .._record import Record

FEWEST, COLUMNS = 10, 2
"""Calls, and columns of a row: one column of ones stands for no rows at all, as for a constant that is learned."""


def rows_all_alike(record: Record) -> Seen | None:
    """In all calls that train a model, all rows of all inputs are the same, and targets of the losses are not.

    Then nothing can be learned but one answer. It happens where a column's mean is taken over the wrong axis, where a
    tensor is made by `expand` or filled in a loop with the last row, or where a scaling divides by infinity. One
    column of ones, and rows of which only a part of the columns stays as it is, are not reported.
    """
    for key, model in record.models.items():
        calls = [event for event in record.of(Predicted) if event.model == key and event.has_grad and event.is_training]
        shapes = [facts.shape for event in calls for facts in event.inputs]
        if len(calls) < FEWEST or not all(event.are_rows_alike for event in calls):
            continue
        if any(math.prod(shape[1:]) < COLUMNS for shape in shapes):
            continue
        rounds = {event.round for event in calls}
        targets = [event.target for event in record.of(Measured) if event.has_grad and event.round in rounds]
        if targets and all(y is not None and y.low < y.high for y in targets):
            return Seen(
                ROWS,
                calls[0].place,
                f"In all {len(calls)} calls seen, all rows that go into {model.name} are the same, and their targets "
                "are not: nothing can be learned but one answer for all.",
                "Print x[:3] before the loop, and look where rows are made, scaled and stacked.",
            )
    return None
