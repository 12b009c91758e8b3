"""Lion."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from ..typing import Weights
from ._base import Again, Optimizer
from ._decay import decay_
from ._moments import check_betas
from ._numbers import Number, add_
from ._twin import TwinOptimizer


@final
@dataclass(frozen=True)
class Lion(Optimizer):
    """Steps of the same size lr in every element, with the sign of a mean gradient that leans toward the newest one.

        c  = beta1 m + (1 - beta1) dw
        w <- w - lr (sign(c) + weight_decay w)
        m <- beta2 m + (1 - beta2) dw

    The decay is decoupled. Good learning rates are 3 to 10 times smaller than Adam's, good weight decays as much
    larger. `betas` in [0, 1). Chen et al. 2023, "Symbolic discovery of optimization algorithms", algorithm 2.
    """

    by_element: ClassVar[bool] = True
    betas: tuple[float, float] = (0.9, 0.99)

    def check(self) -> None:
        check_betas(self.betas, "(0.9, 0.99)")

    def state(self, w: Weights) -> dict[str, Tensor]:
        return {"m": torch.zeros_like(w)}

    def update_(
        self, w: Weights, dw: Weights, state: dict[str, Tensor], lr: Number, step: Number, again: Again | None = None
    ) -> None:
        beta1, beta2 = self.betas
        sign = state["m"].lerp(dw, 1 - beta1).sign_()
        decay_(w, dw, lr, self.weight_decay, decoupled=True)
        add_(w, sign, -lr)
        state["m"].lerp_(dw, 1 - beta2)

    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        return _TorchLion(parameters, lr, betas=self.betas, weight_decay=self.weight_decay)


@final
class _TorchLion(TwinOptimizer):  # torch has no Lion: algorithm 2 of the paper again, line by line
    def move_(self, w: Tensor, dw: Tensor, state: dict[str, Any], settings: dict[str, Any]) -> None:
        beta1, beta2 = settings["betas"]
        m = state.setdefault("momentum", torch.zeros_like(w))
        update = torch.sign(beta1 * m + (1 - beta1) * dw)
        w -= settings["lr"] * (update + settings["weight_decay"] * w)
        m.copy_(beta2 * m + (1 - beta2) * dw)
