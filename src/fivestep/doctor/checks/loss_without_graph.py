"""backward is called on a loss that hangs on nothing."""

from .._events import GRADIENT, Seen
from .._record import Record

MESSAGE = "does not require grad and does not have a grad_fn"


def loss_without_graph(record: Record) -> Seen | None:
    """The loop ended because backward was called on a number that autograd knows no way back from.

    Somewhere between the parameters and the loss the way was cut off: by `.item()`, `.detach()`, `.data`, `argmax`, by
    `torch.tensor(...)` around a number, or all of it ran under `no_grad`; or every parameter is frozen.
    """
    failed = record.failed
    if failed is None or MESSAGE not in failed.message:
        return None
    return Seen(
        GRADIENT,
        failed.place,
        "Backward was called on a loss that hangs on no parameter: the way from the weights to it was cut off.",
        "Look for .item(), .detach(), .data, argmax, numpy, torch.tensor(...) or no_grad on the way to the loss.",
    )
