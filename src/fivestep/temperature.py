"""Temperature scaling: networks become as sure of their classes as held-out rows justify.

Guo et al. 2017, "On calibration of modern neural networks", section 4.2.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from .check import InWords, refuse
from .datasets._base import Dataset, Rows
from .datasets._weights import class_weigher
from .engines._engine import Engine
from .evaluation import evaluation_rows
from .find import Choice, build
from .layer import Memo
from .losses._base import Loss
from .machine.threads import threads_for

LARGEST = 5.0
"""The largest temperature, and the inverse of the smallest: beyond, rows say little about its value."""

LINEAR = ("linear", "ntk_linear")
"""Layers whose outputs are divided by a number where their weights and biases are."""


def check_temperature(engine: Engine) -> None:
    """Raises an `InputError` if the plan asks for a temperature that the last layer cannot hold."""
    last = engine.spec.layers[-1].name
    if engine.plan.temperature_scaling and last not in LINEAR:
        expected = f"used with a last layer of {' or '.join(LINEAR)}, whose weights are divided"
        raise refuse("temperature_scaling", InWords(f"True with {last}"), expected, "leave it out")


def validation_rows(engine: Engine, data: Dataset) -> Rows | None:
    """The validation part, its rows weighing what they would weigh in training."""
    how = engine.plan.class_weight
    if data.valid is None or how is None:
        return data.valid
    return class_weigher(data, how, engine.criterion.target, engine.spec.out_features or 0)(data.valid)


@torch.no_grad()
def set_temperature(engines: Sequence[Engine], valid: Sequence[Rows]) -> float:
    """Fits one temperature T to `valid`, the held-out rows of each network, and divides their logits z by it, in place.

    The weights and biases of the last layer are divided by T, which makes its outputs z / T. Returns T, in [1/5, 5].
    """
    logits = torch.cat([_logits(engine, rows) for engine, rows in zip(engines, valid, strict=True)])
    y = torch.cat([rows.y.cpu() for rows in valid])
    weights = [torch.ones(len(rows)) if rows.weight is None else rows.weight.cpu() for rows in valid]
    loss = Choice.parse(engines[0].plan.loss)
    temperature = best_temperature(loss, logits.double(), y, torch.cat([one.double() for one in weights]))
    for engine in engines:
        for name, w in engine.named_parameters().items():
            if name.startswith(f"{len(engine.spec.layers) - 1}."):
                w.div_(temperature)
    return temperature


def _logits(engine: Engine, rows: Rows) -> Tensor:
    """The network's outputs (N, O), on the CPU."""
    found = []
    for part in rows.parts(evaluation_rows(engine)):
        with threads_for(engine, len(part)):
            found.append(engine.predict(part.to(engine.device, engine.dtype).inputs(engine.dtype)).cpu())
    return torch.cat(found)


def best_temperature(choice: Choice, logits: Tensor, y: Tensor, weight: Tensor) -> float:
    """The T, in [1/5, 5], with the least loss of the logits z / T (N, O), for targets y (N,) or (N, O).

    Labels are smoothed by 1 / (N + 1), as by one more row that is of every class in equal parts: else T would vanish
    where all rows are right.
    """
    from scipy.optimize import minimize_scalar  # imported here: it takes a tenth of a second

    weight = weight / weight.sum()
    criterion: Loss = build("losses", choice, label_smoothing=1 / (len(y) + 1))
    y = criterion.match(logits, y)

    def loss(log_temperature: float) -> float:
        return criterion.value(logits / math.exp(log_temperature), y, weight, Memo(training=False)).item()

    return math.exp(minimize_scalar(loss, bounds=(-math.log(LARGEST), math.log(LARGEST)), method="bounded").x)
