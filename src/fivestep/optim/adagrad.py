"""Adagrad."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..check import not_negative, positive
from ..typing import Weights
from ._base import Again, Optimizer
from ._decay import decay_, with_decay
from ._numbers import Number, addcdiv_


@final
@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Divides the gradient by the root of the sum s of all its squares so far; t counts steps from 1.

        s <- s + dw^2                          s starts at initial_accumulator_value
        w <- w - lr_t dw / (sqrt(s) + eps)     lr_t = lr / (1 + (t - 1) lr_decay)

    `lr_decay` and `initial_accumulator_value` at least 0. Weight decay is classical, or apart from the gradient with
    `decoupled_weight_decay` (times lr, which `lr_decay` leaves alone). Duchi, Hazan and Singer 2011, "Adaptive
    subgradient methods for online learning and stochastic optimization", figure 1 with a diagonal matrix.
    """

    by_element: ClassVar[bool] = True
    lr_decay: float = 0.0
    initial_accumulator_value: float = 0.0
    eps: float = 1e-10
    decoupled_weight_decay: bool = False

    def check(self) -> None:
        not_negative("lr_decay", self.lr_decay, "0 keeps the learning rate")
        not_negative("initial_accumulator_value", self.initial_accumulator_value, "0 is usual")
        positive("eps", self.eps, "1e-10 is usual")

    def state(self, w: Weights) -> dict[str, Tensor]:
        return {"s": torch.full_like(w, self.initial_accumulator_value)}

    def update_(
        self, w: Weights, dw: Weights, state: dict[str, Tensor], lr: Number, step: Number, again: Again | None = None
    ) -> None:
        dw = decay_(w, dw, lr, self.weight_decay, self.decoupled_weight_decay)
        s = state["s"].addcmul_(dw, dw)
        addcdiv_(w, dw, s.sqrt().add_(self.eps), -lr / (1 + (step - 1) * self.lr_decay))

    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        plain = torch.optim.Adagrad(
            parameters,
            lr,
            lr_decay=self.lr_decay,
            initial_accumulator_value=self.initial_accumulator_value,
            eps=self.eps,
        )
        return with_decay(plain, self.weight_decay, self.decoupled_weight_decay)
