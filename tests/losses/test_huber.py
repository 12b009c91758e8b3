import pytest
import torch

from fivestep.check import InputError
from fivestep.layer import Memo
from fivestep.losses.huber import Huber
from fivestep.losses.mae import MAE
from fivestep.losses.mse import MSE
from tests.contracts.cases import Case
from tests.samples import numbers
from tests.tolerances import FORMULA, distance

CASES = [Case(), Case({"delta": 0.5}, pairs=False)]


def test_worked_example() -> None:
    """delta = 2: 1^2 / 2 = 0.5 inside; at 2 both give 2; beyond, 2 (5 - 1) = 8. Gradients 1, 2, -2."""
    z, y, memo = torch.tensor([[1.0], [2.0], [-5.0]]), torch.zeros(3, 1), Memo(training=True)
    assert Huber(2.0).rows(z, y, memo).tolist() == [0.5, 2, 8]
    assert Huber(2.0).gradient(z, y, memo).tolist() == [[1], [2], [-2]]


def test_a_large_delta_is_half_the_squared_error() -> None:
    z, y, memo = numbers(9, 2), numbers(9, 2, seed=1), Memo(training=True)
    assert distance(Huber(1e6).rows(z, y, memo), MSE().rows(z, y, memo) / 2) < FORMULA


def test_a_small_delta_is_delta_times_the_absolute_error() -> None:
    """Up to delta^2 / 2, which each |e| > delta loses."""
    z, y, memo = numbers(9, 2), numbers(9, 2, seed=1), Memo(training=True)
    assert distance(Huber(1e-3).rows(z, y, memo), 1e-3 * MAE().rows(z, y, memo) - 1e-6 / 2) < FORMULA


@pytest.mark.parametrize("delta", [0, -1.0, float("inf"), "1"])
def test_a_delta_that_is_not_positive_is_refused(delta: object) -> None:
    with pytest.raises(InputError, match="delta must be a finite number greater than 0, got"):
        Huber(delta)  # type: ignore[arg-type]
