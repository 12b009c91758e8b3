"""Networks that differ only in seed and learning rate: one compiled engine trains them, a pack at a time.

Making an engine, checking the data against it and preparing the evaluation take longer than training a small network.
Here that is done once for all of them; initial values, losses and measurements of a pack are rows of one tensor each.
Of each network only its weights, its rule's memory and its measurements are kept; an engine with these is made on
demand.
"""

import math
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, final

import numpy as np
import torch
from torch import Tensor

from ..averages import to_prediction
from ..blocks import Block, Blocks, rows_of_steps
from ..datasets._base import Dataset, Part, Rows
from ..engines._engine import Engine
from ..engines.fused import FusedEngine
from ..epoch import Epoch, Evaluation
from ..evaluation import evaluate_in_training, evaluation_rows, row_accuracies
from ..layer import Memo
from ..machine.threads import threads_for
from ..net import NetSpec
from ..plan import TrainPlan, settings_but
from ..progress import Progress
from ..steps import SECONDS_PER_BLOCK, expected_seconds, schedule_factors

if TYPE_CHECKING:  # it is compiled, and loaded late
    from ..engines.fused.small.pack import Pack

OWN = ("seed", "lr")
"""The fields of a plan in which alike networks may differ."""

_shared = settings_but(OWN)

MOST_NETWORKS = 32
"""The most networks in a pack: its fixed cost is then a thousandth of the whole."""

ALIGNMENT = 64
"""The alignment in bytes of a tensor that torch allocates."""

SECONDS_OF_A_PACK = 2.0
"""The longest time of a pack by `expected_seconds`, in truth a fifth of that or less: Ctrl-C may wait so long."""

MOST_NUMBERS = 2**20
"""The most numbers in the losses or the logits of a pack, which are held together."""


class PackMember(NamedTuple):
    """A network that was trained in a pack: its `place` in the arrays of the pack, (K, ...), and its only epoch."""

    epoch: Epoch
    state: dict[str, np.ndarray]
    gradients: np.ndarray
    place: int

    diverged: None = None
    """One that diverges is trained by an engine of its own."""

    @property
    def history(self) -> list[Epoch]:
        """The last epoch, the only one that is measured."""
        return [self.epoch]

    def put_into(self, engine: Engine, progress: Progress) -> None:
        """Puts an engine and its progress into the state of having trained this network."""
        state = {name: torch.as_tensor(rows[self.place]) for name, rows in self.state.items()}
        engine.load_state(state, self.epoch.step)
        engine.params.grad.copy_(torch.from_numpy(self.gradients[self.place]))
        engine.lr = self.epoch.lr
        to_prediction(engine)
        progress.note(self.epoch)


Likeness = tuple[NetSpec, int, Hashable]
"""What is equal among networks that one engine can train in packs: the spec, the rows, and the rest of the plan."""


def likenesses(
    specs: Sequence[NetSpec], data: Sequence[Dataset], plans: Sequence[TrainPlan]
) -> tuple[dict[Likeness, int], list[int]]:
    """The different likenesses with their numbers, and the number of each network's.

    Sizes are worked out once for each spec object, which thousands of networks may share.
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
    """Whether training depends on each epoch's evaluation: for stopping, best weights or the learning rate."""
    return plan.patience is not None or plan.restore_best or plan.build_schedule().answers


def can_be_packed(engine: Engine, data: Dataset, plan: TrainPlan) -> bool:
    """Whether networks like this one can be trained in packs: compiled, in memory, each within a block's time."""
    if (
        not isinstance(engine, FusedEngine)
        or engine.row_access.as_stored
        or data.fresh is not None
        or data.stream is not None
    ):
        return False
    if plan.class_weight is not None:
        return False
    return expected_training_seconds(engine, data, plan) < SECONDS_PER_BLOCK


def expected_training_seconds(engine: Engine, data: Dataset, plan: TrainPlan) -> float:
    """The approximate training time of such a network, in seconds."""
    return plan.num_steps(data.num_rows) * expected_seconds(engine, plan, data.num_rows)


def most_in_pack(engine: Engine, data: Dataset, plan: TrainPlan) -> int:
    """The number of networks in a pack, limited by time and memory."""
    num_rows = max(data.num_rows, 0 if data.valid is None else len(data.valid))
    numbers = max(plan.num_steps(data.num_rows), num_rows * (engine.spec.out_features or 1))
    by_time = SECONDS_OF_A_PACK / expected_training_seconds(engine, data, plan)
    return int(max(1, min(MOST_NETWORKS, by_time, MOST_NUMBERS / numbers)))


@final
class Pattern:
    """What alike networks share: an engine, which one thread takes, and a way to make others."""

    def __init__(self, engine: FusedEngine, new_engine: Callable[[], Engine], data: Dataset, plan: TrainPlan) -> None:
        self.engine, self.data, self.plan = engine, data, plan
        self.most = most_in_pack(engine, data, plan)
        """The most networks in a pack."""

        self.lanes = ALIGNMENT // engine.dtype.itemsize
        """How many networks may be trained side by side in SIMD lanes."""

        self._goes_by_epochs = goes_by_epochs(plan)
        self._new_engine, self._left, self._lock = new_engine, [engine], threading.Lock()

    def new_trainer(self) -> "PackTrainer":
        """A trainer of packs of such networks for one thread; the first thread takes the existing engine."""
        with self._lock:
            engine = self._left.pop() if self._left else self._new_engine()
        assert isinstance(engine, FusedEngine)
        return PackTrainer(engine, self.data, self.plan)

    def is_measured_once(self, every: int | None) -> bool:
        """Whether such a network is measured at its end only."""
        return not self._goes_by_epochs and (every or self.plan.epochs) >= self.plan.epochs


@final
class PackTrainer:
    """Trains one pack of networks after another on one engine."""

    def __init__(self, engine: FusedEngine, data: Dataset, plan: TrainPlan) -> None:
        self._pack, self._data, self._plan = engine.pack(), data, plan
        self._num_steps = plan.num_steps(data.num_rows)
        self._factors = schedule_factors(plan.build_schedule(), 0, self._num_steps, self._num_steps, ())
        rows = data, plan.batch_size, plan.seed, engine.dtype, engine.device
        self._last_factor = self._factors[-1].item()
        self._blocks = Blocks(*rows, engine.row_access)
        size = plan.batch_size or data.num_rows
        self._sizes = rows_of_steps(range(self._num_steps), data.num_rows, size, torch.float64)
        self._num_rows = self._sizes.sum()
        self._measures = [None if part is None else measure_of(self._pack, part) for part in (data.train, data.valid)]

    def train(self, plans: Sequence[TrainPlan]) -> list[PackMember | None]:
        """Trains the networks of some plans from start to end; None for one that diverges, which the caller handles.

        The plans equal the engine's except for seeds and learning rates.
        """
        pack, started = self._pack, time.perf_counter()
        seeds = [plan.seed for plan in plans]
        state = pack.initial_states(seeds)
        rates = torch.outer(torch.tensor([plan.lr for plan in plans], dtype=torch.float64), self._factors)
        losses, last = pack.train(state, seeds, lambda k: self._blocks_of(plans[k], rates[k]), rates)
        seconds = (time.perf_counter() - started) / len(plans)
        weights = pack.prediction_weights(state)
        train, valid = ([None] * len(plans) if measure is None else measure(weights) for measure in self._measures)
        running = [row.dot(self._sizes) / self._num_rows for row in aligned_rows(losses.double())]
        is_finite = losses.isfinite().all(1) & weights.isfinite().all(1)
        arrays, gradients = {name: rows.numpy() for name, rows in state.items()}, last.numpy()
        figures = zip(plans, torch.stack(running).tolist(), is_finite.tolist(), train, valid, strict=True)
        members: list[PackMember | None] = []
        for k, (plan, running_loss, is_fine, of_train, of_valid) in enumerate(figures):
            assert of_train is not None
            if not (is_fine and math.isfinite(of_train.loss)):
                members.append(None)
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
            members.append(PackMember(epoch, arrays, gradients, k))
        return members

    def _blocks_of(self, plan: TrainPlan, rates: Tensor) -> Iterator[Block]:
        """The steps of one network."""
        blocks = self._blocks.with_seed(plan.seed)
        most = blocks.most_steps
        for first in range(0, self._num_steps, most):
            yield blocks.take(first, rates[first : first + most], plan.l2)


def aligned_rows(rows: Tensor) -> Sequence[Tensor]:
    """The rows of a matrix, each aligned like a tensor of its own, so that sums are added in the same order."""
    num_rows, size = rows.shape
    multiple = ALIGNMENT // rows.element_size()
    padded = rows.new_empty((num_rows, -(-size // multiple) * multiple))[:, :size]
    return padded.copy_(rows).unbind()


def measure_of(pack: "Pack", part: Part) -> Callable[[Tensor], list[Evaluation]]:
    """`evaluate` on one part of the data for networks given as weights (K, P + B), prepared once for all of them."""
    engine = pack.engine
    if engine.plan.metrics or not isinstance(part, Rows) or len(part) > evaluation_rows(engine):
        return partial(_one_by_one, pack, part)
    rows = part.to(engine.device, engine.dtype)
    x, num_rows = rows.inputs(engine.dtype), len(part)
    with threads_for(engine, num_rows):
        y = engine.criterion.match(engine.predict(x), rows.y)
    weight = x.new_ones(num_rows) if rows.weight is None else rows.weight
    total, is_number = weight.sum().item(), engine.criterion.target == "numbers"

    @torch.no_grad()
    def measure(weights: Tensor) -> list[Evaluation]:
        each = pack.predict(weights, x)
        losses = [engine.criterion.rows(logits, y, Memo(training=False)) for logits in each.unbind()]  # see below
        sums = [_weighted(torch.stack(losses), weight)]
        if not is_number:
            y_of_each = y.expand(len(weights), *y.shape).flatten(0, 1)
            sums.append(_weighted(row_accuracies(engine, each.flatten(0, 1), y_of_each).view(len(weights), -1), weight))
        return [Evaluation(of[0] / total, None if is_number else of[1] / total) for of in zip(*sums, strict=True)]

    # Losses are computed for each network by itself: torch rounds the last elements of a tensor, which do not fill a
    # register, differently from those before, so one call for all networks would differ in a bit.
    return measure


def _weighted(of_rows: Tensor, weight: Tensor) -> list[float]:
    """The weighted sum over the rows of each network."""
    sums: list[float] = torch.stack([row.dot(weight) for row in aligned_rows(of_rows)]).tolist()
    return sums


def _one_by_one(pack: "Pack", part: Part, weights: Tensor) -> list[Evaluation]:
    found = []
    for own in weights:
        pack.load_prediction_weights(own)
        found.append(evaluate_in_training(pack.engine, part, pack.engine.plan.metrics))
    return found
