"""Every activation with its derivative."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from matplotlib.figure import Figure

from ..activations._base import Activation
from ..find import find, names
from ..plots.activation_functions import activation_functions
from ._base import Lacking, Picture, Subject


@final
@dataclass(frozen=True)
class ActivationFunctions(Picture):
    """f(z) and f'(z) for z from -`reach` to `reach`, for every activation in the folder that works number by number."""

    description: ClassVar[str] = "every activation with its derivative"
    reach: float = 7.0

    def lacks(self, subject: Subject) -> Lacking | None:
        return None

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        z = torch.linspace(-self.reach, self.reach, 701, dtype=torch.float64)
        shown = {}
        for name in names("activations"):
            activation = find("activations", name)()
            if isinstance(activation, Activation):
                a = activation.value(z)
                shown[name] = (a.numpy(), activation.derivative(z, a).numpy())
        return activation_functions(z.numpy(), shown, title or "activations and their derivatives", dark=dark)
