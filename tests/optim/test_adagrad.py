import itertools

import pytest

from fivestep.check import InputError
from fivestep.optim.adagrad import Adagrad
from tests.contracts.cases import Case
from tests.optim.worked import weights_after
from tests.tolerances import FORMULA

CASES = [
    Case(),
    Case({"lr_decay": 0.1, "initial_accumulator_value": 0.2, "eps": 1e-6}, pairs=False),
    Case({"weight_decay": 0.1}, pairs=False),
    Case({"weight_decay": 0.1, "decoupled_weight_decay": True, "lr_decay": 0.1}, pairs=False),
]


def test_two_steps_worked_by_hand() -> None:
    # s = 5 + 2^2 = 9, w = 1 - 0.1 * 2 / (3 + 1) = 0.95; s = 9 + 4^2 = 25, w = 0.95 - 0.1 / (1 + 1) * 4 / (5 + 1)
    rule = Adagrad(initial_accumulator_value=5.0, lr_decay=1.0, eps=1.0)
    assert weights_after(rule, 1.0, [2.0, 4.0], lr=0.1) == pytest.approx([0.95, 0.95 - 0.2 / 6], rel=FORMULA)


def test_under_a_constant_gradient_steps_shrink_as_one_over_the_root_of_their_number() -> None:
    weights = [0.0, *weights_after(Adagrad(eps=1e-30), 0.0, [5.0] * 9, lr=0.1)]
    steps = [before - after for before, after in itertools.pairwise(weights)]
    assert steps == pytest.approx([0.1 / step**0.5 for step in range(1, 10)], rel=FORMULA)


@pytest.mark.parametrize("options", [{"lr_decay": -1.0}, {"initial_accumulator_value": -1.0}, {"eps": 0.0}])
def test_options_outside_their_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(options))} must be a finite number"):
        Adagrad(**options)
