"""Training rows from files: blocks in an order drawn for each epoch, shuffled within windows, and prefetched."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count, islice
from typing import Any, NamedTuple, final

import numpy as np
import polars as pl
import torch
from torch import Tensor

from ... import draws
from ...check import InputError
from ...machine.memory import is_limited, memory_size
from ...machine.threads import begin_no_threads
from ...table.encoder import MANY_ROWS, Encoder, warn_of_new
from .._base import Dataset, Part, Rows, Stream, Window
from .block_rows import BlockRows, RowReader
from .encoded_blocks import EncodedBlocks
from .hash_split import TRAIN
from .row_weights import weights_of

MOST_WINDOW_ROWS, MOST_WINDOW_BYTES = 2**20, 2**28
"""A window, by default: a million rows, or a quarter of a gigabyte if that is less. Two of them are in memory."""

READERS = 2
"""Threads that read blocks of a window at the same time where training has to wait for it (`benchmarks/streaming.py
reader`).

One where it has not: beside it the threads that compute, which wait for each other, lose least (`epoch`). Also one if
memory is limited, so that only one block is being decoded.
"""

EPOCHS_TO_KEEP = 2
"""Epochs from which encoded rows are kept: the first one writes them, and the second is the first to read them."""

_Map = Callable[..., Iterable[Any]]
"""`map`, or that of some threads."""


class _Load(NamedTuple):
    """A window that is to be read: its blocks, the draw of its order, and how many places of that are done already."""

    blocks: Sequence[int]
    draw: tuple[int, int, int]
    """Seed, epoch and window, the latter two counted from 1."""
    skip: int
    comes_again: bool
    """Whether a later epoch is known to read the same blocks."""


@final
@dataclass(frozen=True)
class TableStream(Stream):
    """The training rows of a table. `counts` are those of its blocks, `window` is the number of rows of a window.

    A window holds whole blocks from all over the files, drawn from (seed, epoch); its rows are shuffled by a draw from
    (seed, epoch, window). So a row moves to any window, but only among the rows of the blocks that are drawn with its
    own (`docs/streaming.md` measures what that costs). `kept` are blocks that need not be decoded once more.
    `num_epochs` is how many epochs there are, where that is known.
    """

    reader: RowReader
    encoder: Encoder
    counts: tuple[int, ...]
    window: int
    parts: Mapping[str, Part] = field(default_factory=dict)
    weigh: Callable[[Rows], Rows] | None = None
    kept: EncodedBlocks | None = field(default=None, compare=False)
    num_epochs: int | None = field(default=None, compare=False)

    @property
    def room(self) -> tuple[str, int] | None:
        """The folder in which encoded rows are kept, and the bytes they take; None where they are not."""
        numbers = len(self.encoder.targets.columns) + (self.reader.source.weight is not None)  # of 8 bytes each
        return None if self.kept is None else self.kept.room(4 * self.encoder.in_features + 8 * numbers)

    @property
    def num_rows(self) -> int:
        return sum(self.counts)

    @property
    def held_out(self) -> Mapping[str, Part]:
        return self.parts

    def weighed(self, weigh: Callable[[Rows], Rows]) -> "TableStream":
        return replace(self, weigh=weigh)

    def for_epochs(self, num_epochs: int) -> "TableStream":
        return replace(self, num_epochs=num_epochs)

    def checksum(self) -> str:
        return f"{self.reader.table.checksum()} window {self.window}"

    def windows(self, seed: int, epoch: int, first_row: int) -> Iterator[Window]:
        loads = self._loads(seed, epoch, first_row)
        most = max(min(self.window, self.num_rows), *self.counts)
        memory = deque(torch.empty(most, self.encoder.in_features) for _ in range(2))
        most_readers = 1 if is_limited() else READERS
        how: dict[str, Any] = {"thread_name_prefix": "fivestep-reader", "initializer": begin_no_threads}
        pool, readers = (ThreadPoolExecutor(size, **how) for size in (1, most_readers))  # `streaming.py epoch`
        together: _Map = map if most_readers == 1 else readers.map
        first_two = zip(islice(loads, 2), memory, strict=False)
        ahead: deque[Future[Window]] = deque(pool.submit(self._read, together, *each) for each in first_two)
        try:
            while ahead:
                each = map if ahead[0].done() else together
                yield ahead.popleft().result()
                for load in islice(loads, 1):  # none where the last epoch ends
                    ahead.append(pool.submit(self._read, each, load, memory[0]))  # the memory of the finished window
                memory.rotate()
        finally:
            for threads in (pool, readers):
                threads.shutdown(wait=False, cancel_futures=True)

    def groups(self, seed: int, epoch: int) -> list[list[int]]:
        """The blocks of each window of an epoch: as few windows as hold them all.

        Each window gets one block of every stretch of the files, whichever chance decides, so that it holds rows from
        everywhere even where the files are sorted.
        """
        sizes, limit = torch.tensor(self.counts), max(self.window, *self.counts)
        ranks = draws.order(seed, epoch, len(sizes)).argsort()
        num_windows = -(-self.num_rows // limit)
        while True:
            stretches = torch.arange(len(sizes)) // num_windows
            dealt = (stretches * len(sizes) + ranks).argsort()  # stretch by stretch, each in a random order
            window = torch.empty_like(dealt)
            window[dealt] = torch.arange(len(sizes)) % num_windows
            if torch.zeros(num_windows, dtype=sizes.dtype).index_add_(0, window, sizes).max() <= limit:
                break
            num_windows += 1
        visited = torch.randperm(num_windows, generator=draws.generator(seed, epoch + 1, 0)).tolist()
        return [(window == number).nonzero()[:, 0].tolist() for number in visited]

    def _loads(self, seed: int, epoch: int, first_row: int) -> Iterator[_Load]:
        """What is to be read from a place on, to the end of the last epoch if there is one."""
        for number in count(epoch) if self.num_epochs is None else range(epoch, self.num_epochs):
            comes_again = self.num_epochs is not None and number + 1 < self.num_epochs
            for place, blocks in enumerate(self.groups(seed, number)):
                num_rows = sum(self.counts[block] for block in blocks)
                if first_row < num_rows:
                    yield _Load(blocks, (seed, number + 1, place + 1), first_row, comes_again)
                first_row = max(0, first_row - num_rows)

    def _read(self, each: _Map, load: _Load, memory: Tensor) -> Window:
        """The window, its inputs written to `memory`, each block to its place, one after another or several at once."""
        sizes = [self.counts[block] for block in load.blocks]
        places = memory[: sum(sizes)].split(sizes)
        about = list(each(partial(self._read_block, comes_again=load.comes_again), load.blocks, places))
        weights = [weight for _, weight in about if weight is not None]
        window = Rows(memory[: sum(sizes)], torch.cat([y for y, _ in about]), torch.cat(weights) if weights else None)
        order = torch.randperm(sum(sizes), generator=draws.generator(*load.draw))[load.skip :]
        return Window(window if self.weigh is None else self.weigh(window), order)

    def _read_block(self, block: int, x: Tensor, *, comes_again: bool) -> tuple[Tensor, Tensor | None]:
        """Targets and weights of the training rows of a block; their inputs are written to `x`."""
        if self.kept is None:
            return self._decode_block(block, x)
        self.reader.table.check_unchanged(block)
        found = self.kept.get(block, x)
        if found is None:
            found = self._decode_block(block, x)
            self.kept.put(block, x, *found, comes_again=comes_again)
        return found

    def _decode_block(self, block: int, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """The same, out of its file."""
        rows = self.reader.read(block, used_columns(self.encoder))
        places = rows.places_of(TRAIN)
        if len(places) != len(x):
            raise InputError(
                f"{self.reader.table.name_of(block)} must stay as it is while the network is trained, got "
                f"{len(places):,} training rows where there were {len(x):,}; begin a new run."
            )
        return encode_block(self, rows, places, x)


@final
@dataclass(frozen=True)
class StreamedPart(Part):
    """The rows of one part of a table, read whenever they are measured on."""

    reader: RowReader
    encoder: Encoder
    part: int
    num_rows: int
    tells_new: bool = False
    """Whether values that training never saw are warned of, once all rows have been read."""

    def __len__(self) -> int:
        return self.num_rows

    def parts(self, size: int) -> Iterator[Rows]:
        new = Counter[str]()
        for block in range(len(self.reader.table.blocks)):
            whole = self.reader.read(block, used_columns(self.encoder))
            places = whole.places_of(self.part)
            if self.tells_new:
                new.update(self.encoder.num_new(whole.frame))
            if len(places):
                yield from self._encoded(whole, places, self.reader.table.name_of(block)).parts(size)
        warn_of_new(new, self.num_rows)

    def _encoded(self, whole: BlockRows, places: "np.ndarray", file: str) -> Rows:
        x = torch.empty(len(places), self.encoder.in_features)
        try:
            return Rows(x, *encode_block(self, whole, places, x))
        except InputError:
            self._refuse_in_file(whole, file)
            raise

    def _refuse_in_file(self, whole: BlockRows, file: str) -> None:
        """Raises the error with the row's number in the file, if no row above it was left out."""
        try:
            self.encoder.encode(whole.frame, first_row=int(whole.in_file[0]))
            self.encoder.targets.encode(whole.frame, first_row=int(whole.in_file[0]))
        except InputError as error:
            raise InputError(f"in {file}, {error}") from error


def decoding(data: Dataset) -> Dataset:
    """The same data, decoded in every epoch: for so few epochs that a cache would not be read."""
    stream = data.stream
    return replace(data, stream=replace(stream, kept=None)) if isinstance(stream, TableStream) else data


def encode_block(
    of: TableStream | StreamedPart, rows: BlockRows, places: "np.ndarray", x: Tensor
) -> tuple[Tensor, Tensor | None]:
    """Targets and weights of the rows of a block at some places; their inputs are written to `x`."""
    of.encoder.encode_into(x, rows.frame, rows=places, compiled=of.num_rows >= MANY_ROWS)
    at = pl.Series(places)
    return of.encoder.targets.encode(rows.frame, places=at), weights_of(rows.frame, of.reader.source, at)


def used_columns(encoder: Encoder) -> list[str]:
    """The columns that the encoder reads."""
    return [column.name for column in encoder.columns]


def window_rows(in_features: int, asked_for: int | None, counts: Sequence[int]) -> int:
    """The rows of a window, from blocks of some rows each: as asked for, or as many as there is memory set aside.

    Raises an `InputError` where two windows, of whole blocks and of as many rows as there are at most, do not fit into
    memory.
    """
    rows, there = asked_for or max(1, min(MOST_WINDOW_ROWS, MOST_WINDOW_BYTES // (4 * in_features))), memory_size()
    largest, held = max(counts), max(*counts, min(rows, sum(counts)))
    if 8 * in_features * held <= there:
        return rows
    fitting = there // (32 * in_features)
    instead = f"write --window {fitting}"
    if 8 * in_features * largest > there:
        held, instead = largest, f"a block of the files has so many: write Parquet in row groups of {fitting:,}"
    raise InputError(
        f"two windows must fit into the {there / 2**30:,.3g} GiB of memory that there are, got {held:,} rows of "
        f"{in_features:,} numbers in each, which take {8 * in_features * held / 2**30:,.3g} GiB; {instead}."
    )
