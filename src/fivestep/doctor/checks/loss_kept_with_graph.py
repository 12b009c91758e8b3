"""Losses are added up together with the graphs behind them."""

from .._events import MEASURE, Seen
from .._record import HABIT, Record


def loss_kept_with_graph(record: Record) -> Seen | None:
    """A running sum of losses, of several updates, still depends on the graph of each of them.

    `total += loss` adds tensors, not numbers: every step's graph stays in memory until the sum goes, so memory grows
    and each step takes longer. Several losses that are added up for one backward pass are not reported. The same of the
    losses of an evaluation, fifteen or more, on which backward is not called.
    """
    summed = record.summed_in_evaluation
    if summed is not None:
        return Seen(
            MEASURE,
            summed.place,
            f"A sum holds {summed.number} losses of an evaluation with their graphs: memory grows by each.",
            "Put `with torch.no_grad():` around the evaluation, and add numbers: total += loss.item().",
            is_of_script=True,
        )
    kept = record.running_sum
    if kept is None or len(kept.rounds) < HABIT:
        return None
    return Seen(
        MEASURE,
        kept.place,
        f"A sum holds the losses of {len(kept.rounds)} updates seen with their graphs: memory grows by each.",
        "Add numbers: total += loss.item(), or loss.detach().",
        is_of_script=True,
    )
