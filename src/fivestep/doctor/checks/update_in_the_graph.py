"""An update by hand is made a part of the graph, or finds no gradient."""

from .._events import UPDATE, Seen
from .._record import Record

IN_PLACE = "a leaf Variable that requires grad is being used in an in-place operation"


def update_in_the_graph(record: Record) -> Seen | None:
    """The loop ended at an update that is written by hand.

    `w -= lr * w.grad` changes a leaf that autograd watches, which it refuses. `w = w - lr * w.grad` makes another
    tensor, which is no leaf and whose `.grad` stays None, so the next update ends.
    """
    failed = record.failed
    if failed is None or failed.place is None:
        return None
    if IN_PLACE in failed.message:
        seen = (
            "A tensor with requires_grad is changed in place while autograd watches: an update is no part of the graph."
        )
    elif "NoneType" in failed.message and ".grad" in failed.place.code:
        seen = (
            "A .grad on this line is None: either no backward reached the tensor, or it is no leaf any more, as after "
            "w = w - lr * w.grad, which makes another tensor."
        )
    else:
        return None
    return Seen(
        UPDATE,
        failed.place,
        seen,
        "Write `with torch.no_grad(): w -= lr * w.grad`, and then `w.grad = None`.",
        is_of_script=True,
    )
