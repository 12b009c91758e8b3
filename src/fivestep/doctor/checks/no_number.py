"""The loss is not a finite number."""

import math

from ...diagnosis._finding import figure
from .._events import MEASURE, ROWS, Differentiated, Predicted, Seen, Updated
from .._record import Record


def no_number(record: Record) -> Seen | None:
    """Backward was called on a loss that is infinite or no number at all.

    The weights are lost after such a step. It says where it came from: numbers in the rows that are not finite, or
    updates that were far too large before it.
    """
    broken = next((event for event in record.of(Differentiated) if not math.isfinite(event.loss)), None)
    if broken is None:
        return None
    when = f"The loss is {broken.loss} after {broken.round:,} updates"
    calls = [event for event in record.of(Predicted) if event.round <= broken.round]
    from_rows = next((event for event in calls if any(not facts.is_finite for facts in event.inputs)), None)
    if from_rows is not None:
        name = record.models[from_rows.model].name
        return Seen(
            ROWS,
            from_rows.place,
            f"{when}: what goes into {name} has numbers in it that are not finite.",
            "Look for missing values and divisions by 0 where the rows are made: torch.isfinite(x).all() must hold.",
        )
    ratios = [one.update / one.weight for event in record.of(Updated) for one in event.moved if one.weight > 0]
    finite = [ratio for ratio in ratios if math.isfinite(ratio)]
    largest = f" The largest update seen was {figure(max(finite))} of the weights it moved." if finite else ""
    return Seen(
        MEASURE,
        broken.place,
        f"{when}, while all inputs seen are finite.{largest}",
        "Try a tenth of the learning rate; look for a logarithm, a root or a division by what may be 0.",
    )
