"""Rectified Adam."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..typing import Weights
from ._base import Again, Optimizer
from ._decay import decay_
from ._moments import adam_state, check_adam
from ._numbers import Number, add_, addcdiv_, is_above, sqrt

KNOWN_FROM = 5.0
"""Of rho below: with fewer squares the variance of the step is not known, and the step is along the mean alone."""


@final
@dataclass(frozen=True)
class RAdam(Optimizer):
    """Adam that divides by the root of v only once that is known well enough: a warm-up of its own.

        m <- beta1 m + (1 - beta1) dw               m^ = m / (1 - beta1^t)
        v <- beta2 v + (1 - beta2) dw^2             v^ = v / (1 - beta2^t)
        w <- w - lr m^                              while rho_t <= 5, for beta2 = 0.999 the first five steps
        w <- w - lr r_t m^ / (sqrt(v^) + eps')      then, with eps' = eps / sqrt(1 - beta2^t)

    rho_t = R - 2 t beta2^t / (1 - beta2^t) counts the squares that v holds, R = 2 / (1 - beta2) - 1 at most, and

        r_t = sqrt((rho_t - 4) (rho_t - 2) R / ((R - 4) (R - 2) rho_t))

    rises to 1; t counts steps from 1. `betas` in [0, 1). Weight decay is classical, or apart from the gradient with
    `decoupled_weight_decay`. Liu et al. 2020, "On the variance of the adaptive learning rate and beyond", algorithm 2
    (with 5 for its 4, and eps, as in torch).
    """

    by_element: ClassVar[bool] = True
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    decoupled_weight_decay: bool = False

    def check(self) -> None:
        check_adam(self.betas, self.eps)

    def state(self, w: Weights) -> dict[str, Tensor]:
        return adam_state(w, amsgrad=False)

    def update_(
        self, w: Weights, dw: Weights, state: dict[str, Tensor], lr: Number, step: Number, again: Again | None = None
    ) -> None:
        dw = decay_(w, dw, lr, self.weight_decay, self.decoupled_weight_decay)
        beta1, beta2 = self.betas
        m = state["m"].lerp_(dw, 1 - beta1)
        v = state["v"].mul_(beta2).addcmul_(dw, dw, value=1 - beta2)
        rate = lr / (1 - beta1**step)
        is_known, r = self._rectified(step)
        add_(w, m, -rate * (1 - is_known))
        addcdiv_(w, m, v.sqrt().add_(self.eps), -rate * r * sqrt(1 - beta2**step))

    def _rectified(self, step: Number) -> tuple[Number, Number]:
        """Whether (1) or not (0) the root of v is known well enough, and r_t, which is 0 where it is not."""
        beta2 = self.betas[1]
        most = 2 / (1 - beta2) - 1
        if most <= KNOWN_FROM:
            return 0.0, 0.0
        rho = most - 2 * step * beta2**step / (1 - beta2**step)
        is_known = is_above(rho, KNOWN_FROM)
        return is_known, sqrt(is_known * (rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))

    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        return torch.optim.RAdam(
            parameters,
            lr,
            betas=self.betas,
            eps=self.eps,
            weight_decay=self.weight_decay,
            decoupled_weight_decay=self.decoupled_weight_decay,
        )
