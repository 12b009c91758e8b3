"""AdamW: a decay that the size of the gradient does not touch."""

import pytest
import torch

from fivestep.optim.adam import Adam
from fivestep.optim.adamw import AdamW
from tests.contracts.cases import Case
from tests.samples import numbers
from tests.tolerances import FORMULA

CASES = [
    Case(),
    Case({"betas": (0.8, 0.95), "weight_decay": 0.2}, pairs=False),
    Case({"weight_decay": 0.0}, pairs=False),
]


def test_without_a_gradient_the_weights_shrink_by_rate_times_decay() -> None:
    rule, w = AdamW(weight_decay=0.5), torch.tensor([1.0, -2.0], dtype=torch.float64)
    rule.update_(w, torch.zeros_like(w), rule.state(w), 0.1, 1)
    assert w.tolist() == pytest.approx([0.95, -1.9], rel=FORMULA)


def test_worked_step() -> None:
    """First 1 * (1 - 0.1 * 0.5) = 0.95, then Adam's step of the size of the rate."""
    rule, w = AdamW(weight_decay=0.5), torch.tensor([1.0], dtype=torch.float64)
    rule.update_(w, torch.tensor([2.0], dtype=torch.float64), rule.state(w), 0.1, 1)
    assert w.item() == pytest.approx(0.95 - 0.1 * 2 / (2 + 1e-8), rel=FORMULA)


def test_without_decay_it_is_adam() -> None:
    ours, adams, gradient = numbers(5), numbers(5), numbers(5, seed=1)
    rule, adam = AdamW(weight_decay=0.0), Adam()
    rule.update_(ours, gradient.clone(), rule.state(ours), 0.1, 1)
    adam.update_(adams, gradient.clone(), adam.state(adams), 0.1, 1)
    assert torch.equal(ours, adams)


def test_the_usual_decay_is_torchs() -> None:
    assert AdamW().weight_decay == torch.optim.AdamW([torch.zeros(1)]).defaults["weight_decay"]
