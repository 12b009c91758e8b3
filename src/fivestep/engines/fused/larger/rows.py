"""The rows of a block of steps for a larger network: inputs in one buffer, targets and row weights as arrays."""

import math
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from ....blocks import Block
from ....datasets._base import Rows
from ....typing import Features, Outputs
from ..._engine import Engine
from .. import _compiled
from .._tables import Array

NO_ORDER = np.zeros(0, np.int64)

ROWS_COUNTED = 64
"""Rows whose zeros are counted: a step on rows that come alone must not wait for it."""


@final
class BlockRows:
    """The rows of blocks. The inputs of a step lie in a buffer that the next step overwrites.

    They stay as they are stored, bytes for images, until the step that needs them: so they take no memory twice, and of
    images a quarter of the bytes is read.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self._dtype = engine, engine.dtype_name
        self._rows: Rows | None = None
        self._y: Tensor | None = None
        self._buffer = torch.empty(0, dtype=engine.dtype)
        self._zeros: float | None = None

    def take(self, block: Block) -> None:
        """Sets the block of the next steps."""
        if block.rows is not self._rows:
            self._look_at(block.rows)
        self._block, self._starts, self._stops = block, block.starts.tolist(), block.stops.tolist()
        self._first = min(self._starts)
        self._places = slice(self._first, max(self._stops))
        self._order = None if block.order is None else block.order[self._places].numpy()
        self._targets: Array | None = None

    def inputs(self, s: int) -> Features:
        """The inputs x (N, ...) of step s of the block."""
        start, stop = self._starts[s], self._stops[s]
        if self._order is None:
            return self._engine.as_input(self._stored[start:stop])
        if stop - start > self._buffer.shape[0]:
            self._buffer = self._buffer.new_empty(stop - start, *self._row_shape)
        x = self._buffer[: stop - start]
        order, numbers = self._order[start - self._first : stop - self._first], x.view(stop - start, -1).numpy()
        _compiled.one_pass("gather")(self._numbers, order, self._scale, numbers)
        return x

    def targets(self, s: int, logits: Outputs, rows: slice) -> tuple[Array, Array]:
        """Targets (N T, O) and shares (N T,) or none of some rows of step s, beside their logits; T are their tokens.

        None says that all weigh alike, which those of a part of a batch do not by themselves.
        """
        if self._targets is None:
            self._match(logits)
        assert self._targets is not None
        whole, first = self._stops[s] - self._starts[s], self._starts[s] - self._first
        start, stop = first + rows.start, first + rows.stop
        targets, share = self._targets[start:stop].reshape(-1, self._targets.shape[-1]), self._share
        if share.size:
            share = share[start * self._tokens : stop * self._tokens]
        elif stop - start < whole:
            share = np.full(len(targets), 1.0 / (whole * self._tokens), self._dtype)
        return targets, share

    def all_targets(self, width: int, tokens: int) -> tuple[Array, Array]:
        """Targets (places T, O) and shares (places T,) or none of all steps, from their first place on."""
        if self._targets is None:
            of_row = (width,) if tokens == 1 else (tokens, width)
            self._match(self._buffer.new_zeros(()).expand(1, *of_row))
        assert self._targets is not None
        return self._targets.reshape(-1, self._targets.shape[-1]), self._share

    def stored(self) -> tuple[Array, Array, Array]:
        """The rows as they are stored (rows, I), the row of each place, or none for rows in their order, and the scale.

        Both count from the first place of all steps.
        """
        if self._order is not None:
            return self._numbers, self._order, self._scale
        x = self._engine.as_input(self._stored)[self._places]
        return x.reshape(len(x), -1).contiguous().numpy(), NO_ORDER, np.ones_like(self._scale)

    @property
    def zeros(self) -> float:
        """The share of the inputs that are 0, counted in some of the rows."""
        if self._zeros is None:
            some = self._numbers[:: -(-len(self._numbers) // ROWS_COUNTED)]
            self._zeros = np.count_nonzero(some == 0) / some.size
        return self._zeros

    def _look_at(self, rows: Rows) -> None:
        num_in, stored = self._engine.spec.in_features or 0, rows.stored
        self._row_shape = tuple(stored.shape[1:]) if stored.shape[-1] == num_in else (num_in,)
        self._numbers = stored.reshape(len(rows), -1).contiguous().numpy()
        self._scale = np.full(1, 1.0 if rows.scale is None else rows.scale, self._dtype)
        self._buffer = self._buffer.new_empty(0, *self._row_shape)
        self._rows, self._stored, self._y = rows, stored, None
        self._zeros = None

    def _match(self, logits: Outputs) -> None:
        """Targets in the network's type and in the shape that the loss wants beside such logits, and the shares."""
        engine, block = self._engine, self._block
        if self._y is None:
            like = logits.new_zeros(()).expand(len(block.rows), *logits.shape[1:])
            self._tokens = math.prod(logits.shape[1:-1])
            y = engine.criterion.match(like, block.rows.y).to(engine.dtype)
            self._y = y.reshape(len(y), self._tokens, -1)
        places = self._places if block.order is None else block.order[self._places]
        self._targets, self._share = self._y[places].numpy(), np.zeros(0, self._dtype)
        if block.shares is not None:
            share = block.shares[self._places].to(engine.dtype) / self._tokens  # a row of several tokens is their mean
            self._share = share.repeat_interleave(self._tokens).numpy()


def tokens_of(stored: Tensor, num_in: int) -> int:
    """The tokens of a row: 1 where a row has as many numbers as the network has inputs."""
    return math.prod(stored.shape[1:-1]) if stored.shape[-1] == num_in else 1


def parts_of(starts: Array, stops: Array, size: int | None) -> tuple[Array, Array, Array]:
    """The parts of so many places of some steps, which have places of their own: steps, first places, and last + 1."""
    steps = np.arange(len(starts))
    if size is None:
        return steps, starts, stops
    counts = -(-(stops - starts) // size)
    steps = steps.repeat(counts)
    number = np.arange(len(steps)) - (counts.cumsum() - counts)[steps]
    first = starts[steps] + number * size
    return steps, first, np.minimum(first + size, stops[steps])


def shares_alike(starts: Array, stops: Array, kind: Any) -> Array:
    """What each place weighs where all of a step weigh alike."""
    share = np.zeros(int(stops.max()), kind)
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        share[start:stop] = 1.0 / (stop - start)
    return share
