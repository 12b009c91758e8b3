"""Networks that differ in their seeds and learning rates only: one compiled engine trains them, a pack at a time.

Making an engine, checking the data against it and preparing to measure take longer than a small network trains. Here
that is done once for all of them; initial values, losses and measurements of a pack are rows of one tensor each. Of
each network its weights, its rule's memory and its measurements are kept, and an engine with these is made when
somebody asks for it.
"""

import math
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial
from typing import NamedTuple, final

import numpy as np
import torch
from torch import Tensor

from ..averages import to_prediction
from ..blocks import Block, Blocks, rows_of_steps
from ..datasets._base import Dataset, Part, Rows
from ..engines._engine import Engine
from ..engines.fused import FusedEngine
from ..epoch import Epoch, Evaluation
from ..evaluation import evaluate, evaluation_rows, share_right
from ..layer import Memo
from ..machine.threads import threads_for
from ..net import NetSpec
from ..plan import TrainPlan, settings_but
from ..progress import Progress
from ..steps import SECONDS_PER_BLOCK, expected_seconds, rates_of

OWN = ("seed", "lr")
"""The fields of a plan in which networks that are alike may differ."""

_shared = settings_but(OWN)

MOST_NETWORKS = 32
"""Networks in a pack, at most: what is done once for all of a pack is a thousandth of what they take by then."""

ALIGNMENT = 64
"""Bytes that torch gives a tensor of its own to begin at."""

SECONDS_OF_A_PACK = 2.0
"""What a pack takes, at most, by `expected_seconds`: in truth a fifth of that or less: so long may Ctrl-C wait."""

MOST_NUMBERS = 2**20
"""Numbers in the losses, or in the logits of a pack, at most: they are looked at together."""


class Turn(NamedTuple):
    """All there is to know of a network that has had its turn: its place in the arrays of its pack, (K, ...)."""

    epoch: Epoch
    state: dict[str, np.ndarray]
    gradients: np.ndarray
    place: int

    diverged: None = None
    """One that diverges is trained by an engine of its own."""

    @property
    def history(self) -> list[Epoch]:
        """Its last epoch, the only one that is measured."""
        return [self.epoch]

    def put_into(self, engine: Engine, progress: Progress) -> None:
        """Leaves an engine and its progress as if they had trained this network."""
        state = {name: torch.as_tensor(rows[self.place]) for name, rows in self.state.items()}
        engine.load_state(state, self.epoch.step)
        engine.params.grad.copy_(torch.from_numpy(self.gradients[self.place]))
        engine.lr = self.epoch.lr
        to_prediction(engine)
        progress.note(self.epoch)


Likeness = tuple[NetSpec, int, Hashable]
"""What is equal for networks that one engine can train one after another: network, rows, and the rest of a plan."""


def likenesses(
    specs: Sequence[NetSpec], data: Sequence[Dataset], plans: Sequence[TrainPlan]
) -> tuple[dict[Likeness, int], list[int]]:
    """All that there are, each with its number, and the number of each network's.

    A network's sizes are looked at once for each object, which thousands of networks share.
    """
    found: dict[Likeness, int] = {}
    known: dict[tuple[int, int, Hashable], int] = {}
    which = []
    for spec, of_one, plan in zip(specs, data, plans, strict=True):
        settings = _shared(plan)
        key = id(spec), id(of_one), settings
        number = known.get(key)
        if number is None:
            number = known[key] = found.setdefault((spec, id(of_one), settings), len(found))
        which.append(number)
    return found, which


def goes_by_epochs(plan: TrainPlan) -> bool:
    """Whether a training goes by what each epoch is measured at: when it stops, what it keeps, at which rate."""
    return plan.patience is not None or plan.restore_best or plan.build_schedule().answers


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
    return seconds_of(engine, data, plan) < SECONDS_PER_BLOCK


def seconds_of(engine: Engine, data: Dataset, plan: TrainPlan) -> float:
    """About how many seconds the training of such a network takes."""
    return plan.num_steps(data.num_rows) * expected_seconds(engine, plan, data.num_rows)


def most_in_pack(engine: Engine, data: Dataset, plan: TrainPlan) -> int:
    """How many networks make a pack: none that takes long, and no more numbers than can be had."""
    num_rows = max(data.num_rows, 0 if data.valid is None else len(data.valid))
    numbers = max(plan.num_steps(data.num_rows), num_rows * (engine.spec.out_features or 1))
    by_time = SECONDS_OF_A_PACK / seconds_of(engine, data, plan)
    return int(max(1, min(MOST_NETWORKS, by_time, MOST_NUMBERS / numbers)))


@final
class Pattern:
    """What networks that are alike have in common: an engine, which one thread takes, and what makes others."""

    def __init__(self, engine: FusedEngine, new_engine: Callable[[], Engine], data: Dataset, plan: TrainPlan) -> None:
        self.engine, self.data, self.plan = engine, data, plan
        self.most = most_in_pack(engine, data, plan)
        """How many networks make a pack."""

        self.lanes = ALIGNMENT // engine.dtype.itemsize
        """How many networks may be trained abreast."""

        self._goes_by_epochs = goes_by_epochs(plan)
        self._new_engine, self._left, self._lock = new_engine, [engine], threading.Lock()

    def new_turns(self) -> "Turns":
        """What trains such networks in one thread; the first thread takes the engine that is there."""
        with self._lock:
            engine = self._left.pop() if self._left else self._new_engine()
        assert isinstance(engine, FusedEngine)
        return Turns(engine, self.data, self.plan)

    def is_measured_once(self, every: int | None) -> bool:
        """Whether nobody looks at such a network before its end."""
        return not self._goes_by_epochs and (every or self.plan.epochs) >= self.plan.epochs


@final
class Turns:
    """One engine, and the data as it takes them, for one pack of networks after another."""

    def __init__(self, engine: FusedEngine, data: Dataset, plan: TrainPlan) -> None:
        self._engine, self._data, self._plan = engine, data, plan
        self._num_steps = plan.num_steps(data.num_rows)
        self._factors = rates_of(plan.build_schedule(), 0, self._num_steps, self._num_steps, ())
        rows = data, plan.batch_size, plan.seed, engine.dtype, engine.device
        self._last_factor = self._factors[-1].item()
        self._blocks = Blocks(*rows, draw_orders=engine.draw_orders)
        size = plan.batch_size or data.num_rows
        self._sizes = rows_of_steps(range(self._num_steps), data.num_rows, size, torch.float64)
        self._num_rows = self._sizes.sum()
        self._measures = [None if part is None else measure_of(engine, part) for part in (data.train, data.valid)]

    def train(self, plans: Sequence[TrainPlan]) -> list[Turn | None]:
        """Trains the networks of some plans from start to end; None for one that diverges, for others to see to.

        The plans are the engine's own, but for their seeds and learning rates.
        """
        engine, started = self._engine, time.perf_counter()
        seeds = [plan.seed for plan in plans]
        state = engine.beginnings(seeds)
        losses, last = engine.train_each(state, seeds, lambda k: self._blocks_of(plans[k]), self._num_steps)
        seconds = (time.perf_counter() - started) / len(plans)
        held = engine.held_of(state)
        train, valid = ([None] * len(plans) if measure is None else measure(held) for measure in self._measures)
        running = [line.dot(self._sizes) / self._num_rows for line in in_lines(losses.double())]
        is_finite = losses.isfinite().all(1) & held.isfinite().all(1)
        arrays, gradients = {name: rows.numpy() for name, rows in state.items()}, last.numpy()
        figures = zip(plans, torch.stack(running).tolist(), is_finite.tolist(), train, valid, strict=True)
        turns: list[Turn | None] = []
        for k, (plan, running_loss, is_fine, of_train, of_valid) in enumerate(figures):
            assert of_train is not None
            if not (is_fine and math.isfinite(of_train.loss)):
                turns.append(None)
                continue
            epoch = Epoch.of(
                of_train,
                of_valid,
                index=plan.epochs,
                step=self._num_steps,
                lr=self._last_factor * plan.lr,
                running_loss=running_loss,
                seconds=seconds,
                rows_per_second=plan.epochs * self._data.num_rows / seconds,
            )
            turns.append(Turn(epoch, arrays, gradients, k))
        return turns

    def _blocks_of(self, plan: TrainPlan) -> Iterator[Block]:
        """The steps of one network."""
        blocks, rates = self._blocks.with_seed(plan.seed), self._factors * plan.lr
        most = blocks.most_steps
        for first in range(0, self._num_steps, most):
            yield blocks.take(first, rates[first : first + most], plan.l2)


def in_lines(rows: Tensor) -> Sequence[Tensor]:
    """The rows of a matrix, each beginning where a tensor of its own would: sums are then added in the same order."""
    num_rows, size = rows.shape
    line = ALIGNMENT // rows.element_size()
    apart = rows.new_empty((num_rows, -(-size // line) * line))[:, :size]
    return apart.copy_(rows).unbind()


def measure_of(engine: FusedEngine, part: Part) -> Callable[[Tensor], list[Evaluation]]:
    """`evaluate` on one part for networks that are held (K, P + B), with all prepared that is the same for all."""
    if engine.plan.metrics or not isinstance(part, Rows) or len(part) > evaluation_rows(engine):
        return partial(_one_by_one, engine, part)
    rows = part.to(engine.device, engine.dtype)
    x, num_rows = rows.inputs(engine.dtype), len(part)
    with threads_for(engine, num_rows):
        y = engine.criterion.match(engine.predict(x), rows.y)
    weight = x.new_ones(num_rows) if rows.weight is None else rows.weight
    total, is_number = weight.sum().item(), engine.criterion.target == "numbers"

    @torch.no_grad()
    def measure(held: Tensor) -> list[Evaluation]:
        each = engine.predict_each(held, x)
        losses = [engine.criterion.rows(logits, y, Memo(training=False)) for logits in each.unbind()]  # see below
        sums = [_weighted(torch.stack(losses), weight)]
        if not is_number:
            y_of_each = y.expand(len(held), *y.shape).flatten(0, 1)
            sums.append(_weighted(share_right(engine, each.flatten(0, 1), y_of_each).view(len(held), -1), weight))
        return [Evaluation(of[0] / total, None if is_number else of[1] / total) for of in zip(*sums, strict=True)]

    # Losses are made of each network's rows alone: torch rounds the last ones of a tensor, which fill no register,
    # otherwise than those before, so those of all networks in one call would differ in a bit.
    return measure


def _weighted(of_rows: Tensor, weight: Tensor) -> list[float]:
    """The weighted sum over the rows of each network."""
    sums: list[float] = torch.stack([line.dot(weight) for line in in_lines(of_rows)]).tolist()
    return sums


def _one_by_one(engine: FusedEngine, part: Part, held: Tensor) -> list[Evaluation]:
    found = []
    for one in held:
        engine.hold(one)
        found.append(evaluate(engine, part))
    return found
