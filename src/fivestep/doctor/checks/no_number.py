"""The loss is not a finite number."""

import math

from ...diagnosis._finding import figure
from .._events import MEASURE, ROWS, Differentiated, Measured, NotFinite, Predicted, Seen, Updated
from .._record import Record, update_count

EMPTY_ADVICE = (
    "Look at the weights of the classes and at ignore_index: a mean over rows that all count nothing is 0 / 0, so each "
    "batch needs a row that counts."
)


def no_number(record: Record) -> Seen | None:
    """Backward was called on a loss that is infinite or not a number at all.

    The weights are lost after such a step. It says where it came from: numbers in the rows that are not finite, or the
    first module whose answer was not, and how large updates were before it. A module that gives such numbers while the
    loss is finite, as a mask does, is not reported.
    """
    broken = next((event for event in record.of(Differentiated) if not math.isfinite(event.loss)), None)
    if broken is None:
        return None
    when = f"The loss is {broken.loss} after {update_count(broken.round)}"
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
    smaller = "try a tenth of the learning rate, and " if broken.round else ""
    advice = f"{smaller}look for a logarithm, a root or a division by what may be 0.".capitalize()
    return Seen(
        MEASURE,
        broken.place,
        f"{when}, while all inputs seen are finite.{_origin(record, broken.round)}{largest}",
        EMPTY_ADVICE if _is_of_no_rows(record, broken.round) else advice,
    )


def _is_of_no_rows(record: Record, broken: int) -> bool:
    """Whether a loss of classes was 0 / 0: finite logits, labels that are classes, and a weight of 0 for all rows."""
    return any(
        event.name in ("cross_entropy", "nll_loss")
        and math.isnan(event.value)
        and event.input.is_finite
        and event.target is not None
        and event.target.dtype == "int64"
        for event in record.of(Measured)
        if event.round == broken
    )


def _origin(record: Record, broken: int) -> str:
    """The first module of that round whose answer was not finite, unless it always is."""
    usual = {one.layer for one in record.of(NotFinite) if one.round < broken}
    first = next((one for one in record.of(NotFinite) if one.round == broken and one.layer not in usual), None)
    if first is None:
        return ""
    if not first.are_weights_finite:
        return f" The weights of {first.layer} were none by then: the update before it had made them so."
    what = "first gave such numbers" + (", of inputs that are finite" if first.are_inputs_finite else "")
    return f" {'The layer ' * ('the model = ' not in first.layer)}{first.layer.removeprefix('the model = ')} {what}."
