import math

import pytest
import torch
from sklearn.metrics import mean_gamma_deviance
from torch import Tensor

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.layer import Memo
from fivestep.losses.gamma import Gamma
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from fivestep.preflight import check_data
from tests.contracts.cases import Case
from tests.samples import numbers, small_engine
from tests.tolerances import FORMULA


def amounts(shape: tuple[int, ...], stream: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=stream, dtype=torch.float64) + 0.1


CASES = [
    Case(
        targets=amounts,
        extremes=(80.0, -80.0),  # exp(89) is more than float32 can hold
        suits=lambda combination: combination.activation.name != "relu_squared",  # z = -700: exp(700), squared by rules
    )
]


def test_worked_example() -> None:
    """z = ln 2, y = 3: ln 2 + 3/2, gradient 1 - 3/2. z = 0, y = 1: 1, gradient 0."""
    z, y = torch.tensor([[math.log(2)], [0.0]], dtype=torch.float64), torch.tensor([[3.0], [1.0]]).double()
    memo = Memo(training=True)
    assert Gamma().rows(z, y, memo).tolist() == pytest.approx([math.log(2) + 1.5, 1], rel=FORMULA)
    assert Gamma().gradient(z, y, memo).flatten().tolist() == pytest.approx([-0.5, 0], rel=FORMULA)


def test_twice_what_it_is_above_its_least_value_is_scikit_learns_deviance() -> None:
    """The least value, at exp(z) = y, is log y + 1."""
    z, y = numbers(50, 1), amounts((50, 1), torch.Generator().manual_seed(1))
    ours = 2 * (Gamma().value(z, y, None, Memo(training=True)).item() - (y.log() + 1).mean().item())
    assert ours == pytest.approx(mean_gamma_deviance(y[:, 0].numpy(), z[:, 0].exp().numpy()), rel=FORMULA)


@pytest.mark.parametrize("least", [0.0, -1.0])
def test_an_amount_that_is_not_above_0_is_refused(least: float) -> None:
    data = Dataset(Rows(numbers(3, 2), torch.tensor([2.0, least, 1])))
    engine = small_engine("scratch", TrainPlan(loss="gamma"), MLP(2, 1))
    with pytest.raises(InputError, match=rf"train y must lie in \(0, inf\) for gamma, got {least} to 2.0; change the"):
        check_data(engine, data)
