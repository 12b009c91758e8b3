"""Small normal weights without outliers."""

import pytest
import torch

from fivestep.check import InputError
from fivestep.inits.trunc_normal import TruncNormal
from tests.contracts.cases import Case
from tests.samples import stream
from tests.statistics import deviation_error
from tests.tolerances import STATISTICS

CASES = [Case(pairs=False), Case({"std": 0.3}, pairs=False)]


@pytest.mark.parametrize("std", [0.02, 0.3])
def test_weights_have_the_deviation_of_a_normal_cut_at_two(std: float) -> None:
    """1 - 2 * 2 phi(2) / (Phi(2) - Phi(-2)) = 1 - 4 * 0.05399 / 0.95450 = 0.7737, whose root is 0.8796."""
    weight = torch.empty(256, 784)
    TruncNormal(std).weight_(weight, stream())
    assert weight.abs().max() <= 2 * std
    assert deviation_error(weight, 0.8796 * std) < STATISTICS


def test_biases_are_zero() -> None:
    bias = torch.full((5,), torch.nan)
    TruncNormal().bias_(bias, 7, stream())
    assert (bias == 0).all()


@pytest.mark.parametrize("std", [0, -1, float("nan")])
def test_a_deviation_that_is_none_is_refused(std: float) -> None:
    with pytest.raises(InputError, match="std must be a finite number greater than 0"):
        TruncNormal(std)
