"""The five steps of a larger network on the CPU: products by torch, and one compiled pass between two of them.

Of a step of some hundred million operations, matrix products take nine parts in ten, and torch has the fastest. What
`scratch` does between them in a dozen operations, each through the whole of a tensor, is one compiled pass here
(`body/passes.py`): rows gathered and converted to numbers; an activation in place; its derivative times the gradient,
with the gradient of the bias; the loss with its gradient; the update of all parameters. The formulas are the same, and
`scratch` is the oracle. What has no compiled form is done as `scratch` does it, layer by layer. A network of linear
layers, norms, activations and branches, or one for tables, is divided among threads instead (`divided.py`), where that
is faster.
"""

from collections.abc import Iterator, Sequence
from typing import final

from torch import Tensor

from ....blocks import Block
from ....layer import Memo
from ....layers.dropout import Dropout
from ....layers.linear import Linear
from ....layers.periodic import Periodic
from ....optim.sgd import SGD
from ....plan import TrainPlan
from ....typing import Features, Inputs, Logits
from ..._engine import Engine
from ..._parts import in_parts
from ..._update import RuleGroup, clip_, move_
from .. import _compiled
from .._forms import is_activation
from .._size import can_be_divided
from .._tables import measure_of
from .affine import AffineLayer
from .divided import Division
from .learned import DropoutLayer, ParametricLayer, dropout_behind, is_learned
from .periodic import PercentilesLayer, PeriodicLayer, are_levels
from .rows import BlockRows
from .tables import descent_of, remembered_by, tile_for


@final
class OrdinaryLayer:
    """Any layer, by its own two methods. They add to the gradient, which has to be set to zero before."""

    def __init__(self, engine: Engine, k: int) -> None:
        self._layer, self._memo = engine.layers[k], engine.memo(k, reuse=True)
        self._w, self._dw = engine.params.weights[k], engine.params.gradients[k]
        self.has_parameters = bool(self._dw)

    def release(self) -> None:
        """Forgets its last input."""
        self._memo.clear()

    def forward(self, x: Tensor) -> Tensor:
        return self._layer.forward(self._w, x, self._memo)

    def backward(self, dy: Tensor, need_dx: bool) -> Tensor:
        return self._layer.backward(self._w, self._dw, dy, self._memo, need_dx)


@final
class LargerBody:
    """The larger body of `fused`, for one engine."""

    def __init__(self, engine: Engine, groups: Sequence[RuleGroup]) -> None:
        self._engine, self._groups, self._rows = engine, groups, BlockRows(engine)
        self._dtype = engine.dtype_name
        can_be = can_be_divided(engine.spec, engine.plan)
        self._division = Division(engine, groups, self._rows) if can_be else None  # it moves what rules remember
        self._part = engine.plan.micro_batch_size
        as_in_scratch = (OrdinaryLayer(engine, k) for k in range(len(engine.layers)))  # whose gradients add up
        self._pieces = list(_pieces(engine) if self._part is None else as_in_scratch)
        trained = [isinstance(piece, AffineLayer) or piece.has_parameters for piece in self._pieces]
        self._first = trained.index(True)
        self._adds = any(not isinstance(piece, AffineLayer) and piece.has_parameters for piece in self._pieces)
        only_adds = len(groups) == 1 and _only_adds(engine.plan, groups[0])
        self._merges, self._merges_divided = only_adds and not self._adds, only_adds and self._part is None
        self._loss, self._tile = measure_of(engine.plan, engine.criterion), tile_for(engine.spec, engine.params)
        self._descents = [descent_of(engine.plan, group) for group in groups]
        self._remembered = [
            remembered_by(engine.plan, group) if descent else None
            for group, descent in zip(groups, self._descents, strict=True)
        ]
        self._memo = Memo(training=True, reuse=True)

    @property
    def is_divided(self) -> bool:
        """Whether threads divide the units."""
        return self._division is not None

    def train(self, block: Block, losses: Tensor, penalties: Tensor) -> None:
        """Does the steps of a block, and writes the loss of each, and its L2 term."""
        engine, num_steps = self._engine, len(block.rates)
        if self._division is not None and self._division.takes(block):
            with _compiled.timed(engine):
                self._division.train(block, losses, penalties, merges=self._merges_divided)
            return
        with _compiled.compiling("passes", self._dtype), _compiled.timed(engine):
            self._rows.take(block)
            for s, (rate, l2) in enumerate(zip(block.rates.tolist(), block.l2.tolist(), strict=True)):
                engine.lr, engine.l2 = rate, l2
                if l2:
                    penalties[s] = engine.penalty()
                losses[s] = self._step(s, merged=self._merges and not l2, is_last=s == num_steps - 1)

    def release(self) -> None:
        """Gives up the rows, which a layer may have as its input; the buffers of a batch stay."""
        self._rows = BlockRows(self._engine)
        if self._division is not None:
            self._division.release(self._rows)
        for piece in self._pieces:
            piece.release()

    def _step(self, s: int, *, merged: bool, is_last: bool) -> float:
        """Step s of the block. Where it is `merged`, the gradient is to be seen after the last one only.

        To be seen it is found once more: how the weights move must not depend on where a block ends.
        """
        engine, pieces = self._engine, self._pieces
        for piece in pieces:
            if isinstance(piece, AffineLayer):
                piece.rate = engine.lr * self._groups[0].lr_factor if merged else None
                piece.shows_gradient = is_last
        x = self._rows.inputs(s)
        size, num_rows = self._part or x.shape[0], x.shape[0]
        loss = 0.0
        for start in range(0, num_rows, size):
            rows = slice(start, min(start + size, num_rows))
            engine.draws.rows = None if self._part is None else (rows, num_rows)
            loss += self._steps_1_to_4(s, x[rows], rows)
        engine.draws.rows = None

        # 5  step downhill
        if not merged:
            self._update()
        engine.draws.step += 1
        return loss

    def _steps_1_to_4(self, s: int, x: Features, rows: slice) -> float:
        """Those of some rows of step s of the block."""
        engine, pieces = self._engine, self._pieces

        # 1  predict
        a = x
        for piece in pieces:
            a = piece.forward(a)

        # 2  measure
        logits = a.reshape(-1, a.shape[-1]).contiguous()
        dz = self._memo.buffer("dz", tuple(logits.shape), logits)
        assert dz is not None, "a memo that reuses has one"
        targets, share = self._rows.targets(s, a, rows)
        loss: float = _compiled.one_pass("measure_rows")(
            self._loss, self._tile, logits.numpy(), targets, share, dz.numpy()
        )

        # 3  forget the last gradient: a product writes over it, other layers and later parts of a batch add to it
        if self._adds and rows.start == 0:
            engine.params.grad.zero_()

        # 4  find the new one
        da = dz.view(a.shape)
        for k in range(len(pieces) - 1, self._first - 1, -1):
            da = pieces[k].backward(da, need_dx=k > self._first)
        return loss

    def _update(self) -> None:
        engine, step = self._engine, self._engine.num_updates + 1
        engine.add_penalty_gradient_()
        clip_(engine.params.grad, engine.plan)
        for group, descent, memory in zip(self._groups, self._descents, self._remembered, strict=True):
            lr = engine.lr * group.lr_factor
            if descent is None:
                move_(group, lr, step)
            else:
                _compiled.one_pass("update")(descent, group.w.numpy(), group.dw.numpy(), memory, lr, step)

    def predict(self, x: Features) -> Logits:
        """The logits of x in evaluation mode."""
        return in_parts(self._outputs, x, self._engine.spec)

    def _outputs(self, a: Inputs) -> Logits:
        for layer, w in zip(self._engine.layers, self._engine.params.weights, strict=True):
            a = layer.forward(w, a, Memo(training=False))
        return a


Piece = AffineLayer | ParametricLayer | DropoutLayer | PeriodicLayer | PercentilesLayer | OrdinaryLayer
"""One or several layers of a network that are done together."""


def _pieces(engine: Engine) -> Iterator[Piece]:
    """The layers of a network, each linear one together with what is done in one pass behind it."""
    k = 0
    while k < len(engine.layers):
        if is_learned(engine, k):
            drops = dropout_behind(engine, k)
            yield ParametricLayer(engine, k, drops)
            k += 1 if drops is None else 2
        elif isinstance(engine.layers[k], Dropout):
            yield DropoutLayer(engine, k)
        elif isinstance(engine.layers[k], Periodic):
            yield PeriodicLayer(engine, k)
        elif are_levels(engine, k):
            yield PercentilesLayer(engine, k)
        elif not isinstance(engine.layers[k], Linear):
            yield OrdinaryLayer(engine, k)
        else:
            follows = k + 1 < len(engine.layers) and is_activation(engine.spec.layers[k + 1])
            yield AffineLayer(engine, k, engine.layers[k + 1] if follows else None)
            k += follows
        k += 1


def _only_adds(plan: TrainPlan, group: RuleGroup) -> bool:
    """Whether the rule does nothing with a gradient but add it to the weights, times the rate."""
    rule = group.rule
    is_plain = isinstance(rule, SGD) and not rule.momentum and not rule.weight_decay
    return is_plain and plan.clip_norm is None and plan.clip_value is None
