"""What an update rule has to say: its state, its step, its torch twin."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from ..typing import Vector


class Optimizer(ABC):
    """The hyperparameters of an update rule, as frozen data. Its state is with the engine, the rate with the loop.

    A rule works on whole vectors in place and does not know which layer an element belongs to: one call per step.
    """

    @abstractmethod
    def state(self, w: Vector) -> dict[str, Tensor]:
        """The rule's memory before the first step, one entry per quantity, in the shape of `w`."""

    @abstractmethod
    def update_(self, w: Vector, dw: Vector, state: dict[str, Tensor], lr: float, step: int) -> None:
        """One step downhill, in place: changes `w` and `state`; `dw` may be overwritten; `step` counts from 1."""

    @abstractmethod
    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        """The same rule in `torch.optim`."""
