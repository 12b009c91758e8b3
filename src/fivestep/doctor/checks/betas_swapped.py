"""The two betas of Adam have changed places."""

import math

from .._events import UPDATE, Seen, Updated
from .._record import Record

ADAMS = ("Adam", "AdamW", "NAdam", "RAdam", "SparseAdam")
"""Rules whose first beta is the memory of the gradient, and whose second is that of its square."""

FACTOR = 4.0
"""How much longer the first memory must be: 5 times, if 0.9 and 0.98 are swapped."""


def betas_swapped(record: Record) -> Seen | None:
    """An optimizer of Adam's family remembers the gradient for longer than its square, in all updates seen.

    A beta remembers for 1 / (1 - beta) updates. The step is the mean gradient over the root of the mean square: where
    the square is forgotten first, an old large gradient meets a small new square, and beta1^2 < sqrt(beta2), which the
    proof of Kingma and Ba 2015 (theorem 4.1) takes for granted, may fail. Reported if beta1 > sqrt(beta2) and the first
    memory is at least four times as long; equal betas, or those of a GAN (0.5, 0.999), are not.
    """
    for key, rule in record.rules.items():
        updates = [event for event in record.of(Updated) if event.optimizer == key]
        if rule.name not in ADAMS or not updates or not all(_are_swapped(event.betas) for event in updates):
            continue
        first, second = updates[0].betas
        return Seen(
            UPDATE,
            updates[0].place,
            f"{rule.name} has betas=({first:.12g}, {second:.12g}): it remembers the gradient for about "
            f"{1 / (1 - first):,.0f} updates, and its square, which is the measure of it, for {1 / (1 - second):,.0f}.",
            f"The longer memory is the second: betas=({second:.12g}, {first:.12g}).",
        )
    return None


def _are_swapped(betas: tuple[float, ...]) -> bool:
    if len(betas) != 2 or not 0 <= betas[1] < betas[0] < 1:
        return False
    first, second = betas
    return first > math.sqrt(second) and 1 - second > FACTOR * (1 - first)
