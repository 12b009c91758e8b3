"""Data, network and loss that do not fit, refused in one sentence before the first step."""

import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.engines._make import make_engine
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from fivestep.preflight import check_data, check_plan
from fivestep.train import train
from tests.samples import ENGINES, numbers, small_engine, small_plan, three_classes, weights_of

X = numbers(6, 4)
CLASSES = torch.tensor([0, 1, 2, 0, 1, 2])
YES_NO = (CLASSES > 0).double()


def with_value(values: Tensor, where: tuple[int, ...], value: float) -> Tensor:
    changed = values.clone()
    changed[where] = value
    return changed


@dataclass(frozen=True)
class Mistake:
    """Rows that do not fit a network of four inputs, and the sentence that says so."""

    rows: Rows
    sentence: str
    loss: str = "cross_entropy"
    outputs: int = 3


MISTAKES = {
    "too few columns": Mistake(
        Rows(X[:, :3], CLASSES),
        r"train x must have the network's 4 numbers in each row, got the shape \(6, 3\); make the sizes agree.",
    ),
    "images of another size": Mistake(Rows(numbers(6, 3, 3), CLASSES), r"network's 4 numbers .* \(6, 3, 3\)"),
    "one axis": Mistake(Rows(X[:, 0], CLASSES), r"network's 4 numbers in each row, got the shape \(6,\)"),
    "bytes without a scale": Mistake(
        Rows(X.to(torch.uint8), CLASSES), "train x must come with a scale when it is stored as bytes, got none"
    ),
    "nan in x": Mistake(
        Rows(with_value(X, (2, 3), math.nan), CLASSES),
        r"train x must hold finite numbers, got nan at index \[2, 3\]; fill or drop it.",
    ),
    "infinity in x": Mistake(Rows(with_value(X, (0, 0), math.inf), CLASSES), r"got inf at index \[0, 0\]"),
    "nan in y": Mistake(
        Rows(X, with_value(YES_NO, (5,), math.nan)),
        r"train y must hold finite numbers, got nan at index \[5\]",
        "mse",
        1,
    ),
    "nan in weight": Mistake(
        Rows(X, CLASSES, with_value(torch.ones(6), (1,), math.nan)), "train weight must hold finite numbers, got nan"
    ),
    "negative weight": Mistake(
        Rows(X, CLASSES, with_value(torch.ones(6), (1,), -1)), "train weight must hold numbers of at least 0"
    ),
    "weights all zero": Mistake(Rows(X, CLASSES, torch.zeros(6)), "train weight must hold .* not all 0"),
    "a label above the classes": Mistake(
        Rows(X, CLASSES + 1),
        "train y must hold classes 0 to 2 for a network of 3 outputs, got 1 to 3; count labels from 0.",
    ),
    "a label below the classes": Mistake(
        Rows(X, CLASSES - 1), "train y must hold classes 0 to 2 .* got -1 to 1; count"
    ),
    "labels of other classes": Mistake(Rows(X, CLASSES * 2), "train y must hold classes 0 to 2 .* got 0 to 4; make"),
    "float labels for classes": Mistake(
        Rows(X, CLASSES.float()), r"train y must hold whole-number class labels .* got torch.float32; .* y.long\(\)"
    ),
    "real numbers for classes": Mistake(
        Rows(X, X[:, 0]), r"train y must hold whole-number class labels .* got torch.float64; use mse for numbers"
    ),
    "floating-point one-hot labels for classes": Mistake(
        Rows(X, torch.eye(3)[CLASSES]), r"train y must hold whole-number .*; take y.argmax\(-1\) of one-hot rows."
    ),
    "classes for numbers": Mistake(
        Rows(X, CLASSES), "train y must have a number for each of the 3 outputs, .*; use cross_entropy if", "mse"
    ),
    "one-hot labels for classes": Mistake(
        Rows(X, torch.eye(3).long()[CLASSES]),
        r"train y must hold one class label for each row .* got one-hot rows \(6, 3\); take y.argmax",
    ),
    "labels beyond yes and no": Mistake(
        Rows(X, CLASSES.double()),
        r"train y must lie in \[0, 1\] for binary_cross_entropy, got 0.0 to 2.0; .*: huber, mae, mse, poisson,",
        "binary_cross_entropy",
        1,
    ),
    "numbers for yes and no, in the digits that they have": Mistake(
        Rows(X.float(), torch.tensor([0.1, 1, 1, 0, 0, 1.7])),
        r"got 0.0 to 1.7; change",
        "binary_cross_entropy",
        1,
    ),
    "a target that would broadcast": Mistake(
        Rows(X, YES_NO), r"train y must have the shape \(6, 3\) to match .* got \(6,\); .* never broadcasts", "mse"
    ),
    "more targets than outputs": Mistake(Rows(X, numbers(6, 2)), "never broadcasts", "mse", 1),
}
every_mistake = pytest.mark.parametrize("mistake", [pytest.param(m, id=name) for name, m in MISTAKES.items()])


def plan_for(mistake: Mistake) -> TrainPlan:
    return TrainPlan(loss=mistake.loss, batch_size=3, epochs=1)


@every_mistake
def test_data_that_do_not_fit_are_refused(mistake: Mistake) -> None:
    engine = small_engine("scratch", plan_for(mistake), MLP(4, mistake.outputs))
    with pytest.raises(InputError, match=mistake.sentence):
        check_data(engine, Dataset(mistake.rows))


@pytest.mark.parametrize("name", ENGINES)
@every_mistake
def test_training_refuses_them_before_the_first_step(name: str, mistake: Mistake) -> None:
    engine = small_engine(name, plan_for(mistake), MLP(4, mistake.outputs))
    before = weights_of(engine)
    with pytest.raises(InputError, match=mistake.sentence):
        next(train(engine, Dataset(mistake.rows), plan_for(mistake)))
    assert engine.num_updates == 0
    assert all(torch.equal(value, before[key]) for key, value in weights_of(engine).items())


@pytest.mark.parametrize("part", ["valid", "test"])
def test_the_other_parts_are_checked_too(part: str) -> None:
    data = Dataset(Rows(X, CLASSES), **{part: Rows(X, CLASSES + 1)})
    with pytest.raises(InputError, match=f"^{part} y must hold classes 0 to 2"):
        check_data(small_engine("scratch"), data)


@pytest.mark.parametrize(
    "rows",
    [
        Rows(X, CLASSES),
        Rows(X, CLASSES[:, None]),
        Rows(X.reshape(6, 2, 2), CLASSES),
        Rows(X.reshape(6, 1, 2, 2), CLASSES.to(torch.uint8)),
        Rows(X.long(), CLASSES),
        Rows(X.to(torch.uint8), CLASSES, scale=1 / 255),
        Rows(X, CLASSES, torch.tensor([1.0, 0, 2, 3, 1, 1])),
    ],
    ids=["table", "labels (N, 1)", "images", "images with channels", "whole numbers", "bytes", "weighted"],
)
@pytest.mark.parametrize("name", ENGINES)
def test_data_that_fit_train(name: str, rows: Rows) -> None:
    plan = TrainPlan(batch_size=4, epochs=2)
    epochs = list(train(small_engine(name, plan), Dataset(rows), plan))
    assert math.isfinite(epochs[-1].train_loss)


def test_a_batch_larger_than_the_data_is_refused() -> None:
    with pytest.raises(InputError, match="batch_size must be at most the 50 rows of the training part, got 256"):
        check_plan(TrainPlan(batch_size=256), three_classes())


def test_patience_without_a_validation_part_is_refused() -> None:
    with pytest.raises(InputError, match="patience must be used with a validation part, got 3; split one off"):
        check_plan(TrainPlan(batch_size=10, patience=3), three_classes())


@pytest.mark.parametrize(
    ("schedule", "sentence"),
    [
        ("warmup:steps=4", r"steps of schedule 'warmup' should be less than the run's 4 steps, got 4, which is"),
        ("warmup:steps=200,then=cosine", "steps of schedule 'warmup' .*, got 200, which is never reached; lower it"),
        ("step:every=100", "every of schedule 'step' should be less than the run's 4 steps, got 100"),
        ("multi_step:milestones=(2,30000)", "milestones of schedule 'multi_step' .*, got 30000"),
    ],
)
def test_a_place_in_a_schedule_that_the_run_does_not_reach_warns(schedule: str, sentence: str) -> None:
    plan = small_plan(schedule=schedule, batch_size=25, epochs=2)
    with pytest.warns(UserWarning, match=sentence):
        list(train(small_engine("scratch", plan), three_classes(50), plan))


@pytest.mark.parametrize("schedule", ["warmup:steps=3", "warmup:steps=0.99", "step:every=3", "multi_step:milestones=3"])
def test_a_place_in_a_schedule_that_the_run_reaches_does_not_warn(schedule: str) -> None:
    """Warnings are errors in the tests."""
    plan = small_plan(schedule=schedule, batch_size=25, epochs=2)
    list(train(small_engine("scratch", plan), three_classes(50), plan))


def test_a_network_of_zeros_with_hidden_layers_is_a_warning() -> None:
    data = Dataset(Rows(torch.ones(8, 3), torch.ones(8, 1)))
    plan = TrainPlan(loss="mse", batch_size=None, epochs=1)
    engine = make_engine("scratch", MLP(3, 4, 1, init="zeros"), plan, device="cpu")
    with pytest.warns(UserWarning, match=r"got 0 in all its 2 matrices, .* choose another init, such as 'kaiming'"):
        list(train(engine, data, plan))
    alone = make_engine("scratch", MLP(3, 1, init="zeros"), plan, device="cpu")
    assert len(list(train(alone, data, plan))) == 1
