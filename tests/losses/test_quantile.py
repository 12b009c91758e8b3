import pytest
import torch
from sklearn.metrics import mean_pinball_loss
from torch import Tensor

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.engines._base import FiveStepEngine
from fivestep.layer import Memo
from fivestep.losses.mae import MAE
from fivestep.losses.quantile import Quantile
from fivestep.net import MLP, LinearRegression
from fivestep.plan import TrainPlan
from tests.contracts.cases import Case
from tests.samples import ENGINES, do_steps, numbers, small_engine, weights_of
from tests.tolerances import ENGINES_FLOAT64, FORMULA, distance, worst

CASES = [Case(), Case({"levels": 0.9}, pairs=False)]
LEVELS = (0.1, 0.5, 0.9)


def test_worked_example() -> None:
    """q = 0.75: a target 4 above costs 0.75 * 4 = 3, one 4 below 0.25 * 4 = 1; gradients -0.75 and 0.25."""
    z, y, memo = torch.zeros(2, 1), torch.tensor([[4.0], [-4.0]]), Memo(training=True)
    assert Quantile(0.75).rows(z, y, memo).tolist() == [3, 1]
    assert Quantile(0.75).gradient(z, y, memo).tolist() == [[-0.75], [0.25]]


@pytest.mark.parametrize("level", [0.05, 0.5, 0.9])
def test_it_is_scikit_learns_pinball_loss(level: float) -> None:
    z, y = numbers(50, 1), numbers(50, 1, seed=1)
    ours = Quantile(level).value(z, y, None, Memo(training=True)).item()
    assert ours == pytest.approx(mean_pinball_loss(y[:, 0].numpy(), z[:, 0].numpy(), alpha=level), rel=FORMULA)


def test_the_median_level_is_half_the_absolute_error() -> None:
    z, y, memo = numbers(9, 2), numbers(9, 2, seed=1), Memo(training=True)
    assert distance(Quantile().rows(z, y, memo), MAE().rows(z, y, memo) / 2) < FORMULA


def fitted(levels: float | tuple[float, ...]) -> Tensor:
    """The best constants for the targets 0.5, 1.5, ..., 99.5, by descent: x is 0, so only the bias is learned."""
    plan = TrainPlan(loss=f"quantile:levels={levels}", lr=20.0, batch_size=None, epochs=400, schedule="cosine")
    data = Dataset(Rows(torch.zeros(100, 1), torch.arange(100.0) + 0.5))
    engine = small_engine("scratch", plan, plan.sized(LinearRegression(out_features=None), data))
    do_steps(engine, data, plan, 1, plan.epochs)
    return weights_of(engine)["0.bias"]


def test_a_share_of_the_targets_as_large_as_the_level_lies_below_each_output() -> None:
    assert (fitted(LEVELS) / 100).tolist() == pytest.approx(LEVELS, abs=0.01)


@pytest.mark.parametrize("target_shape", [(7,), (7, 1), (7, 3), (7, 3, 1)], ids=str)
def test_several_levels_take_one_target_for_each_row(target_shape: tuple[int, ...]) -> None:
    y = numbers(*target_shape)
    assert Quantile(LEVELS).match(torch.zeros(7, 3), y).shape == (7, 3)


def test_several_targets_meet_all_levels_target_by_target() -> None:
    y = torch.tensor([[1.0, 2.0]])
    assert Quantile((0.1, 0.9)).match(torch.zeros(1, 4), y).tolist() == [[1, 1, 2, 2]]


@pytest.mark.parametrize("target_shape", [(), (1,), (1, 1), (6,), (7, 2), (1, 7)], ids=str)
def test_a_target_that_would_broadcast_is_refused_with_several_levels(target_shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="never broadcasts"):
        Quantile(LEVELS).match(torch.zeros(7, 3), torch.zeros(target_shape))


def trained(name: str) -> FiveStepEngine:
    plan = TrainPlan(loss=f"quantile:levels={LEVELS}", lr=0.1, batch_size=8, epochs=2)
    data = Dataset(Rows(numbers(20, 4), numbers(20, seed=1)))
    engine = small_engine(name, plan, plan.sized(MLP(4, 6, None), data))
    do_steps(engine, data, plan, 1, 6)
    return engine


@pytest.mark.parametrize("name", ENGINES)
def test_engines_agree_with_several_levels(name: str) -> None:
    assert worst(weights_of(trained(name)), weights_of(trained("nn"))).distance < ENGINES_FLOAT64


@pytest.mark.parametrize("levels", [0, 1.0, 50, float("nan"), (0.1, 1.0), (), "0.5", True], ids=str)
def test_a_level_outside_0_to_1_is_refused(levels: object) -> None:
    with pytest.raises(InputError, match=r"levels must be a number in \(0, 1\) or several, got .*; 0.5 is the median"):
        Quantile(levels)  # type: ignore[arg-type]
