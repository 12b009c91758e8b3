"""Networks abreast (`body/abreast.py`): which of them may be, and their numbers, copied in and out."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np

from ....blocks import Block
from ....plan import TrainPlan
from .. import _compiled
from .._tables import ALIGNMENT, SLOTS, aligned, in_lanes
from ..body.abreast import Abreast, LaneSteps
from ..body.forward_active import looks_up
from ..body.hidden import Hidden, takes_active_rows
from ..body.losses import Measure
from ..body.rules import Rule
from .arrays import NetworkArrays

MOST_BYTES = 512 * 1024
"""Bytes of the hidden units of all networks and rows, at most: half of a second-level cache."""

MOST_WEIGHTS = 600
"""Parameters of a network, at most: those of all networks are gone through in each step."""

LEAST_SHARE = 0.8
"""Of the lanes that have a network: with fewer, one after another is as fast."""


def may_be_abreast(plan: TrainPlan, hidden: Hidden | None, block: Block) -> bool:
    """Whether networks with such steps may be: one hidden layer, one output, and all rows in each step.

    What adds up all parameters of a network, an L2 term or a norm, does so in an order that is not kept here.
    """
    if hidden is None or hidden.num_out > 1 or plan.l2 or plan.clip_norm is not None or not block.is_in_order:
        return False
    num_rows = len(block.rows)
    is_whole = bool((block.starts == 0).all() and (block.stops == num_rows).all()) and block.rows.stored.dim() == 2
    num_weights, size = hidden.num_hidden * (hidden.num_in + 2), hidden.num_hidden * num_rows * ALIGNMENT
    return is_whole and num_rows <= hidden.where.size and size <= MOST_BYTES and num_weights <= MOST_WEIGHTS


@final
class Lanes:
    """Room for as many networks as a register has lanes, and the places of their parameters."""

    def __init__(self, hidden: Hidden, measure: Measure, rule: Rule, parameter_places: Any, order_size: int) -> None:
        self._hidden, self._measure, self._parameter_places = hidden, measure, parameter_places
        self._order_size, self._dtype = order_size, hidden.wide.dtype
        self.count = ALIGNMENT // self._dtype.itemsize
        lines, unit = np.divmod(np.arange(order_size), hidden.num_hidden)
        self._num_hidden = int((parameter_places // hidden.num_hidden == 0).sum())
        n, size = hidden.num_in, self._num_hidden * (hidden.num_in + 1) + hidden.num_hidden + 1
        places = np.where(lines <= n, unit * (n + 1) + lines, self._num_hidden * (n + 1) + unit)
        places[(n + 2) * hidden.num_hidden :] = size - 1  # the output's bias
        self._register_of, self._size = places, size
        self._places = places[parameter_places]
        factors, decays = self._registers(1), self._registers(1)
        factors[self._places], decays[self._places] = (
            array[parameter_places, None] for array in (rule.lr_factors, rule.decays)
        )
        self._rule = rule._replace(lr_factors=factors.ravel(), decays=decays.ravel(), matrices=factors.ravel())
        self._net: Abreast | None = None
        self._steps: LaneSteps | None = None
        self._rows: Any = None

    def _registers(self, count: int) -> Any:
        return aligned(count * self._size * self.count, self._dtype).reshape(-1, self.count)

    def _abreast(self, x: Any, y: Any, share: Any) -> Abreast:
        """The networks with those rows, made once for the same ones."""
        if self._net is not None and self._rows is x:
            return self._net
        hidden, beside, num_rows = self._hidden, len(self._hidden.beside), len(x)
        rows = in_lanes(num_rows)
        numbers, targets, shares = (aligned(rows * size, self._dtype) for size in (hidden.num_in, 1, 1))
        numbers[: x.size], targets[:num_rows] = x.ravel(), y.ravel()
        shares[:num_rows] = share if share.size else 1.0 / num_rows
        num_registers = beside * hidden.num_hidden // self.count
        register = np.arange(self._num_hidden) * beside // self.count
        is_last = (register == num_registers - 1) & (num_registers % 2 == 1)
        in_groups = looks_up(self.count // beside) and takes_active_rows.py_func(hidden.which, hidden.num_in)
        self._rows = x
        self._net = Abreast(
            which=hidden.which,
            num_in=hidden.num_in,
            num_hidden=self._num_hidden,
            units=hidden.num_hidden,
            has_hidden_bias=hidden.has_hidden_bias,
            has_bias=hidden.has_bias,
            rows=rows,
            x=numbers,
            y=targets,
            share=shares,
            chains=np.where(is_last, 2 * beside, beside) * (not in_groups),
            together=(0,) * (self.count // beside),
            a=aligned(hidden.num_hidden * rows * self.count, self._dtype),
            dz=aligned(rows * self.count, self._dtype),
            z=aligned(rows * self.count, self._dtype),
            dz2=aligned(rows * self.count, self._dtype),
        )
        return self._net

    def train(
        self, networks: NetworkArrays, places: Sequence[Any], data: tuple[Any, Any, Any], rates: Any, losses: Any
    ) -> None:
        """Does the steps of networks, no more than there are lanes, with rates (K, S); `losses` (K, S) takes theirs.

        `data` are x, y and the shares of the rows. `places` are those of what the rule remembers, in the order of the
        body that trains one network.
        """
        num_networks = len(rates)
        w, g, memory = self._registers(1), self._registers(1), self._registers(SLOTS)
        steps = self._steps_of(rates.shape[1])
        steps.rates[:, :num_networks] = rates.T
        w[self._places, :num_networks] = networks.flat.T
        slots = [
            place // self._order_size * self._size + self._register_of[place % self._order_size] for place in places
        ]
        for rows, slot in zip(networks.memory, slots, strict=True):
            memory[slot, :num_networks] = rows.T
        name = str(self._dtype)
        with _compiled.compiling("abreast", name):
            numbers = w.ravel(), g.ravel(), memory.ravel()
            _compiled.abreast()(self._abreast(*data), self._measure, self._rule, steps, numbers)
        networks.flat[:], networks.grad[:] = w[self._places, :num_networks].T, g[self._places, :num_networks].T
        for rows, slot in zip(networks.memory, slots, strict=True):
            rows[:] = memory[slot, :num_networks].T
        losses[:] = steps.losses[:, :num_networks].T

    def _steps_of(self, num_steps: int) -> LaneSteps:
        """Room for the rates and losses of so many steps, kept for the next networks."""
        if self._steps is None or len(self._steps.rates) != num_steps:
            each = (aligned(num_steps * self.count, self._dtype).reshape(-1, self.count) for _ in range(2))
            self._steps = LaneSteps(0, *each)
        return self._steps
