"""Muon: a polynomial worked by hand, torch's own at bfloat16, and singular values near one."""

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fivestep.check import InputError
from fivestep.optim.adamw import AdamW
from fivestep.optim.muon import Muon
from tests.contracts.cases import Case
from tests.samples import numbers
from tests.tolerances import EXACT, FORMULA, distance

CASES = [
    Case(),
    Case({"nesterov": False, "ns_steps": 3, "weight_decay": 0.0}, pairs=False),
    Case({"momentum": 0.5, "adjust_lr": "match_rms_adamw"}, pairs=False),
]


def step_from_zero(rule: Muon, dw: Tensor, lr: float = 1.0) -> Tensor:
    w = torch.zeros_like(dw)
    rule.update_(w, dw, rule.state(w), lr, 1)
    return w


def test_a_step_worked_by_hand() -> None:
    """dw = diag(3, 4) has the norm 5, so x = diag(0.6, 0.8); one step of the polynomial makes of it

    3.4445 * 0.6 - 4.7750 * 0.216 + 2.0315 * 0.07776 = 1.19326944 and
    3.4445 * 0.8 - 4.7750 * 0.512 + 2.0315 * 0.32768 = 0.97648192.
    """
    w = step_from_zero(Muon(momentum=0.0, ns_steps=1), torch.diag(torch.tensor([3.0, 4.0], dtype=torch.float64)), 0.1)
    expected = torch.diag(torch.tensor([-0.119326944, -0.097648192], dtype=torch.float64))
    assert distance(w, expected) < FORMULA


def test_momentum_worked_by_hand() -> None:
    """With one element x is the sign, here of u after u has passed through zero: dw = 2, then -1, momentum 0.75.

    m = 0.5, u = 0.75 * 0.5 + 0.25 * 2 > 0; m = 0.375 - 0.25 = 0.125, u = 0.09375 - 0.25 < 0, but m > 0.
    One step of the polynomial at 1 gives 3.4445 - 4.7750 + 2.0315 = 0.701.
    """
    after: dict[bool, float] = {}
    for nesterov in (True, False):
        rule, w = Muon(momentum=0.75, nesterov=nesterov, ns_steps=1, weight_decay=0.0), numbers(1, 1).zero_()
        state = rule.state(w)
        rule.update_(w, torch.full_like(w, 2.0), state, 1.0, 1)
        rule.update_(w, torch.full_like(w, -1.0), state, 1.0, 2)
        after[nesterov] = w.item()
    assert after == pytest.approx({True: 0.0, False: -2 * 0.701}, abs=FORMULA)


@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (9, 4), (1, 5)])
def test_singular_values_come_near_one_and_singular_vectors_stay(shape: tuple[int, int]) -> None:
    dw = numbers(*shape)
    x = -step_from_zero(Muon(momentum=0.0, ns_steps=10, adjust_lr="original"), dw) / max(1, shape[0] / shape[1]) ** 0.5
    values = torch.linalg.svdvals(x)
    assert values.min() > 0.6
    assert values.max() < 1.3
    assert distance(dw.T @ x, (dw.T @ x).T) < FORMULA  # V S U^T U S' V^T is symmetric


@pytest.mark.parametrize("adjust", ["original", "match_rms_adamw"])
def test_the_size_of_the_gradient_does_not_matter(adjust: str) -> None:
    rule = Muon(adjust_lr=adjust)
    assert distance(step_from_zero(rule, 1e6 * numbers(3, 5)), step_from_zero(rule, numbers(3, 5))) < FORMULA


def test_a_gradient_of_zeros_moves_nothing() -> None:
    assert torch.equal(step_from_zero(Muon(), torch.zeros(3, 5)), torch.zeros(3, 5))


@pytest.mark.parametrize(
    ("shape", "nesterov", "adjust"),
    list(itertools.product([(4, 9), (9, 4)], [True, False], ["original", "match_rms_adamw"])),
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_in_bfloat16_steps_are_torchs_to_the_bit(
    shape: tuple[int, int], nesterov: bool, adjust: str, dtype: torch.dtype
) -> None:
    rule = Muon(nesterov=nesterov, adjust_lr=adjust, ns_dtype="bfloat16")
    w, parameter = numbers(*shape, dtype=dtype), nn.Parameter(numbers(*shape, dtype=dtype))
    state, twin = rule.state(w), rule.twin([parameter], 0.05)
    assert isinstance(twin, torch.optim.Muon)
    for step in range(1, 11):
        parameter.grad = numbers(*shape, seed=step, dtype=dtype)
        twin.step()
        rule.update_(w, numbers(*shape, seed=step, dtype=dtype), state, 0.05, step)
    assert distance(w, parameter.detach()) == EXACT


def test_vectors_follow_adamw_with_the_same_decay() -> None:
    assert Muon(weight_decay=0.3).rest() == AdamW(weight_decay=0.3)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"momentum": 1.0}, r"momentum must be a number in \[0, 1\), got 1.0"),
        ({"ns_steps": 0}, "ns_steps must be a whole number from 1 to 99, got 0"),
        ({"ns_dtype": "float16"}, "ns_dtype must be one of run, bfloat16, got 'float16'; did you mean 'bfloat16'"),
        ({"adjust_lr": "rms"}, "adjust_lr must be one of original, match_rms_adamw, got 'rms'"),
    ],
)
def test_options_outside_their_range_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Muon(**options)
