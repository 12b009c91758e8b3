"""The model is trained in evaluation mode."""

from collections.abc import Iterator
from itertools import groupby

from .._events import PREDICT, Differentiated, Predicted, Seen, Updated
from .._record import Record, update_count

FEWEST = 5
"""Rounds in a row: an evaluation with gradient, as for a map of what a picture's pixels do, is shorter or no update."""


def evaluation_mode_in_training(record: Record) -> Seen | None:
    """In rounds that moved its parameters, the model was in evaluation mode, and has layers to which it matters.

    Dropout then drops nothing, and batch norm neither uses nor measures the batch: it keeps the statistics that it
    has. It is so in all rounds where `train()` was not called, and in those after an evaluation where it was not
    called again; reported for five rounds seen in a row. Single layers that are set to evaluation, as when a body is
    fine-tuned, are not reported, nor calls in evaluation mode beside one in training mode, as for an attack.
    """
    for key, model in record.models.items():
        rounds = list(_rounds(record, key, model.leaves))
        runs = [list(run) for rests, run in groupby(rounds, lambda one: not one.is_training) if rests]
        run = next((run for run in runs if len(run) >= FEWEST), None)
        if run is None or not run[0].in_evaluation:
            continue
        number = sum(map(len, runs))
        which = f"all {number}" if number == len(rounds) else f"{number} of {len(rounds)}"
        since = "" if run[0] is rounds[0] else f", the first time after {update_count(run[0].round)}"
        return Seen(
            PREDICT,
            run[0].place,
            f"{model.name} is in evaluation mode in {which} rounds seen that trained it{since}: "
            f"{', '.join(run[0].in_evaluation[:3])} work as if nothing were to be learned.",
            "Call model.train() before the loop, and again after each evaluation.",
        )
    return None


def _rounds(record: Record, model: int, leaves: set[int]) -> Iterator[Predicted]:
    """One call for each round that moved the model: one in training mode, if there was one."""
    backs = {event.round for event in record.of(Differentiated)}
    moved = {event.round for event in record.of(Updated) for one in event.moved if one.gradient and one.leaf in leaves}
    calls = [event for event in record.of(Predicted) if event.model == model and event.has_grad]
    calls = [event for event in calls if event.round in backs & moved]
    for _, same in groupby(calls, lambda event: event.round):
        yield max(same, key=lambda event: event.is_training)
