"""Adam with epsilon hat: a step worked by hand, and scikit-learn's own rule."""

import math

import pytest
import torch
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

from fivestep.check import InputError
from fivestep.optim.adam import Adam
from fivestep.optim.adam_hat import AdamHat
from tests.contracts.cases import Case
from tests.optim.worked import weights_after
from tests.samples import numbers
from tests.tolerances import FORMULA, distance

CASES = [Case(), Case({"betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1}, pairs=False)]


def test_worked_step() -> None:
    """betas (0.5, 0.75), gradient 2: m = 1, v = 1, the rate 0.1 sqrt(0.25) / 0.5 = 0.1, and eps 1 beside sqrt(v)."""
    rule = AdamHat(betas=(0.5, 0.75), eps=1.0)
    assert weights_after(rule, 1.0, [2.0], 0.1) == pytest.approx([1 - 0.1 / 2], rel=FORMULA)


def test_a_number_beside_an_uncorrected_root_means_a_larger_one_beside_the_corrected() -> None:
    """eps of `adam` is eps hat / sqrt(1 - beta2^t): after one step with beta2 = 0.75, twice as large."""
    hat = weights_after(AdamHat(betas=(0.5, 0.75), eps=0.1), 1.0, [2.0], 0.1)
    assert hat == pytest.approx(weights_after(Adam(betas=(0.5, 0.75), eps=0.2), 1.0, [2.0], 0.1), rel=FORMULA)


@pytest.mark.parametrize("eps", [1e-8, 0.1])
def test_it_is_the_rule_of_scikit_learn(eps: float) -> None:
    rule, w = AdamHat((0.9, 0.99), eps), numbers(5)
    theirs, state = [w.numpy().copy()], rule.state(w)
    optimizer = AdamOptimizer(theirs, 0.1, 0.9, 0.99, eps)
    for step in range(1, 8):
        gradient = numbers(5, seed=step)
        optimizer.update_params(theirs, [gradient.numpy()])
        rule.update_(w, gradient, state, 0.1, step)
    assert distance(w, torch.from_numpy(theirs[0])) < FORMULA


def test_the_first_step_along_a_tiny_gradient_is_short() -> None:
    """Gradient 1e-8, eps 1e-8: sqrt(v) is 3e-10, so eps rules, and the step is about a thirtieth of the rate."""
    step = 1 - weights_after(AdamHat(), 1.0, [1e-8], 0.1)[0]
    assert step == pytest.approx(0.1 * math.sqrt(1e-3) * 1e-8 / (math.sqrt(1e-3) * 1e-8 + 1e-8), rel=1e-6)


def test_an_eps_of_zero_is_refused() -> None:
    with pytest.raises(InputError, match=r"eps must be a finite number greater than 0, got 0; 1e-8 is usual"):
        AdamHat(eps=0)
