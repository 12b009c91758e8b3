"""A rate by the rows seen: worked by hand, and scikit-learn's."""

import pytest
from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

from fivestep.check import InputError
from fivestep.schedules.inverse_power import InversePower
from tests.contracts.cases import Case
from tests.tolerances import FORMULA

CASES = [Case(), Case({"power": 0.25, "rows": 50, "steps": 4, "seen_before": 7}, pairs=False)]


def test_worked_values() -> None:
    """Two updates an epoch on 3 rows: 1, 1, then 1 / sqrt(1 + 3) twice, then 1 / sqrt(1 + 6)."""
    schedule = InversePower(rows=3, steps=2)
    assert [schedule.factor(step, 9) for step in range(5)] == pytest.approx([1, 1, 0.5, 0.5, 7**-0.5], rel=FORMULA)


@pytest.mark.parametrize("seen_before", [0, 30])
def test_it_is_the_rule_of_scikit_learn(seen_before: int) -> None:
    schedule = InversePower(power=0.3, rows=10, steps=4, seen_before=seen_before)
    theirs, rates = SGDOptimizer([], 1.0, "invscaling", power_t=0.3), []
    for epoch in range(5):
        rates += [theirs.learning_rate] * 4
        theirs.iteration_ends(seen_before + 10 * (epoch + 1))
    assert [schedule.factor(step, 20) for step in range(20)] == pytest.approx(rates, rel=FORMULA)


@pytest.mark.parametrize(("option", "value"), [("power", -1.0), ("rows", 0), ("steps", 0), ("seen_before", -1)])
def test_options_outside_their_range_are_refused(option: str, value: float) -> None:
    with pytest.raises(InputError, match=f"{option} must be a .*, got {value}"):
        InversePower(**{option: value})
