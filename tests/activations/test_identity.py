"""The identity, and why a network without activations is one matrix."""

import torch

from fivestep.activations.identity import Identity
from fivestep.net import MLP
from tests.samples import numbers, small_engine
from tests.tolerances import FORMULA, distance


def test_worked_values() -> None:
    z = torch.tensor([-2.0, 0.0, 3.0])
    assert Identity().value(z).tolist() == [-2, 0, 3]
    assert Identity().derivative(z, z).tolist() == [1, 1, 1]


def test_two_linear_layers_without_an_activation_are_one() -> None:
    """W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2)."""
    deep = small_engine("scratch", spec=MLP(4, 6, 3, activation="identity"))
    flat = small_engine("scratch", spec=MLP(4, 3))
    w1, b1, w2, b2 = deep.named_parameters().values()
    flat.load_weights({"0.weight": w2 @ w1, "0.bias": w2 @ b1 + b2})
    x = numbers(20, 4)
    assert distance(deep.predict(x), flat.predict(x)) < FORMULA


def test_two_linear_layers_with_an_activation_are_not_one() -> None:
    """A linear function has f(x) + f(-x) = 2 f(0)."""
    engine, x = small_engine("scratch", spec=MLP(4, 6, 3, activation="relu")), numbers(20, 4)
    zero = engine.predict(torch.zeros(1, 4))
    assert distance(engine.predict(x) + engine.predict(-x), (2 * zero).expand(20, 3)) > 0.01
