"""Collects predictions part by part, and computes metrics from them in bounded memory."""

import math
from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor

from ..ranks import Ranks
from ..typing import Outputs, RowWeights, Targets
from ._base import AnyMetric, counted, measure
from ._summary import Summary

MOST_TOGETHER = 2**18
"""Rows whose predictions are kept together; beyond that, only summaries are."""


@final
class Tally:
    """The predictions for the parts of some rows, of which each rank may have a share.

    If they are to be `bounded`, as all might not fit into memory, a metric gets summaries of `MOST_TOGETHER` rows each
    in place of all rows, which for most of them is the same to rounding (`Metric.from_summary`).
    """

    def __init__(self, metrics: Mapping[str, AnyMetric], *, bounded: bool) -> None:
        self._metrics, self._is_bounded = metrics, bounded
        self._parts: dict[int, tuple[Outputs, Targets, RowWeights]] = {}
        self._num_rows = 0
        self._summaries: dict[str, Summary] = {}
        self._are_finite = True

    def add(self, number: int, outputs: Outputs, y: Targets, weight: RowWeights) -> None:
        """Adds the predictions, the targets and the weights of the part with that number."""
        self._parts[number] = outputs.cpu(), y.cpu(), weight.cpu()
        self._num_rows += len(y)
        if self._is_bounded and self._num_rows >= MOST_TOGETHER:
            self._summarize()

    def measured(self, ranks: Ranks) -> dict[str, float]:
        """The value of each metric over the rows of all ranks, the same on each of them."""
        if not self._metrics:
            return {}
        if not self._is_bounded:
            everyone = ranks.gathered(self._parts)
            return measure(
                self._metrics, *_in_order({number: of for parts in everyone for number, of in parts.items()})
            )
        self._summarize()
        if not all(ranks.gathered(self._are_finite)):
            return dict.fromkeys(self._metrics, math.nan)
        first, *others = [found for found in ranks.gathered(self._summaries) if found]
        for other in others:
            first = _merged(first, other)
        return {name: metric.from_summary(first[name]) for name, metric in self._metrics.items()}

    def _summarize(self) -> None:
        """Puts summaries in the place of the rows."""
        if not self._parts:
            return
        z, y, weight = counted(*_in_order(self._parts))
        self._are_finite = self._are_finite and bool(z.isfinite().all())
        if len(z) and self._are_finite:
            weight = z.new_ones(len(z)) if weight is None else weight
            new = {name: metric.summary(z, y, weight) for name, metric in self._metrics.items()}
            self._summaries = _merged(self._summaries, new) if self._summaries else new
        self._parts, self._num_rows = {}, 0


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Summary]:
    return {name: one[name].merged(other[name]) for name in one}


def _in_order(parts: Mapping[int, tuple[Tensor, Tensor, Tensor]]) -> tuple[Tensor, Tensor, Tensor]:
    """The predictions, targets and weights of all parts, in their order."""
    outputs, y, weight = (torch.cat(parts) for parts in zip(*(parts[number] for number in sorted(parts)), strict=True))
    return outputs, y, weight
