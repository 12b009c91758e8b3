import pytest
import torch
from sklearn.metrics import mean_absolute_error

from fivestep.metrics.mae import MAE
from tests.metrics.samples import number_rows
from tests.tolerances import FORMULA


def test_worked_example() -> None:
    """Errors 3 and 4: 3.5; with weights 1 and 3, (3 + 12) / 4."""
    z, y = torch.tensor([[4.0], [1.0]]).double(), torch.tensor([[1.0], [5.0]]).double()
    assert MAE().value(z, y, None) == pytest.approx(3.5)
    assert MAE().value(z, y, torch.tensor([1.0, 3.0])) == pytest.approx(15 / 4)


@pytest.mark.parametrize("weighted", [False, True])
def test_it_equals_scikit_learns(weighted: bool) -> None:
    z, y, weight = number_rows(weighted)
    expected = mean_absolute_error(y.numpy(), z.numpy(), sample_weight=weight)
    assert MAE().value(z, y, weight) == pytest.approx(expected, rel=FORMULA)
