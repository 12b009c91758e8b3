"""Schedule-free AdamW."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from ..check import at_least, inside_unit_interval
from ..typing import Elements
from ._base import Again, AveragingOptimizer
from ._moments import check_adam
from ._numbers import Number
from ._twin import TwinOptimizer


@final
@dataclass(frozen=True)
class ScheduleFreeAdamW(AveragingOptimizer):
    """AdamW whose weights to predict with, x, are a mean of where it has been: it needs no schedule to come to rest.

    The gradient is taken between the mean x and the newest point z, and w holds that point y:

        y  = (1 - beta1) z + beta1 x                    dw is the gradient there
        v <- beta2 v + (1 - beta2) dw^2                 v^ = v / (1 - beta2^t)
        z <- z - lr_t (dw / (sqrt(v^) + eps) + weight_decay y)
        x <- (1 - c) x + c z                            c = lr_t^2 / (lr_1^2 + ... + lr_t^2)

    The rate rises over the first `warmup_steps`: lr_t = lr min(1, t / warmup_steps). `average` gives x; z is kept,
    and x follows from y and z. Without a schedule beside it (`constant`). `betas` in (0, 1). Defazio et al. 2024, "The
    road less scheduled", algorithm 1.
    """

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    warmup_steps: int = 0
    reads_numbers: ClassVar[bool] = True

    def check(self) -> None:
        check_adam(self.betas, self.eps)
        inside_unit_interval("beta1", self.betas[0], "0.9 is usual; x is found by dividing by it")
        at_least("warmup_steps", self.warmup_steps, 0, "0 starts at the full rate")

    def state(self, w: Elements) -> dict[str, Tensor]:
        total = torch.zeros((), dtype=torch.float64)  # on the CPU, so that reading it waits for no device
        return {"z": w.clone(), "v": torch.zeros_like(w), "sum_of_squared_rates": total}

    def update_(
        self, w: Elements, dw: Elements, state: dict[str, Tensor], lr: Number, step: Number, again: Again | None = None
    ) -> None:
        lr, step = float(lr), int(step)
        beta1, beta2 = self.betas
        if step <= self.warmup_steps:
            lr *= step / self.warmup_steps
        total = state["sum_of_squared_rates"].add_(lr**2).item()
        c = lr**2 / total if total else 0.0
        if step == 1:
            state["z"].copy_(w)  # the weights may have been loaded since the state was made
        z, v = state["z"], state["v"].mul_(beta2).addcmul_(dw, dw, value=1 - beta2)
        root = v.sqrt().div_(math.sqrt(1 - beta2**step)).add_(self.eps)  # sqrt(v^) + eps
        x = w.sub(z, alpha=1 - beta1)  # beta1 x, before the step
        z.add_(w, alpha=-lr * self.weight_decay).addcdiv_(dw, root, value=-lr)
        torch.add(x.mul_(1 - c), z, alpha=1 - beta1 + c * beta1, out=w)

    def average(self, w: Elements, state: Mapping[str, Tensor]) -> Elements:
        return w.lerp(state["z"], 1 - 1 / self.betas[0]) if state else w

    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        return _TorchScheduleFree(
            parameters,
            lr,
            betas=self.betas,
            eps=self.eps,
            weight_decay=self.weight_decay,
            warmup_steps=self.warmup_steps,
        )


@final
class _TorchScheduleFree(TwinOptimizer):  # torch has none: algorithm 1 of the paper again, with x, y and z side by side
    def move_(self, w: Tensor, dw: Tensor, state: dict[str, Any], settings: dict[str, Any]) -> None:
        (beta1, beta2), y = settings["betas"], w
        if not state:
            state |= {"x": w.clone(), "z": w.clone(), "v": torch.zeros_like(w), "t": 0, "sum": 0.0}
        x, z, v = state["x"], state["z"], state["v"]
        state["t"] += 1
        warmup = min(1.0, state["t"] / settings["warmup_steps"]) if settings["warmup_steps"] else 1.0
        lr = settings["lr"] * warmup
        v.copy_(beta2 * v + (1 - beta2) * dw**2)
        z -= lr * dw / (torch.sqrt(v / (1 - beta2 ** state["t"])) + settings["eps"]) + lr * settings["weight_decay"] * y
        state["sum"] += lr**2
        c = lr**2 / state["sum"] if state["sum"] else 0.0
        x.copy_((1 - c) * x + c * z)
        y.copy_((1 - beta1) * z + beta1 * x)
