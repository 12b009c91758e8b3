"""The numbers to be predicted are far from the size that a network answers with."""

from ...diagnosis._finding import figure
from .._events import ROWS, Measured, Seen
from .._record import Record

FAR = 100.0
"""An untrained network answers numbers of about 1, and Adam at 0.001 moves a bias by 0.001 at each step: it needs
100,000 of them to come to a mean of 100."""
POWERS = {
    "mse_loss": 2,
    "squared difference": 2,
    "l1_loss": 1,
    "absolute difference": 1,
    "smooth_l1_loss": 1,
    "huber_loss": 1,
}
"""The loss of the mean as answer for every row is about the deviation of the targets to this power."""


def targets_not_scaled(record: Record) -> Seen | None:
    """The loss does not fall, is above that of the targets' mean as answer, and this or their deviation is above 100.

    A network answers with numbers of size 1 at first. With prices of 250,000 as targets nearly all of a squared error
    is the square of their mean, 6e10, and a million small updates go into the last bias before anything is learned of
    the rows. Seen of losses of differences, torch's and those by hand, where backward is called on one loss.
    """
    losses = [
        (event, event.target)
        for event in record.of(Measured)
        if event.has_grad and event.name in POWERS and event.target is not None and "float" in event.target.dtype
    ]
    if not losses or not record.is_stuck or not record.is_one_loss or record.ends is None:
        return None
    event, targets = losses[-1]
    if max(abs(targets.mean), targets.deviation) <= FAR or not event.value > targets.deviation ** POWERS[event.name]:
        return None
    first, last, _ = record.ends
    return Seen(
        ROWS,
        event.place,
        f"The loss does not fall, from {figure(first)} to {figure(last)}, and the targets have the mean "
        f"{figure(targets.mean)} and the deviation {figure(targets.deviation)}: answering their mean for every row "
        "would be better.",
        "Learn (y - mean) / deviation, with the training part's numbers, and take answers back: answer * deviation + "
        "mean.",
    )
