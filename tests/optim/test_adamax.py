import pytest

from fivestep.optim.adamax import Adamax
from tests.contracts.cases import Case
from tests.optim.worked import weights_after
from tests.tolerances import FORMULA

CASES = [
    Case(pairs=False),
    Case({"betas": (0.8, 0.95), "eps": 1e-6}, pairs=False),
    Case({"weight_decay": 0.1}, pairs=False),
    Case({"weight_decay": 0.1, "decoupled_weight_decay": True}, pairs=False),
]


def test_two_steps_worked_by_hand() -> None:
    """m = 1, m^ = 2, u = 2: w = 1 - 0.1; then m = 0.5 + 0.5 = 1, m^ = 4/3, u = max(0.75 * 2, 1) = 1.5."""
    rule = Adamax(betas=(0.5, 0.75), eps=1e-30)
    assert weights_after(rule, 1.0, [2.0, 1.0], lr=0.1) == pytest.approx([0.9, 0.9 - 0.1 * 4 / 4.5], rel=FORMULA)


def test_a_gradient_that_stays_moves_by_the_rate() -> None:
    weights = weights_after(Adamax(eps=1e-30), 1.0, [1e-3] * 4, lr=0.1)
    assert weights == pytest.approx([0.9, 0.8, 0.7, 0.6], rel=FORMULA)
