"""The update comes between the loss and its backward pass."""

from .._events import UPDATE, Differentiated, Seen
from .._record import HABIT, Record


def update_before_backward(record: Record) -> Seen | None:
    """Between the computation of a loss and its backward pass, an optimizer moved the parameters that it depends on.

    The gradient is then that of weights which are there no longer, and is used one step late; where gradients are
    cleared in between, it is never used. Reported if that is so in half of all backward passes.
    """
    passes = [event for event in record.of(Differentiated) if event.leaves]
    late = [event for event in passes if event.is_late]
    if len(late) < HABIT or 2 * len(late) < len(passes):
        return None
    return Seen(
        UPDATE,
        late[0].place,
        f"In {len(late)} of {len(passes)} backward passes seen, the optimizer had moved the parameters after "
        "the loss was computed and before backward.",
        "Keep the order: loss, optimizer.zero_grad(), loss.backward(), optimizer.step().",
    )
