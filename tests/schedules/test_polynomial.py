"""Polynomial decay: worked values."""

import pytest

from fivestep.check import InputError
from fivestep.schedules.polynomial import Polynomial
from tests.contracts.cases import Case
from tests.tolerances import FORMULA

CASES = [Case(), Case({"power": 2.0}, pairs=False), Case({"power": 0.9, "final": 0.1}, pairs=False)]


@pytest.mark.parametrize(
    ("power", "final", "expected"),
    [
        (1.0, 0.0, [1, 0.75, 0.5, 0.25]),
        (2.0, 0.0, [1, 0.5625, 0.25, 0.0625]),
        (2.0, 0.2, [1, 0.2 + 0.8 * 0.5625, 0.4, 0.25]),
    ],
)
def test_worked_values(power: float, final: float, expected: list[float]) -> None:
    assert [Polynomial(power, final).factor(step, 4) for step in range(4)] == pytest.approx(expected, rel=FORMULA)


@pytest.mark.parametrize("options", [{"power": 0.0}, {"final": 1.0}])
def test_options_outside_their_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(options))} must be a .*number"):
        Polynomial(**options)
