"""Stochastic gradient descent."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from ..check import InputError, in_unit_interval, not_negative
from ..typing import Vector
from ._base import Again, Optimizer


@final
@dataclass(frozen=True)
class SGD(Optimizer):
    """w <- w - lr v with v <- momentum v + (dw + weight_decay w); without momentum, v is the gradient itself.

    With `nesterov` the step looks ahead: w <- w - lr (dw + weight_decay w + momentum v). The first v is the first
    gradient, as in torch. `momentum` in [0, 1), `weight_decay` per step. Sutskever et al. 2013, "On the importance of
    initialization and momentum".
    """

    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        in_unit_interval("momentum", self.momentum, "0.9 is usual")
        not_negative("weight_decay", self.weight_decay, "0 switches it off")
        if self.nesterov and not self.momentum:
            raise InputError(
                "nesterov must be used with a momentum, got momentum=0.0; set momentum=0.9, or leave nesterov out."
            )

    def state(self, w: Vector) -> dict[str, Tensor]:
        return {"velocity": torch.zeros_like(w)} if self.momentum else {}

    def update_(
        self, w: Vector, dw: Vector, state: dict[str, Tensor], lr: float, step: int, again: Again | None = None
    ) -> None:
        if self.weight_decay:
            dw = dw.add(w, alpha=self.weight_decay)
        if self.momentum:
            v = state["velocity"].mul_(self.momentum).add_(dw)  # v starts at zero, so the first v is the first gradient
            dw = dw.add(v, alpha=self.momentum) if self.nesterov else v
        w.add_(dw, alpha=-lr)

    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        return torch.optim.SGD(
            parameters, lr, momentum=self.momentum, nesterov=self.nesterov, weight_decay=self.weight_decay
        )
