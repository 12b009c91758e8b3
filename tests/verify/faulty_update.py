"""What goes wrong in step 5."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from fivestep.engines._base import FiveStepEngine
from tests.verify.planting import (
    Fault,
    Rule,
    by_rule,
    in_engine,
)


def adam(
    w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, correct: tuple[int, int] | None, eps: str
) -> None:
    """Adam with its bias corrections for steps `correct` of m and v, and eps in one of two places."""
    m = memory["m"] = 0.9 * memory.get("m", torch.zeros_like(w)) + 0.1 * dw
    v = memory["v"] = 0.999 * memory.get("v", torch.zeros_like(w)) + 0.001 * dw * dw
    if correct is not None:
        m, v = m / (1 - 0.9 ** correct[0]), v / (1 - 0.999 ** correct[1])
    w -= lr * m / ((v + 1e-8).sqrt() if eps == "inside" else v.sqrt() + 1e-8)


def eps_inside_the_root(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    adam(w, dw, memory, lr, (step, step), "inside")


def eps_inside_the_root_of_v(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    """Before the bias correction of v, so that eps counts a thousand times as much in the first step."""
    m = memory["m"] = 0.9 * memory.get("m", torch.zeros_like(w)) + 0.1 * dw
    v = memory["v"] = 0.999 * memory.get("v", torch.zeros_like(w)) + 0.001 * dw * dw
    w -= lr * (m / (1 - 0.9**step)) / ((v.sqrt() + 1e-8) / math.sqrt(1 - 0.999**step))


def without_bias_correction(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    adam(w, dw, memory, lr, None, "outside")


def bias_correction_one_ahead(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    adam(w, dw, memory, lr, (step + 1, step + 1), "outside")


def momentum_forgotten(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    w -= lr * dw


def stale_momentum(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    """Moves along the velocity of the step before, and only then brings it up to date."""
    before = memory.get("v", dw.clone())
    memory["v"] = dw.clone() if step == 1 else 0.9 * before + dw
    w -= lr * before


def dampened_momentum(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    """The first velocity is the gradient; those after it take a tenth of it, as in a moving average."""
    memory["v"] = dw.clone() if step == 1 else 0.9 * memory["v"] + 0.1 * dw
    w -= lr * memory["v"]


def nesterov_forgotten(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    memory["v"] = 0.9 * memory.get("v", torch.zeros_like(w)) + dw
    w -= lr * memory["v"]


def decay_forgotten(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    w -= lr * dw


def adamw(decay: Callable[[Tensor, float], Tensor]) -> Rule:
    """AdamW, with what `decay` makes of the weights and the learning rate before the step."""

    def rule(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
        w.copy_(decay(w, lr))
        adam(w, dw, memory, lr, (step, step), "outside")

    return rule


def uphill(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    w += lr * dw


def without_learning_rate(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    w -= dw


def rate_of_the_step_before(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    rate = memory.get("lr", torch.tensor(lr, dtype=torch.float64))
    memory["lr"] = torch.tensor(lr, dtype=torch.float64)
    w -= float(rate) * dw


def twice(engine: FiveStepEngine) -> Callable[..., None]:
    own = engine.update

    def update(again: Any = None) -> None:
        own()
        own()
        engine.draws.step -= 1

    return update


def biases_stay(engine: FiveStepEngine) -> Callable[..., None]:
    own = engine.update

    def update(again: Any = None) -> None:
        biases = {name: w.clone() for name, w in engine.named_parameters().items() if name.endswith("bias")}
        own()
        for name, w in biases.items():
            engine.named_parameters()[name].copy_(w)

    return update


def last_row_stays(engine: FiveStepEngine) -> Callable[..., None]:
    own = engine.update

    def update(again: Any = None) -> None:
        row = engine.named_parameters()["2.weight"][-1]
        before = row.clone()
        own(again)
        row.copy_(before)

    return update


def clipped_by_tensor(engine: FiveStepEngine) -> Callable[..., None]:
    def update(again: Any = None) -> None:
        for gradient in engine.named_gradients().values():
            gradient.mul_((0.1 / (gradient.norm() + 1e-6)).clamp(max=1.0))
        engine.params.flat -= engine.lr * engine.params.grad
        engine.draws.step += 1

    return update


def in_half_precision(engine: FiveStepEngine) -> Callable[..., None]:
    own = engine.update

    def update(again: Any = None) -> None:
        own()
        engine.params.flat.copy_(engine.params.flat.float())

    return update


FAULTS = [
    Fault(
        "Adam's eps inside the root",
        by_rule(eps_inside_the_root),
        (1, 5, "0.weight"),
        "eps stands in another place",
        plan={"optimizer": "adam"},
    ),
    Fault(
        "Adam's eps before the bias correction",
        by_rule(eps_inside_the_root_of_v),
        (1, 5, "0.weight"),
        "eps stands in another place",
        plan={"optimizer": "adam"},
    ),
    Fault(
        "Adam without bias correction",
        by_rule(without_bias_correction),
        (1, 5, "0.weight"),
        "correction of the bias of the means is missing",
        plan={"optimizer": "adam"},
    ),
    Fault(
        "Adam's bias correction one step ahead",
        by_rule(bias_correction_one_ahead),
        (1, 5, "0.weight"),
        "is one step ahead",
        plan={"optimizer": "adam"},
    ),
    Fault(
        "momentum forgotten",
        by_rule(momentum_forgotten),
        (2, 5, "0.weight"),
        r"0 times the last update \(due: 0.9 times\)",
        plan={"momentum": 0.9},
    ),
    Fault(
        "a stale momentum",
        by_rule(stale_momentum),
        (2, 5, "0.weight"),
        "update of the step before: what the rule remembers is one step old",
        plan={"momentum": 0.9},
    ),
    Fault(
        "momentum as a moving average",
        by_rule(dampened_momentum),
        (2, 5, "0.weight"),
        r"-0.01 times the gradient \(due: -0.1 times\)",
        plan={"momentum": 0.9},
    ),
    Fault(
        "Nesterov's look ahead forgotten",
        by_rule(nesterov_forgotten),
        (1, 5, "0.weight"),
        "0.5263 times what is due",
        plan={"momentum": 0.9, "nesterov": True},
    ),
    Fault(
        "weight decay forgotten",
        by_rule(decay_forgotten),
        (1, 5, "0.weight"),
        r"0 times the weights \(due: -0.01 times\)",
        plan={"weight_decay": 0.1},
    ),
    Fault(
        "weight decay on a bias",
        by_rule(lambda w, dw, memory, lr, step: w.sub_(lr * (dw + 0.1 * w))),
        (1, 5, "0.bias"),
        r"-0.01 times the weights \(due: 0 times\)",
        plan={"weight_decay": 0.1, "no_decay": ("bias",)},
    ),
    Fault(
        "AdamW without its decay",
        by_rule(adamw(lambda w, _lr: w)),
        (1, 5, "0.weight"),
        "weight decay is missing: 0.01 times the weights",
        plan={"optimizer": "adamw", "weight_decay": 0.1},
    ),
    Fault(
        "AdamW's decay without the learning rate",
        by_rule(adamw(lambda w, _lr: 0.9 * w)),
        (1, 5, "0.weight"),
        "takes 0.1 times the weights away, where 0.01 times is due",
        plan={"optimizer": "adamw", "weight_decay": 0.1},
    ),
    Fault(
        "AdamW's decay on a bias",
        by_rule(adamw(lambda w, lr: (1 - 0.1 * lr) * w)),
        (1, 5, "0.bias"),
        "takes 0.01 times the weights away, where 0 times is due",
        plan={"optimizer": "adamw", "weight_decay": 0.1, "no_decay": ("bias",)},
    ),
    Fault(
        "a row that is not updated",
        in_engine("update", last_row_stays),
        (1, 5, "2.weight"),
        r"5 of 25 elements are not updated, \[4,0\] the first",
    ),
    Fault("a step uphill", by_rule(uphill), (1, 5, "0.weight"), "the sign is wrong: the step goes uphill"),
    Fault(
        "a step without the learning rate",
        by_rule(without_learning_rate),
        (1, 5, "0.weight"),
        "not multiplied by the learning rate",
    ),
    Fault(
        "a schedule one step late",
        by_rule(rate_of_the_step_before),
        (2, 5, "0.weight"),
        "learning rate is that of the step before",
        plan={"schedule": "cosine"},
    ),
    Fault("an update done twice", in_engine("update", twice), (1, 5, "0.weight"), "done twice"),
    Fault("biases that are not updated", in_engine("update", biases_stay), (1, 5, "0.bias"), "not updated"),
    Fault(
        "a norm for each tensor",
        in_engine("update", clipped_by_tensor),
        (1, 5, "0.weight"),
        "clipped by the norm of each tensor",
        plan={"clip_norm": 0.1},
    ),
    Fault("weights kept in float32", in_engine("update", in_half_precision), (1, 5, "0.weight"), "rounded to float32"),
]
