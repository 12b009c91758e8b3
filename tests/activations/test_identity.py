import torch

from fivestep.activations.identity import Identity
from tests.tolerances import FORMULA, distance


def test_two_linear_layers_around_it_are_one() -> None:
    """W2 (W1 x) = (W2 W1) x; here (1, 2) -> (1*1 + 2*2, 3*1 + 4*2) = (5, 11) -> 5*5 + 6*11 = 91."""
    w1, w2 = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[5.0, 6.0]])
    x = torch.tensor([1.0, 2.0])
    assert (w2 @ Identity().value(w1 @ x)).item() == 91
    assert distance(w2 @ Identity().value(w1 @ x), (w2 @ w1) @ x) < FORMULA
