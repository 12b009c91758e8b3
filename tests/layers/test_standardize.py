"""Numbers moved to mean 0 and deviation 1."""

import math

import pytest

from fivestep.check import InputError
from fivestep.layers.standardize import Standardize
from tests.contracts.cases import Case
from tests.layers.alone import Alone, rows

CASES = [Case({"mean": 0.25, "std": 0.5})]


def test_a_row_worked_by_hand() -> None:
    # (1 - 0.5) / 0.25 = 2, (0 - 0.5) / 0.25 = -2; dx = dy / 0.25
    one = Alone.of("standardize:mean=0.5,std=0.25", 2)
    assert one.train(rows([1, 0])).tolist() == [[2, -2]]
    assert one.evaluate(rows([1, 0])).tolist() == [[2, -2]]
    assert one.back(rows([1, 2])).tolist() == [[4, 8]]


@pytest.mark.parametrize(("mean", "std"), [(math.nan, 1.0), (0.0, 0.0), (0.0, math.inf), ("a", 1.0)])
def test_constants_that_scale_nothing_are_refused(mean: float, std: float) -> None:
    with pytest.raises(InputError, match=r"(mean|std) must be a finite number"):
        Standardize(mean, std)
