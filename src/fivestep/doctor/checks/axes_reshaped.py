"""A reshape stands where axes should be moved."""

import math

from .._events import MEASURE, Measured, Seen
from .._record import HABIT, Record


def axes_reshaped(record: Record) -> Seen | None:
    """The logits of a cross-entropy come from a `view` or `reshape` that breaks up the axis of the classes.

    `cross_entropy` takes (N, C, T); of outputs (N, T, C), `reshape(N, C, T)` has that shape, and so has
    `reshape(N * T, C)` of outputs (N, C, T) that of flat ones. But it keeps the order of the numbers: the C logits that
    are then read for one label are those of several places. Seen by both shapes, where the classes were on another
    axis before. Where T is a multiple of C, a row of outputs may hold several answers, and nothing is reported.
    """
    losses = [one for one in record.of(Measured) if one.has_grad and one.name in ("cross_entropy", "nll_loss")]
    broken = [one for one in losses if one.viewed is not None and _is_broken(one.viewed, one.input.shape)]
    if len(broken) < HABIT or len(broken) < len(losses):
        return None
    before, after = broken[0].viewed or (), broken[0].input.shape
    is_flat = len(after) == 2
    move = "movedim(1, -1).reshape(-1, C)" if is_flat else "movedim(-1, 1)"
    return Seen(
        MEASURE,
        broken[0].place,
        f"The outputs {before} were reshaped to {after}, which keeps the order of the numbers: the {after[1]} logits "
        f"that {broken[0].name} reads for one label are those of several places.",
        f"Move the axis of the classes in place of the reshape alone: outputs.{move}.",
    )


def _is_broken(before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    """Whether the classes were last and are second now, or were second and are last."""
    if len(after) < 2 or after[1] < 2 or before == after:
        return False
    classes, places, is_second = after[1], math.prod(after[2:]), len(before) > 2 and before[1] == after[1]
    if len(after) > 2:
        return before[-1] == classes != places and places > 1 and not is_second
    is_in_lines = before[-1] == classes or (len(before) == 3 and before[-1] % classes == 0)
    return is_second and not is_in_lines and math.prod(before[2:]) > 1
