"""Many steps at once, for an engine that does them without returning to Python: which rows are in which step."""

from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple, Self, final

import torch
from torch import Tensor

from . import draws
from .batches import InOrder, rows_of_batch, shares_of, together, total_of
from .datasets._base import Dataset, Rows
from .typing import Indices, RowWeights

MOST_PLACES = 250_000
"""Rows that the steps of one block visit together, at most, where their order is written down: it takes 2 MB and so
stays near the processor (benchmarks/small_networks.py)."""

LEAST_STEPS_AWAY = 1000
"""Steps of one block, at most, where the rows lie on another device, but never less than an epoch's: the orders of the
next block are drawn while the device does this one."""

MOST_PLACES_AWAY = 2**25
"""Rows that these steps visit together, at most, but never less than an epoch's: their order takes 256 MB there."""

MOST_STEPS = 1_000_000
"""Steps of one block, at most: rates, losses and ends take 50 MB."""


MOST_ROWS, MOST_BYTES = 2**16, 2**26
"""Rows of a stream that the steps of one block take, at most, and their bytes, where they are copied."""


STORED = (torch.uint8, torch.float32, torch.float64)
"""Types of inputs that an engine may turn into its own, row by row, while it gathers them."""


class Block(NamedTuple):
    """Steps that are about to be done in one call.

    Step s takes the places `starts[s]` to `stops[s]` - 1: entries of `order`, or rows of `rows` where there is no
    order. Where there are `seeds`, one for each epoch, the order of an epoch is left to the engine to draw, and places
    are counted from the epoch's first. `shares` are the weights of the places, which sum to 1 over each step, or None
    where all rows of a step weigh alike. `rates` are the learning rates, `l2` the strengths of the L2 term.
    """

    rows: Rows
    order: Indices | None
    shares: RowWeights | None
    starts: Tensor
    stops: Tensor
    rates: Tensor
    l2: Tensor
    seeds: Sequence[int] = ()

    @property
    def is_in_order(self) -> bool:
        """Whether its steps take the rows as they lie."""
        return self.order is None and not self.seeds

    @property
    def num_rows(self) -> Tensor:
        """The number of rows of each step."""
        return self.stops - self.starts


class RowAccess(NamedTuple):
    """How an engine reads the rows of a block.

    With `as_stored`, inputs that it gathers step by step stay in their own type, if that is one of `STORED`. With
    `only_seeds`, a block has the seeds of its orders, and the engine draws these itself, where rows are vectors that
    all weigh alike; elsewhere `draw_orders` draws them.
    """

    as_stored: bool = False
    only_seeds: bool = False
    draw_orders: draws.DrawOrders = draws.draw_orders


@final
class Blocks:
    """The same batches as `Batches` gives, in the same order, as places instead of copies.

    `access` says how the engine reads them.
    """

    def __init__(
        self,
        data: Dataset,
        size: int | None,
        seed: int,
        dtype: torch.dtype,
        device: torch.device,
        access: RowAccess | None = None,
    ) -> None:
        access = access or RowAccess()
        self.num_rows = data.num_rows
        self.size = rows_of_batch(size, data)
        self._data, self._seed, self._dtype, self._device = data, seed, dtype, device
        as_stored = access.as_stored and self.size < self.num_rows and data.train.stored.dtype in STORED
        self._rows = (_as_stored if as_stored else _as_numbers)(data.train, dtype, device)
        self._per_epoch = -(-self.num_rows // self.size)
        self._in_order = None if data.stream is None else InOrder(data.stream, seed)
        is_plain = data.train.scale is None and data.train.stored.dtype == dtype
        self._takes_windows = (as_stored or is_plain) and device.type == "cpu"
        self._window: tuple[Rows, Rows] | None = None
        self._draw_orders, self._order = access.draw_orders, torch.empty((0, self.num_rows), dtype=torch.int64)
        self._only_seeds = access.only_seeds and data.fresh is None and data.stream is None and self._are_alike_vectors
        self._drawn = range(0)
        self._copied, self._ahead = self._order, dict[int, Indices]()
        self._full: tuple[tuple[int, float], Block] | None = None
        self._full_shares = self._shares(self._rows.weight, 1) if self._is_one_batch else None

    def with_seed(self, seed: int) -> Self:
        """The blocks of the same rows in the order of another seed; these ones are then used no more."""
        self._seed, self._drawn, self._ahead = seed, range(0), {}
        return self

    @property
    def most_steps(self) -> int:
        """How many steps a block may have."""
        if self._is_one_batch or self._only_seeds:
            return MOST_STEPS
        if self._device.type != "cpu" and self._in_order is None and self._data.fresh is None:
            return max(self._per_epoch, min(LEAST_STEPS_AWAY, MOST_PLACES_AWAY // self.size))
        if self._in_order is None:
            return max(1, MOST_PLACES // self.size)
        if self._takes_windows:  # a block ends with its window; before the first row of one, a step says which it is
            return max(1, min(MOST_PLACES, self._in_order.num_left) // self.size)
        return max(1, min(MOST_ROWS, MOST_BYTES // (self._data.in_features * self._dtype.itemsize)) // self.size)

    @property
    def _is_one_batch(self) -> bool:
        """Whether all steps take the same rows."""
        return self._data.fresh is None and self._in_order is None and self.size == self.num_rows

    @property
    def _are_alike_vectors(self) -> bool:
        return self._rows.weight is None and self._rows.stored.dim() == 2 and self.num_rows < draws.MOST_ROWS

    def take(self, first: int, rates: Tensor, l2: float = 0.0) -> Block:
        """The steps from number `first`, counted from 0, as many as there are rates; `l2` is the plan's.

        Each step has the plan's L2 term, divided by the weight of its rows.
        """
        if self._is_one_batch:
            return self._full_batches(len(rates), l2)._replace(rates=rates)
        if self._in_order is not None:
            return self._from_windows(self._in_order, range(first, first + len(rates)), rates, l2)
        epochs = range(first // self._per_epoch, (first + len(rates) - 1) // self._per_epoch + 1)
        rows, order, seeds = self._rows, None, list[int]()
        if self._only_seeds:
            seeds = draws.order_seeds(self._seed, epochs)
        elif self._data.fresh is not None:
            rows = together([_as_numbers(self._data.fresh(e), self._dtype, self._device) for e in epochs])
        else:
            order = self._orders(epochs)
        weight = rows.weight if rows.weight is None or order is None else rows.weight[order]
        steps = torch.arange(first - epochs[0] * self._per_epoch, first - epochs[0] * self._per_epoch + len(rates))
        epoch = steps // self._per_epoch  # one division for all that follows: of whole numbers it is slow
        before = epoch * (0 if seeds else self.num_rows)
        starts = before + (steps - epoch * self._per_epoch) * self.size
        stops = torch.minimum(starts + self.size, before + self.num_rows)
        strengths = self._strengths(weight, starts, stops, l2)
        return Block(rows, order, self._shares(weight, len(epochs)), starts, stops, rates, strengths, seeds)

    def _full_batches(self, count: int, l2: float) -> Block:
        """That many steps on all rows, as they were the last time where they are the same; their rates are to come."""
        if self._full is None or self._full[0] != (count, l2):
            starts, stops = torch.zeros(count, dtype=torch.int64), torch.full((count,), self.num_rows)
            strengths = self._strengths(self._rows.weight, starts[:1], stops[:1], l2).repeat(count)
            block = Block(self._rows, None, self._full_shares, starts, stops, strengths, strengths)
            self._full = (count, l2), block
        return self._full[1]

    def _from_windows(self, in_order: InOrder, steps: range, rates: Tensor, l2: float) -> Block:
        """The steps with those numbers, of a stream's rows: places in a window, or copies where they lie in several."""
        sizes = rows_of_steps(steps, self.num_rows, self.size)
        stops = sizes.cumsum(0)
        starts, count = stops - sizes, int(stops[-1])
        in_order.seek(steps[0] // self._per_epoch, steps[0] % self._per_epoch * self.size)
        within = in_order.take_within(count) if self._takes_windows else None
        if within is None:
            self._window = None
            copies = together([rows.take(indices) for rows, indices in in_order.take(count)])
            rows, order = copies.to(self._device, self._dtype), None
        else:
            rows, order = self._as_it_lies(within[0]), within[1]
        weight = rows.weight if rows.weight is None or order is None else rows.weight[order]
        strengths = self._strengths(weight, starts, stops, l2)
        shares = None if weight is None else torch.cat([shares_of(part) for part in weight.split(sizes.tolist())])
        return Block(rows, order, shares, starts, stops, rates, strengths)

    def _as_it_lies(self, window: Rows) -> Rows:
        """The rows of a window, inputs where they are: the same ones until the next window."""
        if self._window is None or self._window[0] is not window:
            sample = self._data.train
            as_said = (window.scale, window.stored.dtype) == (sample.scale, sample.stored.dtype)
            assert as_said, "windows are stored as the sample is"
            self._window = window, _as_stored(window, self._dtype, self._device)
        return self._window[1]

    def _orders(self, epochs: range) -> Indices:
        """The orders of several epochs, one after another; overwritten by the next. A block may go on in an epoch."""
        if epochs == self._drawn:
            return self._copied
        self._drawn = epochs
        if len(self._order) < len(epochs):
            self._order = torch.empty((len(epochs), self.num_rows), dtype=torch.int64)
        orders = self._order[: len(epochs)]
        known = list(takewhile(self._ahead.__contains__, epochs))
        for row, epoch in enumerate(known):
            orders[row].copy_(self._ahead[epoch])
        self._draw_orders(draws.order_seeds(self._seed, epochs[len(known) :]), orders[len(known) :])
        self._copied = orders.view(-1).to(self._device)
        return self._copied

    def draw_ahead(self, first: int, stop: int) -> None:
        """Draws the orders that the steps from number `first` on will ask for: to be called while a device works.

        Drawing that of a million rows takes as long as a device takes for some hundred steps.
        """
        if self._is_one_batch or self._in_order is not None or self._data.fresh is not None:
            return
        needed = range(first // self._per_epoch, (stop - 1) // self._per_epoch + 1)
        known = {epoch: order for epoch, order in self._ahead.items() if epoch in needed}
        known |= {epoch: self._order[row].clone() for row, epoch in enumerate(self._drawn) if epoch in needed}
        missing = [epoch for epoch in needed if epoch not in known]
        drawn = torch.empty((len(missing), self.num_rows), dtype=torch.int64)
        self._draw_orders(draws.order_seeds(self._seed, missing), drawn)
        self._ahead = known | dict(zip(missing, drawn, strict=True))

    def _strengths(self, weight: Tensor | None, starts: Tensor, stops: Tensor, l2: float) -> Tensor:
        """The plan's L2 term for each step, divided by the number of its rows or the sum of their weights."""
        totals = (stops - starts).double()
        if not l2:
            return torch.zeros_like(totals)
        if weight is not None:
            places, weight = zip(starts.tolist(), stops.tolist(), strict=True), weight.cpu()  # one copy for all steps
            totals = torch.tensor([total_of(weight[start:stop]) for start, stop in places], dtype=torch.float64)
        return torch.full_like(totals, l2) / totals.clamp(min=torch.finfo(self._dtype).tiny)  # l2 / x is l2 * (1 / x)

    def _shares(self, weight: Tensor | None, num_epochs: int) -> RowWeights | None:
        """The weights of the places, divided by their sum over each step, batch by batch as `Batches` does it."""
        if weight is None:
            return None
        epochs = weight.view(num_epochs, -1)
        shares, whole = torch.empty_like(epochs), self.num_rows - self.num_rows % self.size
        for places, size in ((slice(0, whole), self.size), (slice(whole, None), self.num_rows - whole)):
            if size:
                batches = epochs[:, places].unflatten(1, (-1, size))
                shares[:, places].unflatten(1, (-1, size)).copy_(shares_of(batches))
        return shares.view(-1)


def rows_of_steps(steps: range, num_rows: int, size: int, dtype: torch.dtype = torch.int64) -> Tensor:
    """The rows of each of the steps with those numbers, counted from 0: `size`, or what is left in an epoch's last."""
    per_epoch = -(-num_rows // size)
    counts = torch.full((len(steps),), size, dtype=dtype)
    counts[-(steps.start + 1) % per_epoch :: per_epoch] = num_rows - (per_epoch - 1) * size
    return counts


def _as_stored(rows: Rows, dtype: torch.dtype, device: torch.device) -> Rows:
    """The rows on the device, inputs as they are, everything else in the network's type."""
    y = rows.y.to(device, dtype) if rows.y.is_floating_point() else rows.y.to(device)
    weight = None if rows.weight is None else rows.weight.to(device, dtype)
    return Rows(rows.stored.to(device), y, weight, scale=rows.scale)


def _as_numbers(rows: Rows, dtype: torch.dtype, device: torch.device) -> Rows:
    """The rows on the device, bytes converted once for all steps."""
    rows = rows.to(device, dtype)
    return rows if rows.scale is None else Rows(rows.inputs(dtype), rows.y, rows.weight)
