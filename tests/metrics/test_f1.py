import pytest
import torch
from sklearn.metrics import f1_score

from fivestep.check import InputError
from fivestep.metrics.f1 import F1
from tests.contracts.cases import Case
from tests.metrics.samples import Z, class_rows, yes_no_rows
from tests.tolerances import FORMULA

CASES = [Case(), Case({"average": "weighted"}), Case({"average": "micro"})]


def test_worked_example_of_yes_and_no() -> None:
    """Answers yes, yes, no, no beside yes, no, no, yes: TP 1, FP 1, FN 1, so F1 = 2 / (2 + 1 + 1)."""
    z, y = torch.tensor([[1.0], [2], [-1], [-2]]), torch.tensor([[1.0], [0], [0], [1]])
    assert F1().value(z, y, None) == 0.5


def test_worked_example_of_classes() -> None:
    """Answers 0, 1, 1, 2 beside 0, 1, 0, 0: class 0 has 2/(2 + 0 + 2), class 1 has 2/(2 + 1 + 0), class 2 has 0."""
    assert F1().value(Z, torch.tensor([0, 1, 0, 0]), None) == pytest.approx((1 / 2 + 2 / 3 + 0) / 3)


@pytest.mark.parametrize("weighted", [False, True])
def test_it_equals_scikit_learns(weighted: bool) -> None:
    z, y, weight = class_rows(weighted)
    expected = f1_score(y.numpy(), z.numpy().argmax(1), average="macro", sample_weight=weight)
    assert F1().value(z, y, weight) == pytest.approx(expected, rel=FORMULA)
    z, y, weight = yes_no_rows(weighted)
    expected = f1_score(y[:, 0].numpy(), z[:, 0].numpy() > 0, sample_weight=weight)
    assert F1().value(z, y, weight) == pytest.approx(expected, rel=FORMULA)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("average", ["macro", "weighted", "micro"])
def test_every_average_equals_scikit_learns(average: str, weighted: bool) -> None:
    z, y, weight = class_rows(weighted)
    expected = f1_score(y.numpy(), z.numpy().argmax(1), average=average, sample_weight=weight)
    assert F1(average).value(z, y, weight) == pytest.approx(expected, rel=FORMULA)


def test_an_average_of_yes_and_no_is_that_of_the_yes() -> None:
    z, y, weight = yes_no_rows(True)
    assert F1("weighted").value(z, y, weight) == F1().value(z, y, weight)


def test_an_unknown_average_is_refused() -> None:
    with pytest.raises(InputError, match="average of f1 must be one of macro, weighted, micro, got 'macr'; did you"):
        F1("macr")


def test_without_any_yes_it_is_zero_and_says_nothing() -> None:
    assert F1().value(torch.full((3, 1), -1.0), torch.zeros(3, 1), None) == 0
