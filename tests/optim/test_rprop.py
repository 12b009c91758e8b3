from typing import Any

import pytest

from fivestep.check import InputError
from fivestep.optim.rprop import Rprop
from tests.contracts.cases import Case
from tests.optim.worked import weights_after
from tests.tolerances import FORMULA

CASES = [
    Case(pairs=False, float32=False),  # a sign decides, and the rounding of a gradient near 0 may decide the sign
    Case({"etas": (0.3, 1.5), "step_sizes": (1e-4, 0.3)}, pairs=False, float32=False),
    Case({"weight_decay": 0.1}, pairs=False, float32=False),
]


def test_steps_worked_by_hand() -> None:
    """0.1, then 0.1 * 1.2; a change of sign halves it to 0.06 and moves nothing; then 0.06 as it is, then 0.072."""
    weights = weights_after(Rprop(), 1.0, [5.0, 0.001, -3.0, -2.0, -9.0], lr=0.1)
    assert weights == pytest.approx([0.9, 0.78, 0.78, 0.84, 0.912], rel=FORMULA)


def test_only_signs_matter() -> None:
    gradients = [1.0, 2.0, -3.0, -1.0]
    small = weights_after(Rprop(), 1.0, [1e-9 * gradient for gradient in gradients], lr=0.1)
    assert small == weights_after(Rprop(), 1.0, gradients, lr=0.1)


def test_step_sizes_stay_within_their_bounds() -> None:
    weights = weights_after(Rprop(step_sizes=(1e-3, 0.2)), 0.0, [-1.0] * 20, lr=0.1)
    assert weights[-1] - weights[-2] == pytest.approx(0.2, rel=FORMULA)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"etas": (1.2, 0.5)}, r"etas must be a number in \(0, 1\) and one above 1, got"),
        ({"etas": 0.5}, "etas must be a pair of numbers, got 0.5"),
        ({"step_sizes": (1.0, 0.1)}, "step_sizes must be the least and the largest, got"),
        ({"step_sizes": (0.0, 1.0)}, "a number of step_sizes must be a finite number greater than 0, got 0.0"),
    ],
)
def test_options_out_of_their_range_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Rprop(**options)
