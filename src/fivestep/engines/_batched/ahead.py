"""The rows, rates and masks of the next steps of K networks: `Blocks` for a batch."""

import importlib.util
import math
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import final

import torch
from torch import Tensor

from ... import draws
from ...batches import rows_of_batch, shares_of, together
from ...datasets._base import Dataset, Rows
from ...draws import DrawOrders, Draws
from ...plan import TrainPlan
from .._engine import Engine
from ..fused import _orders
from .drawn import bits_of_steps
from .given import StepsAhead, Table
from .networks import Networks

MOST_BYTES = 2**28
"""The most bytes of row indices and masks of one block."""

MANY_ORDERS = 200_000
"""The number of orders from which compiled code draws them: in less than a fifth of torch's time, but with 0.3 s to
load."""

MOST_SHORT = 2**31
"""The most rows of a table whose indices are kept in 32 bits."""

TOGETHER = 256
"""Networks whose orders are drawn in one call, in eight bytes per index, before most are kept in four."""

MOST_STEPS = 500
"""The most steps of one block: a network that diverges repeats so many by itself."""


@final
class Ahead:
    """The steps of the networks with these plans; network k trains on `parts[own[k]]`, all of which have as many rows.

    The rows are put on the device once: as `whole` where every step takes all of them, else as a table of rows.
    """

    def __init__(
        self, pattern: Engine, parts: Sequence[Dataset], own: Sequence[int], plans: Sequence[TrainPlan]
    ) -> None:
        self._pattern, self._parts, self._own, self._plans = pattern, parts, list(own), list(plans)
        self._num_rows, plan = parts[0].num_rows, plans[0]
        self._size = rows_of_batch(plan.batch_size, parts[0])
        self._per_epoch = plan.steps_per_epoch(self._num_rows)
        self._fresh = parts[0].fresh
        self._schedule, self._num_steps = plan.build_schedule(), plan.num_steps(self._num_rows)
        self._answers = self._schedule.answers  # follows each network's own figures
        self._rates = self._numbers([plan.lr for plan in plans])
        self._l2 = self._numbers([plan.l2 for plan in plans]) if plan.l2 else None
        has_order = self._size < self._num_rows and self._fresh is None  # one that is drawn
        self._draw_orders = draw_orders_for(len(own) * plan.epochs if has_order else 0)
        tables = len(parts) if self._fresh is None else MOST_STEPS  # the steps of a block, by epoch
        self._type_of_places = torch.int32 if tables * self._num_rows <= MOST_SHORT else torch.int64
        self._drawn, self._places = range(0), torch.zeros(0)

    def _numbers(self, values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float64, device=self._pattern.device)

    def give_rows(self, networks: Networks) -> None:
        """Sets the rows for the steps of these networks."""
        if self._fresh is not None:
            return
        table = self._table([part.train for part in self._parts])
        if self._size < self._num_rows:
            networks.put(table)
            return
        own = torch.tensor(self._own, device=table.x.device)
        x, y, weight = (None if of is None else of.unflatten(0, (len(self._parts), -1)) for of in table)
        assert x is not None
        assert y is not None
        each = x.expand(len(own), -1, -1) if len(self._parts) == 1 else x[own]
        shares = None if weight is None else shares_of(weight[own])
        networks.whole = Table(each, y[own].flatten(0, 1), shares)

    def _table(self, parts: Sequence[Rows]) -> Table:
        """Rows in a table: inputs in the network's form, targets in the loss's."""
        pattern, rows = self._pattern, together([_as_numbers(part, self._pattern) for part in parts])
        x = pattern.as_input(rows.stored)
        like = torch.zeros((), dtype=pattern.dtype, device=pattern.device)
        y = pattern.criterion.match(like.expand(*x.shape[:-1], pattern.spec.out_features or 0), rows.y)
        return Table(x.contiguous(), y.contiguous(), rows.weight)

    def most_steps(self, first: int, masked: Mapping[int, int]) -> int:
        """How many steps a block from that one on may have; `masked` are the widths of layers that draw, by number.

        It ends with an epoch, where it can.
        """
        each = self._type_of_places.itemsize * self._size * (self._size < self._num_rows)
        each += sum(2 * self._size * width for width in masked.values())
        most = max(1, min(MOST_STEPS, MOST_BYTES // max(1, each * len(self._own))))
        left = self._per_epoch - first % self._per_epoch
        return most if most < left else left + (most - left) // self._per_epoch * self._per_epoch

    def take(self, networks: Networks, first: int, num: int, seen: Sequence[Sequence[float]]) -> StepsAhead:
        """Steps number `first` (from 0) and the `num` - 1 after it; `seen` is what each network's plan monitors.

        Where rows are drawn fresh, the networks are given those of these steps.
        """
        numbers = range(first, first + num)
        sizes = [min(self._size, self._num_rows - s % self._per_epoch * self._size) for s in numbers]
        epochs = range(numbers[0] // self._per_epoch, numbers[-1] // self._per_epoch + 1)
        if self._fresh is not None:
            networks.put(self._table([self._fresh(epoch) for epoch in epochs]))
        places = None
        if networks.whole is None:
            within = numbers[0] % self._per_epoch
            places = self._orders(epochs)[within : within + num].to(self._pattern.device)  # (n, K, B)
        rates = self._factors(numbers, seen) * self._rates  # (n, K)
        strengths = torch.zeros_like(rates) if self._l2 is None else self._l2 / self._totals(networks, sizes, places)
        dtype, bits = self._pattern.dtype, self._bits(networks, first, sizes)
        return StepsAhead(first, sizes, places, rates.to(dtype)[..., None], strengths.to(dtype)[..., None], bits)

    def _factors(self, numbers: range, seen: Sequence[Sequence[float]]) -> Tensor:
        """The schedule's factors, (n, 1) or, if it reacts to measurements, (n, K)."""
        known: dict[tuple[float, ...], list[float]] = {}
        histories = [tuple(of) for of in seen] if self._answers else [()]
        for history in histories:
            if history not in known:
                known[history] = [self._schedule.factor(s, self._num_steps, history) for s in numbers]
        each = [known[history] for history in histories]
        return torch.tensor(each, dtype=torch.float64, device=self._pattern.device).T

    def _orders(self, epochs: range) -> Tensor:
        """The row indices of all steps of these epochs, (steps, K, B); a smaller last step is padded with 0.

        Kept for the next block, which may continue the same epochs.
        """
        if epochs == self._drawn:
            return self._places
        num, shape = self._num_rows, (len(self._own), len(epochs), self._per_epoch * self._size)
        places = torch.zeros(shape, dtype=self._type_of_places)
        if self._fresh is not None:
            places[:, :, :num] = torch.arange(len(epochs) * num).view(len(epochs), num)
        else:
            own = torch.tensor(self._own)[:, None, None] * num
            for start in range(0, len(own), TOGETHER):
                seeds = [draws.order_seeds(plan.seed, epochs) for plan in self._plans[start : start + TOGETHER]]
                orders = torch.empty((len(seeds) * len(epochs), num), dtype=torch.int64)
                self._draw_orders([*chain.from_iterable(seeds)], orders)
                places[start : start + TOGETHER, :, :num] = (
                    orders.view(len(seeds), -1, num) + own[start : start + TOGETHER]
                )
        self._drawn, self._places = epochs, places.view(len(self._own), -1, self._size).movedim(0, 1).contiguous()
        return self._places

    def _totals(self, networks: Networks, sizes: Sequence[int], places: Tensor | None) -> Tensor:
        """The number of rows of each step, or the sum of their weights, (n, 1) or (n, K), which divides the L2 term."""
        if networks.whole is not None:
            weights = [self._parts[own].train.weight for own in self._own]
            if weights[0] is None:
                return self._numbers(sizes)[:, None]
            return self._numbers([math.fsum(weight.tolist()) for weight in weights if weight is not None])[None]
        assert networks.table is not None
        assert places is not None
        if networks.table.weight is None:
            return self._numbers(sizes)[:, None]
        weight, tiny = networks.table.weight.double(), torch.finfo(self._pattern.dtype).tiny
        sums = [weight[step[:, :size]].sum(1) for step, size in zip(places, sizes, strict=True)]
        return torch.stack(sums).clamp(min=tiny)

    def _bits(self, networks: Networks, first: int, sizes: Sequence[int]) -> dict[int, Tensor]:
        """The draws of every dropout layer, (n, K, B, H): for each network those that it would have alone."""
        steps, seeds, bits = range(first, first + len(sizes)), [plan.seed for plan in self._plans], {}
        for layer, width in networks.dropping.items():
            drawn = bits_of_steps(seeds, steps, layer, self._size * width, self._pattern.device)
            bits[layer] = (
                self._bits_by_host(layer, width, steps, sizes)
                if drawn is None
                else drawn.unflatten(2, (self._size, width))
            )
        return bits

    def _bits_by_host(self, layer: int, width: int, steps: range, sizes: Sequence[int]) -> Tensor:
        drawn = torch.zeros((len(sizes), len(self._own), self._size, width), dtype=torch.int16)
        for k, plan in enumerate(self._plans):
            of_one = Draws(plan.seed)
            for s, size in enumerate(sizes):
                of_one.step = steps[s]
                drawn[s, k, :size] = of_one.bits(layer, drawn[s, k, :size])
        return drawn.to(self._pattern.device)

    def taken(self, which: Sequence[int]) -> "Ahead":
        """The same for some of the networks."""
        own, plans = [self._own[k] for k in which], [self._plans[k] for k in which]
        return Ahead(self._pattern, self._parts, own, plans)


def draw_orders_for(count: int) -> DrawOrders:
    """The fastest function to draw so many orders: compiled code if they are enough to load it."""
    if count < MANY_ORDERS or importlib.util.find_spec("numba") is None:
        return draws.draw_orders
    return _orders.draw_orders


def _as_numbers(rows: Rows, pattern: Engine) -> Rows:
    """The rows on the device, as floating-point numbers."""
    rows = rows.to(pattern.device, pattern.dtype)
    return rows if rows.scale is None else Rows(rows.inputs(pattern.dtype), rows.y, rows.weight)
