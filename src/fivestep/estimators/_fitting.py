"""The training of one fit: turns rows into tensors, and runs the loop or SciPy."""

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, final

import numpy as np
import scipy.sparse
import torch

from ..check import DivergenceError
from ..datasets._base import Dataset, Rows
from ..epoch import Epoch
from ..find import Choice
from ..layer import LearnsFromRows
from ..layers._composite import with_inner
from ..plan import TrainPlan
from ..schedules.adaptive import Adaptive
from ..steps import steps
from ._callbacks import Callbacks
from ._design import Design
from ._draws import InOrder, Shuffled
from ._inputs import Inputs
from ._lbfgs import Limits, minimize
from ._network import Network, as_tensor
from ._parameters import Parameters
from ._reading import Table
from ._sparse import SAMPLE, SparseRows, all_dense, most_dense, rows_of_window
from ._targets import Targets
from ._training import Course, Report, run


class Ended(NamedTuple):
    """How a fit ended: epochs (or iterations) done, what ended it, the last loss."""

    num_epochs: int
    stopped_by: str
    loss: float


@final
@dataclass(frozen=True)
class Fitting:
    """One fit of an estimator: its parameters, its design, and what it changes (network, course, generator)."""

    of: Parameters
    design: Design
    network: Network
    inputs: Inputs
    targets: Targets
    course: Course
    rng: np.random.RandomState
    callbacks: Callbacks

    def run(self, train: Table, weight: np.ndarray | None, valid: Table | None) -> Ended:
        """Trains to the end, or until the course has enough."""
        valid_rows = None if valid is None else self.rows(valid, valid.weight)
        data = self.streamed(train, weight) or self.dataset(self.rows(train, weight), self.network.engine.plan)
        data = replace(data, valid=valid_rows)
        before, report = len(self.course.losses), self.report(train)
        if valid is not None and valid_rows is not None:
            report = replace(report, score=partial(self._score, valid, valid_rows.stored.numpy()))
        stopped_by = run(self.network.engine, data, self.network.engine.plan, self.course, report)
        last = self.course.losses[-1] if self.course.losses else math.nan  # interrupted before the first epoch's end
        return Ended(len(self.course.losses) - before, stopped_by, last)

    def _score(self, valid: Table, x: np.ndarray, epoch: Epoch) -> float:
        """The current score on encoded rows: the loop's own, or else from another pass."""
        if (known := self.targets.measured_score(epoch, valid.y, valid.weight)) is not None:
            return known
        logits = self.network.logits(x.__getitem__, len(x))
        return self.targets.score(valid.y, logits, valid.weight)

    def minimize(self, train: Table, weight: np.ndarray | None) -> Ended:
        """L-BFGS over all rows."""
        of, prepared = self.of, self.design.prepared
        limits = Limits(1e-4 if prepared.tol is None else prepared.tol, self.network.engine.plan.epochs, of.max_fun)
        data = Dataset(self.rows(train, weight), num_outputs=self.targets.num_outputs)
        num_targets = self.targets.num_outputs if self.targets.loss.name == "mse" and prepared.numpy_draws else 1
        found = minimize(self.network.engine, data, limits, prepared.gradient_factor, num_targets)
        return Ended(found.num_iterations, found.stopped_by, found.loss + self.report(train).offset)

    def one_epoch(self, table: Table, weight: np.ndarray | None, seen_before: int) -> Ended:
        """One epoch, with the update rule's memory and the rate as the last call left them.

        After an error the network is as it was before the call.
        """
        rows, plan = self.rows(table, weight), self.network.engine.plan
        rate = plan.lr * _factor_so_far(plan, self.course, seen_before)
        size = self._rows_of_a_step(len(rows))
        plan = replace(plan, epochs=1, schedule="constant", lr=rate, batch_size=size)
        data = self.dataset(rows, plan, is_new_order=True)
        with self.network.unchanged_if_it_fails():
            done = list(steps(self.network.engine, data, plan))
            losses = torch.cat([(step.loss if step.losses is None else step.losses).reshape(-1) for step in done])
            starts = range(0, len(rows), size or len(rows))
            shares = [min(size or len(rows), len(rows) - start) / len(rows) for start in starts]
            loss = self.report(table).scaled(losses.cpu().double().dot(torch.tensor(shares).double()).item())
            if not np.isfinite(loss) or not self.network.engine.params.flat.isfinite().all():
                got = "weights that are not" if np.isfinite(loss) else f"{loss:g}"
                raise DivergenceError(
                    f"the loss must stay finite, got {got} in this call of partial_fit; lower learning_rate_init, or "
                    f"scale the inputs."
                )
        self.course.note(loss, None, None)
        return Ended(1, "max_iter", loss)

    def _rows_of_a_step(self, num_rows: int) -> int | None:
        """Those of a step in one call: as asked for, or as the recipe says of this call or of the first, the larger."""
        size, first = self.design.plan.batch_size, self.network.engine.plan.batch_size
        if size is None or self.design.prepared.numpy_draws or self.of.batch_size != "auto":
            return size
        return min(max(size, first or 0), num_rows)

    def rows(self, table: Table, weight: np.ndarray | None) -> Rows:
        """The rows as tensors, with those weights."""
        return rows_of(table, weight, self.inputs, self.targets, self.network)

    def streamed(self, table: Table, weight: np.ndarray | None) -> Dataset | None:
        """Sparse rows, made dense a window at a time; None if all must be, or can be, dense at once."""
        engine = self.network.engine
        size, bytes_of_row = engine.plan.batch_size, self.inputs.width * engine.dtype.itemsize
        is_large = scipy.sparse.issparse(table.x) and table.x.shape[0] * bytes_of_row > most_dense()
        if not is_large or size is None or size >= table.x.shape[0] or not self._is_shuffled_by_epoch(weight):
            return None
        y = self.targets.encode(table.y, engine.dtype)
        weights = None if weight is None else as_tensor(weight)
        dense = partial(self.inputs.transform, dtype=self.network.dtype)
        rows = SparseRows(table.x, dense, y, weights, rows_of_window(bytes_of_row, size))
        by_weight = torch.arange(rows.num_rows) if weights is None else (weights == 0).byte().argsort(stable=True)
        sample = rows.take(by_weight[:SAMPLE])  # it is refused where none of its rows counts
        return Dataset(sample, num_outputs=self.targets.num_outputs, stream=rows)

    def _is_shuffled_by_epoch(self, weight: np.ndarray | None) -> bool:
        """Whether the loop draws the orders itself, and asks for nothing that it must know of all rows."""
        learns = any(isinstance(layer, LearnsFromRows) for layer in with_inner(self.network.engine.layers))
        own_orders = self.of.shuffle and not self.design.prepared.numpy_draws
        return own_orders and not learns and (weight is None or self.network.engine.plan.l2 == 0)

    def dataset(self, rows: Rows, plan: TrainPlan, *, is_new_order: bool = False) -> Dataset:
        """The rows, in the order that is asked for where there is more than one batch."""
        data = Dataset(rows, num_outputs=self.targets.num_outputs)
        if plan.batch_size is None or plan.batch_size >= len(rows):
            return data
        if not self.of.shuffle:
            return replace(data, fresh=InOrder(rows))
        if self.design.prepared.numpy_draws or is_new_order:
            return replace(data, fresh=Shuffled(rows, self.rng))
        return data

    def report(self, table: Table | None) -> Report:
        """Losses as scikit-learn reports them, where the arithmetic is its own; of its own rows then, from `table`."""
        prepared = self.design.prepared
        offset = self.targets.offset(table.y, table.weight) if table is not None and prepared.numpy_draws else 0.0
        return Report(self.callbacks, None, prepared.gradient_factor, offset, int(self.of.verbose))


def rows_of(table: Table, weight: np.ndarray | None, inputs: Inputs, targets: Targets, network: Network) -> Rows:
    """The rows of a table as this network takes them, with those weights."""
    dense = partial(inputs.transform, dtype=network.dtype)
    sparse = scipy.sparse.issparse(table.x)
    x = all_dense(table.x, dense, inputs.width, network.dtype) if sparse else dense(table.x)
    y = targets.encode(table.y, network.engine.dtype)
    return Rows(as_tensor(x), y, None if weight is None else as_tensor(weight))


def _factor_so_far(plan: TrainPlan, course: Course, seen_before: int) -> float:
    """The factor on the rate after the calls so far, for the schedules that have no end."""
    choice = Choice.parse(plan.schedule)
    if choice.name == "adaptive":
        return Adaptive(**choice.options).factor(0, 1, course.figures)
    if choice.name == "inverse_power":
        return float((1 + seen_before) ** -choice.options["power"]) if seen_before else 1.0
    return 1.0
