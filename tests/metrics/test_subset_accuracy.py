import pytest
import torch
from sklearn.metrics import accuracy_score

from fivestep.metrics.subset_accuracy import SubsetAccuracy
from tests.metrics.samples import Z, number_rows
from tests.tolerances import FORMULA


def test_worked_example() -> None:
    """The answers are yes yes no, no yes yes, no yes yes and yes no yes; two of the four rows are right."""
    asked = torch.tensor([[1.0, 0, 0], [0, 1, 1], [0, 1, 0], [1, 0, 1]])
    assert SubsetAccuracy().value(Z, asked, None) == 0.5
    assert SubsetAccuracy().value(Z, asked, torch.tensor([1.0, 1, 1, 5])) == 0.75


@pytest.mark.parametrize("weighted", [False, True])
def test_it_equals_scikit_learns(weighted: bool) -> None:
    z, numbers, weight = number_rows(weighted)
    expected = accuracy_score(numbers.numpy() > 0, z.numpy() > 0, sample_weight=weight)
    assert SubsetAccuracy().value(z, (numbers > 0).double(), weight) == pytest.approx(expected, rel=FORMULA)
