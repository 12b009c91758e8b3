"""A loss cannot be computed of the targets that it gets."""

from .._events import MEASURE, Refused, Seen
from .._record import Record

BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")


def targets_do_not_fit(record: Record) -> Seen | None:
    """The loop ended in a loss function, because targets have a type or a shape that it does not take.

    `cross_entropy` takes labels as whole numbers (int64), one for each row, or probabilities as large as its input,
    whose second axis are the classes; a binary cross-entropy takes floating-point targets of its input's shape, and
    without "with_logits" it takes probabilities.
    """
    failed = record.failed
    if failed is None or failed.refused is None:
        return None
    advice = _advice(failed.refused)
    if advice is None:
        return None
    name, given, target = failed.refused
    return Seen(
        MEASURE,
        failed.place,
        f"{name} got outputs of shape {given.shape} and targets of shape {target.shape} and type {target.dtype}, and "
        f"{advice[0]}.",
        advice[1],
        is_of_script=True,
    )


def _advice(refused: Refused) -> tuple[str, str] | None:
    """What it takes, and what to write."""
    if refused.name in ("cross_entropy", "nll_loss"):
        return _of_classes(refused)
    if refused.name in BINARY:
        return _of_two(refused)
    return None


def _of_classes(refused: Refused) -> tuple[str, str] | None:
    given, target = refused.input, refused.target
    is_float = "float" in target.dtype
    if (
        len(given.shape) > 2
        and (given.shape[0], *given.shape[1:-1]) == target.shape
        and given.shape[1:2] != target.shape
    ):
        return (
            "it wants the classes on the second axis",
            "Put them there: logits.movedim(-1, 1); or make rows of all: logits.flatten(0, -2) and y.flatten().",
        )
    if given.shape == target.shape and not is_float:
        return (
            "it takes whole numbers for labels, one a row",
            "Give it labels: y.argmax(1); or probabilities: y.float().",
        )
    if len(given.shape) > 1 and target.shape == (given.shape[0], 1, *given.shape[2:]):
        return "it wants a label for each row, without an axis of one", _as_labels("y.squeeze(1)", target.dtype)
    if target.shape == (*given.shape[:1], *given.shape[2:]) and target.dtype not in ("int64", "uint8"):
        return "it takes labels as int64", _as_labels("y", target.dtype)
    if len(given.shape) == 2 and len(target.shape) == 1 and given.shape[0] != target.shape[0]:
        return (
            f"there are {given.shape[0]:,} rows of one and {target.shape[0]:,} of the other",
            "Look where rows are lost or mixed: view(-1, n) and flatten() without a 1 take the first axis too.",
        )
    return None


def _as_labels(word: str, dtype: str) -> str:
    return f"Write {word}." if dtype == "int64" else f"Write {word}.long()."


def _of_two(refused: Refused) -> tuple[str, str] | None:
    given, target = refused.input, refused.target
    if given.shape != target.shape:
        return "it wants both of one shape", "Write logits.squeeze(1), or y.unsqueeze(1)."
    if target.dtype != given.dtype:
        return f"it wants the type of the outputs, {given.dtype}", f"Write y.to(torch.{given.dtype})."
    if refused.name == "binary_cross_entropy" and (given.low < 0 or given.high > 1):
        return (
            f"it takes probabilities, where outputs lie between {given.low:.4g} and {given.high:.4g}",
            "Take F.binary_cross_entropy_with_logits (nn.BCEWithLogitsLoss), which takes outputs as they are.",
        )
    return None
