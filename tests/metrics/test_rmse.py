import pytest
import torch
from sklearn.metrics import root_mean_squared_error

from fivestep.metrics.rmse import RMSE
from tests.metrics.samples import number_rows
from tests.tolerances import FORMULA


def test_worked_example() -> None:
    """Errors 3 and 4: sqrt((9 + 16) / 2); with weights 1 and 3, sqrt((9 + 48) / 4)."""
    z, y = torch.tensor([[4.0], [1.0]]).double(), torch.tensor([[1.0], [5.0]]).double()
    assert RMSE().value(z, y, None) == pytest.approx((25 / 2) ** 0.5)
    assert RMSE().value(z, y, torch.tensor([1.0, 3.0])) == pytest.approx((57 / 4) ** 0.5)


@pytest.mark.parametrize("weighted", [False, True])
def test_it_equals_scikit_learns(weighted: bool) -> None:
    z, y, weight = number_rows(weighted)
    expected = root_mean_squared_error(y.numpy(), z.numpy(), sample_weight=weight)
    assert RMSE().value(z, y, weight) == pytest.approx(expected, rel=FORMULA)
