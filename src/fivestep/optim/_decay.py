"""Weight decay in its two forms, and the second one for torch's optimizers that know only the first."""

from typing import Any

import torch

from ..typing import Elements
from ._numbers import Number


def decay_(w: Elements, dw: Elements, lr: Number, weight_decay: float, decoupled: bool) -> Elements:
    """The gradient to step along.

    Classical decay is the gradient of the penalty weight_decay |w|^2 / 2, so it is added: dw + weight_decay w.
    Decoupled decay shrinks w by itself, in place, and leaves the gradient alone: w <- (1 - lr weight_decay) w. With
    plain gradient descent the two are the same; where a rule divides by the size of the gradient they are not.
    Loshchilov and Hutter 2019, "Decoupled weight decay regularization", equation 1 and proposition 2.
    """
    if not weight_decay:
        return dw
    if decoupled:
        w.mul_(1 - lr * weight_decay)
        return dw
    return dw.add(w, alpha=weight_decay)


def with_decay(optimizer: torch.optim.Optimizer, weight_decay: float, decoupled: bool) -> torch.optim.Optimizer:
    """Gives a torch optimizer without decay of its own the classical or the decoupled one."""
    key = "decoupled_decay" if decoupled else "weight_decay"
    optimizer.defaults[key] = weight_decay
    for group in optimizer.param_groups:
        group[key] = weight_decay
    if decoupled:
        optimizer.register_step_pre_hook(_shrink)
    return optimizer


@torch.no_grad()
def _shrink(optimizer: torch.optim.Optimizer, _args: Any, _kwargs: Any) -> None:
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.mul_(1 - group["lr"] * group["decoupled_decay"])
