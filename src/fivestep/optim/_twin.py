"""A torch optimizer for a rule that torch does not have."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, final

import torch
from torch import Tensor, nn


class TwinOptimizer(torch.optim.Optimizer, ABC):
    """A `torch.optim.Optimizer`, complete except for the step of one parameter."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, **settings: Any) -> None:
        super().__init__(parameters, {"lr": lr, **settings})

    @final
    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # torch overloads it for closures
        """One step of every parameter."""
        for group in self.param_groups:
            for parameter in group["params"]:
                self.move_(parameter, parameter.grad, self.state[parameter], group)

    @abstractmethod
    def move_(self, w: Tensor, dw: Tensor, state: dict[str, Any], settings: dict[str, Any]) -> None:
        """One step of one parameter with the settings of its group, "lr" among them; `state` is empty at the first."""
