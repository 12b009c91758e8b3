"""The networks of a batch evaluated together: `evaluate` with a leading axis of networks."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...datasets._base import Part
from ...engines._batched.networks import Networks
from ...engines._parts import MOST_ROWS, OUTPUTS_ELSEWHERE
from ...epoch import Evaluation
from ...evaluation import predictions, row_accuracies
from ...layer import Memo
from ...metrics._base import build_metrics, measure


class Measurements(NamedTuple):
    """Evaluations of several networks, as a column for each figure; objects of thousands are made on access.

    A loss is None where a network has no such rows.
    """

    losses: Sequence[float | None]
    accuracies: Sequence[float | None] | None = None
    metrics: Sequence[Mapping[str, float]] | None = None

    def of(self, k: int) -> Evaluation | None:
        """The evaluation of network k."""
        loss = self.losses[k]
        if loss is None:
            return None
        metrics = self.metrics[k] if self.metrics else {}
        return Evaluation(loss, metrics.get("accuracy", self.accuracies[k] if self.accuracies else None), metrics)

    def spread(self, which: Sequence[int], count: int) -> "Measurements":
        """These evaluations at some indices among `count` networks, and none for the others."""
        columns: list[Any] = []
        for own in self:
            values = None if own is None else dict(zip(which, own, strict=True))
            columns.append(None if values is None else [values.get(k) for k in range(count)])
        return Measurements(*columns)


def both(one: Measurements, other: Measurements) -> Measurements:
    """The networks that either of them has measured."""
    columns: list[Any] = []
    for mine, theirs in zip(one, other, strict=True):
        pairs = None if mine is None or theirs is None else zip(mine, theirs, strict=True)
        columns.append(None if pairs is None else [b if a is None else a for a, b in pairs])
    return Measurements(*columns)


@torch.no_grad()
def evaluations(networks: Networks, which: Sequence[int], rows: Part) -> Measurements:
    """`evaluate` for some of the networks, on the same rows for all of them."""
    engine, count = networks.pattern, len(which)
    criterion, device = engine.criterion, engine.device
    own = slice(None) if count == len(networks) else torch.tensor(which, device=device)
    chosen = build_metrics(engine.plan.metrics, criterion.target)
    sums = torch.zeros((3, count), dtype=torch.float64, device=device)  # of losses, right answers and weights
    collected: list[tuple[Tensor, Tensor, Tensor]] = []
    for taken in rows.parts(max(1, min(MOST_ROWS, OUTPUTS_ELSEWHERE // (count * networks.width)))):
        part = taken.to(device, engine.dtype)
        logits = networks.predict(engine.as_input(part.inputs(engine.dtype)), own)  # (K, N, O)
        y = criterion.match(logits[0], part.y)
        each, y_each = logits.flatten(0, 1), y.expand(count, *y.shape).flatten(0, 1)
        weight = logits.new_ones(len(part)) if part.weight is None else part.weight
        losses, right = criterion.rows(each, y_each, Memo(training=False)), row_accuracies(engine, each, y_each)
        sums += torch.stack(
            [losses.view(count, -1) @ weight, right.view(count, -1) @ weight, weight.sum().expand(count)]
        )
        if chosen:
            outputs = criterion.middle(predictions(engine, logits)).cpu()
            collected.append((outputs, criterion.middle(y).cpu(), weight.cpu()))
    metrics = None
    if chosen:
        all_outputs, all_y, all_weights = zip(*collected, strict=True)
        outputs, y, weight = torch.cat(all_outputs, 1), torch.cat(all_y), torch.cat(all_weights)
        metrics = [measure(chosen, outputs[k], y, weight) for k in range(count)]
    losses, right, total = sums[0], sums[1], sums[2]
    return Measurements(
        (losses / total).tolist(), None if criterion.target == "numbers" else (right / total).tolist(), metrics
    )
