"""An activation with a learned strength for each unit."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..find import Choice, build
from ..layer import Layer, Memo
from ..typing import Inputs, Shape, Tensors
from ._norm import Norm


@final
@dataclass(frozen=True)
class Parametric(Norm):
    """y = x + g (f(x) - x): each unit lies between the identity (g = 0) and the activation f (g = 1, where it begins).

    x and y are (*N, I), the weight g is (I,). With dy given, dg = sum over the rows of dy (f(x) - x); x acts on y
    directly, with the factor 1 - g, and through f, which is sent g dy.
    Holzmueller, Grinsztajn and Steinwart 2024, "Better by default: strong pre-tuned MLPs and boosted trees on tabular
    data", section 3, parametric activation functions.
    """

    activation: str = "mish"

    formulas: ClassVar[Mapping[str, str]] = {
        "f": "the activation of {x}",
        "y": "{x} + {weight} * ({f} - {x})",
        "dweight": "sum of {dy} * ({f} - {x}) over the rows",
        "dx": "{dy} * (1 - {weight}) + {dy} * {weight} * slope of the activation at {x}",
    }

    def __post_init__(self) -> None:
        object.__setattr__(self, "activation", str(Choice.parse(self.activation)))
        build("activations", self.activation)

    @cached_property
    def function(self) -> Layer:
        """The activation f."""
        function: Layer = build("activations", self.activation)
        return function

    def parameter_shapes(self) -> dict[str, Shape]:
        return {"weight": (self.features,)}

    def buffer_shapes(self) -> dict[str, Shape]:
        return {}

    def forward(self, w: Tensors, x: Inputs, memo: Memo) -> Inputs:
        f = self.function.forward({}, x, memo.child(0))
        memo["x"], memo["f"] = x, f
        return torch.lerp(x, f, w["weight"], out=memo.buffer("y", x.shape, x))

    def backward(self, w: Tensors, dw: Tensors, dy: Inputs, memo: Memo, need_dx: bool = True) -> Inputs:
        dw["weight"].add_((dy * (memo["f"] - memo["x"])).flatten(0, -2).sum(0))
        df = torch.mul(dy, w["weight"], out=memo.buffer("df", dy.shape, dy))
        direct = dy.sub_(df)
        return direct.add_(self.function.backward({}, {}, df, memo.child(0)))

    def module(self, memo: Memo) -> nn.Module:
        return _TorchParametric(self.features, self.function.module(memo.child(0)))


@final
class _TorchParametric(nn.Module):  # torch has no such layer: the formula again, for autograd to differentiate
    def __init__(self, num_features: int, function: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.weight = nn.Parameter(torch.ones(num_features))

    def forward(self, x: Tensor) -> Tensor:
        f: Tensor = self.function(x)
        return x + self.weight * (f - x)
