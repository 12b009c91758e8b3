"""Stochastic gradient descent."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..check import InputError, in_unit_interval, refuse
from ..typing import Weights
from ._base import Again, Optimizer
from ._decay import decay_, with_decay
from ._numbers import Number, add_, is_above


@final
@dataclass(frozen=True)
class SGD(Optimizer):
    """w <- w - lr v with v <- momentum v + (dw + weight_decay w); without momentum, v is the gradient itself.

    With `nesterov` the step looks ahead: w <- w - lr (dw + weight_decay w + momentum v). The first v is the first
    gradient, as in torch. `dampening` d, in [0, 1), takes (1 - d) of every later gradient into v, so that with d =
    momentum v is a moving average of them. `momentum` in [0, 1), `weight_decay` per step; `decoupled_weight_decay`
    keeps the decay out of v and shrinks w by itself. Sutskever et al. 2013, "On the importance of initialization and
    momentum"; Loshchilov and Hutter 2019, "Decoupled weight decay regularization", algorithm 1.
    """

    by_element: ClassVar[bool] = True
    momentum: float = 0.0
    nesterov: bool = False
    dampening: float = 0.0
    decoupled_weight_decay: bool = False

    def check(self) -> None:
        in_unit_interval("momentum", self.momentum, "0.9 is usual")
        in_unit_interval("dampening", self.dampening, "0 switches it off")
        if self.dampening and (self.nesterov or not self.momentum):
            advice = "set momentum=0.9, or leave it out" if not self.momentum else "leave one of them out"
            raise refuse("dampening", self.dampening, "used with a momentum that is not nesterov", advice)
        if self.nesterov and not self.momentum:
            raise InputError(
                "nesterov must be used with a momentum, got momentum=0.0; set momentum=0.9, or leave nesterov out."
            )

    def state(self, w: Weights) -> dict[str, Tensor]:
        return {"velocity": torch.zeros_like(w)} if self.momentum else {}

    def update_(
        self, w: Weights, dw: Weights, state: dict[str, Tensor], lr: Number, step: Number, again: Again | None = None
    ) -> None:
        dw = decay_(w, dw, lr, self.weight_decay, self.decoupled_weight_decay)
        if self.momentum:
            v = state["velocity"].mul_(self.momentum)  # v starts at zero, so the first v is the first gradient
            v = add_(v, dw, 1 - self.dampening * is_above(step, 1)) if self.dampening else v.add_(dw)
            dw = dw.add(v, alpha=self.momentum) if self.nesterov else v
        add_(w, dw, -lr)

    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        plain = torch.optim.SGD(parameters, lr, self.momentum, self.dampening, nesterov=self.nesterov)
        return with_decay(plain, self.weight_decay, self.decoupled_weight_decay)
