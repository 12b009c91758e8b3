"""The best epoch, by what the plan monitors."""

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
import torch

from fivestep.plan import TrainPlan
from fivestep.stopping import Best
from fivestep.train import Epoch, monitored, train
from tests.samples import small_engine, small_plan, three_classes

MONITORS = [("loss", 0.5), ("mae", 2.0), ("r2", 0.25)]
"""What is monitored, and the figure for `epoch_of`: 1 - 0.75 for r2, of which 1 is the best."""


def epoch_of(index: int = 1, **figures: Any) -> Epoch:
    usual = {"train_loss": 0.5, "train_accuracy": None, "valid_loss": None, "valid_accuracy": None}
    rest = {"step": index, "lr": 0.1, "running_loss": 0.0, "seconds": 1.0, "rows_per_second": 1.0}
    return Epoch(index=index, **{**usual, **rest, **figures})


@pytest.mark.parametrize(("monitor", "expected"), MONITORS)
def test_training_rows_are_watched_where_there_is_no_validation_part(monitor: str, expected: float) -> None:
    plan = TrainPlan(loss="mse", metrics=("mae", "r2"), monitor=monitor)
    assert monitored(epoch_of(train_metrics={"mae": 2.0, "r2": 0.75}), plan) == expected


@pytest.mark.parametrize(("monitor", "expected"), MONITORS)
def test_validation_rows_are_watched_where_there_are_any(monitor: str, expected: float) -> None:
    plan = TrainPlan(loss="mse", metrics=("mae", "r2"), monitor=monitor)
    train_metrics, valid_metrics = {"mae": 9.0, "r2": 0.0}, {"mae": 2.0, "r2": 0.75}
    epoch = epoch_of(train_loss=9.0, valid_loss=0.5, train_metrics=train_metrics, valid_metrics=valid_metrics)
    assert monitored(epoch, plan) == expected


@pytest.mark.parametrize(
    ("monitor", "values", "best"), [("mae", (3.0, 1.0, 2.0, 2.0), 1.0), ("r2", (0.1, 0.9, 0.8, 0.7), 0.9)]
)
def test_patience_and_return_go_by_the_monitored_metric(monitor: str, values: tuple[float, ...], best: float) -> None:
    """The loss falls all the time; the second epoch has the best metric, and two more are waited for."""
    plan = TrainPlan(loss="mse", monitor=monitor, patience=2, restore_best=True)
    engine = small_engine("scratch", plan)
    noted, stops = Best(plan), []
    for index, value in enumerate(values, start=1):
        engine.params.flat.fill_(value)
        noted.note(epoch_of(index, train_loss=1 / index, train_metrics={monitor: value}), engine)
        stops.append(noted.is_long_ago())
    noted.restore(engine)
    assert stops == [False, False, False, True]
    assert torch.equal(engine.params.flat, torch.full_like(engine.params.flat, best))


def test_a_schedule_sees_what_is_monitored(monkeypatch: pytest.MonkeyPatch) -> None:
    class Noting:
        """A schedule that notes what it is shown at each step."""

        seen: ClassVar[list[list[float]]] = []

        def factor(self, step: int, num_steps: int, seen: Sequence[float]) -> float:
            self.seen.append(list(seen))
            return 1.0

    plan, data = small_plan(monitor="f1"), three_classes(valid=20)
    monkeypatch.setattr(TrainPlan, "build_schedule", lambda _plan: Noting())
    scores = [epoch.valid_metrics["f1"] for epoch in train(small_engine("scratch", plan), data, plan)]
    assert Noting.seen[-1] == [1 - score for score in scores[:-1]]
