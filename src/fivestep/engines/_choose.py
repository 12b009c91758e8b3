"""Which engine does the work, and why: by device, by floating-point operations per step, by what has a scalar form."""

import importlib.util
import math
import warnings
from typing import NamedTuple, final

import torch

from ..net import NetSpec
from ..plan import TrainPlan
from ..ranks import ALONE, Ranks
from .fused._forms import obstacle

FEW = 40_000_000
"""Floating-point operations of a step up to which the compiled body, on one thread, is faster than tensors on two.

Measured: they meet at some 65 to 85 million where the products are square, and beyond that where one side is short;
at 27 million the body takes six tenths of the time (benchmarks/sizes.py).
"""

WIDE = 100_000
"""Numbers in the rows of a shuffled step up to which the compiled body gathers them as fast as it computes.

Beyond, as in 256 rows of 784 pixels, its columns miss the cache: 784-10 on bytes took three times what tensors take,
although a step has 12 million operations only; rows of 512 numbers took as long as tensors.
"""

USUAL_ROWS = 256
"""The rows of a full batch, where nobody says how many there are."""


@final
class Chosen(NamedTuple):
    """The name of an engine, and the reason in half a sentence."""

    name: str
    reason: str


def choose(
    name: str, spec: NetSpec, plan: TrainPlan, device: torch.device, num_rows: int | None, ranks: Ranks = ALONE
) -> Chosen:
    """The engine for "auto", or for a name; warns where one that was asked for by name cannot do the work."""
    if name not in ("auto", "fused"):
        return Chosen(name, "it was asked for")
    in_the_way = _obstacle(spec, plan, device, ranks)
    if name == "fused":
        if in_the_way is None:
            return Chosen("fused", "it was asked for")
        warnings.warn(f"engine 'fused' hands over to 'scratch': {in_the_way}.", stacklevel=3)
        return Chosen("scratch", in_the_way)
    if in_the_way is not None:
        return Chosen("scratch", in_the_way)
    gathered = (plan.batch_size or 0) * (spec.in_features or 0)  # the full batch lies ready
    if gathered > WIDE:
        return Chosen("scratch", f"a step gathers {_rounded(gathered)} numbers, more than {_rounded(WIDE)}")
    operations = operations_per_step(spec, plan.batch_size or num_rows or USUAL_ROWS)
    is_small = operations <= FEW
    limit = f"{'no more than' if is_small else 'more than'} {_rounded(FEW)}"
    reason = f"a step has {_rounded(operations)} operations, {limit}"
    return Chosen("fused" if is_small else "scratch", reason)


def operations_per_step(spec: NetSpec, num_rows: int) -> int:
    """Floating-point operations of a step: two for each weight and row forward, and twice as many backward."""
    return (
        6
        * num_rows
        * sum(
            math.prod(shape) for layer in spec.build() for shape in layer.parameter_shapes().values() if len(shape) == 2
        )
    )


def _obstacle(spec: NetSpec, plan: TrainPlan, device: torch.device, ranks: Ranks) -> str | None:
    """What keeps the compiled body from the work; None if nothing does."""
    if not ranks.are_alone:
        return f"{ranks.size} ranks meet in every step, and the compiled body does many in one call"
    if device.type != "cpu":
        return f"the compiled body runs on the CPU, not on {device}"
    if importlib.util.find_spec("numba") is None:
        return "numba is not installed (pip install numba)"
    return obstacle(spec, plan)


def _rounded(operations: int) -> str:
    """A number of operations in words of at most three digits."""
    for size, word in ((10**9, "billion"), (10**6, "million"), (10**3, "thousand")):
        if operations >= size:
            return f"{operations / size:.3g} {word}"
    return str(operations)
