"""The rows of a batch are taken for the steps of a sequence."""

from .._events import PREDICT, Measured, Seen, TimeFirst
from .._record import HABIT, Record


def batch_not_first(record: Record) -> Seen | None:
    """A recurrent layer or an attention without `batch_first=True` got the rows first: (rows, steps, features).

    Torch's LSTM, GRU, RNN, MultiheadAttention and the transformer's layers take (steps, rows, features) unless they are
    told otherwise. No error comes: the rows of a batch are read as one sequence, each row's answer depends on the
    others, and another batch gives another. Seen by the targets, one for each of the first axis, where the second axis
    is of another size and no axis of theirs. One sequence at a time, as many rows as steps, and a target for every
    step are not reported, nor a layer that had its rows second in any round.
    """
    targets = {one.round: one.target.shape for one in record.of(Measured) if one.has_grad and one.target is not None}
    for layer in dict.fromkeys(call.layer for call in record.of(TimeFirst)):
        calls = [call for call in record.of(TimeFirst) if call.layer == layer and targets.get(call.round)]
        swapped = [call for call in calls if _has_rows_first(call, targets[call.round])]
        if len(swapped) < HABIT or any(call.shape[1] in targets[call.round][:1] for call in calls):
            continue
        num_rows, num_steps = swapped[0].shape[:2]
        return Seen(
            PREDICT,
            swapped[0].place,
            f"{layer} takes (steps, rows, features) and got {swapped[0].shape}, with {num_rows:,} targets: it reads "
            f"the {num_rows:,} rows of a batch as the steps of one sequence, and the {num_steps:,} steps as rows.",
            "Make the layer with batch_first=True; or give it x.transpose(0, 1): the answer has the steps first too.",
        )
    return None


def _has_rows_first(call: TimeFirst, target: tuple[int, ...]) -> bool:
    return target[0] == call.shape[0] != call.shape[1] and call.shape[1] not in target
