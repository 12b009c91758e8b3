import math

import pytest
import torch
from sklearn.metrics import mean_tweedie_deviance

from fivestep.check import InputError
from fivestep.layer import Memo
from fivestep.losses.tweedie import Tweedie
from tests.contracts.cases import Case
from tests.losses.test_poisson import counts
from tests.samples import numbers
from tests.tolerances import FORMULA

CASES = [
    Case(targets=counts, extremes=(80.0, -80.0)),  # exp(89) is more than float32 can hold
    Case({"power": 1.2}, targets=counts, extremes=(80.0, -80.0), pairs=False),
]


def test_worked_example() -> None:
    """p = 1.5, z = ln 4, y = 3: 2 * 3 / 2 + 2 * 2 = 7, gradient 2 - 3/2. z = 0, y = 0: 2, gradient 1."""
    z, y = torch.tensor([[math.log(4)], [0.0]], dtype=torch.float64), torch.tensor([[3.0], [0.0]]).double()
    memo = Memo(training=True)
    assert Tweedie().rows(z, y, memo).tolist() == pytest.approx([7, 2], rel=FORMULA)
    assert Tweedie().gradient(z, y, memo).flatten().tolist() == pytest.approx([0.5, 1], rel=FORMULA)


@pytest.mark.parametrize("power", [1.1, 1.5, 1.9])
def test_twice_what_it_is_above_its_least_value_is_scikit_learns_deviance(power: float) -> None:
    """The least value, at exp(z) = y, is y^(2 - p) (1 / (p - 1) + 1 / (2 - p)); the deviance is 2 times the rest."""
    z, y = numbers(50, 1), counts((50, 1), torch.Generator().manual_seed(1))
    least = (y ** (2 - power) * (1 / (power - 1) + 1 / (2 - power))).mean().item()
    ours = 2 * (Tweedie(power).value(z, y, None, Memo(training=True)).item() - least)
    expected = mean_tweedie_deviance(y[:, 0].numpy(), z[:, 0].exp().numpy(), power=power)
    assert ours == pytest.approx(expected, rel=FORMULA)


@pytest.mark.parametrize("power", [1, 2.0, 0.5, float("nan"), "1.5", True], ids=str)
def test_a_power_outside_1_to_2_is_refused(power: object) -> None:
    with pytest.raises(InputError, match=r"power must be a number in \(1, 2\), got .*; 1.5 is usual, poisson"):
        Tweedie(power)  # type: ignore[arg-type]
