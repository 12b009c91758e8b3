"""Dropout: what its scale keeps, and what evaluation leaves alone."""

import math

import pytest
import torch

from fivestep.check import InputError
from fivestep.draws import Draws
from fivestep.layer import Memo
from fivestep.layers.dropout import Dropout
from tests.contracts.cases import Case
from tests.samples import numbers
from tests.tolerances import STATISTICS

CASES = [Case(), Case({"p": 0.1}), Case({"p": 0.0})]

ONES = torch.ones(1000, 100, dtype=torch.float64)


def dropped(p: float, x: torch.Tensor = ONES) -> torch.Tensor:
    return Dropout(p).forward({}, x, Memo(training=True, draws=Draws(0)))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_mean_is_kept(p: float) -> None:
    """Each element is 0 or 1/(1-p), with variance p/(1-p) around 1."""
    error = math.sqrt(p / (1 - p) / ONES.numel())
    assert abs(float(dropped(p).mean()) - 1) < STATISTICS * error


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_an_element_is_dropped_or_scaled(p: float) -> None:
    assert dropped(p).unique().tolist() == pytest.approx([0, 1 / (1 - p)])


def test_evaluation_is_the_identity() -> None:
    x = numbers(5, 3)
    assert torch.equal(Dropout(0.5).forward({}, x, Memo(training=False)), x)


def test_without_probability_nothing_is_dropped() -> None:
    assert torch.equal(dropped(0.0), ONES)


@pytest.mark.parametrize("p", [1 - 1e-4, 1 - 1e-5, 1 - 1e-9])
def test_a_probability_next_to_one_drops_almost_everything(p: float) -> None:
    """Such a threshold rounds to 2^15, which the 16-bit draws cannot hold."""
    assert (dropped(p) != 0).double().mean() < 1e-3


def test_the_gradient_passes_where_the_value_did() -> None:
    memo = Memo(training=True, draws=Draws(0))
    y = Dropout(0.5).forward({}, ONES, memo)
    assert torch.equal(Dropout(0.5).backward({}, {}, ONES.clone(), memo), y)


@pytest.mark.parametrize("p", [1.0, -0.1, math.nan, "half"])
def test_a_probability_that_is_none_is_refused(p: float) -> None:
    with pytest.raises(InputError, match=r"dropout must be a number in \[0, 1\), got"):
        Dropout(p)
