"""The best epoch, by what the plan monitors."""

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
import torch

from fivestep.epoch import Epoch, monitored
from fivestep.plan import TrainPlan
from fivestep.stopping import Best, best_epoch, epoch_put_back
from fivestep.train import train
from tests.samples import ENGINES, small_engine, small_plan, three_classes

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


@pytest.mark.parametrize(
    ("losses", "settings", "index"),
    [
        ((3.0, 1.0, 2.0, 1.0), {"epochs": 4}, 2),
        ((3.0, 1.0, 2.0), {"epochs": 9, "patience": 1}, 2),
        ((3.0, 2.0, 1.0), {"epochs": 3}, None),
        ((3.0, 1.0, 2.0), {"epochs": 4}, None),
        ((3.0, 1.0, 2.0), {"epochs": 3, "restore_best": False}, None),
        ((float("nan"),) * 2, {"epochs": 2}, None),
        ((), {"epochs": 2}, None),
    ],
    ids=["first of two", "stopped early", "the last", "interrupted", "not asked for", "no number", "before the first"],
)
def test_the_epoch_put_back_is_the_best_one_where_that_is_not_the_last(
    losses: tuple[float, ...], settings: dict[str, Any], index: int | None
) -> None:
    history = [epoch_of(k, train_loss=0.0, valid_loss=loss) for k, loss in enumerate(losses, start=1)]
    found = epoch_put_back(history, TrainPlan(**{"restore_best": True, **settings}))
    assert (None if found is None else found.index) == index


@pytest.mark.parametrize(("values", "index"), [((0.2, 0.6, 0.5, 0.6), 2), ((float("nan"),) * 2, None), ((), None)])
def test_the_best_epoch_is_the_first_of_those_with_the_best_metric(
    values: tuple[float, ...], index: int | None
) -> None:
    history = [epoch_of(k, train_loss=1 / k, train_metrics={"r2": value}) for k, value in enumerate(values, start=1)]
    assert best_epoch(history, TrainPlan(loss="mse", monitor="r2")) == index


def test_a_schedule_sees_what_is_monitored(monkeypatch: pytest.MonkeyPatch) -> None:
    class Noting:
        """A schedule that notes what it is shown at each step."""

        seen: ClassVar[list[list[float]]] = []
        spans = ()

        def factor(self, step: int, num_steps: int, seen: Sequence[float]) -> float:
            self.seen.append(list(seen))
            return 1.0

    plan, data = small_plan(monitor="f1"), three_classes(valid=20)
    monkeypatch.setattr(TrainPlan, "build_schedule", lambda _plan: Noting())
    scores = [epoch.valid_metrics["f1"] for epoch in train(small_engine("scratch", plan), data, plan)]
    assert Noting.seen[-1] == [1 - score for score in scores[:-1]]


def stops_after(valid_losses: list[float], patience: int | None) -> int | None:
    """The epoch after which training stops, or None."""
    best, engine = Best(small_plan(patience=patience)), small_engine("scratch")
    for index, loss in enumerate(valid_losses, start=1):
        best.note(epoch_of(index, valid_loss=loss), engine)
        if best.is_long_ago():
            return index
    return None


@pytest.mark.parametrize(
    ("valid_losses", "patience", "expected"),
    [
        ([3, 2, 1, 2, 3, 4], 2, 5),
        ([3, 2, 1, 2, 3, 4], 3, 6),
        ([3, 2, 1, 2, 3, 4], 4, None),
        ([3, 2, 1, 2, 3, 4], None, None),
        ([3, 4, 2, 3, 1, 2], 2, None),
        ([1, 1, 1], 2, 3),  # no better is not better
        ([float("nan")] * 3, 3, 3),
    ],
)
def test_training_stops_when_the_best_epoch_is_long_ago(
    valid_losses: list[float], patience: int | None, expected: int | None
) -> None:
    assert stops_after(valid_losses, patience) == expected


def test_without_a_validation_part_the_training_loss_counts() -> None:
    best, engine = Best(small_plan(patience=1)), small_engine("scratch")
    best.note(epoch_of(train_loss=1.0), engine)
    best.note(epoch_of(train_loss=2.0), engine)
    assert best.is_long_ago()


@pytest.mark.parametrize("name", ENGINES)
def test_the_weights_of_the_best_epoch_come_back(name: str) -> None:
    """At this rate the validation loss goes up and down."""
    plan, data = small_plan(lr=10.0, epochs=8, restore_best=True), three_classes(valid=30)
    engine, best, seen = small_engine(name, plan), Best(plan), {}
    for epoch in train(engine, data, plan):
        best.note(epoch, engine)
        seen[epoch.valid_loss] = engine.params.flat.clone()
    best.restore(engine)
    assert min(seen) < list(seen)[-1]
    assert torch.equal(engine.params.flat, seen[min(seen)])


def test_the_weights_stay_where_they_are_unless_asked_for() -> None:
    plan: TrainPlan = small_plan(lr=10.0, epochs=8)
    engine, best = small_engine("scratch", plan), Best(plan)
    for epoch in train(engine, three_classes(valid=30), plan):
        best.note(epoch, engine)
    last = engine.params.flat.clone()
    best.restore(engine)
    assert torch.equal(engine.params.flat, last)
