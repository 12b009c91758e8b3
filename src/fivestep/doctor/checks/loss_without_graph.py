"""backward is called on a loss that depends on nothing."""

from .._events import GRADIENT, Differentiated, Place, Seen, Updated
from .._record import HABIT, Record

MESSAGE = "does not require grad and does not have a grad_fn"


def loss_without_graph(record: Record) -> Seen | None:
    """The loop called backward on a number that autograd cannot trace back to the parameters.

    Somewhere between the parameters and the loss the graph was cut: by `.item()`, `.detach()`, `.data`, `argmax`, by
    `torch.tensor(...)` around a number, or all of it ran under `no_grad`; or every parameter is frozen. Torch ends the
    loop with an error, unless `requires_grad` was asked for anew: then backward gives a gradient to the loss alone, and
    no parameter ever has one. That is said after three times on one line, if no optimizer has the loss; or of tensors
    on the way that are new in each round, if the optimizers step and none of them ever gets a gradient.
    """
    failed = record.failed
    if failed is not None and MESSAGE in failed.message:
        return _said(failed.place, "")._replace(is_of_script=True)
    held = {leaf for rule in record.rules.values() for leaf in rule.leaves}
    alone = [event for event in record.of(Differentiated) if event.is_leaf and event.leaves.isdisjoint(held)]
    places = [event.place for event in alone]
    place = next((one for one in places if places.count(one) >= HABIT), None)
    if place is not None:
        return _said(place, " requires_grad on the loss silences torch's error, and gives no parameter a gradient.")
    passes = _on_new_tensors(record)
    if len(passes) < HABIT:
        return None
    more = " requires_grad on what came after the cut silences torch's error, and gives no parameter a gradient."
    return _said(passes[0].place, more)


def _on_new_tensors(record: Record) -> list[Differentiated]:
    """All backward passes, if each depended only on tensors of its own, and no update had a gradient."""
    passes, updates = list(record.of(Differentiated)), list(record.of(Updated))
    known = set[int]().union(*(model.leaves for model in record.models.values()))
    known |= set[int]().union(*(rule.leaves for rule in record.rules.values()))
    if not updates or any(one.gradient is not None for event in updates for one in event.moved):
        return []
    leaves = [key for event in passes for key in event.leaves]
    is_new = len(leaves) == len(set(leaves)) and known.isdisjoint(leaves)
    return passes if is_new and all(event.leaves for event in passes) else []


def _said(place: Place | None, more: str) -> Seen:
    return Seen(
        GRADIENT,
        place,
        "Backward was called on a loss that hangs on no parameter: the way from the weights to it was cut off." + more,
        "Look for .item(), .detach(), .data, argmax, numpy, torch.tensor(...) or no_grad on the way to the loss.",
    )
