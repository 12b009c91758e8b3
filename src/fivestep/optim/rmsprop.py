"""RMSprop."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..check import in_unit_interval, positive
from ..typing import Weights
from ._base import Again, Optimizer
from ._decay import decay_, with_decay
from ._numbers import Number, add_, addcdiv_


@final
@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Divides the gradient by the root of its mean square v.

        v <- alpha v + (1 - alpha) dw^2
        w <- w - lr dw / (sqrt(v) + eps)

    With `centered`, v is replaced by the variance v - g^2, where g <- alpha g + (1 - alpha) dw. With `momentum` the
    step is w <- w - lr u, where u <- momentum u + dw / (sqrt(v) + eps). `alpha` and `momentum` in [0, 1). Weight decay
    is classical, or apart from the gradient with `decoupled_weight_decay`. Tieleman and Hinton 2012, "Lecture 6.5:
    RMSprop"; centered: Graves 2013, "Generating sequences with recurrent neural networks", equations 38 to 45 (with
    eps outside the root, as in torch).
    """

    by_element: ClassVar[bool] = True
    alpha: float = 0.99
    eps: float = 1e-8
    momentum: float = 0.0
    centered: bool = False
    decoupled_weight_decay: bool = False

    def check(self) -> None:
        in_unit_interval("alpha", self.alpha, "0.99 is usual")
        in_unit_interval("momentum", self.momentum, "0.9 is usual")
        positive("eps", self.eps, "1e-8 is usual")

    def state(self, w: Weights) -> dict[str, Tensor]:
        kept = {"v": True, "g": self.centered, "u": self.momentum > 0}
        return {name: torch.zeros_like(w) for name, is_kept in kept.items() if is_kept}

    def update_(
        self, w: Weights, dw: Weights, state: dict[str, Tensor], lr: Number, step: Number, again: Again | None = None
    ) -> None:
        dw = decay_(w, dw, lr, self.weight_decay, self.decoupled_weight_decay)
        v = state["v"].mul_(self.alpha).addcmul_(dw, dw, value=1 - self.alpha)
        if self.centered:
            g = state["g"].lerp_(dw, 1 - self.alpha)
            root = v.addcmul(g, g, value=-1).sqrt_().add_(self.eps)
        else:
            root = v.sqrt().add_(self.eps)
        if self.momentum:
            add_(w, state["u"].mul_(self.momentum).addcdiv_(dw, root), -lr)
        else:
            addcdiv_(w, dw, root, -lr)

    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        plain = torch.optim.RMSprop(
            parameters, lr, alpha=self.alpha, eps=self.eps, momentum=self.momentum, centered=self.centered
        )
        return with_decay(plain, self.weight_decay, self.decoupled_weight_decay)
