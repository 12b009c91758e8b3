"""The five steps of a dense network on a CUDA device as tiles of matrices: three kernels for one hidden layer.

The formulas are those of `scratch`, its oracle. What follows from a tile of a product alone is done before the tile is
written anywhere (`kernels/tiles.py`): bias and activation, the loss of its rows, the update of its weights. So the
gathered rows, the logits and a gradient that waits for its update are never there as a whole.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple, final

import torch
import triton
from torch import Tensor

from ...layers.linear import Linear
from ...losses.binary_cross_entropy import BinaryCrossEntropy
from ...losses.cross_entropy import CrossEntropy
from ...losses.mse import MSE
from ...optim.adam import Adam
from ...optim.adamw import AdamW
from ...optim.sgd import SGD
from ...params import Params
from .._base import Engine
from .._update import RuleGroup
from ._feed import Feed, Stored
from ._size import operations_per_step
from .kernels import tiles

KINDS = {"identity": 0, "relu": 1, "tanh": 2, "sigmoid": 3}
MOST_OUTPUTS = 16
"""Outputs of a network whose logits fit into one tile beside the rows: of more, the loss would need a second pass."""

HEAD_ROWS, DEPTH = 16, 64
"""Rows that one part of the device measures at a time, and the depth of the slices in which products are added up."""

ENOUGH = 100
"""Tiles that keep a device busy: it has some hundred multiprocessors."""

MOST_OPERATIONS = 20_000_000_000
"""Floating-point operations of a step from which on torch's own products are faster than these."""


def suits_tiles(engine: Engine) -> bool:
    """Whether all that an engine does has its formula in `kernels/tiles.py`."""
    spec, plan = engine.spec, engine.plan
    names = [choice.name for choice in spec.layers]
    if names.count("linear") < 2 or names[-1] != "linear" or (spec.out_features or 0) > MOST_OUTPUTS:
        return False
    pairs = zip(["", *names], names, strict=False)
    is_dense = all(name == "linear" or (name in KINDS and before == "linear") for before, name in pairs)
    has_biases = all(layer.bias for layer in engine.layers if isinstance(layer, Linear))
    is_plain = plan.clip_norm is None and plan.clip_value is None and not plan.l2 and plan.ema is None
    is_one_group = not plan.lr_factors and not plan.no_decay
    is_small = operations_per_step(spec, plan.batch_size or 1) <= MOST_OPERATIONS
    return is_dense and has_biases and is_plain and is_one_group and is_small and _has_formulas(engine)


def _has_formulas(engine: Engine) -> bool:
    loss, rule = engine.criterion, engine.optimizer
    is_known = isinstance(loss, MSE)
    if isinstance(loss, CrossEntropy | BinaryCrossEntropy):
        is_known = not loss.label_smoothing
    if isinstance(rule, SGD):
        return is_known and not rule.momentum
    return is_known and isinstance(rule, Adam | AdamW) and not rule.amsgrad


class Dense(NamedTuple):
    """A linear layer and the activation behind it: its weights, and its kind as the kernels number it."""

    weight: Tensor
    bias: Tensor
    kind: int


@final
class Tiles:
    """The steps of one engine as tiles. `precision` is Triton's word for the digits of a product."""

    def __init__(self, engine: Engine, groups: Sequence[RuleGroup], precision: str) -> None:
        assert len(groups) == 1, "suits_tiles has looked"
        self._engine, self._group, self._precision = engine, groups[0], precision
        self._layers = list(_dense(engine))
        self._loss = {CrossEntropy: 0, MSE: 1, BinaryCrossEntropy: 2}[type(engine.criterion)]
        self._of_size: dict[int, _Numbers] = {}

    def prepare(self, feed: Feed, count: int) -> Tensor:
        """What the next steps multiply by, (3, n): the rate, the root of Adam's correction, the share that stays."""
        rule, rates, t = self._group.rule, feed.rates[:count], feed.numbers[:count]
        decoupled = rule.weight_decay if isinstance(rule, AdamW) or rule.decoupled_weight_decay else 0.0
        shrink, root = 1 - rates * decoupled, torch.ones_like(rates)
        if isinstance(rule, Adam | AdamW):
            rates, root = rates / (1 - rule.betas[0] ** t), (1 - rule.betas[1] ** t).sqrt()
        return torch.stack([rates, root, shrink]).float()

    def step(self, feed: Feed, s: int, settings: Tensor) -> None:
        """Does step s of a run."""
        x, last = feed.stored(s), len(self._layers) - 1
        if feed.size not in self._of_size:
            self._of_size[feed.size] = _Numbers(self._layers, self._engine.params, feed.size)
        numbers = self._of_size[feed.size]

        # 1  predict
        for k in range(last):
            self._forward(k, x if k == 0 else None, numbers)

        # 2  measure, and with each row's loss find its gradient
        self._head(feed, s, numbers)

        # 3  forget the last gradient: the new one will be written over it

        # 4  find the new one, back to the first layer's outputs
        for k in reversed(range(1, last)):
            self._backward(k, numbers)

        # 5  step downhill: a tile of a weight's gradient is added up, kept, and spent
        self._update(x, feed.losses[s:], settings[:, s:], numbers)

    def _forward(self, k: int, x: Stored | None, numbers: "_Numbers") -> None:
        layer, n = self._layers[k], numbers.size
        width, fan_in = layer.weight.shape
        rows, outs = _tile(n, width)
        source = x or Stored(numbers.a[k - 1], None, None)
        tiles.forward[triton.cdiv(n, rows), triton.cdiv(width, outs)](
            source.x,
            source.x if source.order is None else source.order,
            layer.weight,
            layer.bias,
            numbers.a[k],
            n,
            width,
            fan_in,
            source.scale or 1.0,
            GATHERS=source.order is not None,
            SCALES=source.scale is not None,
            KIND=layer.kind,
            PRECISION=self._precision,
            TN=rows,
            TO=outs,
            TI=DEPTH,
        )

    def _head(self, feed: Feed, s: int, numbers: "_Numbers") -> None:
        layer, before, n = self._layers[-1], self._layers[-2], numbers.size
        y, shares = feed.targets(s)
        tiles.head[(len(numbers.parts),)](
            numbers.a[-1],
            layer.weight,
            layer.bias,
            y,
            numbers.parts if shares is None else shares,
            numbers.dz[-2],
            numbers.dz[-1],
            numbers.parts,
            n,
            *layer.weight.shape,
            WEIGHTED=shares is not None,
            LOSS=self._loss,
            KIND=before.kind,
            PRECISION=self._precision,
            TN=HEAD_ROWS,
            TO=MOST_OUTPUTS,
            TI=DEPTH,
        )

    def _backward(self, k: int, numbers: "_Numbers") -> None:
        layer, before, n = self._layers[k], self._layers[k - 1], numbers.size
        width, fan_in = layer.weight.shape
        rows, ins = _tile(n, fan_in)
        tiles.backward[triton.cdiv(n, rows), triton.cdiv(fan_in, ins)](
            numbers.dz[k],
            layer.weight,
            numbers.a[k - 1],
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

    def _update(self, x: "Stored", loss: Tensor, settings: Tensor, numbers: "_Numbers") -> None:
        rule, params, memory = self._group.rule, self._engine.params, self._group.memory
        is_adam = isinstance(rule, Adam | AdamW)
        is_coupled = not isinstance(rule, AdamW) and not rule.decoupled_weight_decay
        tiles.update[(len(numbers.table),)](
            x.x,
            x.x if x.order is None else x.order,
            numbers.flat,
            params.flat,
            params.grad,
            memory.get("m", params.flat),
            memory.get("v", params.flat),
            numbers.table,
            settings,
            numbers.parts,
            loss,
            numbers.size,
            len(numbers.parts),
            settings.stride(0),
            x.scale or 1.0,
            GATHERS=x.order is not None,
            SCALES=x.scale is not None,
            RULE=int(is_adam),
            BETA1=rule.betas[0] if is_adam else 0.0,
            BETA2=rule.betas[1] if is_adam else 0.0,
            EPS=rule.eps if is_adam else 0.0,
            DECAY=rule.weight_decay if is_coupled else 0.0,
            PRECISION=self._precision,
            TN=DEPTH,
            TO=numbers.tile,
            TI=numbers.tile,
            PARTS=triton.next_power_of_2(len(numbers.parts)),
        )


@final
class _Numbers:
    """What steps of one size leave for their own later kernels: outputs and their gradients, and the tiles to update."""

    def __init__(self, layers: Sequence[Dense], params: Params, size: int) -> None:
        self.size = size
        widths = [len(layer.bias) for layer in layers[:-1]]
        places = list(accumulate([0, *(size * width for width in widths for _ in range(2)), size * MOST_OUTPUTS]))
        self.flat = params.flat.new_zeros(places[-1])
        self.a = [self.flat[places[2 * k] : places[2 * k + 1]] for k in range(len(widths))]
        self.dz = [self.flat[places[2 * k + 1] : places[2 * k + 2]] for k in range(len(widths))]
        self.dz.append(self.flat[places[-2] :])
        self.parts = params.flat.new_zeros(triton.cdiv(size, HEAD_ROWS))
        total = sum(layer.weight.numel() for layer in layers)
        self.tile = next((side for side in (64, 32) if total >= ENOUGH * side**2), 32)
        self.table = torch.tensor(list(self._tiles(layers)), device=params.flat.device)

    def _tiles(self, layers: Sequence[Dense]) -> Iterator[tuple[int, ...]]:
        """For each tile of each layer: W, b, O, I, its first row and column, dz, x, the width of dz."""
        for k, layer in enumerate(layers):
            num_out, num_in = layer.weight.shape
            at = layer.weight.storage_offset(), layer.bias.storage_offset(), num_out, num_in
            width = MOST_OUTPUTS if k == len(layers) - 1 else num_out
            source = self.a[k - 1].storage_offset() if k else -1
            for first_out in range(0, num_out, self.tile):
                for first_in in range(0, num_in, self.tile):
                    yield *at, first_out, first_in, self.dz[k].storage_offset(), source, width


def _dense(engine: Engine) -> Iterator[Dense]:
    """The linear layers of a network, each with the activation behind it."""
    names = [choice.name for choice in engine.spec.layers]
    for name, following, w in zip(names, [*names[1:], "linear"], engine.params.weights, strict=True):
        if name == "linear":
            yield Dense(w["weight"], w["bias"], KINDS.get(following, 0))


def _tile(rows: int, columns: int) -> tuple[int, int]:
    """The sides of tiles of a product: large, but so many that every part of the device has one."""
    sides = ((64, 64), (32, 64), (32, 32), (16, 32))
    return next((s for s in sides if triton.cdiv(rows, s[0]) * triton.cdiv(columns, s[1]) >= ENOUGH), sides[-1])
