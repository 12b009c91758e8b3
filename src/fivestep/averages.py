"""Weights to predict with that are not those the gradient is taken at: a moving average, or the update rule's own."""

from torch import Tensor

from .engines._engine import Engine

AT_A_TIME = 2**18
"""Numbers that are exchanged together, of networks that may have no room for another copy."""


def to_prediction(engine: Engine) -> None:
    """From now on the engine holds the weights to predict with, where its update rule keeps others than it trains.

    `engine.predict`, `evaluate` and a saved model then use them; `engine.state()` still returns those that train.
    """
    if engine.params.training is not None:
        return
    average = engine.averaged()
    if average is not None:
        _exchange_(engine.params.flat, average)
        engine.params.training = average


def to_training(engine: Engine) -> None:
    """From now on the engine holds the weights that train; every step begins so."""
    if engine.params.training is not None:
        engine.params.flat.copy_(engine.params.training)
        engine.params.training = None


def _exchange_(a: Tensor, b: Tensor) -> None:
    """Puts what each of the two vectors holds into the other."""
    for one, other in zip(a.split(AT_A_TIME), b.split(AT_A_TIME), strict=True):
        kept = one.clone()
        one.copy_(other)
        other.copy_(kept)
