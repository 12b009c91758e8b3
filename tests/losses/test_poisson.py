import math

import pytest
import torch
from sklearn.metrics import mean_poisson_deviance
from torch import Tensor

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.layer import Memo
from fivestep.losses.poisson import Poisson
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from fivestep.preflight import check_data
from tests.contracts.cases import Case
from tests.samples import numbers, small_engine
from tests.tolerances import FORMULA, distance


def counts(shape: tuple[int, ...], stream: torch.Generator) -> Tensor:
    return torch.randint(0, 6, shape, generator=stream).double()


CASES = [Case(targets=counts, extremes=(80.0, -80.0))]  # exp(89) is more than float32 can hold


def test_worked_example() -> None:
    """z = ln 2, y = 3: 2 - 3 ln 2 = -0.0794, gradient 2 - 3 = -1. z = 0, y = 0: 1, gradient 1."""
    z, y = torch.tensor([[math.log(2)], [0.0]], dtype=torch.float64), torch.tensor([[3.0], [0.0]]).double()
    memo = Memo(training=True)
    assert Poisson().rows(z, y, memo).tolist() == pytest.approx([2 - 3 * math.log(2), 1], rel=FORMULA)
    assert Poisson().gradient(z, y, memo).flatten().tolist() == pytest.approx([-1, 1], rel=FORMULA)


def test_twice_what_it_is_above_its_least_value_is_scikit_learns_deviance() -> None:
    """The deviance is 2 (log P(y | rate y) - log P(y | rate exp z)); the least value is y - y log y."""
    z, y = numbers(50, 1), counts((50, 1), torch.Generator().manual_seed(1)) + 1
    least = (y - y * y.log()).mean().item()
    ours = 2 * (Poisson().value(z, y, None, Memo(training=True)).item() - least)
    assert ours == pytest.approx(mean_poisson_deviance(y[:, 0].numpy(), z[:, 0].exp().numpy()), rel=FORMULA)


def test_its_best_constant_is_the_logarithm_of_the_mean() -> None:
    y = counts((50, 1), torch.Generator().manual_seed(1))
    z = torch.full_like(y, y.mean().log().item())
    assert distance(Poisson().gradient(z, y, Memo(training=True)).mean() + 1, torch.ones(()).double()) < FORMULA


def test_a_negative_count_is_refused() -> None:
    data = Dataset(Rows(numbers(3, 2), torch.tensor([2.0, -1, 0])))
    engine = small_engine("scratch", TrainPlan(loss="poisson"), MLP(2, 1))
    with pytest.raises(InputError, match=r"train y must lie in \[0, inf\) for poisson, got -1.0 to 2.0; change the"):
        check_data(engine, data)
