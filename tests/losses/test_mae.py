import torch

from fivestep.layer import Memo
from fivestep.losses.mae import MAE
from tests.tolerances import FORMULA, distance


def test_worked_example() -> None:
    """(|1 - 3| + |5 - 5|) / 2 = 1 and (|0 - -1| + |2 - 5|) / 2 = 2, mean 1.5; signs -1, 0, 1, -1 over O = 2."""
    z, y = torch.tensor([[1.0, 5.0], [0.0, 2.0]]), torch.tensor([[3.0, 5.0], [-1.0, 5.0]])
    memo = Memo(training=True)
    assert MAE().rows(z, y, memo).tolist() == [1, 2]
    assert MAE().value(z, y, None, memo).item() == 1.5
    assert MAE().gradient(z, y, memo).tolist() == [[-0.5, 0], [0.5, -0.5]]


def test_its_best_constant_is_the_median() -> None:
    """Below it as many rows pull up as pull down above: the gradients of (1, 2, 100) at 2 sum to 0."""
    y = torch.tensor([[1.0], [2.0], [100.0]])
    z = torch.full_like(y, 2.0)
    assert distance(MAE().gradient(z, y, Memo(training=True)).sum(), torch.tensor(0.0)) < FORMULA
