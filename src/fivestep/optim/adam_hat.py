"""Adam with its small number added before the correction."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from ..typing import Weights
from ._base import Again, Optimizer
from ._decay import decay_
from ._moments import check_adam
from ._numbers import Number, addcdiv_, sqrt


@final
@dataclass(frozen=True)
class AdamHat(Optimizer):
    """Adam in the order that its paper recommends for speed, with a small number eps that means another one.

        m <- beta1 m + (1 - beta1) dw
        v <- beta2 v + (1 - beta2) dw^2
        w <- w - lr_t m / (sqrt(v) + eps)          lr_t = lr sqrt(1 - beta2^t) / (1 - beta1^t)

    t counts steps from 1. This eps is that of `adam` times sqrt(1 - beta2^t), so early steps along small gradients
    are shorter: at t = 1 an eps of 1e-8 acts as 3e-7 does there. `weight_decay` adds weight_decay w to the gradient.
    Kingma and Ba 2015, "Adam: a method for stochastic optimization", end of section 2, where it is called epsilon hat;
    so do TensorFlow, Keras and scikit-learn.
    """

    by_element: ClassVar[bool] = True
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    def check(self) -> None:
        check_adam(self.betas, self.eps)

    def state(self, w: Weights) -> dict[str, Tensor]:
        return {"m": torch.zeros_like(w), "v": torch.zeros_like(w)}

    def update_(
        self, w: Weights, dw: Weights, state: dict[str, Tensor], lr: Number, step: Number, again: Again | None = None
    ) -> None:
        beta1, beta2 = self.betas
        dw = decay_(w, dw, lr, self.weight_decay, decoupled=False)
        m = state["m"].lerp_(dw, 1 - beta1)
        v = state["v"].mul_(beta2).addcmul_(dw, dw, value=1 - beta2)
        rate = lr * sqrt(1 - beta2**step) / (1 - beta1**step)
        addcdiv_(w, m, v.sqrt().add_(self.eps), -rate)

    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        twin = torch.optim.Adam(parameters, lr, self.betas, self.eps, self.weight_decay)
        twin.register_step_pre_hook(self._correct_eps)
        return twin

    def _correct_eps(self, twin: torch.optim.Optimizer, _args: Any, _kwargs: Any) -> None:
        """Gives torch's Adam, which adds eps after the correction, the eps of this step."""
        for group in twin.param_groups:
            state = twin.state.get(group["params"][0], {})
            step = int(state["step"]) + 1 if state else 1
            group["eps"] = self.eps / math.sqrt(1 - self.betas[1] ** step)
