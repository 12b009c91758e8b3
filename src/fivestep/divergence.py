"""A loss that is no longer finite: noticed without reading the device at every step, found by doing steps again."""

import math
from collections.abc import Callable, Sequence
from typing import final

import torch
from torch import Tensor

from .averages import to_prediction
from .batches import Batch
from .check import DivergenceError
from .datasets._base import Dataset
from .engines._base import Engine
from .engines._outputs import outputs_by_layer
from .plan import TrainPlan
from .steps import Upcoming, do_step, upcoming_steps
from .typing import Tensors

CHECK_EVERY = 100
"""Steps between two looks. A look reads the device once and copies the state: a thousandth of the steps' time."""

LARGE = 2_000_000
"""Parameters from which copies are spared: with Adam a copy of so many takes 24 MB."""


@final
class Watch:
    """Adds up the losses; every hundred steps, looks whether sum and parameters are finite, and copies the state.

    Where they are not, the engine goes back to the last copy and does those steps again, up to the one that breaks.
    It is left with the weights from before that step. Of a large network there is no copy where a `stored` one can be
    had, such as the last checkpoint: its state, and the number of steps that it had done.
    """

    def __init__(
        self,
        engine: Engine,
        data: Dataset,
        plan: TrainPlan,
        seen: Sequence[float] = (),
        stored: Callable[[], tuple[Tensors, int]] | None = None,
    ) -> None:
        self._engine, self._data, self._plan, self._seen = engine, data, plan, seen
        self._stored = stored if _does_without_copies(engine, plan) else None
        self._keep()

    def before_step(self) -> None:
        """To be called before each step; raises a `DivergenceError` at most a hundred steps after the one that broke.

        A look between two steps copies a state from before the last step of an epoch, to which `after_epoch` goes back.
        """
        if (self._engine.num_updates - self._number) >= CHECK_EVERY:
            self.check()

    def after_step(self, loss: Tensor) -> None:
        """To be called after each step with its loss, which stays on the device."""
        self._total += loss

    def check(self) -> None:
        """Looks now; raises a `DivergenceError` if a loss or a parameter is not finite."""
        self.look()
        self._keep()

    def look(self) -> None:
        """The same, without a copy: what is measured next may show that the last step was one too many."""
        if not _finite(self._total, self._engine):
            self._break_again()

    def after_epoch(self, train_loss: float) -> None:
        """To be called with the loss measured after the last step; raises a `DivergenceError` if it is not finite."""
        if not math.isfinite(train_loss):
            self._break_again(self._engine.num_updates, train_loss)
        self._keep()

    def _keep(self) -> None:
        self._state: Tensors = {}  # first, or there would be two copies for a moment
        self._state, self._number = {} if self._stored else self._engine.state(), self._engine.num_updates
        self._total = torch.zeros_like(self._engine.params.flat[0])

    def _break_again(self, last: int | None = None, measured: float = 0.0) -> None:
        """Does the steps since the copy again, up to the one that breaks, or the `last`, with `measured` after it."""
        engine, (state, number) = self._engine, self._stored() if self._stored else (self._state, self._number)
        engine.load_state(state, number)
        for upcoming in upcoming_steps(engine, self._data, self._plan, number, self._seen):
            before = engine.state()
            loss = do_step(engine, upcoming, self._plan)
            if not _finite(loss, engine):
                parameter = _broken_parameter(engine)
                engine.load_state(before, upcoming.number - 1)
                where = parameter if torch.isfinite(loss) else _broken_output(engine, upcoming.batch)
                raise _sentence(f"{loss.item():g} at", upcoming, f", first in {where}")
            if upcoming.number == last:
                where = _broken_output(engine, upcoming.batch)
                engine.load_state(before, upcoming.number - 1)
                to_prediction(engine)
                raise _sentence(f"{measured:g} on the training rows after", upcoming, f", first in {where}")
        raise AssertionError("the steps that broke did not break again")


def _does_without_copies(engine: Engine, plan: TrainPlan) -> bool:
    """Whether a copy takes much memory, and the steps since an older one can be done again as they were.

    A rate that follows what is seen at each epoch was another one before the last of them.
    """
    is_large = engine.params.flat.numel() > LARGE and engine.device.type == "cpu" and engine.ranks.are_alone
    return is_large and not plan.build_schedule().answers


def _sentence(came: str, upcoming: Upcoming, where: str = "") -> DivergenceError:
    return DivergenceError(
        f"the loss must stay finite, got {came} step {upcoming.number} (epoch {upcoming.epoch}){where}; lower the "
        f"learning rate ({upcoming.lr:g} there), clip the gradient, or scale the data (the engine keeps the weights "
        f"from before that step)."
    )


def _finite(loss: Tensor, engine: Engine) -> bool:
    return bool(torch.isfinite(loss + engine.params.flat.sum()))  # one host-device synchronisation


def _broken_parameter(engine: Engine) -> str:
    """The first parameter that is not finite any more."""
    broken = (name for name, w in engine.named_parameters().items() if not w.isfinite().all())
    return f"the update of {next(broken, 'the parameters')}"


def _broken_output(engine: Engine, batch: Batch) -> str:
    """The first layer whose output for that batch is not finite, found with the weights as they are."""
    for k, layer, a in outputs_by_layer(engine, batch.x):
        if not a.isfinite().all():
            return f"the output of layer {k} ({type(layer).__name__})"
    return "the loss"
