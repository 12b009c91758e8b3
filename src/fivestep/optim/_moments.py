"""The step that Adam and its relatives share."""

from typing import Protocol

import torch
from torch import Tensor

from ..check import in_unit_interval, positive, refuse
from ..typing import Weights
from ._numbers import Number, addcdiv_, sqrt


class AdamLike(Protocol):
    """A rule with Adam's two means and its small number."""

    @property
    def betas(self) -> tuple[float, float]: ...

    @property
    def eps(self) -> float: ...


def adam_step_(rule: AdamLike, w: Weights, dw: Weights, state: dict[str, Tensor], lr: Number, step: Number) -> None:
    """Brings m and v of `state` up to date, then w <- w - lr m^ / (sqrt(v^) + eps), all in place.

    Where there is a v_max, it is brought up to date too and takes the place of v in the step.
    """
    beta1, beta2 = rule.betas
    m = state["m"].lerp_(dw, 1 - beta1)
    v = state["v"].mul_(beta2).addcmul_(dw, dw, value=1 - beta2)
    if "v_max" in state:
        v = torch.maximum(state["v_max"], v, out=state["v_max"])
    denominator = v.sqrt().div_(sqrt(1 - beta2**step)).add_(rule.eps)  # sqrt(v^) + eps
    addcdiv_(w, m, denominator, -lr / (1 - beta1**step))


def adam_state(w: Weights, *, amsgrad: bool) -> dict[str, Tensor]:
    """The memory of `adam_step_` before the first step."""
    return {name: torch.zeros_like(w) for name in ("m", "v", *(("v_max",) if amsgrad else ()))}


def check_adam(betas: tuple[float, float], eps: float) -> None:
    """Raises an `InputError` unless both betas lie in [0, 1) and eps is greater than 0."""
    check_betas(betas, "(0.9, 0.999)")
    positive("eps", eps, "1e-8 is usual")


def check_betas(betas: tuple[float, float], usual: str) -> None:
    """Raises an `InputError` unless both betas lie in [0, 1)."""
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise refuse("betas", betas, "a pair of numbers in [0, 1)", f"{usual} is usual")
    for name, beta in zip(("beta1", "beta2"), betas, strict=True):
        in_unit_interval(name, beta, f"betas={usual} is usual")
