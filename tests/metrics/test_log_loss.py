import math

import pytest
import torch
from sklearn.metrics import log_loss

from fivestep.metrics.log_loss import LogLoss
from tests.metrics.samples import class_rows, yes_no_rows
from tests.tolerances import FORMULA


def test_worked_example() -> None:
    """Odds of 1 : 3 and 3 : 1 for the second class, which is right twice: (log 4/3 + log 4) / 2."""
    z = torch.tensor([[1.0, 3.0], [3.0, 1.0]]).double().log()
    expected = (math.log(4 / 3) + math.log(4)) / 2
    assert LogLoss().value(z, torch.tensor([1, 1]), None) == pytest.approx(expected)
    assert LogLoss().value(z[:, [1]] - z[:, [0]], torch.ones(2, 1), None) == pytest.approx(expected)


@pytest.mark.parametrize("weighted", [False, True])
def test_it_equals_scikit_learns(weighted: bool) -> None:
    z, y, weight = class_rows(weighted)
    expected = log_loss(y.numpy(), z.softmax(1).numpy(), sample_weight=weight)
    assert LogLoss().value(z, y, weight) == pytest.approx(expected, rel=FORMULA)
    z, y, weight = yes_no_rows(weighted)
    expected = log_loss(y[:, 0].numpy(), z[:, 0].sigmoid().numpy(), sample_weight=weight)
    assert LogLoss().value(z, y, weight) == pytest.approx(expected, rel=FORMULA)


def test_a_certain_mistake_is_not_clipped() -> None:
    """scikit-learn's probabilities end at 2e-16, which makes 36 of it."""
    assert LogLoss().value(torch.tensor([[1000.0, 0.0]]), torch.tensor([1]), None) == 1000
