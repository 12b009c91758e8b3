"""A loss that is no longer finite: noticed without reading the device at every step, located by repeating steps."""

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, final

import torch
from torch import Tensor

from .averages import to_prediction
from .batches import Batch
from .check import DivergenceError
from .datasets._base import Dataset
from .engines._engine import Engine
from .engines._memory import spares_copies
from .engines._outputs import outputs_by_layer
from .machine.interrupt import Interrupt
from .machine.spilled_state import SpilledState
from .plan import TrainPlan
from .steps import Upcoming, do_step, upcoming_steps
from .typing import Tensors

CHECK_EVERY = 100
"""Steps between two checks. A check reads the device once and copies the state: a thousandth of the steps' time."""

SILENT, BETWEEN = 1.0, 5.0
"""Seconds of repeating steps before the first message about it, and at least between two messages."""


@final
class Watch:
    """Every hundred steps, checks that all losses and parameters are finite, and copies the state.

    Where they are not, the engine goes back to the last copy and repeats those steps, up to the one that breaks. It is
    left with the weights from before that step. A large network is not copied: the state is a `stored` one, such as
    that of the last checkpoint, with its number of steps, or lies in a temporary file. An `interrupt` is taken while
    steps are repeated, and progress is shown if that takes long.
    """

    def __init__(
        self,
        engine: Engine,
        data: Dataset,
        plan: TrainPlan,
        seen: Sequence[float] = (),
        stored: Callable[[], tuple[Tensors, int]] | None = None,
        interrupt: Interrupt | None = None,
    ) -> None:
        self._engine, self._data, self._plan, self._seen, self._interrupt = engine, data, plan, seen, interrupt
        spared = spares_copies(engine.params.flat.numel(), plan, engine.device, alone=engine.ranks.are_alone)
        self._stored = stored if spared else None
        self._spilled = _new_spilled_state() if spared and stored is None else None
        self._copy: tuple[Tensors, int] = {}, 0
        self._take_copy()

    def before_step(self) -> None:
        """To be called before each step; raises a `DivergenceError` at most a hundred steps after the one that broke.

        A check between two steps copies a state from before the last step of an epoch, to which `after_epoch` goes
        back.
        """
        if (self._engine.num_updates - self._number) >= CHECK_EVERY:
            self.check()

    def after_step(self, loss: Tensor) -> None:
        """To be called after each step with its loss, which stays on the device."""
        self._so_far.add_(loss, alpha=0)  # 0 until a loss is not finite; a sum of large ones could overflow

    def check(self) -> None:
        """Checks now; raises a `DivergenceError` if a loss or a parameter is not finite."""
        self.look()
        self._take_copy()

    def look(self) -> None:
        """The same, without a copy: the evaluation that follows may show that the last step was one too many."""
        if not _finite(self._so_far, self._engine):
            self._locate()

    def after_epoch(self, train_loss: float) -> None:
        """To be called with the loss measured after the last step; raises a `DivergenceError` if it is not finite."""
        if not math.isfinite(train_loss):
            self._locate(self._engine.num_updates, train_loss)
        self._take_copy()

    def _take_copy(self) -> None:
        self._number = self._engine.num_updates
        self._so_far = torch.zeros_like(self._engine.params.flat[0])
        if self._stored is not None or (self._spilled is not None and not self._spilled.is_due):
            return
        if self._spilled is not None:
            try:
                self._spilled.put(self._engine.state(copied=False), self._number)
            except OSError:  # no room on the disk: try memory
                self._spilled = None
        if self._spilled is None:
            self._copy = {}, 0  # first, or there would be two copies for a moment
            self._copy = self._engine.state(), self._number

    def _last_state(self) -> tuple[Tensors, int]:
        if self._stored is not None:
            return self._stored()
        return self._copy if self._spilled is None else (self._spilled, self._spilled.num_updates)

    def _locate(self, last: int | None = None, measured: float = 0.0) -> None:
        """Finds the step that breaks, or the `last` one with `measured` after it, and raises the error.

        Steps are repeated twice: up to that one, then up to the one before it. Copying the state before each would take
        time too, and memory.
        """
        engine, report = self._engine, _RepeatReport(self._engine)
        number, loss, where = self._find_broken_step(last, report)
        upcoming = self._restored_before(number, report)
        if loss is None:
            to_prediction(engine)
            raise _divergence_error(f"{measured:g} on the training rows after", upcoming, f", first in {where}")
        where = where or _broken_output(engine, upcoming.batch)
        raise _divergence_error(f"{loss:g} at", upcoming, f", first in {where}")

    def _find_broken_step(self, last: int | None, report: "_RepeatReport") -> "_Broken":
        for upcoming in self._repeated_steps(report):
            loss = do_step(self._engine, upcoming, self._plan)
            if not _finite(loss, self._engine):
                return _Broken(upcoming.number, loss.item(), _broken_parameter(self._engine) if loss.isfinite() else "")
            if upcoming.number == last:
                return _Broken(upcoming.number, None, _broken_output(self._engine, upcoming.batch))
        raise AssertionError("the steps that broke did not break again")

    def _restored_before(self, number: int, report: "_RepeatReport") -> Upcoming:
        """Leaves the engine as it was before step `number`, and returns that step."""
        report.is_found(number)
        for upcoming in self._repeated_steps(report):
            if upcoming.number == number:
                return upcoming
            do_step(self._engine, upcoming, self._plan)
        raise AssertionError("the steps that were done have not all come again")

    def _repeated_steps(self, report: "_RepeatReport") -> Iterator[Upcoming]:
        """The steps since the copy, which the engine is restored to first."""
        state, number = self._last_state()
        self._engine.load_state(state, number)
        del state
        report.begins(number)
        for upcoming in upcoming_steps(self._engine, self._data, self._plan, number, self._seen):
            if self._interrupt is not None and not self._interrupt.is_shared:
                self._interrupt.take()
            yield upcoming
            report.is_done(upcoming.number)


class _Broken(NamedTuple):
    """A broken step: its number, its loss, and the tensor where it began, if that is known by then."""

    number: int
    loss: float | None
    where: str


@final
class _RepeatReport:
    """Says on standard error that steps are repeated, once that takes a while, and then how far it has got."""

    def __init__(self, engine: Engine) -> None:
        self._last, self._speaks = engine.num_updates, engine.ranks.is_first
        self._found: int | None = None
        self._first = self._done = 0
        self._started = time.monotonic()
        self._next = self._started + SILENT

    def begins(self, since: int) -> None:
        """The steps after that number are about to be repeated."""
        self._first = since + 1

    def is_found(self, number: int) -> None:
        """The step that breaks has been found."""
        self._found, self._last = number, number - 1

    def is_done(self, number: int) -> None:
        """A step is done."""
        now, self._done = time.monotonic(), self._done + 1
        if now < self._next or not self._speaks:
            return
        first, last, left = self._first, self._last, self._last - number
        if self._found is None:
            what, left = "The loss is no longer finite. To find the step that broke,", left + last - first + 1
        else:
            what = f"It was step {self._found:,}. For the weights from before it,"
        again, limit = ("again", "at most ") if self._found is None else ("once more", "")
        seconds = (now - self._started) / self._done * left
        print(  # noqa: T201
            f"{what} those from {first:,} on are done {again}: {number:,} of {limit}{last:,}, {limit}{seconds:,.0f} s "
            f"left ...",
            file=sys.stderr,
        )
        self._next = now + BETWEEN


def _new_spilled_state() -> SpilledState | None:
    """A temporary file, if there can be one."""
    try:
        return SpilledState()
    except OSError:
        return None


def _divergence_error(came: str, upcoming: Upcoming, where: str = "") -> DivergenceError:
    return DivergenceError(
        f"the loss must stay finite, got {came} step {upcoming.number} (epoch {upcoming.epoch}){where}; lower the "
        f"learning rate ({upcoming.lr:g} there), clip the gradient, or scale the data (the engine keeps the weights "
        f"from before that step)."
    )


def _finite(loss: Tensor, engine: Engine) -> bool:
    return bool(torch.isfinite(loss + engine.params.flat.sum()))  # one host-device synchronization


def _broken_parameter(engine: Engine) -> str:
    """The first parameter that is no longer finite."""
    broken = (name for name, w in engine.named_parameters().items() if not w.isfinite().all())
    return f"the update of {next(broken, 'the parameters')}"


def _broken_output(engine: Engine, batch: Batch) -> str:
    """The first layer whose output for that batch is not finite, found with the weights as they are."""
    for k, layer, a in outputs_by_layer(engine, batch.x):
        if not a.isfinite().all():
            return f"the output of layer {k} ({type(layer).__name__})"
    return "the loss"
