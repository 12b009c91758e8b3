"""How each thread takes the inputs of a first layer: all of them, or only those that are not 0."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np

from .._tables import aligned
from ..body.divided_rows import Work
from ..body.division import Dense, Nonzeros
from ..body.kinds import LINEAR
from ..body.lanes import BYTES
from ..body.nonzeros import PANELS
from ..body.panels import BESIDE
from .rows import BlockRows
from .stages import Stage

MOST_TRANSPOSED = 2**20
"""Weights that a thread keeps twice, the second time transposed: four megabytes of float32."""

LEAST_ZEROS = 0.2
"""The share of inputs that must be 0 for products to leave them out (`benchmarks/zeros.py`)."""

LEAST_PANELS = 2
"""Of units that a thread must have for it: sums of a single one wait for one another."""

MANY_PANELS, LEAST_ZEROS_OF_FEW = 4, 0.4
"""With fewer panels so many inputs must be 0: a Zen 4 gains at any share, a Zen 5 lost at 30 % and gains at 70 %."""


@final
class FirstInputs:
    """What threads have for it, by the panels of their units and a panel's capacity of rows."""

    def __init__(self, stages: Sequence[Stage], panels: Sequence[int], capacity: int, kind: Any) -> None:
        self._stages, self._panels, self._capacity, self._kind = stages, panels, capacity, kind
        self._columns = BESIDE * BYTES // int(np.dtype(kind).itemsize)
        self._can_leave_out = self._is_alone() and min(panels) >= LEAST_PANELS and self._is_small()
        self.nonzeros: list[Nonzeros] = []

    def of(self, work: Work, rows: BlockRows) -> list[Dense] | list[Nonzeros]:
        """How they take those of a block of steps."""
        is_stored = work.stored.dtype in (np.uint8, self._kind) and work.scale[1] == 0
        least = LEAST_ZEROS if min(self._panels) >= MANY_PANELS else LEAST_ZEROS_OF_FEW
        if not (self._can_leave_out and is_stored and rows.zeros >= least):
            return [Dense(len(self._stages))] * len(self._panels)
        if not self.nonzeros or self.nonzeros[0].rows.dtype != work.stored.dtype:
            self.nonzeros = [self._room(panels, work.stored.dtype) for panels in self._panels]
        stay = work.merges and not work.l2.any() and bool(work.rates.all())
        return [room._replace(scale=float(work.scale[0]), stay=stay) for room in self.nonzeros]

    def _is_alone(self) -> bool:
        """Whether the first layer is a product, and nothing else takes the inputs."""
        first, *others = self._stages
        return bool(others) and first.operation == LINEAR and all(stage.joins != 0 for stage in others)

    def _is_small(self) -> bool:
        return max(self._panels) * self._columns * self._stages[0].num_in <= MOST_TRANSPOSED

    def _room(self, panels: int, kind_of_rows: Any) -> Nonzeros:
        """What a thread has."""
        num_in, columns = self._stages[0].num_in, self._columns
        rows = aligned(-(-num_in // columns) * self._capacity * columns, kind_of_rows)
        sizes = panels * columns * num_in, PANELS * columns**2, columns**2
        weights, grown, transposed = (aligned(size, self._kind) for size in sizes)
        return Nonzeros(rows, 1.0, weights, False, grown, transposed, np.zeros(columns, np.uint32))
