"""How sure networks that learned from labels smoothed by a recipe are of their classes: as rows set aside tell."""

import math
from collections.abc import Sequence

import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

from ..datasets._base import Rows
from ..engines._engine import Engine
from ..find import Choice, build
from ..layer import Memo
from ..losses._base import Loss
from ._network import Network
from ._parameters import Parameters

LARGEST = 5.0
"""The largest temperature, and the inverse of the least: rows that ask for more say little of how much more."""


def is_smoothed(of: Parameters, engine: Engine) -> bool:
    """Whether a network learns from labels that its recipe smooths, so that its probabilities are smoothed too.

    Who names a loss with its smoothing gets what that loss teaches.
    """
    asked = {} if of.loss is None else Choice.parse(of.loss).options
    return "label_smoothing" not in asked and bool(Choice.parse(engine.plan.loss).options.get("label_smoothing"))


@torch.no_grad()
def set_temperature(engines: Sequence[Engine], valid: Sequence[Rows]) -> None:
    """Divides the logits of networks by one temperature T, that of the rows which each was not trained on, in place.

    z / T is what a last layer gives whose weights and biases are divided by T, so the networks stay what they are.
    Guo et al. 2017, "On calibration of modern neural networks", section 4.2.
    """
    both = list(zip(engines, valid, strict=True))
    logits = torch.cat([Network(one).logits(rows.stored.numpy().__getitem__, len(rows)) for one, rows in both])
    y = torch.cat([rows.y for rows in valid])
    weights = [torch.ones(len(rows)) if rows.weight is None else rows.weight for rows in valid]
    temperature = best_temperature(Choice.parse(engines[0].plan.loss), logits.double(), y, torch.cat(weights).double())
    for engine in engines:
        for name, w in engine.named_parameters().items():
            if name.startswith(f"{len(engine.spec.layers) - 1}."):
                w.div_(temperature)


def best_temperature(choice: Choice, logits: Tensor, y: Tensor, weight: Tensor) -> float:
    """The T with the least loss of logits z / T (N, O), with labels as they are, y (N,) or (N, O).

    One row more counts, which is of every class in equal parts, or else T would vanish where all rows are right.
    """
    weight = weight / weight.sum()
    criterion: Loss = build("losses", choice, label_smoothing=1 / (len(y) + 1))
    y = criterion.match(logits, y)

    def loss(log_temperature: float) -> float:
        return criterion.value(logits / math.exp(log_temperature), y, weight, Memo(training=False)).item()

    return math.exp(minimize_scalar(loss, bounds=(-math.log(LARGEST), math.log(LARGEST)), method="bounded").x)
