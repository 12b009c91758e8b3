"""Estimates of the memory for training a network, before any of it is allocated."""

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import torch

from ..check import InputError
from ..machine.memory import held, memory_size
from ..net import NetSpec
from ..optim._base import Optimizer
from ..plan import TrainPlan

OUTPUTS = 2
"""Copies of each layer's output in a step: the output itself, and its gradient."""

MOST_COPIES = 16
"""The most numbers that training needs per parameter: itself, its gradient, the rule's memory, copies."""

FIT_ANYWHERE = 10_000_000
"""Numbers that fit into the memory of any machine."""

LARGE = 2_000_000
"""Parameters from which no copy is kept for going back: with Adam it would take 24 MB (`divergence.py`).

From there on, too, the outputs and gradients of a batch are given back as soon as they are not needed any more: new
memory for them in each step costs little beside the products that fill it.
"""


def memory_needed(spec: NetSpec, plan: TrainPlan, dtype: str = "float32", *, copied: bool = True) -> int:
    """The bytes for training the network, apart from the rows and the activations of a batch.

    Counted without making them, for each parameter: itself and its gradient; what the update rule remembers, a moving
    average (`ema`) too; with an average, also the weights that train while others are measured; those of the best
    epoch, with `restore_best`; and where a state is `copied`, to go back to, the parameter, what the rule remembers and
    the moving average once more.
    """
    rule = plan.build_optimizer()
    few, more = (_num_remembered(rule, size) for size in (1, 2))  # one more copy of each
    remembered = more - few + (plan.ema is not None)
    beside = (plan.ema is not None or rule.averages) + plan.restore_best + (1 + remembered) * copied
    return (2 + remembered + beside) * spec.num_parameters * (8 if dtype == "float64" else 4)


def training_needs(
    spec: NetSpec, plan: TrainPlan, dtype: str, device: torch.device, num_rows: int, *, alone: bool = True
) -> int:
    """The bytes for training apart from the rows: `memory_needed`, and the activations of a batch of `num_rows`."""
    copied = not spares_copies(_num_parameters(spec), plan, device, alone=alone)
    batch = OUTPUTS * num_rows * sum(outputs_of(spec)) * (8 if dtype == "float64" else 4)
    return memory_needed(spec, plan, dtype, copied=copied) + batch


def is_large(spec: NetSpec) -> bool:
    """Whether it has more than `LARGE` parameters."""
    return _num_parameters(spec) > LARGE


def spares_copies(num_parameters: int, plan: TrainPlan, device: torch.device, *, alone: bool) -> bool:
    """Whether a copy takes much memory, and the steps since an older state can be repeated exactly.

    They cannot if the learning rate follows the evaluated epochs; and ranks might have different older states.
    """
    return num_parameters > LARGE and device.type == "cpu" and alone and not plan.build_schedule().answers


def _num_remembered(rule: Optimizer, num_parameters: int) -> int:
    """The size of an update rule's memory for so many parameters."""
    try:
        state = rule.state(torch.zeros(num_parameters))
    except RuntimeError:  # never more than that: counting on the meta device would take longer
        state = rule.state(torch.zeros(num_parameters, device="meta"))
    return sum(tensor.numel() for tensor in state.values())


def check_memory(
    spec: NetSpec,
    plan: TrainPlan,
    dtype: str,
    device: torch.device,
    num_rows: int | None = None,
    *,
    alone: bool = True,
) -> None:
    """Raises an `InputError` with the estimate if network, update rule and one batch need more than is left."""
    rows = plan.micro_batch_size or plan.batch_size or num_rows or 1
    parameters, outputs = _num_parameters(spec), sum(outputs_of(spec))
    if MOST_COPIES * parameters + OUTPUTS * rows * outputs < FIT_ANYWHERE:  # a fleet asks for each of its networks
        return
    needed = training_needs(spec, plan, dtype, device, rows, alone=alone)
    left = memory_left(device)
    if needed > left:
        raise InputError(
            f"the network must fit into the {_gib(left)} GiB of memory that are left beside the rows, got "
            f"{spec.sizes_text()} of {spec.num_parameters:,} parameters, which needs about {_gib(needed)} GiB with a "
            f"batch of {rows:,} rows; make the network or the batch smaller."
        )


class Several(NamedTuple):
    """Networks that are in memory together: their number, sized spec, plan, and number of rows."""

    num: int
    spec: NetSpec
    plan: TrainPlan
    num_rows: int


def check_memory_together(
    networks: Sequence[Several], dtype: str, device: torch.device, at_once: int, processes: int = 1
) -> None:
    """Raises an `InputError` with the estimate if all networks together need more than is left.

    All are kept to the end, and `at_once` of them also have copies and activations. So do `processes` on this machine.
    """
    parameters = sum(num * _num_parameters(spec) for num, spec, *_ in networks)
    if processes * MOST_COPIES * parameters < FIT_ANYWHERE:  # then each is checked by itself (`check_memory`)
        return
    held, most = 0, 0
    for num, spec, plan, num_rows in networks:
        kept = memory_needed(spec, plan, dtype, copied=False)
        rows = min(plan.micro_batch_size or plan.batch_size or num_rows, num_rows)
        held, most = held + num * kept, max(most, training_needs(spec, plan, dtype, device, rows) - kept)
    count = sum(of.num for of in networks)
    needed, left = processes * (held + min(at_once, count) * most), memory_left(device)
    if needed > left:
        largest = max((of.spec for of in networks), key=_num_parameters)
        by = f" in each of {processes} processes" if processes > 1 else ""
        raise InputError(
            f"all networks together must fit into the {_gib(left)} GiB of memory that are left beside the rows, got "
            f"{count:,}, the largest {largest.sizes_text()} of {largest.num_parameters:,} parameters, which need about "
            f"{_gib(needed)} GiB{by}; train fewer at a time."
        )


def memory_left(device: torch.device) -> int:
    """The bytes of a device's memory; of the machine's own memory, without what the process already holds."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return max(0, memory_size() - held())


@functools.lru_cache(maxsize=1000)
def outputs_of(spec: NetSpec) -> tuple[int, ...]:
    """The size of each layer's output for one row."""
    shape: tuple[int, ...] = (spec.in_features or 0,)
    return tuple(math.prod(shape := layer.output_shape(shape)) for layer in spec.build())


@functools.lru_cache(maxsize=1000)
def _num_parameters(spec: NetSpec) -> int:
    return spec.num_parameters


def _gib(size: int) -> str:
    return f"{size / 2**30:,.3g}" if size < 10 * 2**30 else f"{size / 2**30:,.0f}"
