"""An epoch in one line, and what is monitored of it."""

import pickle

import pytest

from fivestep.epoch import Epoch, Evaluation, monitored
from fivestep.plan import TrainPlan

EPOCH = Epoch(3, 12, 0.1, 0.7, 0.5, 0.75, 0.6, 0.5, 0.25, 5000.0, {"f1": 0.8}, {"f1": 0.7})


def test_figures_have_a_name_for_each_part() -> None:
    train = {"train_loss": 0.5, "train_accuracy": 0.75, "train_f1": 0.8}
    assert EPOCH.figures() == train | {"valid_loss": 0.6, "valid_accuracy": 0.5, "valid_f1": 0.7}
    assert Evaluation(0.5, None, {"mae": 2.0}).figures() == {"loss": 0.5, "accuracy": None, "mae": 2.0}


def test_an_epoch_is_one_line() -> None:
    assert str(EPOCH).startswith(
        "epoch 3  train_loss 0.5000  train_accuracy 0.7500  train_f1 0.8000  valid_loss 0.6000"
    )


@pytest.mark.parametrize(("monitor", "expected"), [("loss", 0.6), ("f1", 1 - 0.7)])
def test_what_is_monitored_is_better_when_lower(monitor: str, expected: float) -> None:
    assert monitored(EPOCH, TrainPlan(monitor=monitor)) == expected


def test_an_epoch_goes_to_another_process_whatever_its_metrics_were_given_as() -> None:
    measured = Evaluation(0.5, None)
    epoch = Epoch(3, 12, 0.1, 0.7, measured.loss, None, None, None, 0.25, 5000.0, measured.metrics)
    assert pickle.loads(pickle.dumps(epoch)) == epoch
