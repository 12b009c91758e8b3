"""Gradient descent with the learning rate inside the velocity."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from ..check import not_negative, refuse
from ..typing import Weights
from ._base import Again, Optimizer
from ._decay import decay_
from ._numbers import Number, add_


@final
@dataclass(frozen=True)
class Momentum(Optimizer):
    """The velocity is the last move: v <- momentum v - lr dw, w <- w + v.

    With `nesterov` the step looks ahead: w <- w + momentum v - lr dw, with the new v. `momentum` in [0, 1];
    `weight_decay` adds weight_decay w to the gradient. At a constant rate these are the steps of `sgd`, which
    multiplies by the rate after the sum; when the rate falls, the velocity here still carries the moves that were made
    at the higher one. Sutskever et al. 2013, "On the importance of initialization and momentum", equations 1 to 4; so
    do Keras and scikit-learn.
    """

    by_element: ClassVar[bool] = True
    momentum: float = 0.9
    nesterov: bool = True

    def check(self) -> None:
        not_negative("momentum", self.momentum, "0.9 is usual")
        if self.momentum > 1:
            raise refuse("momentum", self.momentum, "a number in [0, 1]", "0.9 is usual")

    def state(self, w: Weights) -> dict[str, Tensor]:
        return {"velocity": torch.zeros_like(w)}

    def update_(
        self, w: Weights, dw: Weights, state: dict[str, Tensor], lr: Number, step: Number, again: Again | None = None
    ) -> None:
        dw = decay_(w, dw, lr, self.weight_decay, decoupled=False)
        v = add_(state["velocity"].mul_(self.momentum), dw, -lr)
        if self.nesterov:
            add_(w.add_(v, alpha=self.momentum), dw, -lr)
        else:
            w.add_(v)

    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        looks_ahead = self.nesterov and self.momentum > 0
        twin = torch.optim.SGD(parameters, lr, self.momentum, nesterov=looks_ahead, weight_decay=self.weight_decay)
        twin.register_step_pre_hook(_put_the_rate_inside)
        twin.register_step_post_hook(_take_it_out)
        return twin


def _put_the_rate_inside(optimizer: torch.optim.Optimizer, _args: Any, _kwargs: Any) -> None:
    """Torch's step of rate 1, with gradient and decay times the rate: its buffer is -v, and the rate may be 0."""
    for group in optimizer.param_groups:
        group["outside"] = group["lr"], group["weight_decay"], [w.grad for w in group["params"]]
        group["weight_decay"] *= group["lr"]
        for w in group["params"]:
            w.grad = None if w.grad is None else group["lr"] * w.grad
        group["lr"] = 1.0


def _take_it_out(optimizer: torch.optim.Optimizer, _args: Any, _kwargs: Any) -> None:
    """Rate, decay and gradients as they were before the step."""
    for group in optimizer.param_groups:
        group["lr"], group["weight_decay"], gradients = group.pop("outside")
        for w, gradient in zip(group["params"], gradients, strict=True):
            w.grad = gradient
