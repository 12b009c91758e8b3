"""A linear layer of a larger network with the activation behind it."""

from typing import final

from torch import Tensor

from ....layer import Layer, Memo
from ....products import add_outer_, affine, back, outer, wants_transposed
from ..._engine import Engine
from .. import _compiled
from .._forms import OPERATIONS
from .._tables import LANES, Array
from ..body.kinds import IDENTITY, RELU
from ..body.lanes import FOUR

FEW_OUTPUTS, FEW = 16, 4_000_000
"""Outputs, and multiplications of a product, up to which one thread of compiled code beats a library on several."""


@final
class AffineLayer:
    """a = f(z) with z = x W^T + b, for every row of x; f is the activation behind the linear layer, if there is one.

    Backward, dz = da f'(z) and db = 1^T dz are one pass, with dz^T beside it where dW is faster from that; dx = dz W;
    and dW = dz^T x is written over the last gradient. With a `rate`, gradients are added to the weights at once,
    W <- W - rate dz^T x, and large ones are written down only where the step `shows_gradient`.
    """

    rate: float | None = None
    shows_gradient = True

    def __init__(self, engine: Engine, k: int, activation: Layer | None) -> None:
        self._w, self._dw = engine.params.weights[k], engine.params.gradients[k]
        self._memo = Memo(training=True, reuse=True)
        self._kind, self._number = IDENTITY, 0.0
        if activation is not None:
            form = OPERATIONS[engine.spec.layers[k + 1].name]
            self._kind, self._number = form.kind, float((*form.numbers(activation), 0.0)[0])
        self._none = engine.params.flat.new_empty(0)
        self._db = self._dw["bias"] if "bias" in self._dw else engine.params.flat.new_empty(len(self._w["weight"]))
        self._rest = engine.params.flat.new_zeros(8 * LANES).numpy()

    def release(self) -> None:
        """Forgets its last input."""
        self._memo.clear()

    def forward(self, x: Tensor) -> Tensor:
        rows, memo = x.flatten(0, -2), self._memo
        memo["x"] = rows
        a = memo["derivatives"] = self._sums(rows, memo.buffer("a", (rows.shape[0], self._w["weight"].shape[0]), rows))
        if self._kind != IDENTITY:
            if self._kind != RELU:
                memo["derivatives"] = memo.buffer("derivatives", tuple(a.shape), a)  # type: ignore[assignment]  # reused: a tensor
            z = a.view(-1).numpy()
            derivatives = z if self._kind == RELU else memo["derivatives"].view(-1).numpy()
            _compiled.one_pass("activate")(self._kind, self._number, z, derivatives, self._rest)
        return a if x.dim() == 2 else a.view(*x.shape[:-1], a.shape[1])

    def _sums(self, x: Tensor, out: Tensor | None) -> Tensor:
        weight, bias = self._w["weight"], self._w.get("bias")
        if out is None or not is_narrow(x, weight):
            return affine(x, weight, bias, out)
        _compiled.one_pass("narrow_forward")(
            x.numpy(), weight.numpy(), (self._none if bias is None else bias).numpy(), out.numpy()
        )
        return out

    def backward(self, dy: Tensor, need_dx: bool) -> Tensor:
        dz, x = dy.flatten(0, -2).contiguous(), self._memo["x"]
        if self._kind == IDENTITY and is_narrow(x, self._w["weight"]):
            dx = self._narrow_back(dz, x, need_dx)
        else:
            dx = self._back(dz, x, need_dx)
        return dx if dy.dim() == 2 or not need_dx else dx.view(*dy.shape[:-1], x.shape[1])

    def _narrow_back(self, dz: Tensor, x: Tensor, need_dx: bool) -> Tensor:
        """The same in one call."""
        w, b, dw, db = self._w["weight"], self._w.get("bias"), self._dw["weight"], self._dw.get("bias")
        dx = self._memo.buffer("dx", tuple(x.shape), x) if need_dx else self._none
        assert dx is not None, "a memo that reuses has one"
        weights = w.numpy(), (self._none if b is None else b).numpy()
        gradients = dx.numpy(), dw.numpy(), (self._none if db is None else db).numpy()
        _compiled.one_pass("narrow_back")(dz.numpy(), x.numpy(), weights, gradients, self.rate or 0.0)
        return dx if need_dx else dz

    def _back(self, dz: Tensor, x: Tensor, need_dx: bool) -> Tensor:
        """One pass over dz, and two products."""
        weight, memo, transposed = self._w["weight"], self._memo, None
        if wants_transposed(dz, x):
            transposed = memo.buffer("transposed", (dz.shape[1], dz.shape[0]), dz)
        _compiled.one_pass("back")(
            self._kind, dz.numpy(), memo["derivatives"].numpy(), self._db.numpy(), _matrix(transposed, self._none)
        )
        dx = back(dz, weight, memo.buffer("dx", tuple(x.shape), x)) if need_dx else dz  # before the weights move
        if self.rate is None or self.shows_gradient:
            outer(dz, x, self._dw["weight"], transposed)
        if self.rate is not None:
            add_outer_(weight, dz, x, alpha=-self.rate, transposed=transposed)
            if "bias" in self._w:
                self._w["bias"].add_(self._db, alpha=-self.rate)
        return dx


def is_narrow(x: Tensor, weight: Tensor) -> bool:
    """Whether compiled code multiplies: few outputs, inputs in whole lanes, and not so much that threads would pay."""
    num_rows, num_in = x.shape  # `len` of a tensor takes a microsecond
    few = weight.shape[0] <= FEW_OUTPUTS and num_rows * weight.numel() <= FEW
    return few and num_rows >= FOUR and num_in % LANES == 0 and x.is_contiguous()


def _matrix(tensor: Tensor | None, none: Tensor) -> Array:
    return none.view(0, 0).numpy() if tensor is None else tensor.numpy()
