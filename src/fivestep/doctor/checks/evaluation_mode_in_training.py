"""The model is trained in evaluation mode."""

from .._events import PREDICT, Differentiated, Predicted, Seen, Updated
from .._record import Record

FEWEST = 5


def evaluation_mode_in_training(record: Record) -> Seen | None:
    """In every round that moved its parameters, the model was in evaluation mode, and has layers to which it matters.

    Dropout then drops nothing, and batch norm neither uses nor measures the batch: it keeps the statistics that it
    began with. Single layers that are set to evaluation, as when a body is fine-tuned, are not meant.
    """
    moved = {(event.round, one.leaf) for event in record.of(Updated) for one in event.moved if one.gradient}
    backs = {event.round for event in record.of(Differentiated)}
    for key, model in record.models.items():
        calls = [
            event for event in record.of(Predicted) if event.model == key and event.has_grad and event.round in backs
        ]
        calls = [event for event in calls if any((event.round, leaf) in moved for leaf in model.leaves)]
        if len(calls) >= FEWEST and not any(event.is_training for event in calls) and calls[0].resting:
            return Seen(
                PREDICT,
                calls[0].place,
                f"{model.name} is in evaluation mode in all {len(calls)} rounds seen that trained it: "
                f"{', '.join(calls[0].resting[:3])} work as if nothing were to be learnt.",
                "Call model.train() before the loop, and again after each evaluation.",
            )
    return None
