"""What an update rule has to say: its state, its step, its torch twin."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn

from ..typing import Vector

Again = Callable[[], Tensor]


@dataclass(frozen=True)
class Optimizer(ABC):
    """The hyperparameters of an update rule, as frozen data. Its state is with the engine, the rate with the loop.

    A rule works on whole vectors in place and does not know which layer an element belongs to: one call per step.
    """

    repeats: ClassVar[bool] = False
    """Whether the rule looks at the loss more than once in a step, through `again`."""

    @abstractmethod
    def state(self, w: Vector) -> dict[str, Tensor]:
        """The rule's memory before the first step, one entry per quantity, in the shape of `w`."""

    weight_decay: float = field(default=0.0, kw_only=True)
    """Every rule has one: the plan switches it off for parameters that shall not decay."""

    @abstractmethod
    def update_(
        self, w: Vector, dw: Vector, state: dict[str, Tensor], lr: float, step: int, again: Again | None = None
    ) -> None:
        """One step downhill, in place: changes `w` and `state`; `dw` may be overwritten; `step` counts from 1.

        `again` does steps 1 to 4 once more at the current `w` and returns the loss; only a rule that `repeats` uses it.
        """

    @abstractmethod
    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        """The same rule in `torch.optim`."""


class MatrixOptimizer(Optimizer):
    """A rule for matrices: `update_` gets one matrix (O, I) at a time. Vectors follow the rule of `rest`."""

    @abstractmethod
    def rest(self) -> Optimizer:
        """The rule for biases and whatever else is not a matrix."""


class AveragingOptimizer(Optimizer):
    """A rule whose best weights are not those it takes gradients at: a weighted mean of where it has been."""

    @abstractmethod
    def average(self, w: Vector, state: dict[str, Tensor]) -> Vector:
        """The weights to predict with, a new tensor in the shape of `w`."""
