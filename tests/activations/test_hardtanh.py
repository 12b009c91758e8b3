import pytest
import torch

from fivestep.activations.hardtanh import Hardtanh
from fivestep.check import InputError
from tests.contracts.cases import Case

CASES = [Case(pairs=False), Case({"min_val": 0.0, "max_val": 2.0}, pairs=False)]


def test_worked_example() -> None:
    z = torch.tensor([-4.0, -1.0, -0.5, 0.0, 0.5, 1.0, 4.0])
    a = Hardtanh().value(z)
    assert a.tolist() == [-1, -1, -0.5, 0, 0.5, 1, 1]
    assert Hardtanh().derivative(z, a).tolist() == [0, 0, 1, 1, 1, 0, 0]


def test_it_is_nowhere_farther_from_zero_than_its_input() -> None:
    z = torch.linspace(-3, 3, 601)
    assert (Hardtanh().value(z).abs() <= z.abs()).all()


@pytest.mark.parametrize(("least", "most"), [(1.0, 1.0), (2.0, -2.0)])
def test_bounds_that_leave_nothing_between_are_refused(least: float, most: float) -> None:
    with pytest.raises(InputError, match=f"max_val must be greater than min_val={least}, got {most}"):
        Hardtanh(least, most)


def test_a_bound_that_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="max_val must be a finite number"):
        Hardtanh(max_val=float("inf"))
