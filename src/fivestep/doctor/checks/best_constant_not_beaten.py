"""The loss is no better than that of an answer which never looks at the row."""

import math
import statistics

from ...diagnosis._finding import figure
from .._events import MEASURE, Measured, Seen
from .._record import Record

NEAR = 0.99
"""The share of the constant answer's loss below which something has been learned."""

WILD = 1.25
"""Of log C, the loss of all classes alike. Measured: torch's own weights, on standard normal inputs, begin at 0.98 to
1.18 of it (2 to 100 classes, none to five hidden layers, four activations, ten seeds of each)."""

FEWEST_UPDATES, ROWS_OF_A_CLASS, FEWEST = 200, 20, 5
"""Before which a plateau is quite usual; for a share that is right within a fifth; batches for a mean of the loss."""

WILD_ADVICE = (
    "Begin with torch's own initial weights, and inputs of mean 0 and deviation 1: the first loss, {}, is far above "
    "log {}."
)

SMALL = 2e-4
"""Of |update| / |weights|, where 0.001 is usual: a fifth of it; in 200 updates that all point one way, 0.04."""

LARGE, LARGE_AT = 0.3, 10
"""The same of the first ten: a third of what the weights were, before there is anything that could have been
learned."""


def best_constant_not_beaten(record: Record) -> Seen | None:
    """After 200 updates the loss does not fall, and is within 1% of that of the shares of the classes, or above it.

    It does not fall if it is where it began, or if it came down from far above the log of the number of classes, where
    weights of usual size begin, and goes on level.

    Those shares as answer, p_k = n_k / n for every row, have their entropy as loss, 0.693 of two classes that are as
    frequent as each other: what every model must fall below. Both are taken on the same last batches, of a plain
    `cross_entropy`, or a binary one of targets 0 and 1, that is all of the loss. Pairs, where each row is a class of
    its own, are not reported, nor loops with several optimizers, whose losses need not fall.
    """
    losses = [event for event in record.of(Measured) if event.has_grad]
    moving = [rule for rule in record.rules.values() if rule.num_steps]
    if record.num_updates < FEWEST_UPDATES or len(moving) != 1:
        return None
    counts = [event.counts for event in losses]
    if len({event.place for event in losses}) != 1 or len({len(one) for one in counts}) != 1 or not counts[0]:
        return None
    together, last = [sum(column) for column in zip(*counts, strict=True)], losses[-max(FEWEST, len(losses) // 5) :]
    is_wild = losses[0].value > WILD * math.log(len(counts[0]))
    if not (record.is_stuck or (is_wild and record.is_level)):
        return None
    classes = [k for k, count in enumerate(together) if count]
    if len(classes) < 2 or sum(together) < ROWS_OF_A_CLASS * len(classes) or max(map(max, counts)) < 2:
        return None
    shares = [count / sum(together) for count in together]
    constant = [-sum(one.counts[k] * math.log(shares[k]) for k in classes) / sum(one.counts) for one in last]
    ours, theirs = sum(one.value for one in last) / len(last), sum(constant) / len(constant)
    if not math.isfinite(ours) or ours < NEAR * theirs or not _is_all_of_it(record, losses):
        return None
    return Seen(
        MEASURE,
        losses[-1].place,
        f"The loss does not fall: after {record.num_updates:,} updates it is {figure(ours)}, and the shares of the "
        f"{len(classes)} classes as answer for every row have {figure(theirs)} on the same batches.",
        WILD_ADVICE.format(figure(losses[0].value), len(counts[0])) if is_wild else _advice(record),
    )


def _advice(record: Record) -> str:
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
    return "Look whether x and y belong together: both shuffled by one order? Then try to memorize 32 rows."


def _is_all_of_it(record: Record, losses: list[Measured]) -> bool:
    """Whether backward was called on these losses as they are, not on a sum with others."""
    return len(record.losses) == len(losses) and all(
        math.isclose(one.value, loss, rel_tol=1e-5) for one, loss in zip(losses, record.losses, strict=True)
    )
