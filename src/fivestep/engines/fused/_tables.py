"""Network, loss, update rule and rows as the arrays that the compiled body takes."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, final

import numpy as np
import torch

from ...find import Choice
from ...losses._base import Loss
from ...net import NetSpec
from ...optim._base import Optimizer
from ...optim._moving_average import AVERAGE, MovingAverage
from ...params import Params
from ...plan import TrainPlan
from .._update import RuleGroup
from ._forms import DECOUPLED, MORE_LOSSES, rule_form
from .body.branched import Branched
from .body.hidden import Hidden
from .body.losses import Measure
from .body.masks import IN_A_WORD, Masks
from .body.network import Memory, Network
from .body.passes import Remembered, Tile
from .body.rules import Descent

Array = np.ndarray[Any, np.dtype[Any]]

CACHE = 256 * 1024
"""Bytes of buffers that a tile of rows may fill: half of a small second-level cache."""

LANES = 16
"""Rows and parameters come in multiples of this: whole lanes of float32, and of float64."""

ALIGNMENT = 64
"""Bytes of a line of the cache, and of a register."""

OPTIONS = 4
"""Options of an update rule, at most."""

SLOTS = 4
"""Numbers that an update rule remembers for each parameter, the last one for the moving average."""


@final
class ParameterOrder(NamedTuple):
    """The place of each parameter in the vectors of the body, and how long these are, in whole lanes."""

    places: Array
    size: int


def measure_of(plan: TrainPlan, loss: Loss) -> Measure:
    """The loss and its options."""
    form = MORE_LOSSES[Choice.parse(plan.loss).name]
    return Measure(form.kind, np.array(form.numbers(loss) or (0.0,), dtype=np.float64))


def descent_of(plan: TrainPlan, group: RuleGroup) -> Descent | None:
    """The update rule of a group for one compiled pass; None where it has no form, or where torch's passes are faster.

    Plain descent and momentum compute so little that torch's one or two passes on all threads take half the time.
    """
    return None if Choice.parse(plan.optimizer).name in ("sgd", "momentum") else descent_form(plan, group)


def descent_form(plan: TrainPlan, group: RuleGroup) -> Descent | None:
    """The update rule of a group, as compiled code takes it; None if it has no such form."""
    form, name = rule_form(plan), Choice.parse(plan.optimizer).name
    if form is None:
        return None
    averages = isinstance(group.rule, MovingAverage)
    rule = group.rule.rule if isinstance(group.rule, MovingAverage) else group.rule
    return Descent(
        kind=form.kind,
        numbers=options_of(form.numbers(rule)),
        decoupled=is_decoupled(name, rule),
        decay=decay_of(group),
        ema=float(plan.ema or 0.0) if averages else -1.0,
    )


def decay_of(group: RuleGroup) -> float:
    """The decay of its weights."""
    rule = group.rule.rule if isinstance(group.rule, MovingAverage) else group.rule
    return float(rule.weight_decay)


def remembered_by(plan: TrainPlan, group: RuleGroup) -> Remembered:
    """What the rule of a group remembers, by slots."""
    form = rule_form(plan)
    slots = {**(form.slots if form else {}), AVERAGE: SLOTS - 1}
    arrays = [group.w[:0].numpy()] * SLOTS
    for name, tensor in group.memory.items():
        arrays[slots[name]] = tensor.numpy()
    m, v, u, average = arrays
    return Remembered(m, v, u, average, group.w.new_zeros(SLOTS + 2, LANES).numpy())


def remembered_together(plan: TrainPlan, params: Params, groups: Sequence[RuleGroup]) -> Remembered:
    """The same for all groups: what they remember becomes parts of vectors that begin where the parameters do."""
    if len(groups) > 1:
        for name in groups[0].memory:
            whole = torch.empty_like(params.flat)
            for group in groups:
                part = whole[group.where_in(params)]
                group.memory[name] = part.copy_(group.memory[name])
    w, first = params.flat, groups[0]
    memory = {name: first.memory[name].as_strided((w.numel(),), (1,), 0) for name in first.memory}
    return remembered_by(plan, first._replace(w=w, memory=memory))


def tile_for(spec: NetSpec, params: Params) -> Tile:
    """Room for the logits of as many rows as fit into the cache."""
    kind, num_out = type_of(params), spec.out_features or 0
    rows = max(LANES, min(512, CACHE // (3 * num_out * kind.itemsize)) // LANES * LANES)
    values, slopes, targets = (aligned(num_out * rows, kind) for _ in range(3))
    return Tile(values, slopes, targets, aligned(rows, kind), rows)


def memory_for(network: Network, hidden: Hidden | None, params: Params, size: int, rows: int) -> Memory:
    """Room for so many parameters, and for the buffers of a tile of so many rows."""
    kind, num_out = type_of(params), int(network.outputs[-1])
    room = units_of(network, hidden) * in_lanes(rows)
    return Memory(
        w=aligned(size, kind),
        g=aligned(size, kind),
        rule=aligned(SLOTS * size, kind),
        values=aligned(room, kind),
        slopes=aligned(room, kind),
        targets=aligned(num_out * in_lanes(rows), kind),
        share=aligned(in_lanes(rows), kind),
        buffers=aligned(2 * params.buffers.numel(), kind),
        rows=rows,
    )


def units_of(network: Network, hidden: Hidden | None) -> int:
    """The numbers that the buffers take for a row."""
    return int(network.places[-1] + network.outputs[-1]) if hidden is None else hidden.num_units


def rows_of_tile(network: Network, hidden: Hidden | None, params: Params) -> int:
    """As many rows as fit into the cache."""
    return rows_for(units_of(network, hidden), type_of(params), LANES if hidden is None else hidden.rows_at_once)


def masks_for(widths: Sequence[int], layers: Mapping[int, int], num_rows: int) -> Masks:
    """Room for the bits of the operations that are dropout, for so many rows, and for registers that read beyond.

    `layers` says of each as which layer it draws.
    """
    dropped = [*layers]
    words = np.zeros(num_rows * max((widths[k] for k in dropped), default=0) // IN_A_WORD + 1, np.uint64)
    places = np.zeros(len(widths), np.int64)
    for k, following in pairwise(dropped):
        places[following] = places[k] + num_rows * widths[k]
    bits = np.zeros(num_rows * sum(widths[k] for k in dropped) + LANES, np.int16)
    draws = _whole(layers.get(k, 0) for k in range(len(widths)))
    return Masks(np.uint64(0), words, words.view(np.int16), bits, places, draws, num_rows)


def rows_for(units: int, kind: Any, multiple: int) -> int:
    """The rows of which so many units fit into the cache, twice."""
    return int(max(multiple, 64, min(512, CACHE // (2 * units * kind.itemsize)) // multiple * multiple))


def aligned(count: int, kind: Any) -> Any:
    """Zeros that begin where a register of 64 bytes may be loaded in one go, from one line of the cache."""
    size = np.dtype(kind).itemsize
    room = np.zeros(count + ALIGNMENT // size, kind)
    start = -room.ctypes.data % ALIGNMENT // size
    return room[start : start + count]


def table_of(network: Network, branched: Branched | None, params: Params) -> tuple[Any, Any]:
    """Where all that prediction needs lies, as `body/at.py` takes it, and a buffer of its own, to be kept with it."""
    arrays = [getattr(network, name) for name in ("kinds", "inputs", "outputs", "weights", "biases", "numbers")]
    rows = rows_of_tile(network, None, params)
    values = aligned(units_of(network, None) * rows, type_of(params))
    places = [array.ctypes.data for array in (*arrays, network.places, values)]
    sizes = [network.kinds.size, params.flat.numel(), values.size, rows]
    others = [network.sources, *((branched.momenta, branched.running) if branched else [network.sources] * 2)]
    of_buffers = [params.buffers.data_ptr(), params.buffers.numel()]
    addresses = [array.ctypes.data for array in others]
    return _whole([*places, params.flat.data_ptr(), *sizes, *addresses, *of_buffers]), values


def in_lanes(count: int) -> int:
    """That many numbers and what fills up the last lanes."""
    return -(-count // LANES) * LANES


def options_of(numbers: Sequence[float]) -> tuple[float, ...]:
    """The options of an update rule; those that it has not are 0."""
    return (*(float(number) for number in numbers), *[0.0] * (OPTIONS - len(numbers)))


def is_decoupled(name: str, rule: Optimizer) -> bool:
    """Whether the weight decay of a rule of that name shrinks the weights by themselves."""
    return name in DECOUPLED or bool(getattr(rule, "decoupled_weight_decay", False))


def _whole(numbers: Iterable[int]) -> Any:
    return np.array([*numbers], dtype=np.int64)


def type_of(params: Params) -> Any:
    """The type of its numbers, as numpy's."""
    return np.dtype(str(params.flat.dtype).removeprefix("torch."))
