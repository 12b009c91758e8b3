"""Predictions that are summarized give the values of those that are kept, on one rank and on several."""

import math
from typing import Any

import pytest
import torch

from fivestep.metrics import _tally
from fivestep.metrics._base import build_metrics, measure
from fivestep.metrics._tally import Tally
from fivestep.ranks import ALONE, Ranks
from tests.metrics.samples import class_rows, number_rows, yes_no_rows
from tests.together import together
from tests.tolerances import FORMULA

SAMPLES = {"numbers": number_rows, "classes": class_rows, "yes_no": yes_no_rows}
METRICS = {
    "numbers": ("rmse", "mae", "r2"),
    "classes": ("accuracy", "balanced_accuracy", "f1", "log_loss", "top_k:k=2"),
    "yes_no": ("accuracy", "balanced_accuracy", "f1", "log_loss"),
}


def values(ranks: Ranks, kind: Any, most: int, turn_rows: int = 16) -> dict[str, float]:
    """The metrics of the sample, whose turns the ranks share; of each, `most` rows are kept together."""
    _tally.MOST_TOGETHER = most
    tally = Tally(build_metrics(METRICS[kind], kind), bounded=True)
    for turn, part in enumerate(zip(*(of.split(turn_rows) for of in rows(kind)), strict=True)):
        if turn % ranks.size == ranks.rank:
            tally.add(turn, *part)
            assert tally._num_rows < most  # no more are ever kept
    return tally.measured(ranks)


def rows(kind: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    z, y, weight = SAMPLES[kind](True)
    assert weight is not None
    weight[::7] = 0.0
    return z, y, weight


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("most", [16, 40, 1000])
def test_summaries_give_what_all_rows_give(monkeypatch: pytest.MonkeyPatch, kind: Any, most: int) -> None:
    monkeypatch.setattr(_tally, "MOST_TOGETHER", most)
    expected = measure(build_metrics(METRICS[kind], kind), *rows(kind))
    assert values(ALONE, kind, most) == pytest.approx(expected, rel=FORMULA)


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("wrong", [math.nan, math.inf])
@pytest.mark.parametrize("bounded", [False, True])
def test_predictions_that_are_not_finite_have_no_value(
    monkeypatch: pytest.MonkeyPatch, kind: Any, wrong: float, bounded: bool
) -> None:
    """Of a network that diverges; scikit-learn would raise an error of its own for `auc`."""
    monkeypatch.setattr(_tally, "MOST_TOGETHER", 16)
    metrics = build_metrics((*METRICS[kind], *(("auc",) if kind != "numbers" else ())), kind)
    z, y, weight = rows(kind)
    z[25, 0] = wrong
    tally = Tally(metrics, bounded=bounded)
    for turn, part in enumerate(zip(*(of.split(16) for of in (z, y, weight)), strict=True)):
        tally.add(turn, *part)
    found = tally.measured(ALONE)
    assert found.keys() == metrics.keys()
    assert all(math.isnan(value) for value in found.values())


@pytest.mark.parametrize("kind", SAMPLES)
def test_ranks_agree_on_the_values_of_one(kind: str) -> None:
    """With turns of 40 rows the third of three ranks has none."""
    expected = measure(build_metrics(METRICS[kind], kind), *rows(kind))  # type: ignore[arg-type]
    first, *others = together(values, 3, kind, 16, 40)
    assert first == pytest.approx(expected, rel=FORMULA)
    assert others == [first, first]
