"""Which of the two bodies does a step: by its floating-point operations, and by what it gathers. Loads no numba."""

import math
from collections.abc import Mapping
from typing import Any

import torch

from ...net import NetSpec
from ...plan import TrainPlan

FEW = 40_000_000
"""Floating-point operations of a step up to which the compiled body, on one thread, is faster than `scratch` on two.

Measured: they meet at some 90 million where the products are square, and beyond that where one side is short; at 27
million the body takes less than half the time (benchmarks/sizes.py).
"""

WIDE = 100_000
"""Numbers in the rows of a shuffled step up to which the compiled body gathers them as fast as it computes.

Beyond, as in 256 rows of 784 pixels, its columns miss the cache: 784-10 on bytes took three times what tensors take,
although a step has 12 million operations only; rows of 512 numbers took as long as tensors.
"""

USUAL_ROWS = 256
"""The rows of a full batch, where nobody says how many there are."""


def is_larger(spec: NetSpec, plan: TrainPlan, num_rows: int | None = None) -> tuple[bool, str]:
    """Whether the body for larger networks does it, and the reason in half a sentence.

    `num_rows` is what a full batch has.
    """
    gathered = (plan.batch_size or 0) * (spec.in_features or 0)  # the full batch lies ready
    if gathered > WIDE:
        return True, f"a step gathers {_rounded(gathered)} numbers, more than {_rounded(WIDE)}"
    operations = operations_per_step(spec, plan.batch_size or num_rows or USUAL_ROWS)
    limit = f"{'no more than' if operations <= FEW else 'more than'} {_rounded(FEW)}"
    return operations > FEW, f"a step has {_rounded(operations)} operations, {limit}"


def is_recorded(device: torch.device, options: Mapping[str, Any]) -> bool:
    """Whether steps are done as a CUDA device has them recorded, by the engine's options or because it is one."""
    return device.type == "cuda" or options.get("precision") is not None or bool(options.get("recorded"))


def operations_per_step(spec: NetSpec, num_rows: int) -> int:
    """Floating-point operations of a step: two for each weight and row forward, and twice as many backward."""
    return (
        6
        * num_rows
        * sum(
            math.prod(shape) for layer in spec.build() for shape in layer.parameter_shapes().values() if len(shape) == 2
        )
    )


def _rounded(operations: int) -> str:
    """A number of operations in words of at most three digits."""
    for size, word in ((10**9, "billion"), (10**6, "million"), (10**3, "thousand")):
        if operations >= size:
            return f"{operations / size:.3g} {word}"
    return str(operations)
