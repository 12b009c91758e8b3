"""From rows to batches: sliced by index, bytes turned into numbers in the batch.

The rows are in memory on the device, or come from files in windows.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import NamedTuple, TypeVar, final

import torch
from torch import Tensor

from . import draws
from .check import AtMost, InputError
from .datasets._base import Dataset, Rows, Stream, Window
from .typing import Indices

Place = tuple[slice, int]
"""Which rows of a batch a part holds, and how many rows the whole batch has, over all ranks."""


class Batch(NamedTuple):
    """The rows of one step: x (N, ...), y (N, ...), and weights (N,) that sum to 1 over the global batch, or None."""

    x: Tensor
    y: Tensor
    weight: Tensor | None

    def copied(self) -> "Batch":
        """The batch in memory of its own: the next batch overwrites x."""
        return self._replace(x=self.x.clone())

    def parts(self, size: int) -> "list[tuple[Place, Batch]]":
        """The batch in parts of at most `size` rows, with their places in it; the weights sum to 1 over all parts."""
        num_rows = len(self.x)
        return self.at([slice(start, min(start + size, num_rows)) for start in range(0, num_rows, size)], num_rows)

    def at(self, places: Sequence[slice], num_rows: int) -> "list[tuple[Place, Batch]]":
        """These rows, in parts that lie at those places of a batch of `num_rows` rows; empty parts are left out."""
        weight = self.x.new_full((len(self.x),), 1 / num_rows) if self.weight is None else self.weight
        if len(places) == 1:
            return [((places[0], num_rows), Batch(self.x, self.y, weight))] if len(self.x) else []
        sizes = [place.stop - place.start for place in places]
        parts = zip(self.x.split(sizes), self.y.split(sizes), weight.split(sizes), strict=True)
        return [((place, num_rows), Batch(*part)) for place, part in zip(places, parts, strict=True) if len(part[0])]


MaybeTensor = TypeVar("MaybeTensor", Tensor, Tensor | None)


@final
class Batches:
    """The batches of each epoch, on one device and in one floating-point type.

    An epoch visits every row once, in an order drawn from (seed, epoch); the last batch may be smaller. The full batch
    is not shuffled, and neither are rows drawn fresh for the epoch. Where ranks share the batches, `places(n)` says
    which rows of a batch of n are here.
    """

    def __init__(
        self,
        data: Dataset,
        size: int | None,
        seed: int,
        dtype: torch.dtype,
        device: torch.device,
        places: Callable[[int], Sequence[slice]] | None = None,
    ) -> None:
        self.num_rows = data.num_rows
        self.size = rows_of_batch(size, data)
        self._in_order = None if data.stream is None else InOrder(data.stream, seed)
        self._data, self._seed, self._dtype, self._device, self._places = data, seed, dtype, device, places
        self._rows = data.train.to(device, dtype)
        if self.size == self.num_rows:  # every step uses all rows: convert them once
            self._rows = Rows(self._converted(self._rows.stored, None), self._rows.y, self._rows.weight)
        gathers = self.size < self.num_rows or self._in_order is not None
        shape = (self.size * gathers, *self._rows.stored.shape[1:])  # memory that NumPy sees cannot grow later
        self._bytes = self._rows.stored.new_empty(shape if self._rows.scale else 0)
        self._x = torch.empty(shape, dtype=dtype, device=device if self._in_order is None else "cpu")
        self._generator = torch.Generator()

    def epoch(self, index: int, first: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from number `first` on, both counted from 0; the next one overwrites a batch's x."""
        starts = range(first * self.size, self.num_rows, self.size)
        if not starts:
            return
        if self._data.fresh is not None:
            rows = self._data.fresh(index).to(self._device, self._dtype)
            yield from (self._batch(rows, slice(start, start + self.size)) for start in starts)
        elif self._in_order is not None:
            self._in_order.seek(index, starts.start)
            yield from (self._from_windows(self._in_order, min(self.size, self.num_rows - start)) for start in starts)
        elif self.size == self.num_rows:
            yield from (self._batch(self._rows, slice(None)) for _ in starts)
        else:
            order = draws.order(self._seed, index, self.num_rows, self._generator)[starts.start :]
            yield from self._shuffled(order.to(self._device))

    def totals(self, index: int) -> list[float]:
        """The weight of each batch of an epoch: the number of its rows, or the sum of their weights as given.

        With weights, a host-device synchronization.
        """
        weight = self._rows.weight if self._data.fresh is None else self._data.fresh(index).weight
        if weight is not None and self._in_order is not None:
            raise InputError("l2 must be 0 for weighted rows from a stream, got another value; use weight_decay.")
        if weight is None:
            return [float(min(self.size, self.num_rows - start)) for start in range(0, self.num_rows, self.size)]
        if self._data.fresh is None and self.size < self.num_rows:
            weight = weight[draws.order(self._seed, index, self.num_rows).to(weight.device)]
        tiny = torch.finfo(self._dtype).tiny
        return [max(total_of(part), tiny) for part in weight.cpu().split(self.size)]

    def _batch(self, rows: Rows, where: slice) -> Batch:
        weight = None if rows.weight is None else shares_of(rows.weight[where])
        return Batch(self._here(rows.stored[where]), self._here(rows.y[where]), self._here(weight))

    def _here(self, of_batch: MaybeTensor) -> MaybeTensor:
        """Those of a batch's rows that are on this rank."""
        if self._places is None or of_batch is None:
            return of_batch
        pieces = [of_batch[place] for place in self._places(len(of_batch))]
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces)

    def _shuffled(self, order: Indices) -> Iterator[Batch]:
        """The batches of all rows in that order: targets are gathered for the epoch, inputs for each batch."""
        y, weight = self._rows.y[order], None if self._rows.weight is None else self._rows.weight[order]
        weights = repeat(None) if weight is None else weight.split(self.size)
        for rows, targets, part in zip(order.split(self.size), y.split(self.size), weights, strict=False):
            share = None if part is None else shares_of(part)
            yield Batch(self._gathered(self._here(rows)), self._here(targets), self._here(share))

    def _from_windows(self, in_order: "InOrder", count: int) -> Batch:
        """The next rows of a stream; a batch that spans two windows is assembled from copies."""
        taken: list[Rows] = []
        for rows, indices in in_order.take(count):
            if len(indices) == count and rows.stored.dtype == self._dtype:
                weight = None if rows.weight is None else rows.weight[indices]
                taken.append(Rows(self._gathered(indices, rows.stored), rows.y[indices], weight))
            else:
                taken.append(rows.take(indices))
        rows = (taken[0] if len(taken) == 1 else together(taken)).to(self._device, self._dtype)
        return self._batch(rows, slice(None))

    def _gathered(self, indices: Indices, stored: Tensor | None = None) -> Tensor:
        """The inputs at `indices`, in a buffer that every batch reuses: a third of the cost of `x[indices]`."""
        stored = self._rows.stored if stored is None else stored
        shape = (len(indices), *stored.shape[1:])
        if self._rows.scale is None:
            self._x = torch.index_select(stored, 0, indices, out=self._x.resize_(shape))
        else:
            self._bytes = torch.index_select(stored, 0, indices, out=self._bytes.resize_(shape))
            self._x = self._converted(self._bytes, self._x.resize_(shape))
        return self._x

    def _converted(self, stored: Tensor, out: Tensor | None) -> Tensor:
        """Stored inputs as the floating-point numbers that the network sees."""
        if self._rows.scale is None:
            return stored
        x = stored.to(self._dtype) if out is None else out.copy_(stored)
        return x.mul_(self._rows.scale)


@final
class InOrder:
    """The training rows of a stream in the order of the steps, from any position on."""

    def __init__(self, stream: Stream, seed: int) -> None:
        self._stream, self._seed = stream, seed
        self._windows: Iterator[Window] = iter(())
        self._window: Window | None = None
        self._at, self._place = 0, (-1, 0)

    def seek(self, epoch: int, row: int) -> None:
        """Moves to that position in an epoch's order; free where it is the next one."""
        if (epoch, row) != self._place:
            self._windows = self._stream.windows(self._seed, epoch, row)
            self._window, self._at, self._place = None, 0, (epoch, row)

    @property
    def num_left(self) -> int:
        """How many of the next rows are in the current window."""
        return 0 if self._window is None else len(self._window.order) - self._at

    def take_within(self, count: int) -> tuple[Rows, Indices] | None:
        """The next rows of the epoch if all of them are in one window, else None, and `take` still begins with them."""
        if not self.num_left:
            self._window, self._at = next(self._windows), 0
        return next(self.take(count)) if count <= self.num_left else None

    def take(self, count: int) -> Iterator[tuple[Rows, Indices]]:
        """The next rows of the epoch, as indices into one or more windows.

        Use each before asking for the next one, which may overwrite its window.
        """
        while count:
            if self._window is None or not self.num_left:
                self._window, self._at = next(self._windows), 0
            indices = self._window.order[self._at : self._at + count]
            self._at, count = self._at + len(indices), count - len(indices)
            epoch, row = self._place
            ended = row + len(indices) == self._stream.num_rows
            self._place = (epoch + 1, 0) if ended else (epoch, row + len(indices))
            yield self._window.rows, indices


def together(parts: Sequence[Rows]) -> Rows:
    """The rows of several parts, one after another."""
    weights = [part.weight for part in parts if part.weight is not None]
    return Rows(
        torch.cat([part.stored for part in parts]),
        torch.cat([part.y for part in parts]),
        torch.cat(weights) if weights else None,
    )


def total_of(weight: Tensor) -> float:
    """The sum of weights, rounded once."""
    return math.fsum(weight.tolist())


def rows_of_batch(size: int | None, data: Dataset) -> int:
    """The rows of a batch of that size, None for all; raises an `InputError` if a chosen one exceeds the data."""
    if size is None or (isinstance(size, AtMost) and size > data.num_rows):
        return data.num_rows
    if size > data.num_rows:
        advice = "make it smaller, or take the full batch" if data.stream is None else "make it smaller"
        raise InputError(
            f"batch_size must be at most the {data.num_rows} rows of the training part, got {size}; {advice}."
        )
    return int(size)


def shares_of(weights: Tensor) -> Tensor:
    """Weights (..., N) divided by their sums over N, which are rounded once; if all of them are 0, they stay 0.

    The last digit of torch's own sum depends on where the weights lie in memory.
    """
    longest = torch.float64 if weights.device.type != "mps" else weights.dtype  # which has no float64
    total = weights.sum(-1, keepdim=True, dtype=longest).clamp(min=torch.finfo(weights.dtype).tiny)
    return weights / total.to(weights.dtype)
