"""backward is called on a loss that hangs on nothing."""

from .._events import GRADIENT, Differentiated, Place, Seen
from .._record import Record

MESSAGE = "does not require grad and does not have a grad_fn"
FEWEST = 3


def loss_without_graph(record: Record) -> Seen | None:
    """The loop called backward on a number that autograd knows no way back from.

    Somewhere between the parameters and the loss the way was cut off: by `.item()`, `.detach()`, `.data`, `argmax`, by
    `torch.tensor(...)` around a number, or all of it ran under `no_grad`; or every parameter is frozen. Torch ends the
    loop with an error, unless `requires_grad` was asked for anew: then backward gives a gradient to the loss alone, and
    no parameter ever has one. That is said after three times on one line, if no optimizer has the loss.
    """
    failed = record.failed
    if failed is not None and MESSAGE in failed.message:
        return _said(failed.place, "")
    held = {leaf for rule in record.rules.values() for leaf in rule.leaves}
    alone = [event for event in record.of(Differentiated) if event.is_leaf and event.leaves.isdisjoint(held)]
    places = [event.place for event in alone]
    place = next((one for one in places if places.count(one) >= FEWEST), None)
    if place is None:
        return None
    return _said(place, " requires_grad on the loss silences torch's error, and gives no parameter a gradient.")


def _said(place: Place | None, more: str) -> Seen:
    return Seen(
        GRADIENT,
        place,
        "Backward was called on a loss that hangs on no parameter: the way from the weights to it was cut off." + more,
        "Look for .item(), .detach(), .data, argmax, numpy, torch.tensor(...) or no_grad on the way to the loss.",
    )
