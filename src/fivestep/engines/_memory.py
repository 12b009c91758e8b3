"""What training a network takes in memory, said before any of it is taken."""

import functools
import math

import torch

from ..check import InputError
from ..memory import memory_size
from ..net import NetSpec
from ..plan import TrainPlan

OUTPUTS = 2
"""Copies of each layer's output in a step: the output itself, and the gradient that comes back through it."""

MOST_COPIES = 16
"""Numbers for each parameter that no training needs more than: itself, its gradient, what a rule remembers, copies."""

OF_NO_CONCERN = 10_000_000
"""Numbers that every machine has room for."""


def memory_needed(spec: NetSpec, plan: TrainPlan, dtype: str = "float32") -> int:
    """The bytes that training the network takes, beside the rows and what a batch of them becomes on the way.

    Parameters, gradients and buffers, the update rule's memory, and a copy of all: counted without making them.
    """
    kind = torch.float64 if dtype == "float64" else torch.float32
    memory = plan.build_optimizer().state(torch.empty(spec.num_parameters, dtype=kind, device="meta"))
    numbers = 4 * spec.num_parameters + 2 * sum(tensor.numel() for tensor in memory.values())
    return numbers * kind.itemsize


def check_memory(spec: NetSpec, plan: TrainPlan, dtype: str, device: torch.device, num_rows: int | None = None) -> None:
    """Raises an `InputError` with the estimate if network, update rule and one batch need more than the device has."""
    rows = plan.micro_batch_size or plan.batch_size or num_rows or 1
    parameters, outputs = _numbers_of(spec)
    if MOST_COPIES * parameters + OUTPUTS * rows * outputs < OF_NO_CONCERN:  # a fleet asks for each of its networks
        return
    batch = OUTPUTS * rows * outputs * (8 if dtype == "float64" else 4)
    needed, there = memory_needed(spec, plan, dtype) + batch, memory_of(device)
    if needed > there:
        raise InputError(
            f"the network must fit into the {_gib(there)} GiB of memory that there are, got {spec.sizes_text()} of "
            f"{spec.num_parameters:,} parameters, which needs about {_gib(needed)} GiB with a batch of {rows:,} rows; "
            f"make the network or the batch smaller."
        )


def memory_of(device: torch.device) -> int:
    """The bytes that a device has; of those that do not say, what the machine has."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return memory_size()


@functools.lru_cache(maxsize=1000)
def _numbers_of(spec: NetSpec) -> tuple[int, int]:
    """The parameters, and what all layers together put out for one row."""
    shape: tuple[int, ...] = (spec.in_features or 0,)
    total = 0
    for layer in spec.build():
        shape = layer.output_shape(shape)
        total += math.prod(shape)
    return spec.num_parameters, total


def _gib(size: int) -> str:
    return f"{size / 2**30:,.3g}" if size < 10 * 2**30 else f"{size / 2**30:,.0f}"
