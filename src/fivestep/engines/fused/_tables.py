"""Network, loss, update rule and rows as the arrays that the compiled body takes."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...find import Choice
from ...layer import Layer
from ...losses._base import Loss
from ...net import NetSpec
from ...optim._base import Optimizer
from ...optim._moving_average import AVERAGE, MovingAverage
from ...params import Params
from ...plan import TrainPlan
from ...typing import Tensors
from .._update import RuleGroup
from ._forms import DECOUPLED, LOSSES, OPERATIONS, RULES
from .body.rules import Rule
from .body.steps import Measure, Memory, Network

CACHE = 256 * 1024
"""Bytes of buffers that a tile of rows may fill: half of a small second-level cache."""

LANES = 16
"""Rows and parameters come in multiples of this: whole lanes of float32, and of float64."""

ALIGNMENT = 64
"""Bytes of a line of the cache, and of a register."""

SLOTS = 4
"""Numbers that an update rule remembers for each parameter, the last one for the moving average."""


def network_of(spec: NetSpec, layers: Sequence[Layer], params: Params) -> Network:
    """The operations of a network, and where their weights lie in the flat vector."""
    forms = [OPERATIONS[choice.name] for choice in spec.layers]
    widths = [spec.in_features or 0]
    for layer in layers:
        widths.append(layer.output_shape((widths[-1],))[0])
    has_weights = [k for k, layer in enumerate(layers) if layer.parameter_shapes()]
    numbers = [*(form.numbers(layer) for form, layer in zip(forms, layers, strict=True))]
    return Network(
        kinds=_whole(form.kind for form in forms),
        inputs=_whole(widths[:-1]),
        outputs=_whole(widths[1:]),
        weights=_whole(_place(w, "weight") for w in params.weights),
        biases=_whole(_place(w, "bias") for w in params.weights),
        numbers=np.array([(*of_layer, 0.0)[0] for of_layer in numbers]),
        places=_whole(np.cumsum([0, *widths[:-1]])),
        first=has_weights[0],
    )


def measure_of(plan: TrainPlan, loss: Loss) -> Measure:
    """The loss and its options."""
    form = LOSSES[Choice.parse(plan.loss).name]
    return Measure(form.kind, np.array(form.numbers(loss) or (0.0,), dtype=np.float64))


def rule_of(plan: TrainPlan, groups: Sequence[RuleGroup], optimizer: Optimizer, params: Params) -> Rule:
    """The update rule, with the factor and the decay of every parameter, in whole lanes."""
    name = Choice.parse(plan.optimizer).name
    factors, decays, matrices = (np.zeros(in_lanes(params.flat.numel()), _type(params)) for _ in range(3))
    matrices[: params.matrices.numel()] = 1
    for group in groups:
        rule = group.rule.rule if isinstance(group.rule, MovingAverage) else group.rule
        factors[slice(*_reach(group, params))] = group.lr_factor
        decays[slice(*_reach(group, params))] = rule.weight_decay
    return Rule(
        kind=RULES[name].kind,
        numbers=np.array((*RULES[name].numbers(optimizer), 0.0), dtype=np.float64),
        decoupled=name in DECOUPLED or getattr(optimizer, "decoupled_weight_decay", False),
        lr_factors=factors,
        decays=decays,
        matrices=matrices,
        clip_value=math.inf if plan.clip_value is None else plan.clip_value,
        clip_norm=math.inf if plan.clip_norm is None else plan.clip_norm,
        ema=-1.0 if plan.ema is None else plan.ema,
    )


def memory_for(network: Network, params: Params) -> Memory:
    """Room for the parameters and for the buffers of one tile, as many rows as fit into the cache."""
    kind = _type(params)
    units, num_out = int(network.places[-1] + network.outputs[-1]), int(network.outputs[-1])
    rows = max(64, min(512, CACHE // (2 * units * kind.itemsize))) // LANES * LANES
    size = in_lanes(params.flat.numel())
    values = aligned((units + 1) * rows, kind)
    values[-rows:] = 1
    return Memory(
        w=aligned(size, kind),
        g=aligned(size, kind),
        rule=aligned(SLOTS * size, kind),
        values=values,
        slopes=aligned(units * rows, kind),
        targets=aligned(num_out * rows, kind),
        share=aligned(rows, kind),
        sums=aligned(LANES, kind),
        rows=rows,
    )


def aligned(count: int, kind: Any) -> Any:
    """Zeros that begin where a register of 64 bytes may be loaded in one go, from one line of the cache."""
    size = np.dtype(kind).itemsize
    room = np.zeros(count + ALIGNMENT // size, kind)
    start = -room.ctypes.data % ALIGNMENT // size
    return room[start : start + count]


def table_of(network: Network, memory: Memory, num_parameters: int) -> Any:
    """Where all of it lies, as `body/at.py` takes it."""
    arrays = [getattr(network, name) for name in ("kinds", "inputs", "outputs", "weights", "biases", "numbers")]
    places = [array.ctypes.data for array in (*arrays, network.places, memory.values, memory.slopes)]
    return _whole([*places, network.kinds.size, num_parameters, memory.values.size, memory.rows])


def in_lanes(count: int) -> int:
    """That many numbers and what fills up the last lanes."""
    return -(-count // LANES) * LANES


def places_of(groups: Sequence[RuleGroup], plan: TrainPlan, params: Params) -> list[tuple[Any, slice]]:
    """Every tensor that a rule remembers, each with its place in the memory of the body."""
    size, slots = in_lanes(params.flat.numel()), {**RULES[Choice.parse(plan.optimizer).name].slots, AVERAGE: 3}
    places = []
    for group in groups:
        start, stop = _reach(group, params)
        for name, tensor in group.memory.items():
            at = slots[name] * size
            places.append((tensor.numpy(), slice(at + start, at + stop)))
    return places


def _reach(group: RuleGroup, params: Params) -> tuple[int, int]:
    """The first parameter of a group in the flat vector, and the first after it."""
    start = int(group.w.storage_offset() - params.flat.storage_offset())
    return start, start + int(group.w.numel())


def _place(weights: Tensors, name: str) -> int:
    """Where a layer's weight or bias begins in the flat vector; -1 where it has none."""
    return int(weights[name].storage_offset()) if name in weights else -1


def _whole(numbers: Iterable[int]) -> Any:
    return np.array([*numbers], dtype=np.int64)


def _type(params: Params) -> Any:
    return np.dtype(str(params.flat.dtype).removeprefix("torch."))
