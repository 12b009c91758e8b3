"""The losses of each training: a script may have several, one after another or side by side."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ._events import Differentiated

if TYPE_CHECKING:
    from ._record import Record


def losses_of_trainings(record: "Record") -> list[list[float]]:
    """The values on which backward was called, for each training.

    Losses belong together that depend on a common parameter, or on parameters of one optimizer.
    """
    passes = list(record.of(Differentiated))
    owned = [rule.leaves for rule in record.rules.values() if rule.num_steps]
    groups = _merged([*owned, *dict.fromkeys(event.leaves for event in passes)])
    losses: dict[int, list[float]] = {}
    number = {leaf: group for group, leaves in enumerate(groups) for leaf in leaves}
    for event in passes:
        losses.setdefault(number.get(next(iter(event.leaves), -1), -1), []).append(event.loss)
    return list(losses.values())


def _merged(groups: Iterable[set[int] | frozenset[int]]) -> list[set[int]]:
    """The groups, of which those with a common member are one."""
    merged: list[set[int]] = []
    for group in groups:
        joined, others = set(group), []
        for other in merged:
            if other.isdisjoint(joined):
                others.append(other)
            else:
                joined |= other
        merged = [*others, joined]
    return merged
