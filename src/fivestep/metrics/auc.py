"""The area under the ROC curve."""

import math
from dataclasses import dataclass
from statistics import fmean
from typing import final

import torch
from torch import Tensor

from ..check import InputError, one_of
from ..typing import Outputs, RowWeights, Targets
from ._base import Metric, present, questions, weighted_mean
from ._summary import Sums

BITS = 20
"""Bits of a score, rounded to 32, that are kept in a summary: its sign, its exponent, and 11 of 23 binary places.

One less for each doubling of the classes, so that a summary takes 16 MB.
"""

FEWEST_BITS = 14
"""Of more than 64 classes."""


@final
@dataclass(frozen=True)
class AUC(Metric[Sums]):
    """The probability that a random yes has a larger logit than a random no, ties counting half, in [0, 1].

    For classes it is the mean over those that occur, each against all others by its probability ("one versus rest"):
    every class the same (`average` "macro"), or as often as it occurs ("weighted").
    Raises an `InputError` where the rows hold one answer only: nothing can be compared. Hanley and McNeil 1982, "The
    meaning and use of the area under a receiver operating characteristic curve"; `sklearn.metrics.roc_auc_score`.

    A summary counts the rows by the first bits of their scores, b (2^20 numbers for yes or no). Scores that agree in
    them count as ties, so with the weights p of the yes and n of the no at each b, the value is off by at most

        sum_b p_b n_b / (2 P N)        P = sum_b p_b, N = sum_b n_b

    which is half the share of pairs that are closer than 2^-11 of their size (2^-7 for ten classes).
    """

    kinds = ("classes", "yes_no")
    higher_is_better = True

    average: str = "macro"

    def __post_init__(self) -> None:
        one_of("average of auc", str(self.average), ("macro", "weighted"))

    def value(self, logits: Outputs, y: Targets, weight: RowWeights | None) -> float:
        from sklearn.metrics import roc_auc_score

        pairs = [(scores, right) for scores, right in _pairs(logits, y) if right.any() or y.dim() == logits.dim()]
        _check_both_occur(all(len(present(right)) == 2 for _, right in pairs))
        values = [roc_auc_score(right, scores, sample_weight=weight) for scores, right in pairs]
        if self.average == "macro" or y.dim() == logits.dim():
            return fmean(values)
        return fmean(values, [weighted_mean(right.double(), weight) for _, right in pairs])

    def summary(self, logits: Outputs, y: Targets, weight: RowWeights) -> Sums:
        """The weights of the no and the yes by the bits b of their scores: (C, 2, B), or (Q, 1, 2, B) of questions."""
        pairs = _pairs(logits, y)
        bits = max(FEWEST_BITS, BITS - math.ceil(math.log2(len(pairs))))
        counts = weight.new_zeros(len(pairs), 2, 2**bits)
        for (no, yes), (scores, right) in zip(counts.unbind(), pairs, strict=True):
            places = _places(scores, bits)
            no.index_add_(0, places[~right], weight[~right])
            yes.index_add_(0, places[right], weight[right])
        return Sums(counts if y.dim() < logits.dim() else counts[:, None])

    def from_summary(self, summary: Sums) -> float:
        of_classes = summary.numbers.dim() == 3
        no, yes = (summary.numbers if of_classes else summary.numbers[:, 0]).unbind(1)  # (C, B) each
        if of_classes:
            occurs = yes.sum(1) > 0
            no, yes = no[occurs], yes[occurs]
        every_no, every_yes = no.sum(1), yes.sum(1)
        _check_both_occur(bool((every_no > 0).all() and (every_yes > 0).all()))
        below = no.cumsum(1) - no / 2
        values = (yes * below).sum(1) / (every_yes * every_no)
        share = every_yes if of_classes and self.average == "weighted" else torch.ones_like(every_yes)
        return float(values @ share / share.sum())


def _pairs(logits: Outputs, y: Targets) -> list[tuple[Tensor, Tensor]]:
    """The scores and the right answers of each question, (N,) each; of classes, of each class against the others."""
    if y.dim() == logits.dim():
        return questions(logits, y)
    p = logits.softmax(-1)
    return [(p[:, c], y == c) for c in range(logits.shape[1])]


def _places(scores: Tensor, bits: int) -> Tensor:
    """The first bits of the scores in single precision, as whole numbers from 0 in the order of the scores, (N,)."""
    whole = (scores.float() + 0.0).view(torch.int32).long()  # + 0.0, because -0.0 is no less than 0.0
    ordered = torch.where(whole < 0, -(2**31) - whole, whole)  # of negative numbers the bits fall as the numbers rise
    return (ordered + 2**31) >> (32 - bits)


def _check_both_occur(both: bool) -> None:
    if not both:
        raise InputError(
            "auc must be measured on rows with at least two different answers, got one answer only; take more rows, or "
            "leave auc out."
        )
