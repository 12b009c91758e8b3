"""Adam with decoupled weight decay."""

from collections.abc import Iterable
from dataclasses import dataclass, field
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
class AdamW(Optimizer):
    """Adam's step after the weights have shrunk by themselves, without an L2 term; t counts steps from 1.

        w <- (1 - lr weight_decay) w
        m <- beta1 m + (1 - beta1) dw          m^ = m / (1 - beta1^t)
        v <- beta2 v + (1 - beta2) dw^2        v^ = v / (1 - beta2^t)
        w <- w - lr m^ / (sqrt(v^) + eps)

    Loshchilov and Hutter 2019, "Decoupled weight decay regularization", algorithm 2 (with the decay times lr, as in
    torch). With `amsgrad` the largest v so far takes the place of v: Reddi, Kale and Kumar 2018, "On the convergence of
    Adam and beyond", algorithm 2.
    """

    by_element: ClassVar[bool] = True
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    amsgrad: bool = False
    weight_decay: float = field(default=0.01, kw_only=True)

    def check(self) -> None:
        check_adam(self.betas, self.eps)

    def state(self, w: Weights) -> dict[str, Tensor]:
        return adam_state(w, amsgrad=self.amsgrad)

    def update_(
        self, w: Weights, dw: Weights, state: dict[str, Tensor], lr: Number, step: Number, again: Again | None = None
    ) -> None:
        decay_(w, dw, lr, self.weight_decay, decoupled=True)
        adam_step_(self, w, dw, state, lr, step)

    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        return torch.optim.AdamW(
            parameters, lr, betas=self.betas, eps=self.eps, weight_decay=self.weight_decay, amsgrad=self.amsgrad
        )
