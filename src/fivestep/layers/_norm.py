"""The common part of the normalization layers."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self, final

import torch

from ..check import InputError
from ..layer import Initializer, Layer
from ..typing import Features, Shape, Tensors


@dataclass(frozen=True)
class Norm(Layer):
    """A layer that keeps the shape of x (*N, I) and must know I, the number of features."""

    num_features: int | None = None

    cancels_bias: ClassVar[bool] = False
    """Whether a bias directly before it has no effect, so that a linear layer there needs none."""

    @final
    def sized(self, input_shape: Shape) -> Self:
        width = input_shape[-1]
        if self.num_features not in (None, width):
            raise InputError(
                f"num_features must be the {width} numbers that a row has at this layer, got {self.num_features}; "
                f"make it {width}, or leave it out."
            )
        return replace(self, num_features=width)

    @final
    def check_input(self, x: Features) -> None:
        """Takes any numbers."""

    @final
    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    @final
    def initialize_(self, w: Tensors, init: Initializer, generator: torch.Generator) -> None:
        """Scales and variances begin as 1, everything else as 0."""
        for name, value in w.items():
            value.fill_(1 if name in ("weight", "running_var") else 0)

    @property
    @final
    def features(self) -> int:
        """I, once it is known."""
        assert self.num_features is not None, "sized() comes first"
        return self.num_features


def single_row() -> InputError:
    """The error for a training batch of one row."""
    return InputError(
        "batch_norm must have at least two rows in every training batch, got one; choose a batch_size (and a "
        "micro_batch_size) that leaves no single row over."
    )
