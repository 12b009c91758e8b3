"""A column of predictions meets a flat row of targets, and the loss compares each with all."""

from .._events import MEASURE, Measured, Seen
from .._record import Record

ELEMENTWISE = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "squared difference", "absolute difference")


def wrong_broadcast(record: Record) -> Seen | None:
    """A prediction of shape (N, 1) was compared with targets of shape (N,), or the other way round.

    torch stretches both to (N, N): every prediction is pulled toward every target, and the best answer is the mean of
    all targets, whatever the row. Reported for torch's losses, and of differences written by hand that end in the loss:
    `((prediction - y) ** 2).mean()`.
    """
    losses = [event for event in record.of(Measured) if event.name in ELEMENTWISE and event.target is not None]
    found = [(event.place, event.input.shape, event.target.shape) for event in losses if event.target is not None]
    for place, first, second in found:
        if _are_crossed(first, second) or _are_crossed(second, first):
            num_rows = max(*first, *second)
            return Seen(
                MEASURE,
                place,
                f"Numbers of shape {first} are compared with numbers of shape {second}: torch makes {num_rows:,} x "
                f"{num_rows:,} of them, each row with every other, and the best answer to that is the mean.",
                "Give both one shape: prediction.squeeze(1), or y.unsqueeze(1).",
            )
    return None


def _are_crossed(column: tuple[int, ...], row: tuple[int, ...]) -> bool:
    return len(column) == 2 and len(row) == 1 and column == (row[0], 1) and row[0] > 1
