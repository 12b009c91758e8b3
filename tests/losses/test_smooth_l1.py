import pytest
import torch

from fivestep.check import InputError
from fivestep.layer import Memo
from fivestep.losses.huber import Huber
from fivestep.losses.smooth_l1 import SmoothL1
from tests.contracts.cases import Case
from tests.samples import numbers
from tests.tolerances import FORMULA, distance

CASES = [Case(pairs=False), Case({"beta": 0.5}, pairs=False)]


def test_worked_example() -> None:
    """beta = 2: 1^2 / 4 = 0.25 inside; at 2 both give 1; beyond, 5 - 1 = 4. Gradients 1/2, 1, -1."""
    z, y, memo = torch.tensor([[1.0], [2.0], [-5.0]]), torch.zeros(3, 1), Memo(training=True)
    assert SmoothL1(2.0).rows(z, y, memo).tolist() == [0.25, 1, 4]
    assert SmoothL1(2.0).gradient(z, y, memo).tolist() == [[0.5], [1], [-1]]


@pytest.mark.parametrize("beta", [0.3, 1.0, 4.0])
def test_it_is_huber_divided_by_beta(beta: float) -> None:
    z, y, memo = numbers(9, 2), numbers(9, 2, seed=1), Memo(training=True)
    assert distance(SmoothL1(beta).rows(z, y, memo) * beta, Huber(beta).rows(z, y, memo)) < FORMULA


def test_a_beta_that_is_not_positive_is_refused() -> None:
    with pytest.raises(InputError, match="beta must be a finite number greater than 0, got 0"):
        SmoothL1(0)
