"""Measurements of a network and its rows, at the start and the end of its training."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, final

import torch
from torch import Tensor

from ..activations._base import Activation
from ..batches import Batch
from ..datasets._base import Dataset, Rows
from ..datasets._weights import class_weigher
from ..engines._base import FiveStepEngine
from ..engines._engine import Engine
from ..engines._outputs import outputs_by_layer
from ..evaluation import evaluate
from ..pictures._base import Subject, spread
from ..replay import gradient_of
from ..steps import learn_from_rows
from ._constant import constant_answer, constant_loss

NOTHING = 0.98
"""The share of the constant answer's loss from which a network counts as having learned nothing."""

ROWS = 2_000
"""Rows that losses are measured on, evenly spaced."""

LOOKED_AT = 512
"""Rows that outputs and gradients of the layers are measured on."""

FLAT = 0.04
"""The share of an activation's greatest slope below which little of a gradient passes: |tanh| above 0.98, ReLU at 0."""


class LayerLook(NamedTuple):
    """The slopes of one activation for some rows: how many units are flat for all, and what share of all numbers is."""

    number: int
    name: str
    num_units: int
    num_dead: int
    flat_share: float


@final
@dataclass(frozen=True)
class Evidence:
    """The measured subject. Losses are in evaluation mode, on `train` and `valid`, samples of the parts.

    Rows weigh what they weigh in training, with the plan's class weights: else a network that has learned rare classes
    well would seem worse than an answer that ignores them.
    """

    subject: Subject
    start: FiveStepEngine

    @property
    def is_best_epoch(self) -> bool:
        """Whether the weights are those of the best epoch, not of the last."""
        return self.subject.engine.plan.restore_best and bool(self.subject.history)

    @property
    def when(self) -> str:
        """Which weights they are, in words."""
        return "in the best epoch, whose weights are kept" if self.is_best_epoch else "at the end"

    @cached_property
    def train(self) -> Rows:
        """Training rows to measure on."""
        return rows_to_measure(self.subject.engine, self.subject.data, self.subject.data.train)

    @cached_property
    def valid(self) -> Rows | None:
        """Validation rows, if there are any."""
        (name, rows), data = self.subject.held_out(), self.subject.data
        return None if name == "training" else rows_to_measure(self.subject.engine, data, data.valid or rows)

    @cached_property
    def answer(self) -> Tensor:
        """The logits of the best answer that is the same for all training rows."""
        return constant_answer(self.start, self.train)

    @cached_property
    def constant(self) -> float:
        """Its loss on the training rows."""
        return constant_loss(self.start, self.train, self.answer)

    @cached_property
    def constant_valid(self) -> float:
        """Its loss on the validation rows; infinite without such."""
        return math.inf if self.valid is None else constant_loss(self.start, self.valid, self.answer)

    @cached_property
    def first_loss(self) -> float:
        """The loss before the first step."""
        return self.loss(self.start, self.train)

    @cached_property
    def last_loss(self) -> float:
        """The loss with the final weights."""
        return self.loss(self.subject.engine, self.train)

    @cached_property
    def last_valid_loss(self) -> float | None:
        """The same on the validation rows."""
        return None if self.valid is None else self.loss(self.subject.engine, self.valid)

    @cached_property
    def looks_at_start(self) -> list[LayerLook]:
        """The activations before the first step."""
        return _looks(self.start, self._sample)

    @cached_property
    def looks_at_end(self) -> list[LayerLook]:
        """The activations with the final weights."""
        return _looks(self.subject.copied_engine(), self._sample)

    @cached_property
    def gradients_at_start(self) -> dict[str, float]:
        """The root mean square of the gradient of each weight matrix before the first step, from input to output."""
        rows = spread(LOOKED_AT, self.subject.data.train).to(self.start.device, self.start.dtype)
        weight = None if rows.weight is None else rows.weight / rows.weight.sum()
        gradient_of(self.start, Batch(rows.inputs(self.start.dtype), rows.y, weight))
        named = self.start.named_gradients()
        return {name: float(g.double().square().mean().sqrt()) for name, g in named.items() if g.dim() == 2}

    @property
    def _sample(self) -> Tensor:
        rows = spread(LOOKED_AT, self.subject.data.train).to(self.start.device, self.start.dtype)
        return rows.inputs(self.start.dtype)

    @staticmethod
    def loss(engine: Engine, rows: Rows) -> float:
        """The loss of an engine on some rows, infinite if it is NaN."""
        value = evaluate(engine, rows, ()).loss
        return value if math.isfinite(value) else math.inf


def rows_to_measure(engine: Engine, data: Dataset, part: Rows) -> Rows:
    """Some rows of a part, with the weights that they would have in training."""
    rows, how = spread(ROWS, part), engine.plan.class_weight
    if how is None:
        return rows
    return class_weigher(data, how, engine.criterion.target, engine.spec.out_features or 0)(rows)


def constant_that_is_better(engine: Engine, data: Dataset) -> float | None:
    """The training loss of the best constant answer if the network's is not clearly below it; else None."""
    rows = rows_to_measure(engine, data, data.train)
    guess = constant_loss(engine, rows, constant_answer(engine, rows))
    return None if Evidence.loss(engine, rows) < NOTHING * guess else guess


def evidence_of(subject: Subject) -> Evidence:
    """The evidence about a subject, of which each part is measured on first access."""
    start = subject.starting_engine()
    learn_from_rows(start, subject.data)
    return Evidence(subject, start)


@torch.no_grad()
def _looks(engine: Engine, x: Tensor) -> list[LayerLook]:
    found, z = [], engine.as_input(x)
    for number, layer, a in outputs_by_layer(engine, x):
        if isinstance(layer, Activation):
            flat = _is_flat(layer, z, a).reshape(-1, a.shape[-1])  # (N, O); tokens are rows
            found.append(
                LayerLook(
                    number, type(layer).__name__, flat.shape[1], int(flat.all(0).sum()), float(flat.double().mean())
                )
            )
        z = a
    return found


def _is_flat(layer: Activation, z: Tensor, a: Tensor) -> Tensor:
    """Where its slope is a small share of its greatest one."""
    range_ = torch.linspace(-6, 6, 1201, dtype=z.dtype, device=z.device)
    greatest = layer.derivative(range_, layer.value(range_)).abs().max()
    return layer.derivative(z, a).abs() < FLAT * greatest


def num_different(w: Tensor) -> int:
    """The number of distinct units (rows) of a matrix (O, I)."""
    return len(w.unique(dim=0))
