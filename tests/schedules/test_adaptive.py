"""A rate that answers to small gains: worked by hand, and scikit-learn's own loop."""

import math

import numpy as np
import pytest
from sklearn.neural_network import MLPRegressor
from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

from fivestep.check import InputError
from fivestep.schedules.adaptive import Adaptive
from tests.contracts.cases import Case
from tests.samples import numbers
from tests.tolerances import FORMULA

CASES = [Case({"patience": 1, "gamma": 0.5}), Case({"patience": 0, "tol": 0.1}, pairs=False)]


START = 1e12  # far above 1e-6, where scikit-learn ends the training instead


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([], 1),
        ([1.0, 0.5, 0.2], 1),
        ([1.0, 1.0], 1),  # one that did not gain: patience 1 waits
        ([1.0, 1.0, 1.0], 0.2),
        ([1.0, 0.75, 0.5], 1),  # a gain of exactly tol is one
        ([1.0, 0.9, 0.8, 0.7], 0.2),  # gains below tol, each from the best before it
        ([1.0, 1.0, 1.0, 1.0, 1.0], 0.04),
    ],
)
def test_worked_values(seen: list[float], expected: float) -> None:
    assert Adaptive(patience=1, tol=0.25).factor(len(seen), 10, seen) == pytest.approx(expected, rel=FORMULA)


def rates_of_scikit_learn(losses: list[float], patience: int, tol: float) -> list[float]:
    """What `_update_no_improvement_count` and `trigger_stopping` of its perceptron do with such a loss curve."""
    theirs = MLPRegressor(tol=tol)
    theirs.loss_curve_, theirs.best_loss_, theirs._no_improvement_count = [], np.inf, 0
    optimizer, rates = SGDOptimizer([], START, "adaptive"), []
    for loss in losses:
        theirs.loss_curve_.append(loss)
        theirs._update_no_improvement_count(False, None, None, None)
        if theirs._no_improvement_count > patience:
            optimizer.trigger_stopping("", verbose=False)
            theirs._no_improvement_count = 0
        rates.append(optimizer.learning_rate / START)
    return rates


def test_it_is_the_rule_of_scikit_learn() -> None:
    losses = numbers(60).abs().div(numbers(60, seed=1).abs().cumsum(0) + 1).tolist()
    ours = [Adaptive(patience=2, tol=0.01).factor(0, 60, losses[: n + 1]) for n in range(60)]
    assert len(set(ours)) > 5
    assert ours == pytest.approx(rates_of_scikit_learn(losses, 2, 0.01), rel=FORMULA)


def test_with_infinite_patience_it_never_falls() -> None:
    assert Adaptive(patience=math.inf).factor(9, 99, [1.0] * 99) == 1


@pytest.mark.parametrize(("option", "value"), [("gamma", 1.0), ("patience", -1), ("tol", -0.1)])
def test_options_outside_their_range_are_refused(option: str, value: float) -> None:
    with pytest.raises(InputError, match=f"{option} must be a .*, got {value}"):
        Adaptive(**{option: value})
