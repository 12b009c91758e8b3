"""Adam: the first steps worked by hand, and what its theory promises."""

import math

import pytest
import torch

from fivestep.check import InputError
from fivestep.optim._base import Optimizer
from fivestep.optim.adam import Adam
from fivestep.optim.adamw import AdamW
from tests.contracts.cases import Case
from tests.tolerances import EXACT, FORMULA

CASES = [
    Case(),
    Case({"betas": (0.8, 0.95), "eps": 1e-6}, pairs=False),
    Case({"weight_decay": 0.1}, pairs=False),
    Case({"amsgrad": True}, pairs=False),
    Case({"weight_decay": 0.1, "decoupled_weight_decay": True}, pairs=False),
]


def steps(rule: Optimizer, gradients: list[float], start: float = 1.0) -> list[float]:
    w = torch.tensor([start], dtype=torch.float64)
    state, places = rule.state(w), []
    for step, gradient in enumerate(gradients, start=1):
        rule.update_(w, torch.tensor([gradient], dtype=torch.float64), state, 0.1, step)
        places.append(w.item())
    return places


def test_worked_steps() -> None:
    """m^ and v^ after one step are the gradient and its square, so the step is the rate, whatever the gradient.

    After the second, with betas (0.5, 0.75), gradients 2 and 4: m = 0.5 * (0.5 * 2) + 0.5 * 4 = 2.5, m^ = 2.5 / 0.75;
    v = 0.75 * (0.25 * 4) + 0.25 * 16 = 4.75, v^ = 4.75 / (1 - 0.75^2).
    """
    first = 1 - 0.1 * 2 / (2 + 1e-8)
    second = first - 0.1 * (2.5 / 0.75) / (math.sqrt(4.75 / 0.4375) + 1e-8)
    assert steps(Adam(betas=(0.5, 0.75)), [2.0, 4.0]) == pytest.approx([first, second], rel=FORMULA)


def test_with_amsgrad_a_step_is_divided_by_the_largest_mean_square_so_far() -> None:
    """Betas (0, 0.5), gradients 4 and 0.5: v = 8, then 4 + 0.125 = 4.125, of which 8 is the larger; v^ = 8 / 0.75."""
    first = 1 - 0.1 * 4 / (4 + 1e-8)
    second = first - 0.1 * 0.5 / (math.sqrt(8 / 0.75) + 1e-8)
    assert steps(Adam(betas=(0.0, 0.5), amsgrad=True), [4.0, 0.5]) == pytest.approx([first, second], rel=FORMULA)


@pytest.mark.parametrize("gradient", [1e-3, 1.0, 1e6, -1e6])
def test_the_first_step_has_the_size_of_the_rate_whatever_the_gradient(gradient: float) -> None:
    assert abs(steps(Adam(), [gradient])[0] - 1) == pytest.approx(0.1, rel=1e-4)  # eps is 1e-5 of the smallest


def test_weight_decay_is_part_of_the_gradient() -> None:
    """decay * w = 0.5 is the whole gradient, and the first step does not see its size."""
    assert steps(Adam(weight_decay=0.5), [0.0]) == pytest.approx([1 - 0.1 * 0.5 / (0.5 + 1e-8)], rel=FORMULA)


def test_decoupled_weight_decay_is_adamw() -> None:
    expected = steps(AdamW(weight_decay=0.3), [2.0, 1.0])
    assert steps(Adam(weight_decay=0.3, decoupled_weight_decay=True), [2.0, 1.0]) == pytest.approx(expected, rel=EXACT)


@pytest.mark.parametrize("betas", [(1.0, 0.9), (0.9, -0.1), 0.9, (0.9,)])
def test_betas_outside_their_range_are_refused(betas: object) -> None:
    with pytest.raises(InputError, match=r"beta.* must be a .*in \[0, 1\), got"):
        Adam(betas=betas)  # type: ignore[arg-type]
