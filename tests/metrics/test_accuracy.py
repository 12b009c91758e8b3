import pytest
import torch
from sklearn.metrics import accuracy_score

from fivestep.metrics.accuracy import Accuracy
from tests.metrics.samples import Z, class_rows, yes_no_rows
from tests.tolerances import FORMULA


def test_worked_example() -> None:
    """The largest logits are those of classes 0, 1, 1 and 2; two of the four are right."""
    assert Accuracy().value(Z, torch.tensor([0, 1, 2, 0]), None) == 0.5
    assert Accuracy().value(Z, torch.tensor([0, 1, 2, 0]), torch.tensor([1.0, 1, 1, 5])) == 0.25


@pytest.mark.parametrize("weighted", [False, True])
def test_it_equals_scikit_learns(weighted: bool) -> None:
    z, y, weight = class_rows(weighted)
    expected = accuracy_score(y.numpy(), z.numpy().argmax(1), sample_weight=weight)
    assert Accuracy().value(z, y, weight) == pytest.approx(expected, rel=FORMULA)
    z, y, weight = yes_no_rows(weighted)
    expected = accuracy_score(y[:, 0].numpy(), z[:, 0].numpy() > 0, sample_weight=weight)
    assert Accuracy().value(z, y, weight) == pytest.approx(expected, rel=FORMULA)


def test_of_equal_logits_the_first_is_the_answer() -> None:
    assert Accuracy().value(torch.zeros(3, 4), torch.tensor([0, 1, 0]), None) == pytest.approx(2 / 3)
