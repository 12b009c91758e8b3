import torch

from fivestep.activations.hardsigmoid import Hardsigmoid
from fivestep.activations.hardswish import Hardswish
from fivestep.activations.sigmoid import Sigmoid
from tests.contracts.cases import Case
from tests.samples import numbers
from tests.tolerances import FORMULA, distance

CASES = [Case(pairs=False)]


def test_worked_example() -> None:
    """(-1.5 + 3) / 6 = 1/4."""
    z = torch.tensor([-4.0, -3.0, -1.5, 0.0, 1.5, 3.0, 4.0])
    a = Hardsigmoid().value(z)
    assert a.tolist() == [0, 0, 0.25, 0.5, 0.75, 1, 1]
    assert Hardsigmoid().derivative(z, a).mul(6).tolist() == [0, 0, 1, 1, 1, 0, 0]


def test_torch_still_rounds_a_sixth_to_float32() -> None:
    """If this fails, torch has fixed it, and `nn.Hardsigmoid` can be the twin."""
    z = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    torch.nn.Hardsigmoid()(z).sum().backward()
    assert z.grad is not None
    assert z.grad.item() != 1 / 6


def test_hardswish_is_its_input_times_this() -> None:
    z = 3 * numbers(100)
    assert distance(z * Hardsigmoid().value(z), Hardswish().value(z)) < FORMULA


def test_it_stays_near_the_sigmoid() -> None:
    """The largest gap is where sigmoid' = 1/6, at z = 1.3170: 0.7195 - 0.7887 = -0.0692."""
    z = torch.linspace(-8, 8, 1601)
    assert (Hardsigmoid().value(z) - Sigmoid().value(z)).abs().max() < 0.0693
