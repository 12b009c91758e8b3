"""Class weights: scikit-learn's numbers, torch's weighted loss in every engine, and where they make no sense."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor, nn

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.datasets._weights import class_weights, weigh_classes
from fivestep.evaluation import evaluate
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from fivestep.preflight import check_data
from fivestep.steps import upcoming_steps
from fivestep.train import train
from tests.samples import (
    ENGINES,
    FIVE_STEP_ENGINES,
    do_steps,
    numbers,
    small_engine,
    small_plan,
    three_classes,
    weights_of,
)
from tests.tolerances import ENGINES_FLOAT64, FORMULA, PARTS, distance, worst

Y = torch.tensor([0, 0, 0, 0, 2, 2, 3, 3, 3, 3])
OWN = (1.0, 5.0, 0.5)


def test_balanced_weights_are_scikit_learns() -> None:
    expected = compute_class_weight("balanced", classes=np.array([0, 2, 3]), y=Y.numpy())
    got = class_weights(Y, 4, "balanced")
    assert got[[0, 2, 3]].tolist() == pytest.approx(expected.tolist(), rel=FORMULA)


def test_worked_example() -> None:
    """Ten rows, three classes that occur: 10 / (3 * 4), 10 / (3 * 2), 10 / (3 * 4); the one that does not gets 1."""
    assert class_weights(Y, 4, "balanced").tolist() == pytest.approx([5 / 6, 1, 5 / 3, 5 / 6])


def test_a_row_of_weight_two_counts_as_two_rows() -> None:
    weight = torch.tensor([1.0, 2.0, 1.0])
    doubled = class_weights(torch.tensor([0, 1, 1, 2]), 3, "balanced")
    assert torch.equal(class_weights(torch.tensor([0, 1, 2]), 3, "balanced", weight), doubled)


def test_rows_weigh_as_much_as_their_class_times_their_own_weight() -> None:
    data = Dataset(Rows(numbers(4, 2), torch.tensor([2, 0, 1, 1]), [1.0, 1, 1, 2]), Rows(numbers(2, 2), [0, 1]))
    weighed = weigh_classes(data, OWN, "classes", 3)
    assert weighed.train.weight is not None
    assert weighed.train.weight.tolist() == [0.5, 1, 5, 10]
    assert weighed.valid is data.valid


def test_rows_drawn_fresh_weigh_as_much_as_their_class() -> None:
    rows = Rows(numbers(3, 2), torch.tensor([[1.0], [0.0], [1.0]]))
    weighed = weigh_classes(Dataset(rows, fresh=lambda _epoch: rows), (1, 4), "yes_no", 1)
    assert weighed.fresh is not None
    assert weighed.fresh(0).weight.tolist() == [4, 1, 4]  # type: ignore[union-attr]


@pytest.mark.parametrize("name", FIVE_STEP_ENGINES)
@pytest.mark.parametrize("number", [1, 2, 4])
def test_loss_and_gradient_of_a_batch_are_those_of_torchs_weighted_cross_entropy(name: str, number: int) -> None:
    """Of whole batches, and of the last, smaller one; torch divides by the sum of the weights in the batch."""
    data, plan = three_classes(), small_plan(class_weight=OWN)
    engine = small_engine(name, plan)
    x, y, weight = next(upcoming_steps(engine, data, plan, number - 1)).batch
    logits = engine.forward(x)
    loss = engine.loss(logits, y, weight)
    engine.zero_grad()
    engine.backward()
    oracle = small_engine("nn", plan)
    expected = nn.CrossEntropyLoss(weight=torch.tensor(OWN, dtype=torch.float64))(oracle.forward(x), y)
    leaves = list(oracle.model.parameters())  # type: ignore[attr-defined]
    gradients = dict(zip(engine.named_gradients(), torch.autograd.grad(expected, leaves), strict=True))
    assert distance(loss.detach(), expected.detach()) < FORMULA
    assert worst(engine.named_gradients(), gradients).distance < FORMULA


def by_torch(data: Dataset, plan: TrainPlan, num_steps: int) -> dict[str, Tensor]:
    """The parameters after steps of plain SGD on torch's weighted loss."""
    oracle = small_engine("nn", replace(plan, class_weight=None))
    criterion = nn.CrossEntropyLoss(weight=torch.tensor(OWN, dtype=torch.float64))
    optimizer = torch.optim.SGD(oracle.model.parameters(), plan.lr)  # type: ignore[attr-defined]
    stream = upcoming_steps(oracle, data, oracle.plan, 0)
    for _ in range(num_steps):
        x, y, _ = next(stream).batch
        optimizer.zero_grad(set_to_none=False)
        criterion(oracle.forward(x), y).backward()
        optimizer.step()
    return weights_of(oracle)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("options", [{}, {"micro_batch_size": 5}], ids=str)
def test_training_is_that_of_torchs_weighted_cross_entropy(name: str, options: dict[str, Any]) -> None:
    data, plan = three_classes(), small_plan(class_weight=OWN, **options)
    engine = small_engine(name, plan)
    do_steps(engine, data, plan, 1, 8)
    assert worst(weights_of(engine), by_torch(data, plan, 8)).distance < ENGINES_FLOAT64


def test_balanced_classes_train_as_without_weights() -> None:
    data = Dataset(Rows(numbers(30, 4), torch.arange(30) % 3), num_outputs=3)
    plans = small_plan(batch_size=None), small_plan(batch_size=None, class_weight="balanced")
    engines = [small_engine("scratch", plan) for plan in plans]
    steps_done = [do_steps(engine, data, plan, 1, 3) for engine, plan in zip(engines, plans, strict=True)]
    assert len(steps_done[0]) == len(steps_done[1]) == 3
    assert worst(weights_of(engines[1]), weights_of(engines[0])).distance < PARTS


def test_merged_rows_keep_the_loss_of_balanced_classes() -> None:
    """Rows of weight 3 count three times among their class, so the full-batch step is the same."""
    plan = small_plan(batch_size=None, class_weight="balanced")
    rows = Rows(numbers(6, 4)[torch.tensor([0, 1, 1, 1, 2, 3])], torch.tensor([0, 1, 1, 1, 2, 0]))
    data = Dataset(rows, num_outputs=3)
    engines = [small_engine("scratch", plan), small_engine("scratch", plan)]
    do_steps(engines[0], data, plan, 1, 1)
    do_steps(engines[1], data.unique(), plan, 1, 1)
    assert worst(weights_of(engines[1]), weights_of(engines[0])).distance < PARTS


def test_a_rare_class_is_found_once_the_classes_are_balanced() -> None:
    """One row in ten is a yes, a little beside the others: without weights, no is mostly the better guess."""
    y = torch.arange(500) % 10 == 0
    data = Dataset(Rows(numbers(500, 2) + 0.8 * y[:, None], y), num_outputs=1)
    found = {how: recall(data, y, how) for how in (None, "balanced")}
    assert found[None] < 0.2
    assert found["balanced"] > 0.6


def recall(data: Dataset, y: Tensor, how: Any) -> float:
    """The share of the yes rows that a logistic regression finds."""
    plan = TrainPlan(loss="binary_cross_entropy", lr=1.0, batch_size=None, epochs=100, class_weight=how)
    engine = small_engine("scratch", plan, MLP(2, 1))
    do_steps(engine, data, plan, 1, 100)
    return (engine.predict(data.train.x)[y, 0] > 0).double().mean().item()


def test_shown_figures_weigh_every_row_alike() -> None:
    data, plan = three_classes(valid=20), small_plan(class_weight=OWN)
    engine = small_engine("scratch", plan)
    last = list(train(engine, data, plan))[-1]
    assert (last.train_loss, last.train_accuracy) == evaluate(engine, data.train)[:2]
    assert last.running_loss != pytest.approx(last.train_loss, rel=0.01)


@pytest.mark.parametrize(
    ("rows", "loss", "how", "sentence"),
    [
        (Rows(numbers(3, 4), numbers(3)), "mse", "balanced", "left out for a loss that compares numbers, got 'balanc"),
        (Rows(numbers(3, 4), [0, 1, 1]), "cross_entropy", (1, 2), r"'balanced' or 3 numbers, one .*, got \(1, 2\)"),
        (Rows(numbers(2, 5, 4), torch.zeros(2, 5).long()), "cross_entropy", OWN, r"one class for each row.* \(2, 5\)"),
        (Rows(numbers(2, 4), [0.3, 1.0]), "binary_cross_entropy", (1, 2), "targets 0 and 1, got numbers between"),
    ],
    ids=["numbers", "wrong count", "tokens", "soft labels"],
)
def test_class_weights_that_make_no_sense_are_refused_before_the_first_step(
    rows: Rows, loss: str, how: Any, sentence: str
) -> None:
    num_outputs = 3 if loss == "cross_entropy" else 1
    engine = small_engine("scratch", TrainPlan(loss=loss, class_weight=how), MLP(4, num_outputs))
    with pytest.raises(InputError, match=f"class_weight must be .*{sentence}"):
        check_data(engine, Dataset(rows, num_outputs=num_outputs))


@pytest.mark.parametrize("how", ["balansed", 2.0, (), (1, 0), (1, float("nan")), {0: 1, 2: 1}, ("1", "2")], ids=str)
def test_a_class_weight_that_is_none_is_refused_by_the_plan(how: Any) -> None:
    with pytest.raises(InputError, match="class_weight must be"):
        TrainPlan(class_weight=how)


@pytest.mark.parametrize("how", [None, "balanced", (1.0, 5.0), [1.0, 5.0], {1: 5.0, 0: 1.0}], ids=str)
def test_a_plan_with_class_weights_survives_its_file(how: Any) -> None:
    plan = TrainPlan(class_weight=how)
    assert TrainPlan.from_dict(plan.to_dict()) == plan
    assert plan.class_weight in (None, "balanced", (1.0, 5.0))
