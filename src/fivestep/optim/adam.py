"""Adam."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..typing import Weights
from ._base import Again, Optimizer
from ._decay import decay_
from ._moments import adam_state, adam_step_, check_adam
from ._numbers import Number


@final
@dataclass(frozen=True)
class Adam(Optimizer):
    """Steps along the mean gradient m, divided by the root of its mean square v; t counts steps from 1.

        m <- beta1 m + (1 - beta1) dw          m^ = m / (1 - beta1^t)
        v <- beta2 v + (1 - beta2) dw^2        v^ = v / (1 - beta2^t)
        w <- w - lr m^ / (sqrt(v^) + eps)

    `weight_decay` adds weight_decay * w to the gradient first, the classical L2 term; with `decoupled_weight_decay` w
    shrinks by itself, which is `adamw`. With `amsgrad` the largest v so far takes the place of v, so that no element's
    step grows while its gradients shrink. Kingma and Ba 2015, "Adam: a method for stochastic optimization", algorithm
    1; Reddi, Kale and Kumar 2018, "On the convergence of Adam and beyond", algorithm 2.
    """

    by_element: ClassVar[bool] = True
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    amsgrad: bool = False
    decoupled_weight_decay: bool = False

    def check(self) -> None:
        check_adam(self.betas, self.eps)

    def state(self, w: Weights) -> dict[str, Tensor]:
        return adam_state(w, amsgrad=self.amsgrad)

    def update_(
        self, w: Weights, dw: Weights, state: dict[str, Tensor], lr: Number, step: Number, again: Again | None = None
    ) -> None:
        dw = decay_(w, dw, lr, self.weight_decay, self.decoupled_weight_decay)
        adam_step_(self, w, dw, state, lr, step)

    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        return torch.optim.Adam(
            parameters,
            lr,
            betas=self.betas,
            eps=self.eps,
            weight_decay=self.weight_decay,
            amsgrad=self.amsgrad,
            decoupled_weight_decay=self.decoupled_weight_decay,
        )
