import pytest
import torch
from sklearn.metrics import balanced_accuracy_score

from fivestep.metrics.balanced_accuracy import BalancedAccuracy
from tests.metrics.samples import Z, class_rows, yes_no_rows
from tests.tolerances import FORMULA


def test_worked_example() -> None:
    """Answers 0, 1, 1, 2 beside 0, 1, 0, 1: of class 0 one of two is right, of class 1 one of two; 2 does not occur."""
    assert BalancedAccuracy().value(Z, torch.tensor([0, 1, 0, 1]), None) == (1 / 2 + 1 / 2) / 2
    assert BalancedAccuracy().value(Z, torch.tensor([0, 1, 1, 1]), None) == pytest.approx((1 + 2 / 3) / 2)


@pytest.mark.parametrize("weighted", [False, True])
def test_it_equals_scikit_learns(weighted: bool) -> None:
    z, y, weight = class_rows(weighted)
    expected = balanced_accuracy_score(y.numpy(), z.numpy().argmax(1), sample_weight=weight)
    assert BalancedAccuracy().value(z, y, weight) == pytest.approx(expected, rel=FORMULA)
    z, y, weight = yes_no_rows(weighted)
    expected = balanced_accuracy_score(y[:, 0].numpy(), z[:, 0].numpy() > 0, sample_weight=weight)
    assert BalancedAccuracy().value(z, y, weight) == pytest.approx(expected, rel=FORMULA)


def test_always_the_same_answer_gives_one_over_the_classes() -> None:
    logits = torch.zeros(100, 4)
    assert BalancedAccuracy().value(logits, torch.arange(100).clamp(max=3), None) == 0.25
