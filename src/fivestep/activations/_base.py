"""What an activation provides: its value, its derivative, its torch twin."""

from abc import abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from ..layer import Memo, ParameterFree
from ..typing import Elements, Shape, Tensors

NUMBERS_AT_A_TIME = 2**18
"""Derivatives computed at a time on a CPU: those of a whole large batch would need new memory in each step."""


class Activation(ParameterFree):
    """A function a = f(z) of each element, without parameters.

    Backward is the chain rule for one element: dz = da * f'(z).
    """

    uses_z: ClassVar[bool] = True
    """Whether `derivative` looks at z. If a tells it all, z is not kept from forward to backward."""

    @abstractmethod
    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        """The value a = f(z), of any shape; written to `out` where one is given."""

    @abstractmethod
    def derivative(self, z: Elements, a: Elements) -> Elements:
        """f'(z), from z or from a = f(z), whichever is cheaper."""

    @abstractmethod
    def twin(self) -> nn.Module:
        """The same function in `torch.nn`."""

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, w: Tensors, x: Elements, memo: Memo) -> Elements:
        is_free = memo.x_is_free and not self.uses_z
        a = self.value(x, out=x if is_free else memo.buffer("a", x.shape, x))
        memo["a"] = a
        if self.uses_z:
            memo["z"] = x
        return a

    def backward(self, w: Tensors, dw: Tensors, dy: Elements, memo: Memo, need_dx: bool = True) -> Elements:
        a = memo["a"]
        z = memo["z"] if self.uses_z else a  # which nobody looks at
        if dy.numel() <= NUMBERS_AT_A_TIME or dy.device.type != "cpu":
            return dy.mul_(self.derivative(z, a))
        at_a_time = max(1, NUMBERS_AT_A_TIME * len(dy) // dy.numel())
        for part, of_z, of_a in zip(dy.split(at_a_time), z.split(at_a_time), a.split(at_a_time), strict=True):
            part.mul_(self.derivative(of_z, of_a))
        return dy

    def module(self, memo: Memo) -> nn.Module:
        return self.twin()
