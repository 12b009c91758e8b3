"""Weights to predict with that are not those the gradient is taken at: a moving average, or the update rule's own."""

from .engines._base import Engine


def to_prediction(engine: Engine) -> None:
    """From now on the engine holds the weights to predict with, where its update rule keeps others than it trains.

    `engine.predict`, `evaluate` and a saved model then use them; `engine.state()` still returns those that train.
    """
    average = engine.averaged()
    if average is not None and engine.params.training is None:
        engine.params.training = engine.params.flat.clone()
        engine.params.flat.copy_(average)


def to_training(engine: Engine) -> None:
    """From now on the engine holds the weights that train; every step begins so."""
    if engine.params.training is not None:
        engine.params.flat.copy_(engine.params.training)
        engine.params.training = None
