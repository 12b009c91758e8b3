"""Gradient descent: steps worked by hand, and what momentum promises."""

import pytest
import torch

from fivestep.check import InputError
from fivestep.optim.sgd import SGD
from tests.contracts.cases import Case
from tests.tolerances import FORMULA

CASES = [
    Case(),
    Case({"weight_decay": 0.01}, pairs=False),
    Case({"momentum": 0.9}, pairs=False),
    Case({"momentum": 0.9, "nesterov": True}, pairs=False),
    Case({"momentum": 0.9, "dampening": 0.9}, pairs=False),
    Case({"momentum": 0.5, "nesterov": True, "weight_decay": 0.1}),
    Case({"momentum": 0.5, "weight_decay": 0.1, "decoupled_weight_decay": True}, pairs=False),
]


def two_steps(rule: SGD) -> list[float]:
    """From w = 1 with gradients 2 and then 4, at the rate 0.1."""
    w = torch.tensor([1.0], dtype=torch.float64)
    state, places = rule.state(w), []
    for step, gradient in enumerate((2.0, 4.0), start=1):
        rule.update_(w, torch.tensor([gradient], dtype=torch.float64), state, 0.1, step)
        places.append(w.item())
    return places


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (SGD(), [1 - 0.2, 0.8 - 0.4]),
        (SGD(weight_decay=0.5), [1 - 0.1 * (2 + 0.5), 0.75 - 0.1 * (4 + 0.375)]),
        (SGD(weight_decay=0.5, decoupled_weight_decay=True), [0.95 - 0.1 * 2, 0.95 * 0.75 - 0.1 * 4]),
        (SGD(momentum=0.5, weight_decay=0.5, decoupled_weight_decay=True), [0.75, 0.95 * 0.75 - 0.1 * (0.5 * 2 + 4)]),
        (SGD(momentum=0.5), [1 - 0.1 * 2, 0.8 - 0.1 * (0.5 * 2 + 4)]),
        (SGD(momentum=0.5, dampening=0.4), [1 - 0.1 * 2, 0.8 - 0.1 * (0.5 * 2 + 0.6 * 4)]),
        (SGD(momentum=0.5, nesterov=True), [1 - 0.1 * (2 + 0.5 * 2), 0.7 - 0.1 * (4 + 0.5 * (0.5 * 2 + 4))]),
    ],
    ids=str,
)
def test_worked_steps(rule: SGD, expected: list[float]) -> None:
    assert two_steps(rule) == pytest.approx(expected, rel=FORMULA)


def test_momentum_grows_to_the_rate_divided_by_one_minus_momentum() -> None:
    """Under a constant gradient of 1 the velocity tends to 1 / (1 - 0.9) = 10."""
    rule, w = SGD(momentum=0.9), torch.zeros(1, dtype=torch.float64)
    state = rule.state(w)
    for step in range(1, 301):
        rule.update_(w, torch.ones(1, dtype=torch.float64), state, 0.1, step)
    assert state["velocity"].item() == pytest.approx(10, rel=1e-9)


def test_without_momentum_nothing_is_remembered() -> None:
    assert SGD().state(torch.zeros(3)) == {}


def test_nesterov_without_a_momentum_is_refused() -> None:
    with pytest.raises(InputError, match=r"nesterov must be used with a momentum, got momentum=0.0; set momentum=0.9"):
        SGD(nesterov=True)
