"""A hidden layer for tables in a larger network: `ntk_linear`, `parametric`, and `dropout`; or dropout alone."""

from typing import final

import torch
from torch import Tensor

from ....draws import BITS
from ....find import Choice
from ....layer import Memo
from ....layers.dropout import Dropout
from ....layers.ntk_linear import NTKLinear
from ....layers.parametric import Parametric
from ....products import affine, back, outer, wants_transposed
from ..._engine import Engine
from .. import _compiled
from .._forms import OPERATIONS, is_activation
from .._tables import LANES
from ..body.kinds import TANH

NO_BITS = torch.empty(0, 0, dtype=torch.int16).numpy()


@final
class ParametricLayer:
    """y = m (z + g (f(z) - z)) with z = c x W^T + b, where c = 1 / sqrt(I) and m is the scaled mask of dropout, or 1.

    One pass after the product forward, two before those of the backward pass: with da the gradient of y, dg = 1^T (da m
    (f(z) - z)), and c dz = c da m (1 - g + g f'(z)), from which the products go on as in a linear layer.
    """

    has_parameters = True

    def __init__(self, engine: Engine, k: int, drops: Dropout | None) -> None:
        (layer, strength), w, dw = engine.layers[k : k + 2], engine.params.weights, engine.params.gradients
        assert isinstance(layer, NTKLinear)
        assert isinstance(strength, Parametric)
        self._factor, self._w, self._dw, self._g, self._dg = layer.factor, w[k], dw[k], w[k + 1], dw[k + 1]
        form = OPERATIONS[Choice.parse(strength.activation).name]
        option = float((*form.numbers(strength.function), 0.0)[0])
        least, scale = (0.0, 1.0) if drops is None else threshold(drops)
        self._kind, self._numbers = form.kind, (option, self._factor, least, scale)
        self._memo = Memo(training=True, reuse=True)
        self._drawn = None if drops is None else engine.memo(k + 2)
        self._none = engine.params.flat.new_empty(0, 0)

    def release(self) -> None:
        """Forgets its last input."""
        self._memo.clear()

    def forward(self, x: Tensor) -> Tensor:
        rows, memo, num_units = x.flatten(0, -2), self._memo, len(self._w["weight"])
        shape = (len(rows), num_units)
        memo["x"] = rows
        y = affine(rows, self._w["weight"], None, memo.buffer("y", shape, rows))
        whole = y.view(*x.shape[:-1], num_units)
        bits = NO_BITS if self._drawn is None else self._drawn.bits(whole).view(shape).numpy()
        kept = memo["derivatives"], memo["far"] = _made(memo, "derivatives", y), _made(memo, "far", y)
        learned = self._w["bias"].numpy(), self._g["weight"].numpy()
        _compiled.one_pass("parametric")(
            self._kind, self._numbers, y.numpy(), learned, bits, (kept[0].numpy(), kept[1].numpy())
        )
        return whole

    def backward(self, dy: Tensor, need_dx: bool) -> Tensor:
        dz, x, memo, transposed = dy.flatten(0, -2).contiguous(), self._memo["x"], self._memo, None
        _compiled.one_pass("parametric_gradient")(dz.numpy(), memo["far"].numpy(), self._dg["weight"].numpy())
        if wants_transposed(dz, x):
            transposed = memo.buffer("transposed", (dz.shape[1], dz.shape[0]), dz)
        at_once = (self._none if transposed is None else transposed).numpy()
        _compiled.one_pass("back")(TANH, dz.numpy(), memo["derivatives"].numpy(), self._dw["bias"].numpy(), at_once)
        self._dw["bias"].div_(self._factor)  # dz carries it
        dx = back(dz, self._w["weight"], memo.buffer("dx", tuple(x.shape), x)) if need_dx else dz
        outer(dz, x, self._dw["weight"], transposed)
        return dx.view(*dy.shape[:-1], dx.shape[1])


@final
class DropoutLayer:
    """Dropout behind any other layer: mask and y = x m in one pass."""

    has_parameters = False

    def __init__(self, engine: Engine, k: int) -> None:
        layer = engine.layers[k]
        assert isinstance(layer, Dropout)
        self._threshold, self._memo = threshold(layer), engine.memo(k, reuse=True)

    def release(self) -> None:
        """Forgets its last mask."""
        self._memo.clear()

    def forward(self, x: Tensor) -> Tensor:
        memo, x = self._memo, x.contiguous()
        y, mask = _made(memo, "y", x), _made(memo, "scaled_mask", x)
        memo["scaled_mask"] = mask
        numbers, bits, to, kept = (each.view(-1).numpy() for each in (x, memo.bits(x), y, mask))
        _compiled.one_pass("drop")(numbers, bits, *self._threshold, to, kept)
        return y

    def backward(self, dy: Tensor, need_dx: bool) -> Tensor:
        return dy.mul_(self._memo["scaled_mask"])


def threshold(layer: Dropout) -> tuple[float, float]:
    """The least number whose unit stays, and 1 / (1 - p)."""
    return float(round(layer.p * 2**BITS)), 1 / (1 - layer.p)


def _made(memo: Memo, name: str, like: Tensor) -> Tensor:
    made = memo.buffer(name, tuple(like.shape), like)
    assert made is not None, "a memo that reuses has one"
    return made


def is_learned(engine: Engine, k: int) -> bool:
    """Whether such a layer begins at layer k: an activation with a scalar form, and units in whole registers."""
    layer, strength = (*engine.layers[k : k + 2], None)[:2]
    if not isinstance(layer, NTKLinear) or not isinstance(strength, Parametric):
        return False
    return is_activation(Choice.parse(strength.activation)) and layer.out_features % LANES == 0


def dropout_behind(engine: Engine, k: int) -> Dropout | None:
    """The dropout that is its last part, if there is one."""
    layer = engine.layers[k + 2] if k + 2 < len(engine.layers) else None
    return layer if isinstance(layer, Dropout) else None
