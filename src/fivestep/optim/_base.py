"""What an update rule provides: its state, its step, its torch twin."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..check import not_negative
from ..typing import Elements, Weights
from ._numbers import Number

Again = Callable[[], Tensor]


@dataclass(frozen=True)
class Optimizer(ABC):
    """The hyperparameters of an update rule, as frozen data. Its state is with the engine, the rate with the loop.

    A rule works on whole vectors in place and does not know which layer an element belongs to: one call per step.
    """

    repeats: ClassVar[bool] = False
    """Whether the rule evaluates the loss more than once in a step, through `again`."""

    reads_numbers: ClassVar[bool] = False
    """Whether a step reads numbers on the host, its own or the device's, so that it cannot be recorded ahead."""

    by_element: ClassVar[bool] = False
    """Whether the step is elementwise, so that a vector may be moved piece by piece."""

    averages: ClassVar[bool] = False
    """Whether it is an `AveragingOptimizer`."""

    weight_decay: float = field(default=0.0, kw_only=True)
    """Every rule has it: the plan switches it off for parameters that should not decay."""

    @final
    def __post_init__(self) -> None:
        not_negative("weight_decay", self.weight_decay, "0 switches it off")
        self.check()

    @abstractmethod
    def check(self) -> None:
        """Raises an `InputError` that names an option that is out of range."""

    @abstractmethod
    def state(self, w: Weights) -> dict[str, Tensor]:
        """The rule's memory before the first step, one entry per quantity, in the shape of `w` or as one number."""

    @abstractmethod
    def update_(
        self, w: Weights, dw: Weights, state: dict[str, Tensor], lr: Number, step: Number, again: Again | None = None
    ) -> None:
        """One step downhill, in place: changes `w` and `state`, and leaves `dw` as it is; `step` counts from 1.

        Both numbers may be tensors on the device (`_numbers.py`), unless the rule `reads_numbers`.
        `again` repeats steps 1 to 4 at the current `w` and returns the loss; only a rule that `repeats` uses it.
        """

    @abstractmethod
    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        """The same rule in `torch.optim`."""


class MatrixOptimizer(Optimizer):
    """A rule for matrices: `update_` gets one matrix (O, I) at a time. Vectors follow the rule of `rest`."""

    @abstractmethod
    def rest(self) -> Optimizer:
        """The rule for biases and other parameters that are not matrices."""


class AveragingOptimizer(Optimizer):
    """A rule that predicts with other weights than those it takes gradients at: a weighted mean of past ones."""

    averages: ClassVar[bool] = True

    @abstractmethod
    def average(self, w: Weights, state: Mapping[str, Tensor]) -> Elements:
        """The weights to predict with, in the shape of `w`, read-only: they may be part of `state`.

        The twin keeps what this reads under the same names in its own state. Before the first step, `state` may be
        empty.
        """
