"""cross_entropy takes targets for probabilities, and they are none."""

from .._events import MEASURE, Measured, Seen
from .._record import Record

WITHIN = 1e-2
"""How far above 1 the sum of probabilities may be: half precision."""


def targets_no_probabilities(record: Record) -> Seen | None:
    """`cross_entropy` got targets of the shape of its input, and their rows sum to more than 1 or are negative.

    Floating-point targets of that shape are taken for the probabilities of classes. Several labels a row, each 0 or 1,
    are none; nor are labels (N,) as floats beside one output (N,) a row, which torch takes for *one* row of N classes.
    One-hot rows, mixtures, and rows of zeros that leave a row out are not reported.
    """
    for event in record.of(Measured):
        sums = event.target_sums
        if event.name == "cross_entropy" and sums is not None and (sums[0] < 0 or sums[1] > 1 + WITHIN):
            shape = event.input.shape
            came = "negative numbers are among them" if sums[0] < 0 else f"they sum to as much as {sums[1]:.4g}"
            rows = f"one row of {shape[0]:,} classes" if len(shape) == 1 else f"each row's {shape[1]:,} classes"
            return Seen(
                MEASURE,
                event.place,
                f"cross_entropy takes targets of shape {shape} for the probabilities of {rows}, and {came}.",
                "Give it labels as whole numbers of shape (N,) beside outputs (N, C); where several labels hold for a "
                "row, take binary_cross_entropy_with_logits.",
            )
    return None
