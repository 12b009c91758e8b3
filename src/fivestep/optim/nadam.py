"""NAdam."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..check import not_negative
from ..typing import Weights
from ._base import Again, Optimizer
from ._decay import decay_
from ._moments import check_adam
from ._numbers import Number


@final
@dataclass(frozen=True)
class NAdam(Optimizer):
    """Adam with Nesterov's look ahead: the step takes tomorrow's share of the mean gradient; t counts from 1.

        mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2)         pi_t = mu_1 mu_2 ... mu_t
        m   <- beta1 m + (1 - beta1) dw
        v   <- beta2 v + (1 - beta2) dw^2                      v^ = v / (1 - beta2^t)
        m^   = mu_{t+1} m / (1 - pi_{t+1}) + (1 - mu_t) dw / (1 - pi_t)
        w   <- w - lr m^ / (sqrt(v^) + eps)

    `betas` in [0, 1), `momentum_decay` at least 0. Weight decay is classical, or apart from the gradient with
    `decoupled_weight_decay`. Dozat 2016, "Incorporating Nesterov momentum into Adam", algorithm 8 and the schedule of
    mu in its section 4 (as in torch, with beta1 instead of mu_t in m).
    """

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    momentum_decay: float = 4e-3
    decoupled_weight_decay: bool = False
    reads_numbers: ClassVar[bool] = True

    def check(self) -> None:
        check_adam(self.betas, self.eps)
        not_negative("momentum_decay", self.momentum_decay, "0.004 is usual")

    def state(self, w: Weights) -> dict[str, Tensor]:
        product = torch.ones((), dtype=torch.float64)  # on the CPU, so that reading it waits for no device
        return {"m": torch.zeros_like(w), "v": torch.zeros_like(w), "mu_product": product}

    def update_(
        self, w: Weights, dw: Weights, state: dict[str, Tensor], lr: Number, step: Number, again: Again | None = None
    ) -> None:
        lr, step = float(lr), int(step)
        dw = decay_(w, dw, lr, self.weight_decay, self.decoupled_weight_decay)
        beta1, beta2 = self.betas
        mu, mu_next = self._mu(step), self._mu(step + 1)
        product = state["mu_product"].mul_(mu).item()
        m = state["m"].lerp_(dw, 1 - beta1)
        v = state["v"].mul_(beta2).addcmul_(dw, dw, value=1 - beta2)
        root = v.sqrt().div_(math.sqrt(1 - beta2**step)).add_(self.eps)  # sqrt(v^) + eps
        w.addcdiv_(dw, root, value=-lr * (1 - mu) / (1 - product))
        w.addcdiv_(m, root, value=-lr * mu_next / (1 - product * mu_next))

    def _mu(self, step: int) -> float:
        return self.betas[0] * (1 - 0.5 * math.pow(0.96, step * self.momentum_decay))

    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        twin = torch.optim.NAdam(
            parameters,
            lr,
            betas=self.betas,
            eps=self.eps,
            weight_decay=self.weight_decay,
            momentum_decay=self.momentum_decay,
            decoupled_weight_decay=self.decoupled_weight_decay,
        )
        for parameter in twin.param_groups[0]["params"]:
            twin.state[parameter] = _exact_state(parameter)
        return twin


def _exact_state(parameter: nn.Parameter) -> dict[str, Tensor]:
    """What NAdam starts from, in float64: torch 2.13 keeps pi_t in float32, seven digits, whatever the parameter is."""
    return {
        "step": torch.tensor(0.0),
        "mu_product": torch.ones((), dtype=torch.float64),
        "exp_avg": torch.zeros_like(parameter),
        "exp_avg_sq": torch.zeros_like(parameter),
    }
