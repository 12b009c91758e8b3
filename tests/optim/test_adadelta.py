import pytest

from fivestep.check import InputError
from fivestep.optim.adadelta import Adadelta
from tests.contracts.cases import Case
from tests.optim.worked import weights_after
from tests.tolerances import FORMULA

CASES = [
    Case(),
    Case({"rho": 0.8, "eps": 1e-4, "weight_decay": 0.1}, pairs=False),
    Case({"weight_decay": 0.1, "decoupled_weight_decay": True}, pairs=False),
]


def test_two_steps_worked_by_hand() -> None:
    # v = 0.75 * 4 = 3, d = sqrt(0 + 1) / sqrt(3 + 1) * 2 = 1, u = 0.75 * 1 = 0.75, w = 1 - 0.5 * 1 = 0.5
    # v = 0.25 * 3 + 0.75 * 3^2 = 7.5, d = sqrt(1.75) / sqrt(8.5) * 3, w = 0.5 - 0.5 * d
    rule = Adadelta(rho=0.25, eps=1.0)
    expected = [0.5, 0.5 - 1.5 * (1.75 / 8.5) ** 0.5]
    assert weights_after(rule, 1.0, [2.0, 3.0], lr=0.5) == pytest.approx(expected, rel=FORMULA)


def test_the_size_of_the_gradient_does_not_matter() -> None:
    expected = weights_after(Adadelta(eps=1e-12), 0.0, [2e3, 1e3, -4e3], lr=1.0)
    assert weights_after(Adadelta(eps=1e-12), 0.0, [2e6, 1e6, -4e6], lr=1.0) == pytest.approx(expected, rel=FORMULA)


@pytest.mark.parametrize("options", [{"rho": 1.0}, {"eps": 0.0}])
def test_options_outside_their_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(options))} must be a .*number"):
        Adadelta(**options)
