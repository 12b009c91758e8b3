"""Networks that differ in their seeds and learning rates only: one compiled engine trains them one after another.

Making an engine, checking the data against it and preparing to measure take longer than a small network trains. Here
that is done once for all of them. Of each network its weights, its rule's memory and its measurements are kept, and an
engine with these is made when somebody asks for it.
"""

import math
import time
from collections.abc import Callable, Hashable
from functools import partial
from typing import NamedTuple, final

import numpy as np
import torch

from .averages import to_prediction
from .blocks import Blocks
from .datasets._base import Dataset, Part, Rows
from .engines._base import Engine
from .engines.fused import FusedEngine
from .epoch import Epoch, Evaluation
from .layer import Memo
from .net import NetSpec
from .plan import TrainPlan
from .progress import Progress
from .steps import SECONDS_PER_BLOCK, expected_seconds, rates_of
from .threads import threads_for
from .train import evaluate, evaluation_rows, share_right

OWN = ("seed", "lr")
"""What each network may have of its own; all else in its plan is the others' too."""

_SHARED = tuple(name for name in TrainPlan.__dataclass_fields__ if name not in OWN)


class Turn(NamedTuple):
    """All there is to know of a network that has had its turn, as arrays, which are soon sent to another rank."""

    epoch: Epoch
    arrays: dict[str, np.ndarray]
    gradient: np.ndarray

    diverged: None = None
    """One that diverges is trained by an engine of its own."""

    @property
    def history(self) -> list[Epoch]:
        """Its last epoch, the only one that is measured."""
        return [self.epoch]

    def put_into(self, engine: Engine, progress: Progress) -> None:
        """Leaves an engine and its progress as if they had trained this network."""
        engine.load_state({name: torch.from_numpy(array) for name, array in self.arrays.items()}, self.epoch.step)
        engine.params.grad.copy_(torch.from_numpy(self.gradient))
        engine.lr = self.epoch.lr
        to_prediction(engine)
        progress.note(self.epoch)


def likeness(spec: NetSpec, data: Dataset, plan: TrainPlan) -> Hashable:
    """What is equal for networks that one engine can train one after another."""
    values = (getattr(plan, name) for name in _SHARED)
    return spec, id(data), *(str(value) if isinstance(value, dict) else value for value in values)


def can_take_turns(engine: Engine, data: Dataset, plan: TrainPlan) -> bool:
    """Whether networks like this one can be trained so: compiled, in memory, and each in less than a block's time."""
    if (
        not isinstance(engine, FusedEngine)
        or engine.takes_stored_rows
        or data.fresh is not None
        or data.stream is not None
    ):
        return False
    if plan.class_weight is not None:
        return False
    return plan.num_steps(data.num_rows) * expected_seconds(engine, plan, data.num_rows) < SECONDS_PER_BLOCK


@final
class Turns:
    """One engine, and the data as it takes them, for one network after another."""

    def __init__(self, engine: FusedEngine, data: Dataset, plan: TrainPlan) -> None:
        self._engine, self._data, self._plan = engine, data, plan
        self._num_steps = plan.num_steps(data.num_rows)
        self._factors = rates_of(plan.build_schedule(), 0, self._num_steps, self._num_steps, ())
        rows = data, plan.batch_size, plan.seed, engine.dtype, engine.device
        self._blocks = Blocks(*rows, draw_orders=engine.draw_orders)
        self._measures = [None if part is None else measure_of(engine, part) for part in (data.train, data.valid)]

    def train(self, plan: TrainPlan) -> Turn | None:
        """Trains the network of a plan from its start to its end; None if it diverges, which is for others to see to.

        The plan is the engine's own, but for its seed and its learning rate.
        """
        engine, blocks = self._engine, self._blocks.with_seed(plan.seed)
        engine.begin_again(plan.seed)
        started, rates, done, losses = time.perf_counter(), self._factors * plan.lr, 0, []
        sizes = []
        while done < self._num_steps:
            block = blocks.take(done, rates[done : done + blocks.most_steps], plan.l2)
            losses.append(engine.train_block(block).double())
            sizes.append(block.num_rows.double())
            done += len(block.rates)
        running, rows = torch.cat(losses), torch.cat(sizes)
        seconds = time.perf_counter() - started
        state, gradient = engine.state(), engine.params.grad.clone()
        to_prediction(engine)
        train, valid = (None if measure is None else measure() for measure in self._measures)
        assert train is not None
        if not (running.isfinite().all() and engine.params.flat.isfinite().all() and math.isfinite(train.loss)):
            return None
        epoch = Epoch.of(
            train,
            valid,
            index=plan.epochs,
            step=done,
            lr=rates[-1].item(),
            running_loss=(running.dot(rows) / rows.sum()).item(),
            seconds=seconds,
            rows_per_second=plan.epochs * self._data.num_rows / seconds,
        )
        return Turn(epoch, {name: value.numpy() for name, value in state.items()}, gradient.numpy())


def measure_of(engine: Engine, part: Part) -> Callable[[], Evaluation]:
    """`evaluate` on one part, with all prepared that is the same for every network."""
    if engine.plan.metrics or not isinstance(part, Rows) or len(part) > evaluation_rows(engine):
        return partial(evaluate, engine, part)
    rows = part.to(engine.device, engine.dtype)
    x = rows.inputs(engine.dtype)
    with threads_for(engine, len(rows)):
        logits = engine.predict(x)
    y = engine.criterion.match(logits, rows.y)
    weight = logits.new_ones(len(rows)) if rows.weight is None else rows.weight
    total, is_number = weight.sum().item(), engine.criterion.target == "numbers"

    @torch.no_grad()
    def measure() -> Evaluation:
        logits = engine.predict(x)
        loss = engine.criterion.rows(logits, y, Memo(training=False)) @ weight
        accuracy = None if is_number else (share_right(engine, logits, y) @ weight).item() / total
        return Evaluation(loss.item() / total, accuracy)

    return measure
