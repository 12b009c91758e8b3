import pytest

from fivestep.check import InputError
from fivestep.optim.lion import Lion
from tests.contracts.cases import Case
from tests.optim.worked import weights_after
from tests.tolerances import EXACT, FORMULA

CASES = [Case(), Case({"betas": (0.8, 0.95), "weight_decay": 0.2}, pairs=False)]


def test_two_steps_worked_by_hand() -> None:
    # c = 0.1 * 2 = 0.2, w = 1 - 0.1 * (1 + 0.1 * 1) = 0.89, m = 0.01 * 2 = 0.02
    # c = 0.9 * 0.02 - 0.1 * 1 = -0.082, w = 0.89 - 0.1 * (-1 + 0.1 * 0.89) = 0.9811
    weights = weights_after(Lion(weight_decay=0.1), 1.0, [2.0, -1.0], lr=0.1)
    assert weights == pytest.approx([0.89, 0.9811], rel=FORMULA)


def test_the_size_of_the_gradient_does_not_matter() -> None:
    expected = weights_after(Lion(), 1.0, [2.0, 1.0, -4.0], lr=0.1)
    assert weights_after(Lion(), 1.0, [2e6, 1e6, -4e6], lr=0.1) == pytest.approx(expected, rel=EXACT)


def test_where_the_gradient_has_always_been_zero_nothing_moves() -> None:
    assert weights_after(Lion(), 1.0, [0.0, 0.0], lr=0.1) == [1.0, 1.0]


def test_a_beta_of_one_is_refused() -> None:
    with pytest.raises(InputError, match=r"beta2 must be a number in \[0, 1\), got 1.0"):
        Lion(betas=(0.9, 1.0))
