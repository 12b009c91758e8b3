"""Dropout leaves too little to learn from."""

from .._constant import constant_of
from .._events import PREDICT, Predicted, Seen
from .._record import Record

MOST = 0.8
"""The share that a layer may drop. Hinton et al. 2012 drop a half of the units, and a fifth of the inputs."""


def dropout_too_strong(record: Record) -> Seen | None:
    """The loss does not fall, and a dropout of the model drops more than eight numbers in ten.

    torch's `p` is the share that is dropped; in Srivastava et al. 2014 it is the share that is kept. While the loss
    falls nothing is reported, unless after 200 updates it is no better than the shares of the classes.
    """
    constant = constant_of(record)
    if not record.is_stuck and (constant is None or constant.is_beaten):
        return None
    how = "does not fall" if record.is_stuck else "is no better than the shares of the classes"
    for event in record.of(Predicted):
        strong = {path: p for path, p in record.dropouts.get(event.model, {}).items() if p > MOST}
        working = [path for path in strong if any(name.startswith(f"{path} (") for name in event.in_training)]
        if event.has_grad and event.is_training and working:
            return Seen(
                PREDICT,
                event.place,
                f"The loss {how}, and the dropout {working[0]} of {record.models[event.model].name} drops "
                f"{strong[working[0]]:.0%} of its numbers.",
                "Drop less: p is the share that is dropped, 0.1 to 0.5 between layers and at most 0.2 of the inputs.",
            )
    return None
