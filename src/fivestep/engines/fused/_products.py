"""The five steps of a larger network on the CPU: products by torch, and one compiled pass between two of them.

Of a step of some hundred million operations, matrix products take nine parts in ten, and torch has the fastest. What
`scratch` does between them in a dozen operations, each through the whole of a tensor, is one compiled pass here
(`body/passes.py`): rows gathered and turned into numbers; an activation in place; its derivative times what comes back,
with the gradient of the bias; the loss with its gradient; the update of all parameters. The formulas are the same, and
`scratch` is the oracle. What has no compiled form is done as `scratch` does it, layer by layer.
"""

from collections.abc import Iterator, Sequence
from typing import final

import torch
from torch import Tensor

from ...blocks import Block
from ...layer import Layer, Memo
from ...layers.linear import Linear
from ...optim.sgd import SGD
from ...plan import TrainPlan
from ...products import add_outer_, affine, back, outer
from ...typing import Features, Logits
from .._base import Engine
from .._update import RuleGroup, clip_
from . import _compiled
from ._forms import OPERATIONS, is_activation
from ._rows import BlockRows
from ._tables import LANES, Array, descent_of, measure_of, remembered_by, tile_for
from .body.kinds import IDENTITY, RELU


@final
class AsInScratch:
    """Any layer, by its own two methods. They add to the gradient, so somebody has to set it to zero before."""

    def __init__(self, engine: Engine, k: int) -> None:
        self._layer, self._memo = engine.layers[k], engine.memo(k, reuse=True)
        self._w, self._dw = engine.params.weights[k], engine.params.gradients[k]
        self.has_parameters = bool(self._dw)

    def forward(self, x: Tensor) -> Tensor:
        return self._layer.forward(self._w, x, self._memo)

    def backward(self, dy: Tensor, need_dx: bool) -> Tensor:
        return self._layer.backward(self._w, self._dw, dy, self._memo, need_dx)


@final
class Affine:
    """a = f(z) with z = x W^T + b, for every row of x; f is the activation behind the linear layer, if there is one.

    On the way back dz = da f'(z) and db = 1^T dz are one pass, dx = dz W, and dW = dz^T x is written over the last
    gradient. With a `rate`, gradients are only added to the weights, W <- W - rate dz^T x, so none is kept.
    """

    rate: float | None = None

    def __init__(self, engine: Engine, k: int, activation: Layer | None) -> None:
        self._w, self._dw = engine.params.weights[k], engine.params.gradients[k]
        self._memo = Memo(training=True, reuse=True)
        self._kind, self._number = IDENTITY, 0.0
        if activation is not None:
            form = OPERATIONS[engine.spec.layers[k + 1].name]
            self._kind, self._number = form.kind, float((*form.numbers(activation), 0.0)[0])
        self._db = self._dw["bias"] if "bias" in self._dw else engine.params.flat.new_empty(len(self._w["weight"]))
        self._rest = engine.params.flat.new_zeros(8 * LANES).numpy()

    def forward(self, x: Tensor) -> Tensor:
        rows, weight, memo = x.flatten(0, -2), self._w["weight"], self._memo
        a = affine(rows, weight, self._w.get("bias"), memo.buffer("a", (len(rows), len(weight)), rows))
        memo["x"], memo["slopes"] = rows, a
        if self._kind != IDENTITY:
            if self._kind != RELU:
                memo["slopes"] = memo.buffer("slopes", tuple(a.shape), a)  # type: ignore[assignment]  # reused: a tensor
            _compiled.one_pass("activate")(self._kind, self._number, _flat(a), _flat(memo["slopes"]), self._rest)
        return a if x.dim() == 2 else a.view(*x.shape[:-1], len(weight))

    def backward(self, dy: Tensor, need_dx: bool) -> Tensor:
        dz, x, weight, memo = dy.flatten(0, -2).contiguous(), self._memo["x"], self._w["weight"], self._memo
        if self._kind == IDENTITY:
            torch.sum(dz, 0, out=self._db)
        else:
            _compiled.one_pass("back")(self._kind, dz.numpy(), memo["slopes"].numpy(), self._db.numpy())
        dx = back(dz, weight, memo.buffer("dx", tuple(x.shape), x)) if need_dx else dz  # before the weights move
        if self.rate is None:
            outer(dz, x, self._dw["weight"])
        else:
            add_outer_(weight, dz, x, alpha=-self.rate)
            if "bias" in self._w:
                self._w["bias"].add_(self._db, alpha=-self.rate)
        return dx if dy.dim() == 2 or not need_dx else dx.view(*dy.shape[:-1], x.shape[1])


@final
class Products:
    """The larger body of `fused`, for one engine."""

    def __init__(self, engine: Engine, groups: Sequence[RuleGroup]) -> None:
        self._engine, self._groups, self._rows = engine, groups, BlockRows(engine)
        self._dtype = str(engine.dtype).removeprefix("torch.")
        self._pieces = list(_pieces(engine))
        trained = [isinstance(piece, Affine) or piece.has_parameters for piece in self._pieces]
        self._first = trained.index(True)
        self._adds = any(isinstance(piece, AsInScratch) and piece.has_parameters for piece in self._pieces)
        self._merges = not self._adds and len(groups) == 1 and _only_adds(engine.plan, groups[0])
        self._loss, self._tile = measure_of(engine.plan, engine.criterion), tile_for(engine.spec, engine.params)
        self._descents = [descent_of(engine.plan, group) for group in groups]
        self._remembered = [
            remembered_by(engine.plan, group) if descent else None
            for group, descent in zip(groups, self._descents, strict=True)
        ]
        self._memo = Memo(training=True, reuse=True)

    def train(self, block: Block, losses: Tensor, penalties: Tensor) -> None:
        """Does the steps of a block, and writes the loss of each, and its L2 term."""
        engine, num_steps = self._engine, len(block.rates)
        with _compiled.compiling("passes", self._dtype):
            self._rows.take(block)
            for s, (rate, l2) in enumerate(zip(block.rates.tolist(), block.l2.tolist(), strict=True)):
                engine.lr, engine.l2 = rate, l2
                if l2:
                    penalties[s] = engine.penalty()
                losses[s] = self._step(s, merged=self._merges and not l2 and s < num_steps - 1)

    def _step(self, s: int, *, merged: bool) -> float:
        """Step s of the block. Where it is `merged`, the gradient is nowhere to be seen afterwards."""
        engine, pieces = self._engine, self._pieces
        for piece in pieces:
            if isinstance(piece, Affine):
                piece.rate = engine.lr * self._groups[0].lr_factor if merged else None

        # 1  predict
        a = self._rows.inputs(s)
        for piece in pieces:
            a = piece.forward(a)

        # 2  measure
        logits = a.reshape(-1, a.shape[-1]).contiguous()
        slopes = self._memo.buffer("slopes", tuple(logits.shape), logits)
        assert slopes is not None, "a memo that reuses has one"
        targets, share = self._rows.targets(s, a)
        loss: float = _compiled.one_pass("measure_rows")(
            self._loss, self._tile, logits.numpy(), targets, share, slopes.numpy()
        )

        # 3  forget the last gradient: a product writes over it, other layers add to it
        if self._adds:
            engine.params.grad.zero_()

        # 4  find the new one
        da = slopes.view(a.shape)
        for k in range(len(pieces) - 1, self._first - 1, -1):
            da = pieces[k].backward(da, need_dx=k > self._first)

        # 5  step downhill
        if not merged:
            self._update()
        engine.draws.step += 1
        return loss

    def _update(self) -> None:
        engine, step = self._engine, self._engine.num_updates + 1
        engine.add_penalty_gradient_()
        clip_(engine.params.grad, engine.plan)
        for group, descent, memory in zip(self._groups, self._descents, self._remembered, strict=True):
            lr = engine.lr * group.lr_factor
            if descent is None:
                group.rule.update_(group.w, group.dw, group.memory, lr, step)
            else:
                _compiled.one_pass("update")(descent, group.w.numpy(), group.dw.numpy(), memory, lr, step)

    def predict(self, x: Features) -> Logits:
        """The logits of x in evaluation mode."""
        a = x
        for layer, w in zip(self._engine.layers, self._engine.params.weights, strict=True):
            a = layer.forward(w, a, Memo(training=False))
        return a


def _pieces(engine: Engine) -> Iterator[Affine | AsInScratch]:
    """The layers of a network, each linear one together with the activation behind it."""
    k = 0
    while k < len(engine.layers):
        if not isinstance(engine.layers[k], Linear):
            yield AsInScratch(engine, k)
        else:
            follows = k + 1 < len(engine.layers) and is_activation(engine.spec.layers[k + 1])
            yield Affine(engine, k, engine.layers[k + 1] if follows else None)
            k += follows
        k += 1


def _only_adds(plan: TrainPlan, group: RuleGroup) -> bool:
    """Whether the rule does nothing with a gradient but add it to the weights, times the rate."""
    rule = group.rule
    is_plain = isinstance(rule, SGD) and not rule.momentum and not rule.weight_decay
    return is_plain and plan.clip_norm is None and plan.clip_value is None


def _flat(tensor: Tensor) -> Array:
    return tensor.view(-1).numpy()
