"""The rectified linear unit with a ceiling."""

from dataclasses import dataclass
from typing import ClassVar, final

from torch import Tensor, nn

from ..typing import Elements
from ._base import Activation
from .hardtanh import Hardtanh

SIX = Hardtanh(0.0, 6.0)


@final
@dataclass(frozen=True)
class ReLU6(Activation):
    """a = min(max(z, 0), 6), with derivative 1 where 0 < z < 6 and 0 elsewhere (at both ends too, as in torch).

    With a largest value, a network can be computed in few bits. Krizhevsky 2010, "Convolutional deep belief networks
    on CIFAR-10", section 2.
    """

    uses_z: ClassVar[bool] = False

    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        return SIX.value(z, out)

    def derivative(self, z: Elements, a: Elements) -> Elements:
        return SIX.derivative(z, a)

    def twin(self) -> nn.Module:
        return nn.ReLU6()
