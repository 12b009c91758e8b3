import pytest
import torch
from sklearn.metrics import hinge_loss

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.evaluation import evaluate
from fivestep.layer import Memo
from fivestep.losses.hinge import Hinge
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from fivestep.preflight import check_data
from tests.samples import numbers, small_engine
from tests.tolerances import FORMULA


def test_worked_example() -> None:
    """y = 1, z = 3: beyond the margin, 0. y = 1, z = 0.25: 1 - 0.25. y = 0, z = 0.5: 1 + 0.5. y = 0, z = -2: 0."""
    z, y = torch.tensor([[3.0], [0.25], [0.5], [-2.0]]), torch.tensor([[1.0], [1.0], [0.0], [0.0]])
    memo = Memo(training=True)
    assert Hinge().rows(z, y, memo).tolist() == [0, 0.75, 1.5, 0]
    assert Hinge().gradient(z, y, memo).tolist() == [[0], [-1], [1], [0]]


def test_it_is_scikit_learns_hinge_loss() -> None:
    z, y = numbers(50, 1), (numbers(50, 1, seed=1) > 0).double()
    ours = Hinge().value(z, y, None, Memo(training=True)).item()
    assert ours == pytest.approx(hinge_loss(y[:, 0].numpy(), z[:, 0].numpy()), rel=FORMULA)


def test_the_sign_of_the_output_is_the_answer() -> None:
    x = numbers(50, 2)
    engine = small_engine("scratch", TrainPlan(loss="hinge"), MLP(2, 1))
    engine.load_weights({"0.weight": torch.tensor([[2.0, 1.0]]), "0.bias": torch.zeros(1)})
    assert evaluate(engine, Rows(x, 2 * x[:, 0] + x[:, 1] > 0)).accuracy == 1


def test_labels_of_minus_one_are_refused() -> None:
    data = Dataset(Rows(numbers(4, 2), torch.tensor([-1.0, 1, 1, -1])))
    engine = small_engine("scratch", TrainPlan(loss="hinge"), MLP(2, 1))
    with pytest.raises(InputError, match=r"train y must lie in \[0, 1\] for hinge, got -1.0 to 1.0; change the"):
        check_data(engine, data)
