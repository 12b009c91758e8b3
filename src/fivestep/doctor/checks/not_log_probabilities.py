"""nll_loss or kl_div gets numbers that are no logarithms of probabilities."""

from .._events import MEASURE, Facts, Measured, Seen
from .._record import Record

WITHIN = 0.05
"""How far log sum exp may be from 0: logarithms in half precision."""


def not_log_probabilities(record: Record) -> Seen | None:
    """`nll_loss` got rows whose exponentials do not sum to 1 over the classes.

    The loss is minus the number at the right class, and nothing holds the others down: with logits it falls without
    end while nothing is learned, with probabilities it ends at -1 and its gradient does not see mistakes. A
    `log_softmax` over another axis than the classes is seen by the same sum. Of `kl_div`, an input above 0 is seen. Log
    probabilities that were multiplied, as a focal loss does, are not reported.
    """
    positive = next((one for one in record.of(Measured) if one.name == "kl_div" and one.input.high > WITHIN), None)
    if positive is not None:
        return Seen(
            MEASURE,
            positive.place,
            f"kl_div gets {_word(positive.input)} up to {positive.input.high:.3g} for its input, which must be "
            "logarithms of probabilities: 0 at most.",
            "Write F.kl_div(F.log_softmax(logits, dim=1), target, reduction='batchmean').",
        )
    losses = [event for event in record.of(Measured) if event.name == "nll_loss" and event.row_logs is not None]
    wrong = [event for event in losses if max(map(abs, event.row_logs or ())) > WITHIN]
    if not wrong or len(wrong) < len(losses):
        return None
    event = wrong[0]
    are_shares = all(abs(total - 1) < WITHIN for total in event.row_sums or (0.0,))
    what = "probabilities, not their logarithms" if are_shares else "no logarithms of probabilities"
    low, high = event.row_logs or (0.0, 0.0)
    return Seen(
        MEASURE,
        event.place,
        f"nll_loss gets {what}: the exponentials of a row sum to between e^{low:.3g} and e^{high:.3g}, not to 1, so "
        "the loss can fall without the right class gaining on the others.",
        "Give the logits to F.cross_entropy, or put F.log_softmax(logits, dim=1) before nll_loss.",
    )


def _word(given: Facts) -> str:
    return "probabilities" if given.low >= 0 and given.high <= 1 else "numbers"
