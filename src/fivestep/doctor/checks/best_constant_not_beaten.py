"""The loss is no better than that of an answer which never looks at the row."""

import math
import statistics

from ...diagnosis._finding import figure
from .._constant import Constant, constant_of
from .._events import MEASURE, Seen
from .._record import Record, update_count

WILD = 1.25
"""Of log C, the loss of all classes alike. Measured: torch's own weights, on standard normal inputs, begin at 0.98 to
1.18 of it (2 to 100 classes, none to five hidden layers, four activations, ten seeds of each)."""

WILD_ADVICE = (
    "Begin with torch's own initial weights, and inputs of mean 0 and deviation 1: the first loss, {}, is far above "
    "log {}."
)

SMALL = 2e-4
"""Of |update| / |weights|, where 0.001 is usual: a fifth of it; in 200 updates that all point one way, 0.04."""

LARGE, LARGE_AT = 0.3, 10
"""The same of the first ten: a third of what the weights were, before there is anything that could have been
learned."""

GROWN = 2.0
"""Of the first loss: a plateau goes up and down by less."""


def best_constant_not_beaten(record: Record) -> Seen | None:
    """After 200 updates the loss does not fall, and is within 1% of that of the shares of the classes, or above it.

    It does not fall if it is where it began, or if it came down from far above the log of the number of classes, where
    weights of usual size begin, and goes on level. Both losses are taken on the same last batches.
    """
    constant = constant_of(record)
    if constant is None or constant.is_beaten:
        return None
    first, num_classes = constant.losses[0], len(constant.losses[0].counts)
    is_wild = first.value > WILD * math.log(num_classes)
    if not (record.is_stuck or (is_wild and record.is_level)):
        return None
    return Seen(
        MEASURE,
        constant.losses[-1].place,
        f"The loss does not fall: after {update_count(record.num_updates)} it is {figure(constant.ours)}, and "
        f"{constant.words} on the same batches.",
        WILD_ADVICE.format(figure(first.value), num_classes) if is_wild else _advice(record, constant),
    )


def _advice(record: Record, constant: Constant) -> str:
    """What to look at first."""
    ratios = record.update_ratios
    if ratios and statistics.median(ratios) < SMALL:
        return (
            f"Try learning rates that are larger, by factors of ten: the middle update moves a matrix by "
            f"{figure(statistics.median(ratios))} of its size, where a thousandth is usual."
        )
    if ratios and statistics.median(ratios[:LARGE_AT]) > LARGE:
        return (
            f"Try learning rates that are smaller, by factors of ten: the first updates moved matrices by "
            f"{figure(statistics.median(ratios[:LARGE_AT]))} of their size, where a thousandth is usual."
        )
    if constant.ours > GROWN * constant.losses[0].value:
        return "It grows, as after steps too large: try a tenth of the learning rate, and a momentum of at most 0.9."
    return "Look whether x and y belong together: both shuffled by one order? Then try to memorize 32 rows."
