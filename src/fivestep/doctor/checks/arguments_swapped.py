"""A loss got the target where the prediction belongs."""

from .._events import MEASURE, Measured, Seen
from .._record import Record

LOSSES = ("cross_entropy", "binary_cross_entropy", "binary_cross_entropy_with_logits")
"""Those in which the two places differ; in `kl_div` either may be the learner's."""


def arguments_swapped(record: Record) -> Seen | None:
    """`loss(target, prediction)`: a cross-entropy whose target depends on parameters, while its input does not.

    The prediction comes first in torch, unlike in scikit-learn. A squared error is the same both ways and is not
    reported.
    """
    for event in record.of(Measured):
        if event.name in LOSSES and event.has_grad and event.is_swapped:
            return Seen(
                MEASURE,
                event.place,
                f"{event.name} got numbers without a gradient as its input, and the model's answer as their target: "
                "the two have changed places.",
                "The prediction comes first: loss_fn(model(x), y).",
            )
    return None
