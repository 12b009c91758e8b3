"""Weights to predict with that are not those the gradient is taken at: a moving average, or the update rule's own."""

from typing import final

from .engines._base import Engine
from .plan import TrainPlan
from .typing import Vector


@final
class Averages:
    """Switches an engine between the weights that train and the weights that predict, where these differ.

    With `plan.ema`, those that predict are the exponential moving average w_ema <- ema w_ema + (1 - ema) w over the
    steps (Polyak and Juditsky 1992, "Acceleration of stochastic approximation by averaging"); otherwise the update
    rule may keep some (schedule-free). Where neither is so, every method does nothing.
    """

    def __init__(self, engine: Engine, plan: TrainPlan) -> None:
        self._engine, self._ema = engine, plan.ema
        self._average = None if plan.ema is None else engine.params.flat.clone()
        self._training: Vector | None = None

    def after_step(self) -> None:
        """Lets the moving average follow."""
        if self._average is not None and self._ema is not None:
            self._average.lerp_(self._engine.params.flat, 1 - self._ema)

    def to_prediction(self) -> None:
        """From now on the engine holds the weights to predict with."""
        average = self._engine.averaged() if self._average is None else self._average
        if average is not None and self._training is None:
            self._training = self._engine.params.flat.clone()
            self._engine.params.flat.copy_(average)

    def to_training(self) -> None:
        """From now on the engine holds the weights that train."""
        if self._training is not None:
            self._engine.params.flat.copy_(self._training)
            self._training = None
