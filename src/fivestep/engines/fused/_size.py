"""Chooses the body on the CPU, by the operations of a step and the rows it gathers, without importing Numba."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, final

import torch

from ...find import Choice, build
from ...net import NetSpec
from ...plan import TrainPlan
from ._forms import is_activation, is_known, rule_form

FEW = 40_000_000
"""Floating-point operations of a step up to which the small body, on one thread, is faster than torch's products.

Measured against `scratch` on two threads: they are equal at some 90 million for square products, and at more where one
side is short; at 27 million the small body takes less than half the time (benchmarks/sizes.py).
"""

FEWER = 15_000_000
"""The same for wide layers where registers have 32 bytes: the small body then computes half as fast.

Measured on one core, with compiled code and torch's libraries limited to such registers: equal at some 7 million for
two layers of 128, and at 24 million for one of 256 behind 50 inputs.
"""

LEAST = 2_000_000
"""Operations of a step from which units are divided: in smaller steps, the fixed costs outweigh the products."""


@final
class Tile(NamedTuple):
    """A tile of a divided product (`body/panels.py`), which takes as long where it is not filled.

    `handicap` is how many multiplications in panels take as long as one of the small body.
    """

    columns: int
    rows: int
    handicap: float


TILES = {"AVX512": Tile(32, 8, 1.6), "AVX2": Tile(16, 6, 2.4)}
"""By torch's name for the processor's capability: the processors where dividing units was measured to be faster.

With AVX-512 the handicap is 1.45 on one thread, for networks of few weights, plus a tenth in favor of panels, which can
use several threads. The number of threads itself does not decide, so that a run that is resumed with another number, or
in a fleet, has the same body. With these numbers the estimate is within a fifth of the ratios in benchmarks/sizes.py,
which go from 0.8 (two layers of 256) to 5 (one of 32). With AVX2 the small body has too few registers for its blocks:
measured on one core limited to AVX2, from 2.3 (two layers of 512) over 2.8 (two of 32) to 4.5 (one of 128).
"""

EACH_UNIT = 50
"""Multiplications in panels that take as long as all other work for a unit and a row, forward and backward."""

COLUMNS = ("percentiles", "periodic", "scale")
"""Layers that a network for tables begins with, in which each unit depends on a single column."""

PANEL = 8
"""The columns of every panel are a multiple of this, so 8, 4 or 2 aligned units are never split between two panels."""

NORMS = ("layer_norm", "rms_norm", "batch_norm")
"""The norms that the body for larger networks supports."""

WIDE = 100_000
"""Numbers in the rows of a shuffled step up to which the small body gathers them as fast as it computes.

With more, as in 256 rows of 784 pixels, its columns miss the cache: 784-10 on bytes took three times as long as torch,
although a step has only 12 million operations; with rows of 512 numbers it took as long as torch.
"""

MOST_INPUTS = 256
"""Inputs up to which a narrow network has the small body for any full batch; with more it misses the cache."""

USUAL_ROWS = 256
"""The assumed rows of a full batch, if the number is not given."""


def is_larger(spec: NetSpec, plan: TrainPlan, num_rows: int | None = None) -> tuple[bool, str]:
    """Whether the body for larger networks does the steps, and the reason as a phrase.

    `num_rows` is what a full batch has.
    """
    gathered = (plan.batch_size or 0) * (spec.in_features or 0)  # the full batch is ready in memory
    if gathered > WIDE:
        return True, f"a step gathers {_rounded(gathered)} numbers, more than {_rounded(WIDE)}"
    operations, limit = operations_per_step(spec, plan.batch_size or num_rows or USUAL_ROWS), FEW
    if can_be_divided(spec, plan):
        if fills_panels(spec):
            limit = LEAST
        elif operations > LEAST and (spec.in_features or 0) <= MOST_INPUTS:
            return False, f"a step has {_rounded(operations)} operations, in layers too narrow to be divided"
    elif not has_wide_registers() and fills_panels(spec):
        limit = FEWER
    words = "no more than" if operations <= limit else "more than"
    return operations > limit, f"a step has {_rounded(operations)} operations, {words} {_rounded(limit)}"


def can_be_divided(spec: NetSpec, plan: TrainPlan) -> bool:
    """Whether threads can divide the units: all layers are supported, first and last one fit, and the rule is scalar.

    And whether the processor is one where that has been measured to be faster than torch's products.
    """
    num_columns = num_of_columns(spec.layers)
    layers = spec.layers[num_columns or spec.layers[0].name == "standardize" :]
    if rule_form(plan) is None or own_tile() is None or not layers or not all(map(_is_known, layers)):
        return False
    ends = layers
    if len(layers) == 1 and layers[0].name == "residual" and not num_columns and len(_parsed(layers[0])) > 1:
        ends = _parsed(layers[0])  # its outputs are joined with the inputs, of which each thread has a copy
    return _begins_well(layers) and _ends_well(ends) and all(map(_fits_panels, spec.layers[:num_columns]))


def num_of_columns(layers: Sequence[Choice]) -> int:
    """How many of `COLUMNS` a network begins with, each at most once, and in this order."""
    count = 0
    for name in COLUMNS:
        count += count < len(layers) and layers[count].name == name
    return count


def _fits_panels(choice: Choice) -> bool:
    """Whether all units of a column belong to one thread."""
    return choice.name != "periodic" or PANEL % build("layers", choice).dim == 0


def _parsed(residual: Choice) -> tuple[Choice, ...]:
    """The layers of a residual."""
    return tuple(map(Choice.parse, residual.options["layers"]))


def _ends_well(layers: Sequence[Choice]) -> bool:
    """Whether the last layer is linear, as each thread computes a part of every logit."""
    return layers[-1].name in ("linear", "ntk_linear")


def _begins_well(layers: Sequence[Choice]) -> bool:
    """Whether the first layer does not overwrite its inputs."""
    first = _parsed(layers[0])[0] if layers[0].name == "residual" else layers[0]
    return first.name in ("linear", "ntk_linear", *NORMS)


def _is_known(choice: Choice) -> bool:
    """Whether a layer can be divided. A level can have one branch at most."""
    if choice.name == "residual":
        inside = _parsed(choice)
        return inside[0].name != "residual" and all(map(_is_known, inside))
    if choice.name == "parametric":
        return is_activation(Choice.parse(build("layers", choice).activation))
    if choice.name in NORMS:
        return is_known(choice)
    return choice.name in ("linear", "ntk_linear", "dropout") or is_activation(choice)


def own_tile() -> Tile | None:
    """The tile of this processor; None on one whose networks are not divided."""
    return TILES.get(torch.backends.cpu.get_cpu_capability())


def has_wide_registers() -> bool:
    """Whether the processor is an x86 with AVX-512."""
    return torch.backends.cpu.get_cpu_capability() == "AVX512"


def fills_panels(spec: NetSpec) -> bool:
    """Whether panels do the products of a row faster than the small body, on one thread each.

    Counts multiplications, padding included: panels do i o' forward, o" i' for the gradient and, above the first layer,
    o i' backward, where o' and i' are rounded up to whole panels and o" to whole tiles. The small body does i o three
    times, and twice in the first layer.
    """
    shapes = _matrices(spec)
    if not shapes:
        return False
    columns, rows, handicap = own_tile() or TILES["AVX512"]
    each = [math.prod(shape) for shape in shapes]
    ours = 3 * sum(each) - each[0]
    panels = sum(i * _up(o, columns) + _up(o, rows) * _up(i, columns) + EACH_UNIT * _up(o, columns) for o, i in shapes)
    panels += sum(o * _up(i, columns) for o, i in shapes[1:])
    return panels <= handicap * ours


def is_recorded(device: torch.device, options: Mapping[str, Any]) -> bool:
    """Whether the steps are those that a CUDA device records: because it is one, or by the engine's options."""
    return device.type == "cuda" or options.get("precision") is not None or bool(options.get("recorded"))


def operations_per_step(spec: NetSpec, num_rows: int) -> int:
    """Floating-point operations of a step: two for each weight and row forward, and twice as many backward."""
    return 6 * num_rows * sum(math.prod(shape) for shape in _matrices(spec))


def _matrices(spec: NetSpec) -> list[tuple[int, ...]]:
    """The shapes of the matrices, in order."""
    return [shape for layer in spec.build() for shape in layer.parameter_shapes().values() if len(shape) == 2]


def _up(count: int, whole: int) -> int:
    return -(-count // whole) * whole


def _rounded(operations: int) -> str:
    """A number of operations as text with at most three digits."""
    for size, word in ((10**9, "billion"), (10**6, "million"), (10**3, "thousand")):
        if operations >= size:
            return f"{operations / size:.3g} {word}"
    return str(operations)
