"""The gradient of the last step is still there when the next one is added."""

from .._events import FORGET, Differentiated, Seen, Updated
from .._record import HABIT, Record


def gradient_kept(record: Record) -> Seen | None:
    """An update used a gradient in which there still was the gradient of an update before it.

    Backward *adds* to `.grad`. If nobody clears it between two updates, every update moves along the sum of all
    gradients so far: the step grows, and old directions outlive the place they were right for. Seen by identity: the
    tensor in `.grad` that an optimizer had used was untouched when backward began, and not zero. Several backward
    passes for one update are not reported, nor gradients that others' passes leave and that are cleared in time.
    Without an optimizer it is seen by the parameter, which has moved since the gradient came that is still there.
    """
    updates = list(record.of(Updated))
    stale = [event for event in updates if any(moved.is_stale for moved in event.moved)]
    if not stale:
        return _by_hand(record)
    first = stale[0]
    leaves = {moved.leaf for moved in first.moved if moved.is_stale}
    name = record.rules[first.optimizer].name
    return Seen(
        FORGET,
        first.place,
        f"In {len(stale)} of {len(updates)} updates seen, the gradient still held what an update before had used "
        f"({record.names(leaves)}). Backward adds to .grad, so {name} moved along a sum of old gradients.",
        "Write optimizer.zero_grad() before loss.backward(), for every update.",
    )


def _by_hand(record: Record) -> Seen | None:
    """Of a loop whose updates are written by hand."""
    kept = {leaf for leaf, times in record.not_cleared.items() if times >= HABIT}
    passes = list(record.of(Differentiated))
    if not kept or record.num_updates:
        return None
    times = max(record.not_cleared[leaf] for leaf in kept)
    return Seen(
        FORGET,
        passes[0].place,
        f"In {times} of {len(passes)} backward passes seen, .grad still held what an update before had used "
        f"({record.names(kept)}), and backward adds to it: updates moved along a sum of old gradients.",
        "Clear it after each update: w.grad = None, or w.grad.zero_().",
    )
