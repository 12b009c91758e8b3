"""A stream whose rows are in memory: what a step may see of any stream."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import final

import torch

from fivestep import draws
from fivestep.datasets._base import Dataset, Part, Rows, Stream, Window


@final
@dataclass(frozen=True)
class Windows(Stream):
    """The rows in windows of a given size, each shuffled; a window is destroyed when the one after it is asked for."""

    rows: Rows
    size: int

    @property
    def num_rows(self) -> int:
        return len(self.rows)

    @property
    def held_out(self) -> Mapping[str, Part]:
        return {}

    def windows(self, seed: int, epoch: int, first_row: int) -> Iterator[Window]:
        for number in count(epoch):
            for start in range(0, len(self.rows), self.size):
                window = self.rows.take(slice(start, start + self.size))
                order = draws.order(seed, 1000 * number + start, len(window))
                if first_row < len(window):
                    copy = window.take(slice(None)).take(torch.arange(len(window)))
                    yield Window(copy, order[first_row:])
                    copy.stored.fill_(float("nan"))
                first_row = max(0, first_row - len(window))

    def weighed(self, weigh: Callable[[Rows], Rows]) -> "Windows":
        return Windows(weigh(self.rows), self.size)

    def for_epochs(self, _num_epochs: int) -> "Windows":
        return self

    def checksum(self) -> str:
        return "rows in memory"


def streamed(data: Dataset, size: int) -> Dataset:
    """The same data, its training rows as a stream, and the first of them as a sample."""
    return replace(data, train=data.train.take(slice(size)), stream=Windows(data.train, size))
