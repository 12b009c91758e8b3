"""What each initialization does through depth."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from ..activations._base import Activation
from ..check import at_least
from ..draws import generator
from ..find import Choice, build, names
from ..inits._base import Init
from ..plots.init_depth import init_depth
from ._base import Lacking, Picture, Subject

NUM_ROWS = 64


@final
@dataclass(frozen=True)
class InitDepth(Picture):
    """Mean squares through `depth` layers of `width` units for every scheme in the folder, at the start of a training.

    The activation is the network's first one, or the `activation` given. Inputs, and the gradient at the last layer,
    are standard normal.
    """

    description: ClassVar[str] = "activations and gradients through a deep network, for every initialization"
    depth: int = 30
    width: int = 128
    activation: str | None = None

    def __post_init__(self) -> None:
        at_least("depth", self.depth, 1)
        at_least("width", self.width, 1)

    def lacks(self, subject: Subject) -> Lacking | None:
        return None

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        own = [one for one in subject.engine.spec.layers if one.name in names("activations") and one.name != "softmax"]
        chosen: str | Choice = self.activation or (own[0] if own else "relu")
        function: Activation = build("activations", chosen)
        activations, gradients = {}, {}
        for name in names("inits"):
            activations[name], gradients[name] = _mean_squares(build("inits", name), function, self.depth, self.width)
        words = title or f"{self.depth} layers of {self.width} units, {chosen}, at the start of training"
        return init_depth(activations, gradients, words, dark=dark)


def _mean_squares(scheme: Init, function: Activation, depth: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Of the activations behind each layer and of the gradients before it, (depth,) each."""
    stream = generator(0)
    a = torch.randn(NUM_ROWS, width, generator=stream, dtype=torch.float64)
    passed: list[tuple[Tensor, Tensor, Tensor]] = []
    for _ in range(depth):
        weight, bias = a.new_empty(width, width), a.new_empty(width)
        scheme.weight_(weight, stream)
        scheme.bias_(bias, width, stream)
        z = a @ weight.T + bias
        a = function.value(z)
        passed.append((weight, z, a))
    da, gradients = torch.randn(NUM_ROWS, width, generator=stream, dtype=torch.float64), []
    for weight, z, a in reversed(passed):
        da = (da * function.derivative(z, a)) @ weight
        gradients.append(float(da.square().mean()))
    return np.array([float(a.square().mean()) for *_, a in passed]), np.array(gradients[::-1])
