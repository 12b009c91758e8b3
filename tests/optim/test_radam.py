import pytest

from fivestep.optim.radam import RAdam
from tests.contracts.cases import Case
from tests.optim.worked import weights_after
from tests.tolerances import FORMULA

CASES = [
    Case(pairs=False),
    Case({"betas": (0.8, 0.95), "eps": 1e-6}, pairs=False),
    Case({"weight_decay": 0.1}, pairs=False),
    Case({"weight_decay": 0.1, "decoupled_weight_decay": True}, pairs=False),
]


def test_the_first_steps_are_along_the_corrected_mean() -> None:
    """m = 0.5 * 2 = 1 and m^ = 2; then m = 0.5 * 1 + 0.5 * 5 = 3 and m^ = 3 / (3/4) = 4."""
    assert weights_after(RAdam(betas=(0.5, 0.999)), 1.0, [2.0, 5.0], lr=0.1) == pytest.approx([0.8, 0.4], rel=FORMULA)


def test_at_the_sixth_step_it_begins_to_divide() -> None:
    """R = 1999; rho_5 = 4.996 and rho_6 = 5.994, so r_6^2 = 1.994 * 3.994 * 1999 / (1995 * 1997 * 5.994)."""
    weights = weights_after(RAdam(eps=1e-30), 0.0, [3.0] * 6, lr=0.1)
    moves = [before - after for before, after in zip([0.0, *weights], weights, strict=False)]
    assert moves[:5] == pytest.approx([0.3] * 5, rel=FORMULA)  # lr times the gradient
    assert moves[5] / 0.1 == pytest.approx((1.994 * 3.994 * 1999 / (1995 * 1997 * 5.994)) ** 0.5, rel=1e-3)


def test_in_the_end_it_is_adam() -> None:
    moves = weights_after(RAdam(eps=1e-30, betas=(0.9, 0.9)), 0.0, [2.0] * 300, lr=0.1)
    assert moves[-2] - moves[-1] == pytest.approx(0.1, rel=FORMULA)


def test_with_few_squares_it_never_divides() -> None:
    weights = weights_after(RAdam(betas=(0.0, 0.6)), 0.0, [2.0] * 50, lr=0.1)
    assert weights[-2] - weights[-1] == pytest.approx(0.2, rel=FORMULA)
