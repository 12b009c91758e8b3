"""From rows to batches: in memory on the device, sliced by index, bytes turned into numbers in the batch."""

from collections.abc import Iterator
from itertools import repeat
from typing import NamedTuple, final

import torch
from torch import Tensor

from . import draws
from .check import InputError
from .datasets._base import Dataset, Rows
from .typing import Indices


class Batch(NamedTuple):
    """The rows of one step: x (N, ...), y (N, ...), and weights (N,) that sum to 1 over the global batch, or None."""

    x: Tensor
    y: Tensor
    weight: Tensor | None

    def parts(self, size: int) -> "list[tuple[slice, Batch]]":
        """The batch in parts of at most `size` rows, with their places in it; the parts' weights sum to 1 together."""
        num_rows = len(self.x)
        weight = self.x.new_full((num_rows,), 1 / num_rows) if self.weight is None else self.weight
        slices = [slice(start, min(start + size, num_rows)) for start in range(0, num_rows, size)]
        return [(rows, Batch(self.x[rows], self.y[rows], weight[rows])) for rows in slices]


@final
class Batches:
    """The batches of each epoch, on one device and in one floating-point type.

    An epoch visits every row once, in an order drawn from (seed, epoch); the last batch may be smaller. The full
    batch is not shuffled, and neither are rows drawn fresh for the epoch.
    """

    def __init__(self, data: Dataset, size: int | None, seed: int, dtype: torch.dtype, device: torch.device) -> None:
        self.num_rows = len(data.train)
        self.size = size or self.num_rows
        check_batch_size(self.size, self.num_rows)
        self._data, self._seed, self._dtype, self._device = data, seed, dtype, device
        self._rows = data.train.to(device, dtype)
        if self.size == self.num_rows:  # every step uses all rows: convert them once
            self._rows = Rows(self._converted(self._rows.stored, None), self._rows.y, self._rows.weight)
        self._bytes = self._rows.stored.new_empty(0)
        self._x = torch.empty(0, dtype=dtype, device=device)

    def epoch(self, index: int) -> Iterator[Batch]:
        """The batches of an epoch, counted from 0. A batch's x is overwritten by the next one."""
        if self._data.fresh is not None:
            rows = self._data.fresh(index).to(self._device, self._dtype)
            for start in range(0, self.num_rows, self.size):
                yield self._batch(rows, slice(start, start + self.size))
        elif self.size == self.num_rows:
            yield self._batch(self._rows, slice(None))
        else:
            yield from self._shuffled(draws.order(self._seed, index, self.num_rows).to(self._device))

    def totals(self, index: int) -> list[float]:
        """The weight of each batch of an epoch: the number of its rows, or the sum of their weights before `_shares`.

        With weights, a host-device synchronisation.
        """
        weight = self._rows.weight if self._data.fresh is None else self._data.fresh(index).weight
        if weight is None:
            return [float(min(self.size, self.num_rows - start)) for start in range(0, self.num_rows, self.size)]
        if self._data.fresh is None and self.size < self.num_rows:
            weight = weight[draws.order(self._seed, index, self.num_rows).to(weight.device)]
        tiny = torch.finfo(self._dtype).tiny
        return [max(float(part.sum()), tiny) for part in weight.double().split(self.size)]

    def _batch(self, rows: Rows, where: slice) -> Batch:
        return Batch(rows.stored[where], rows.y[where], shares_of(None if rows.weight is None else rows.weight[where]))

    def _shuffled(self, order: Indices) -> Iterator[Batch]:
        """The batches of all rows in that order: targets are gathered for the epoch, inputs for each batch."""
        y, weight = self._rows.y[order], None if self._rows.weight is None else self._rows.weight[order]
        weights = repeat(None) if weight is None else weight.split(self.size)
        for rows, targets, part in zip(order.split(self.size), y.split(self.size), weights, strict=False):
            yield Batch(self._gathered(rows), targets, shares_of(part))

    def _gathered(self, indices: Indices) -> Tensor:
        """The inputs at `indices`, in a buffer that every batch reuses (a third of the cost of `x[indices]`)."""
        stored, shape = self._rows.stored, (len(indices), *self._rows.stored.shape[1:])
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


def check_batch_size(size: int, num_rows: int) -> None:
    """Raises an `InputError` if a batch would hold more rows than there are."""
    if size > num_rows:
        raise InputError(
            f"batch_size must be at most the {num_rows} rows of the training part, got {size}; "
            f"make it smaller, or take the full batch."
        )


def shares_of(weight: Tensor | None) -> Tensor | None:
    """The weights divided by their sum; a batch in which all are 0 counts for nothing."""
    return None if weight is None else weight / weight.sum().clamp(min=torch.finfo(weight.dtype).tiny)
