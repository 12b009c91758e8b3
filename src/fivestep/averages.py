"""Weights to predict with, where they differ from those that train: a moving average, or the update rule's own."""

from torch import Tensor

from .engines._engine import Engine

NUMBERS_AT_A_TIME = 2**18
"""Numbers that are exchanged at a time, as a large network may leave no room for another copy."""


def to_prediction(engine: Engine) -> None:
    """From now on the engine holds the weights to predict with, where they differ from those that it trains.

    `engine.predict`, `evaluate` and a saved model then use them; `engine.state()` still returns those that train, and
    the next step goes on with these (`Params.to_training`).
    """
    if engine.params.training is not None:
        return
    average = engine.averaged()
    if average is not None:
        _exchange_(engine.params.flat, average)
        engine.params.training = average


def _exchange_(a: Tensor, b: Tensor) -> None:
    """Exchanges the contents of two vectors."""
    for one, other in zip(a.split(NUMBERS_AT_A_TIME), b.split(NUMBERS_AT_A_TIME), strict=True):
        kept = one.clone()
        one.copy_(other)
        other.copy_(kept)
