import pytest

from fivestep.check import InputError
from fivestep.optim.rmsprop import RMSprop
from tests.contracts.cases import Case
from tests.optim.worked import weights_after
from tests.tolerances import FORMULA

CASES = [
    Case(),
    Case({"alpha": 0.9, "eps": 1e-6, "weight_decay": 0.1}, pairs=False),
    Case({"alpha": 0.9, "momentum": 0.5, "centered": True}, pairs=False),
    Case({"momentum": 0.9, "weight_decay": 0.1, "decoupled_weight_decay": True}, pairs=False),
]


def test_two_steps_worked_by_hand() -> None:
    # v = 0.25 * 4 = 1, w = 1 - 0.1 * 2 / (1 + 1) = 0.9; v = 0.75 * 1 + 0.25 * 1 = 1, w = 0.9 - 0.1 * 1 / 2 = 0.85
    rule = RMSprop(alpha=0.75, eps=1.0)
    assert weights_after(rule, 1.0, [2.0, 1.0], lr=0.1) == pytest.approx([0.9, 0.85], rel=FORMULA)


def test_a_centered_step_worked_by_hand() -> None:
    # v = 0.5 * 4 = 2, g = 0.5 * 2 = 1, v - g^2 = 1, w = 1 - 0.1 * 2 / (1 + 1) = 0.9
    rule = RMSprop(alpha=0.5, eps=1.0, centered=True)
    assert weights_after(rule, 1.0, [2.0], lr=0.1) == pytest.approx([0.9], rel=FORMULA)


def test_steps_with_momentum_worked_by_hand() -> None:
    # as above without centering: u = 2 / 2 = 1, w = 0.9; u = 0.5 * 1 + 1 / 2 = 1, w = 0.8
    rule = RMSprop(alpha=0.75, eps=1.0, momentum=0.5)
    assert weights_after(rule, 1.0, [2.0, 1.0], lr=0.1) == pytest.approx([0.9, 0.8], rel=FORMULA)


def test_the_size_of_the_gradient_does_not_matter() -> None:
    expected = weights_after(RMSprop(eps=1e-30), 1.0, [2.0, 1.0], lr=0.1)
    assert weights_after(RMSprop(eps=1e-30), 1.0, [2e6, 1e6], lr=0.1) == pytest.approx(expected, rel=FORMULA)


@pytest.mark.parametrize("options", [{"alpha": 1.0}, {"momentum": -0.1}, {"eps": 0.0}])
def test_options_outside_their_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(options))} must be a .*number"):
        RMSprop(**options)
