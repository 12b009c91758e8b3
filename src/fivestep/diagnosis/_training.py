"""Findings in the training: a loss no better than a constant answer's, one that rose again, or is still falling."""

import math
from collections.abc import Iterator, Sequence

from ..epoch import Epoch
from ._evidence import NOTHING, Evidence
from ._finding import Finding, Trial, figure
from ._rows import majority_share
from ._trials import carried_over

CLEARLY = 0.8
"""The ratio below which one loss is clearly lower than another."""

TURNED = 1.1
"""The ratio of the final to the lowest validation loss from which it has turned, if also by more than FALLING."""

FALLING = 0.02
"""The share of the constant answer's loss by which the last tenth of a run still lowers it if the run ended too
early."""


def of_training(evidence: Evidence, tried: Sequence[Trial]) -> Iterator[Finding]:
    """Findings in the results: the loss against a constant answer, on training and other rows, and its course."""
    last, constant = evidence.last_loss, evidence.constant
    if not evidence.subject.is_trained:
        yield Finding(
            "broke off",
            "The training ended before its first epoch was measured: it was stopped, or its loss did not stay finite.",
            "What is below is measured with the weights that it left.",
        )
    if not math.isfinite(last):
        yield Finding(
            "no number",
            "The loss on the training rows is no finite number.",
            "Lower the learning rate, clip the gradient (--clip-norm 1), or scale the rows.",
        )
    elif last >= NOTHING * constant:
        yield Finding(
            "nothing learned",
            f"The training loss is {figure(last)} {evidence.when}; the best answer that never looks at x has "
            f"{figure(constant)}{_accuracy(evidence)}.",
            "What follows says where it is stuck, and what helped where it was tried.",
        )
    else:
        yield from _over_epochs(evidence)
    yield from _beyond_training_rows(evidence, tried)


def _accuracy(evidence: Evidence) -> str:
    """For classes, a sentence with the accuracy that needs no learning."""
    share = majority_share(evidence)
    return "" if share is None else f", and always answering the most common class has the accuracy {share:.4f}"


def _beyond_training_rows(evidence: Evidence, tried: Sequence[Trial]) -> Iterator[Finding]:
    """Whether anything generalizes beyond the training rows; if not, whether it does for a plain network."""
    valid, guess = evidence.last_valid_loss, evidence.constant_valid
    share = CLEARLY if evidence.is_best_epoch else NOTHING  # the best of many is lower by chance
    if valid is None or valid < share * guess:
        return
    least = min([evidence.last_loss, *(epoch.train_loss for epoch in evidence.subject.history)])
    learned = least <= CLEARLY * evidence.constant
    some_is = any(trial.valid_loss is not None and trial.valid_loss < NOTHING * guess for trial in tried)
    plain = None if some_is else carried_over(evidence)
    if plain is not None and plain >= NOTHING * guess:
        yield Finding(
            "no signal",
            f"Nothing carries over from the training rows to others: the validation loss is {figure(valid)}, that of a "
            f"plain network at its best moment {figure(plain)}, that of a constant answer {figure(guess)}.",
            "Look whether x and y are still in the same order (shuffled apart?), and whether the target is the right "
            "column.",
        )
    elif learned:
        yield Finding(
            "memorized",
            f"The training loss came to {figure(least)}, the validation loss is {figure(valid)}, that of a constant "
            f"answer {figure(guess)}: the rows were memorized.",
            "Fewer epochs (--patience 10 --restore-best), a smaller network, --weight-decay or --dropout.",
        )


def _over_epochs(evidence: Evidence) -> Iterator[Finding]:
    history, plan = evidence.subject.history, evidence.subject.engine.plan
    if len(history) < 5:
        return
    valid = [(epoch.valid_loss, epoch.index) for epoch in history if epoch.valid_loss is not None]
    least, when = min(valid, default=(math.inf, 0))
    if (
        valid
        and not plan.restore_best
        and _has_turned(evidence, valid[-1][0], least)
        and when < 0.8 * history[-1].index
    ):
        yield Finding(
            "overfitting",
            f"The validation loss was lowest after epoch {when:,} ({figure(least)}) and ended at "
            f"{figure(valid[-1][0])}: from there on, the rows were memorized.",
            "End with the best weights, --restore-best, or stop there: --patience 10.",
        )
    elif (fell := _fell(history)) > FALLING * abs(evidence.constant):
        yield Finding(
            "ended too early",
            f"In the last tenth of the epochs, the loss still fell by {figure(fell)}, to {figure(_loss(history[-1]))}.",
            f"More epochs: --epochs {4 * plan.epochs}; or a larger learning rate.",
        )


def _has_turned(evidence: Evidence, last: float, least: float) -> bool:
    """Whether a loss ended clearly above its lowest value, also relative to the constant answer's."""
    return last > TURNED * least and last - least > FALLING * abs(evidence.constant)


def _fell(history: tuple[Epoch, ...]) -> float:
    """By how much the monitored loss fell over the last tenth of the measured epochs."""
    before = history[-1 - max(1, len(history) // 10)]
    return _loss(before) - _loss(history[-1])


def _loss(epoch: Epoch) -> float:
    return epoch.train_loss if epoch.valid_loss is None else epoch.valid_loss
