"""Sparse rows, which become dense a window at a time, or as a whole where that is needed and they fit."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from .. import draws
from ..check import InputError
from ..datasets._base import Part, Rows, Stream, Window
from ..machine.memory import memory_size
from ._network import as_tensor

SHARE = 0.25
"""Of the memory, up to which all rows are made dense at once: to the same numbers, and up to ten times as fast."""

WINDOW = 2**23
"""Bytes of a window of dense rows, about; to scale them takes some ten times as much."""

SAMPLE = 1000
"""Rows that are dense from the start, to look at."""

Dense = Callable[[Any], np.ndarray]
"""From some rows of a sparse matrix to what the network takes."""


@final
@dataclass(frozen=True)
class SparseRows(Stream):
    """The training rows (N, I) of a sparse matrix in rows, with their targets and weights.

    The order of an epoch is that of rows in memory, so windows change nothing but the memory: the same bits come out.
    """

    x: Any
    dense: Dense
    y: Tensor
    weight: Tensor | None
    rows_of_window: int
    weigh: Callable[[Rows], Rows] | None = None

    @property
    def num_rows(self) -> int:
        return len(self.y)

    @property
    def held_out(self) -> Mapping[str, Part]:
        return {}

    def windows(self, seed: int, epoch: int, first_row: int) -> Iterator[Window]:
        for number in count(epoch):
            order = draws.order(seed, number, self.num_rows)[first_row:]
            for places in order.split(self.rows_of_window):
                yield Window(self.take(places), torch.arange(len(places)))
            first_row = 0

    def take(self, places: Tensor) -> Rows:
        """The rows at these places, dense."""
        x = as_tensor(self.dense(self.x[places.numpy()]))
        rows = Rows(x, self.y[places], None if self.weight is None else self.weight[places])
        return rows if self.weigh is None else self.weigh(rows)

    def weighed(self, weigh: Callable[[Rows], Rows]) -> "SparseRows":
        return replace(self, weigh=weigh)

    def for_epochs(self, _num_epochs: int) -> "SparseRows":
        return self

    def checksum(self) -> str:
        arrays = [self.x.data, self.x.indices, self.x.indptr, self.y.numpy()]
        value = 0
        for array in arrays if self.weight is None else [*arrays, self.weight.numpy()]:
            value = zlib.crc32(np.ascontiguousarray(array).data, value)
        return f"{self.x.shape} sparse, {value:08x}"


def most_dense() -> float:
    """Bytes of dense rows up to which all are made at once."""
    return SHARE * memory_size()


def rows_of_window(bytes_of_row: int, batch_size: int) -> int:
    """The rows of a window: whole batches."""
    return max(1, WINDOW // (bytes_of_row * batch_size)) * batch_size


def all_dense(x: Any, dense: Dense, width: int, dtype: type) -> np.ndarray:
    """All rows of a sparse matrix as (N, width); raises an `InputError` with the estimate where they do not fit."""
    num_rows, size = x.shape[0], x.shape[0] * width * np.dtype(dtype).itemsize
    if size > memory_size():
        raise InputError(
            f"the rows must fit into the {memory_size() / 2**30:,.0f} GiB of memory once they are dense, got "
            f"{num_rows:,} x {width:,} numbers, which take {size / 2**30:,.0f}; make fewer columns of them, as with "
            f"TruncatedSVD."
        )
    found: np.ndarray = np.empty((num_rows, width), dtype=dtype)
    step = max(1, WINDOW // (8 * width))
    for start in range(0, num_rows, step):
        found[start : start + step] = dense(x[start : start + step])
    return found
