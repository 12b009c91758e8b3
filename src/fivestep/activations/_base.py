"""What an activation provides: its value, its derivative, its torch twin."""

from abc import abstractmethod

from torch import Tensor, nn

from ..layer import Memo, ParameterFree
from ..typing import Elements, Shape, Tensors


class Activation(ParameterFree):
    """A function a = f(z) of each element, without parameters.

    Backward is the chain rule for one element: dz = da * f'(z).
    """

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
        a = self.value(x, out=memo.buffer("a", x.shape, x))
        memo["z"], memo["a"] = x, a
        return a

    def backward(self, w: Tensors, dw: Tensors, dy: Elements, memo: Memo, need_dx: bool = True) -> Elements:
        return dy.mul_(self.derivative(memo["z"], memo["a"]))

    def module(self, memo: Memo) -> nn.Module:
        return self.twin()
