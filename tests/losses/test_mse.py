"""The squared error: worked values, and the mistake it never makes."""

import pytest
import torch

from fivestep.check import InputError
from fivestep.layer import Memo
from fivestep.losses.mse import MSE

Z, Y = torch.tensor([[1.0, 2], [3, 4]]), torch.tensor([[1.0, 0], [6, 4]])


def test_worked_values() -> None:
    """Rows (0 + 4) / 2 = 2 and (9 + 0) / 2 = 4.5; their mean is 3.25."""
    memo = Memo(training=True)
    assert MSE().rows(Z, Y, memo).tolist() == [2, 4.5]
    assert MSE().value(Z, Y, None, memo).item() == 3.25


def test_worked_gradient() -> None:
    """2 (z - y) / O for each row, and 1/N for the mean."""
    memo = Memo(training=True)
    assert MSE().gradient(Z, Y, memo).tolist() == [[0, 2], [-3, 0]]
    assert MSE().logits_gradient(Z, Y, None, memo).tolist() == [[0, 1], [-1.5, 0]]


def test_worked_weights() -> None:
    """A quarter of the first row and three quarters of the second: 0.25 * 2 + 0.75 * 4.5."""
    assert MSE().value(Z, Y, torch.tensor([0.25, 0.75]), Memo(training=True)).item() == 3.875


def test_a_hundred_predictions_never_meet_a_hundred_targets_each() -> None:
    """(100, 1) against (100,) broadcasts to (100, 100) in torch, and nothing complains; here it is matched."""
    prediction, target = torch.arange(100.0)[:, None], torch.arange(100.0)
    assert (prediction - target).shape == (100, 100)
    matched = MSE().match(prediction, target)
    assert MSE().value(prediction, matched, None, Memo(training=True)).item() == 0


def test_targets_that_cannot_be_matched_are_refused() -> None:
    with pytest.raises(InputError, match=r"y must have the shape \(100, 2\) .* got \(100,\); .* never broadcasts"):
        MSE().match(torch.zeros(100, 2), torch.zeros(100))
