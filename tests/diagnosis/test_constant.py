"""The loss of an answer that never looks at the row, against closed forms."""

import math

import pytest
import torch

from fivestep.datasets._base import Rows
from fivestep.diagnosis._constant import constant_answer, constant_loss
from fivestep.engines._engine import Engine
from fivestep.engines._make import make_engine
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from tests.tolerances import CONSTANT_ANSWER

X = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
COUNTS = (5, 3, 1)
CLASSES = torch.repeat_interleave(torch.arange(3), torch.tensor(COUNTS))
NUMBERS = torch.tensor([1.0, 2.0, 2.5, 7.0, 0.0, -3.0, 4.0, 4.5, 100.0])


def engine_with(loss: str, outputs: int = 1) -> Engine:
    return make_engine("scratch", MLP(4, 3, outputs), TrainPlan(loss=loss), device="cpu")


def least(loss: str, rows: Rows, outputs: int = 1) -> float:
    engine = engine_with(loss, outputs)
    return constant_loss(engine, rows, constant_answer(engine, rows))


def entropy(*shares: float) -> float:
    return -sum(p * math.log(p) for p in shares)


def test_of_classes_it_is_the_entropy_of_their_shares() -> None:
    expected = entropy(5 / 9, 3 / 9, 1 / 9)
    assert least("cross_entropy", Rows(X, CLASSES), 3) == pytest.approx(expected, rel=CONSTANT_ANSWER)


def test_weights_count_as_copies() -> None:
    rows = Rows(X[:3], torch.arange(3), torch.tensor(COUNTS).float())
    expected = entropy(5 / 9, 3 / 9, 1 / 9)
    assert least("cross_entropy", rows, 3) == pytest.approx(expected, rel=CONSTANT_ANSWER)


def test_of_yes_or_no_it_is_the_entropy_of_the_share() -> None:
    y = (torch.arange(9) < 2).float()
    assert least("binary_cross_entropy", Rows(X, y)) == pytest.approx(entropy(2 / 9, 7 / 9), rel=CONSTANT_ANSWER)


def test_of_a_squared_error_it_is_the_variance() -> None:
    expected = NUMBERS.double().var(correction=0).item()
    assert least("mse", Rows(X, NUMBERS)) == pytest.approx(expected, rel=CONSTANT_ANSWER)


def test_of_an_absolute_error_it_is_the_deviation_from_the_median() -> None:
    expected = (NUMBERS - NUMBERS.median()).abs().double().mean().item()
    assert least("mae", Rows(X, NUMBERS)) == pytest.approx(expected, rel=CONSTANT_ANSWER)


def test_of_counts_the_rate_is_their_mean() -> None:
    counts = torch.tensor([0.0, 1, 3, 2, 0, 5, 1, 1, 2])
    answer = constant_answer(engine_with("poisson"), Rows(X, counts))
    assert answer.exp().item() == pytest.approx(counts.double().mean().item(), rel=CONSTANT_ANSWER**0.5)


def test_of_tokens_each_counts() -> None:
    y = CLASSES.reshape(3, 3)
    expected = entropy(5 / 9, 3 / 9, 1 / 9)
    assert least("cross_entropy", Rows(torch.zeros(3, 3, 4), y), 3) == pytest.approx(expected, rel=CONSTANT_ANSWER)


def test_a_class_that_the_answer_excludes_costs_what_it_costs() -> None:
    engine = engine_with("cross_entropy", 3)
    answer = torch.tensor([0.0, 0.0, -50.0], dtype=torch.float64)
    loss = constant_loss(engine, Rows(X[:2], torch.tensor([2, 2])), answer)
    assert loss == pytest.approx(50 + math.log(2), rel=CONSTANT_ANSWER)
