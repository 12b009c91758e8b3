"""The best weights are those of the end."""

from .._events import UPDATE, Seen
from .._record import Record, update_count


def weights_not_copied(record: Record) -> Seen | None:
    """`load_state_dict` got tensors of the model itself, asked for before the last updates.

    `best = model.state_dict()` copies nothing: its tensors are the model's own, and go on being trained. To load them
    in the end, as early stopping does, changes nothing, and the best weights are lost.
    """
    if record.loaded is None:
        return None
    number = update_count(record.loaded.num_updates)
    return Seen(
        UPDATE,
        record.loaded.place,
        f"Weights are loaded that are the model's own: its state_dict() of {number} before was no copy, and "
        "has been trained on.",
        "Keep a copy: best = copy.deepcopy(model.state_dict()).",
        is_of_script=True,
    )
