"""The five steps of a dense network on a CUDA device as tiles of matrices: four kernels for one hidden layer.

The formulas are those of `scratch`, its oracle. Whatever depends only on a tile of a product is fused into it
(`kernels/tiles.py`): bias and activation, the loss of its rows, the update of its weights. So gathered rows, logits and
gradients are never in memory as a whole.
"""

from collections.abc import Sequence
from typing import final

import triton

from ..._engine import Engine
from ..._graphs import SideStream
from ..._update import RuleGroup
from .._size import operations_per_step
from ..body import kinds as kind
from ..kernels import tiles
from .dense import Dense, Descent, dense, has_formulas, is_dense, loss_of
from .feed import Feed

KINDS = (kind.IDENTITY, kind.RELU, kind.TANH, kind.SIGMOID)
"""Activations whose derivative follows from their value, so that their inputs need not be kept."""

MOST_PARTS = 1024
"""Parts of a loss that are summed at a time: as many as fit into the registers of one program."""

MOST_OUTPUTS = 16
"""The most outputs of a network: all logits of a row must be in one tile, or the loss would need a second pass."""

HEAD_ROWS, DEPTH = 16, 64
"""Rows whose loss one program measures, and the depth of the slices in which products are added up."""

FORWARD, BACKWARD, UPDATE = ((64, 32), (16, 32)), ((32, 64), (32, 32), (16, 32)), ((16, 64),)
"""Sides of the tiles of each product, the fastest first where there are many of them (benchmarks/gpu.py)."""

ENOUGH = 100
"""Tiles that keep a device of about a hundred multiprocessors busy."""

MOST_OPERATIONS = 20_000_000_000
"""Floating-point operations of a step up to which tiles do it; a larger one is mostly products, at which torch is best.

Checked for each size of step, as a full batch or the last batch of an epoch may have other numbers of rows.
"""

MOST_NUMBERS = 2**31
"""A layer must have fewer outputs for all rows of a step, and a run of steps fewer targets: offsets have 32 bits."""


def suits_tiles(engine: Engine) -> bool:
    """Whether `kernels/tiles.py` has all formulas that an engine needs."""
    is_narrow = (engine.spec.out_features or 0) <= MOST_OUTPUTS
    return is_narrow and is_dense(engine) and has_formulas(engine) and _keeps_values(engine)


def _keeps_values(engine: Engine) -> bool:
    return all(layer.kind in KINDS for layer in dense(engine))


@final
class Tiles:
    """The steps of one engine as tiles. `precision` is Triton's `input_precision` of a product."""

    def __init__(self, engine: Engine, groups: Sequence[RuleGroup], precision: str) -> None:
        assert len(groups) == 1, "suits_tiles has looked"
        self._engine, self._precision = engine, precision
        self._layers, self._descent = dense(engine), Descent.of(engine.plan, groups[0])
        self._loss = loss_of(engine)
        self._of_size: dict[int, _Numbers] = {}
        self._side_streams = [SideStream(engine.device) for _ in self._layers]

    def takes(self, feed: Feed) -> bool:
        """Whether the rows are contiguous, not tokens, and not too many."""
        if operations_per_step(self._engine.spec, feed.size) > MOST_OPERATIONS:
            return False
        widths = [layer.weight.shape[1] for layer in self._layers]
        is_one = feed.stored.numel() == len(feed.stored) * widths[0]
        return feed.is_contiguous and is_one and max(feed.size * max(widths), feed.y.numel()) < MOST_NUMBERS

    def release(self) -> None:
        self._of_size = {}

    def steps(self, feed: Feed, count: int) -> None:
        """Does the first `count` steps of the feed."""
        if feed.size not in self._of_size:
            self._of_size[feed.size] = _Numbers(self._layers, feed.size)
        self._descent.write_settings(feed)
        for s in range(count):
            self._step(feed, s, self._of_size[feed.size])

    def _step(self, feed: Feed, s: int, numbers: "_Numbers") -> None:
        last = len(self._layers) - 1

        # 1  predict
        for k in range(last):
            self._forward(k, feed, s, numbers)

        # 2  measure, and with each row's loss find its gradient
        self._head(feed, s, numbers)

        # 3  forget the last gradient: the new one will be written over it

        # 4  find the new one, back to the first layer's outputs, and
        # 5  step downhill: a tile of a weight's gradient is added up, stored, and used once the weight is not needed
        for k in reversed(range(1, last + 1)):
            if k < last:
                self._backward(k, numbers)
            with self._side_streams[k]:
                self._update(k, feed, s, numbers)
        self._update(0, feed, s, numbers)
        for side in self._side_streams[1:]:
            side.join()

    def _forward(self, k: int, feed: Feed, s: int, numbers: "_Numbers") -> None:
        layer, n = self._layers[k], numbers.size
        width, fan_in = layer.weight.shape
        rows, outs = _tile(FORWARD, n, width)
        order = feed.order if k == 0 else None
        tiles.forward[triton.cdiv(n, rows), triton.cdiv(width, outs)](
            feed.stored if k == 0 else numbers.x[k],
            numbers.x[k] if order is None else order,
            layer.weight,
            layer.bias,
            numbers.x[k + 1],
            numbers.x[0],
            n,
            width,
            fan_in,
            feed.scale or 1.0,
            feed.first(s),
            STORED=k == 0,
            GATHERS=order is not None,
            SCALES=k == 0 and feed.scale is not None,
            KIND=layer.kind,
            PRECISION=self._precision,
            TN=rows,
            TO=outs,
            TI=DEPTH,
        )

    def _head(self, feed: Feed, s: int, numbers: "_Numbers") -> None:
        layer, before, n = self._layers[-1], self._layers[-2], numbers.size
        tiles.head[(len(numbers.parts),)](
            numbers.x[-1],
            layer.weight,
            layer.bias,
            feed.y,
            numbers.parts if feed.shares is None else feed.shares,
            numbers.dz[-2],
            numbers.dz[-1],
            numbers.parts,
            n,
            *layer.weight.shape,
            feed.first(s),
            WEIGHTED=feed.shares is not None,
            **self._loss,
            KIND=before.kind,
            PRECISION=self._precision,
            TN=HEAD_ROWS,
            TO=MOST_OUTPUTS,
            TI=DEPTH,
        )

    def _backward(self, k: int, numbers: "_Numbers") -> None:
        layer, before, n = self._layers[k], self._layers[k - 1], numbers.size
        width, fan_in = layer.weight.shape
        rows, ins = _tile(BACKWARD, n, fan_in)
        tiles.backward[triton.cdiv(n, rows), triton.cdiv(fan_in, ins)](
            numbers.dz[k],
            layer.weight,
            numbers.x[k],
            numbers.dz[k - 1],
            n,
            width,
            fan_in,
            KIND=before.kind,
            PRECISION=self._precision,
            TN=rows,
            TO=DEPTH,
            TI=ins,
        )

    def _update(self, k: int, feed: Feed, s: int, numbers: "_Numbers") -> None:
        layer, params = self._layers[k], self._engine.params
        width, fan_in = layer.weight.shape
        is_last = k == len(self._layers) - 1
        outs, ins = (MOST_OUTPUTS, DEPTH) if is_last else _tile(UPDATE, width, fan_in)
        tiles.update[triton.cdiv(width, outs), triton.cdiv(fan_in, ins)](
            numbers.dz[k],
            numbers.x[k],
            params.flat,
            params.grad,
            *self._descent.places(params.flat),
            feed.settings,
            numbers.parts,
            feed.losses,
            layer.weight.storage_offset(),
            layer.bias.storage_offset(),
            numbers.size,
            width,
            fan_in,
            numbers.dz[k].shape[1],
            feed.longest,
            len(numbers.parts),
            s,
            **self._descent.options,
            PRECISION=self._precision,
            TN=DEPTH,
            TO=outs,
            TI=ins,
            PARTS=min(MOST_PARTS, triton.next_power_of_2(len(numbers.parts))) if is_last else 0,
        )


@final
class _Numbers:
    """What the kernels of a step pass on to one another, for steps of one size: x and dz of each layer, loss parts."""

    def __init__(self, layers: Sequence[Dense], size: int) -> None:
        new = layers[0].weight.new_zeros
        self.size = size
        self.x = [new(size, layer.weight.shape[1]) for layer in layers]
        self.dz = [new(size, len(layer.bias)) for layer in layers[:-1]] + [new(size, MOST_OUTPUTS)]
        self.parts = new(triton.cdiv(size, HEAD_ROWS))


def _tile(sides: Sequence[tuple[int, int]], rows: int, columns: int) -> tuple[int, int]:
    """The sides of the tiles of a product: the largest for which there are enough tiles to keep the device busy."""
    return next((s for s in sides if triton.cdiv(rows, s[0]) * triton.cdiv(columns, s[1]) >= ENOUGH), sides[-1])
