"""Adam with the largest gradient in place of the mean square."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..typing import Weights
from ._base import Again, Optimizer
from ._decay import decay_, with_decay
from ._moments import check_adam
from ._numbers import Number, addcdiv_


@final
@dataclass(frozen=True)
class Adamax(Optimizer):
    """Steps along the mean gradient m, divided by the largest recent gradient u, which fades; t counts from 1.

        m <- beta1 m + (1 - beta1) dw          m^ = m / (1 - beta1^t)
        u <- max(beta2 u, |dw| + eps)
        w <- w - lr m^ / u

    No element moves by more than about lr, and u needs no correction. `betas` in [0, 1); lr 0.002 is the paper's.
    Weight decay is classical, or apart from the gradient with `decoupled_weight_decay`. Kingma and Ba 2015, "Adam: a
    method for stochastic optimization", algorithm 2 (with eps, as in torch).
    """

    by_element: ClassVar[bool] = True
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    decoupled_weight_decay: bool = False

    def check(self) -> None:
        check_adam(self.betas, self.eps)

    def state(self, w: Weights) -> dict[str, Tensor]:
        return {"m": torch.zeros_like(w), "u": torch.zeros_like(w)}

    def update_(
        self, w: Weights, dw: Weights, state: dict[str, Tensor], lr: Number, step: Number, again: Again | None = None
    ) -> None:
        dw = decay_(w, dw, lr, self.weight_decay, self.decoupled_weight_decay)
        beta1, beta2 = self.betas
        m, u = state["m"].lerp_(dw, 1 - beta1), state["u"].mul_(beta2)
        torch.maximum(u, dw.abs().add_(self.eps), out=u)
        addcdiv_(w, m, u, -lr / (1 - beta1**step))

    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        plain = torch.optim.Adamax(parameters, lr, betas=self.betas, eps=self.eps)
        return with_decay(plain, self.weight_decay, self.decoupled_weight_decay)
