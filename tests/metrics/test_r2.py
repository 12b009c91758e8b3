import pytest
import torch
from sklearn.metrics import r2_score

from fivestep.check import InputError
from fivestep.metrics.r2 import R2
from tests.metrics.samples import number_rows
from tests.tolerances import FORMULA


def test_worked_example() -> None:
    """Targets 1 and 5 around 3, errors 3 and 4: 1 - 25 / 8; weighted 1 and 3 around 4: 1 - (9 + 48) / (9 + 3)."""
    z, y = torch.tensor([[4.0], [1.0]]).double(), torch.tensor([[1.0], [5.0]]).double()
    assert R2().value(z, y, None) == pytest.approx(1 - 25 / 8)
    assert R2().value(z, y, torch.tensor([1.0, 3.0])) == pytest.approx(1 - 57 / 12)


@pytest.mark.parametrize("weighted", [False, True])
def test_it_equals_scikit_learns(weighted: bool) -> None:
    z, y, weight = number_rows(weighted)
    expected = r2_score(y.numpy(), z.numpy(), sample_weight=weight)
    assert R2().value(z, y, weight) == pytest.approx(expected, rel=FORMULA)


def test_the_mean_as_prediction_gives_zero() -> None:
    y = torch.tensor([[1.0], [2.0], [6.0]])
    assert R2().value(torch.full((3, 1), 3.0), y, None) == 0


def test_targets_that_are_all_equal_give_one_or_zero() -> None:
    y = torch.full((3, 1), 2.0)
    assert R2().value(y, y, None) == 1
    assert R2().value(y + 1, y, None) == 0


def test_a_single_row_is_refused() -> None:
    with pytest.raises(InputError, match="r2 must be measured on at least two rows, got one"):
        R2().value(torch.ones(1, 1), torch.ones(1, 1), None)
