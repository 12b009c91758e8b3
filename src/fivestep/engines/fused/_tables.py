"""Loss and update rule as tables for compiled code, and suitably aligned arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...find import Choice
from ...losses._base import Loss
from ...optim._moving_average import without_average
from ...params import Params
from ...plan import TrainPlan
from .._update import RuleGroup
from ._forms import MORE_LOSSES, decouples, rule_form
from .body.losses import Measure
from .body.rules import Descent

Array = np.ndarray[Any, np.dtype[Any]]

CACHE = 256 * 1024
"""The bytes of buffers for a tile of rows: half of a small second-level cache."""

LANES = 16
"""Rows and parameters come in multiples of this: whole lanes of float32, and of float64."""

ALIGNMENT = 64
"""Bytes of a cache line, and of the largest register."""

OPTIONS = 4
"""The most options of an update rule."""

SLOTS = 4
"""Memory slots of an update rule per parameter, the last one for the moving average."""


def measure_of(plan: TrainPlan, loss: Loss) -> Measure:
    """The loss and its options."""
    form = MORE_LOSSES[Choice.parse(plan.loss).name]
    return Measure(form.kind, np.array(form.numbers(loss) or (0.0,), dtype=np.float64))


def descent_form(plan: TrainPlan, group: RuleGroup) -> Descent | None:
    """The update rule of a group for compiled code; None if it has no scalar form."""
    form, rule = rule_form(plan), without_average(group.rule)
    if form is None:
        return None
    return Descent(
        kind=form.kind,
        numbers=options_of(form.numbers(rule)),
        decoupled=decouples(plan.optimizer, rule),
        decay=decay_of(group),
        ema=-1.0 if rule is group.rule else float(plan.ema or 0.0),
    )


def decay_of(group: RuleGroup) -> float:
    """The decay of its weights."""
    return float(without_average(group.rule).weight_decay)


def aligned(count: int, kind: Any) -> Any:
    """Zeros aligned to 64 bytes, so that a register is loaded from a single cache line."""
    size = np.dtype(kind).itemsize
    room = np.zeros(count + ALIGNMENT // size, kind)
    start = -room.ctypes.data % ALIGNMENT // size
    return room[start : start + count]


def in_lanes(count: int) -> int:
    """That number, rounded up to whole lanes."""
    return -(-count // LANES) * LANES


def options_of(numbers: Sequence[float]) -> tuple[float, ...]:
    """The options of an update rule, padded with 0."""
    return (*(float(number) for number in numbers), *[0.0] * (OPTIONS - len(numbers)))


def type_of(params: Params) -> Any:
    """The dtype of the parameters, as NumPy's."""
    return np.dtype(str(params.flat.dtype).removeprefix("torch."))
