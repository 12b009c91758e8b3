"""Adadelta."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..check import in_unit_interval, positive
from ..typing import Weights
from ._base import Again, Optimizer
from ._decay import decay_, with_decay
from ._numbers import Number, add_


@final
@dataclass(frozen=True)
class Adadelta(Optimizer):
    """Scales the gradient by the size of the last steps over the size of the last gradients.

        v <- rho v + (1 - rho) dw^2
        d  = sqrt(u + eps) / sqrt(v + eps) dw
        u <- rho u + (1 - rho) d^2
        w <- w - lr d

    The step has the unit of w by itself, so lr = 1 is the paper's. `rho` in [0, 1). Weight decay is classical, or
    apart from the gradient with `decoupled_weight_decay`. Zeiler 2012, "ADADELTA: an adaptive learning rate method",
    algorithm 1.
    """

    by_element: ClassVar[bool] = True
    rho: float = 0.9
    eps: float = 1e-6
    decoupled_weight_decay: bool = False

    def check(self) -> None:
        in_unit_interval("rho", self.rho, "0.9 is usual")
        positive("eps", self.eps, "1e-6 is usual")

    def state(self, w: Weights) -> dict[str, Tensor]:
        return {"v": torch.zeros_like(w), "u": torch.zeros_like(w)}

    def update_(
        self, w: Weights, dw: Weights, state: dict[str, Tensor], lr: Number, step: Number, again: Again | None = None
    ) -> None:
        dw = decay_(w, dw, lr, self.weight_decay, self.decoupled_weight_decay)
        u = state["u"]
        v = state["v"].mul_(self.rho).addcmul_(dw, dw, value=1 - self.rho)
        d = u.add(self.eps).sqrt_().div_(v.add(self.eps).sqrt_()).mul_(dw)
        u.mul_(self.rho).addcmul_(d, d, value=1 - self.rho)
        add_(w, d, -lr)

    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        plain = torch.optim.Adadelta(parameters, lr, rho=self.rho, eps=self.eps)
        return with_decay(plain, self.weight_decay, self.decoupled_weight_decay)
