"""Muon."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import Tensor, nn

from ..check import in_unit_interval, one_of, refuse
from ..typing import Elements
from ._base import Again, MatrixOptimizer, Optimizer
from ._decay import decay_
from ._numbers import Number, add_
from ._twin import TwinOptimizer
from .adamw import AdamW

A, B, C = 3.4445, -4.7750, 2.0315
"""Of the polynomial below: chosen for a steep slope at 0, so that small singular values grow fast."""

LEAST_NORM = 1e-7
"""What a norm counts as if it is smaller, so that a gradient of zeros moves nothing."""


@final
@dataclass(frozen=True)
class Muon(MatrixOptimizer):
    """Steps along the mean gradient with all its singular values brought near 1, matrix by matrix.

        m <- momentum m + (1 - momentum) dw
        u  = momentum m + (1 - momentum) dw                     without `nesterov`: m
        x  = u / |u|, then `ns_steps` times (Newton-Schulz)
        x <- A x + B (x x^T) x + C (x x^T)^2 x                  A, B, C = 3.4445, -4.7750, 2.0315
        w <- (1 - lr weight_decay) w - lr s x

    The polynomial moves a singular value in (0, 1] toward 1, into about 0.7 to 1.2 after five steps. It is computed
    in the type of the run, or with `ns_dtype` "bfloat16" as torch does it, which is fast on accelerators. With O
    rows and I columns, s is sqrt(max(1, O / I)) for `adjust_lr` "original" and 0.2 sqrt(max(O, I)) for
    "match_rms_adamw", whose steps are as large as AdamW's, so that both may share a learning rate. Biases and other
    vectors follow `adamw` with the same weight decay; matrices all follow this rule, an embedding and the last layer
    among them, which its authors leave to AdamW. `momentum` in [0, 1), `ns_steps` from 1 to 99. Jordan et al. 2024,
    "Muon: an optimizer for hidden layers in neural networks"; Liu et al. 2025, "Muon is scalable for LLM training",
    equation 4.
    """

    momentum: float = 0.95
    nesterov: bool = True
    ns_steps: int = 5
    ns_dtype: str = "run"
    adjust_lr: str = "original"
    weight_decay: float = field(default=0.1, kw_only=True)

    def check(self) -> None:
        in_unit_interval("momentum", self.momentum, "0.95 is usual")
        one_of("ns_dtype", self.ns_dtype, ("run", "bfloat16"))
        one_of("adjust_lr", self.adjust_lr, ("original", "match_rms_adamw"))
        if isinstance(self.ns_steps, bool) or not isinstance(self.ns_steps, int) or not 1 <= self.ns_steps <= 99:
            raise refuse("ns_steps", self.ns_steps, "a whole number from 1 to 99", "5 is usual")

    def rest(self) -> Optimizer:
        return AdamW(weight_decay=self.weight_decay)

    def state(self, w: Elements) -> dict[str, Tensor]:
        return {"m": torch.zeros_like(w)}

    def update_(
        self, w: Elements, dw: Elements, state: dict[str, Tensor], lr: Number, step: Number, again: Again | None = None
    ) -> None:
        m = state["m"].lerp_(dw, 1 - self.momentum)
        u = dw.lerp(m, self.momentum) if self.nesterov else m
        x = _newton_schulz(u.bfloat16() if self.ns_dtype == "bfloat16" else u, self.ns_steps)
        decay_(w, dw, lr, self.weight_decay, decoupled=True)
        add_(w, x, -lr * self.length(*w.shape))

    def length(self, num_rows: int, num_columns: int) -> float:
        """The factor s of a matrix of those sizes."""
        if self.adjust_lr == "original":
            return math.sqrt(max(1, num_rows / num_columns))
        return 0.2 * math.sqrt(max(num_rows, num_columns))

    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        settings: dict[str, Any] = {
            "weight_decay": self.weight_decay,
            "momentum": self.momentum,
            "nesterov": self.nesterov,
            "ns_steps": self.ns_steps,
            "adjust_lr_fn": self.adjust_lr,
        }
        kind = torch.optim.Muon if self.ns_dtype == "bfloat16" else _TorchMuon
        return kind(parameters, lr, **settings)


def _newton_schulz(u: Tensor, num_steps: int) -> Tensor:
    """A matrix with the singular vectors of u and singular values near 1; works on the wide of u and u^T."""
    is_tall = u.shape[0] > u.shape[1]
    x = u.T if is_tall else u
    x = x / x.norm().clamp(min=LEAST_NORM)
    for _ in range(num_steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=B, alpha=C), x, beta=A)  # A x + (B g + C g g) x
    return x.T if is_tall else x


@final
class _TorchMuon(TwinOptimizer):  # torch's Muon computes in bfloat16 only: the published lines again, in any type
    def move_(self, w: Tensor, dw: Tensor, state: dict[str, Any], settings: dict[str, Any]) -> None:
        beta, shape = settings["momentum"], w.shape
        m = state.setdefault("momentum_buffer", torch.zeros_like(w))
        m.copy_(beta * m + (1 - beta) * dw)
        x = beta * m + (1 - beta) * dw if settings["nesterov"] else m.clone()
        x = x / max(float(x.norm()), LEAST_NORM)
        for _ in range(settings["ns_steps"]):
            x = A * x + B * x @ x.T @ x + C * x @ x.T @ x @ x.T @ x
        adjust = {
            "original": max(1, shape[0] / shape[1]) ** 0.5,
            "match_rms_adamw": 0.2 * max(shape) ** 0.5,
        }[settings["adjust_lr_fn"]]
        w.mul_(1 - settings["lr"] * settings["weight_decay"]).sub_(settings["lr"] * adjust * x)
