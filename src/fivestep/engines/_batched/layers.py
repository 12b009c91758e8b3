"""The layers of K networks at once: the formulas of `layers/`, with a leading axis of networks.

x is (K, N, I); a matrix (O, I) becomes (K, O, I), a vector (I,) becomes (K, 1, I), which broadcasts over the rows of
its own network. An elementwise layer has this form already, as its own forward and backward. Sums over the rows become
sums over axis 1, and matrix products become batched ones.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, final

import torch
from torch import Tensor

from ...activations._base import Activation
from ...activations.softmax import Softmax
from ...find import Choice
from ...layer import Layer, Memo
from ...layers.batch_norm import BatchNorm
from ...layers.dropout import Dropout
from ...layers.layer_norm import LayerNorm
from ...layers.linear import Linear
from ...layers.ntk_linear import NTKLinear
from ...layers.rms_norm import RMSNorm
from ...layers.scale import Scale
from ...layers.standardize import Standardize
from ...net import NetSpec
from ...typing import Elements, Tensors


@final
class Form(NamedTuple):
    """Forward and backward of a layer for K networks, with the arguments of the layer's own and the layer first."""

    forward: Callable[[Any, Tensors, Elements, Memo], Elements]
    backward: Callable[[Any, Tensors, Tensors, Elements, Memo, bool], Elements]


def form_of(layer: Layer) -> Form | None:
    """The batched form of a layer; None where it has none."""
    if isinstance(layer, Activation | Dropout | Softmax | Standardize):
        return Form(type(layer).forward, type(layer).backward)
    return FORMS.get(type(layer))


def without_form(spec: NetSpec, layers: Sequence[Layer]) -> Choice | None:
    """The first layer of a network that has no batched form; None if all have one."""
    pairs = zip(spec.layers, layers, strict=True)
    return next((choice for choice, layer in pairs if form_of(layer) is None), None)


def linear_forward(layer: Linear, w: Tensors, x: Elements, memo: Memo) -> Elements:
    """The product forward, z = x W^T + b: x (K, N, I), W (K, O, I), b (K, 1, O), z (K, N, O)."""
    memo["x"] = x
    z = memo.buffer("z", (*x.shape[:2], layer.out_features), x)
    if not layer.bias:
        return torch.bmm(x, w["weight"].mT, out=z)
    return torch.baddbmm(w["bias"], x, w["weight"].mT, out=z)


def linear_backward(layer: Linear, w: Tensors, dw: Tensors, dy: Elements, memo: Memo, need_dx: bool) -> Elements:
    """The products back, dW = dz^T x, db = 1^T dz, dx = dz W, each network by itself."""
    dw["weight"].baddbmm_(dy.mT, memo["x"])
    if layer.bias:
        dw["bias"].add_(dy.sum(1, keepdim=True))
    return torch.bmm(dy, w["weight"], out=memo.buffer("dx", memo["x"].shape, dy)) if need_dx else dy


def ntk_forward(layer: NTKLinear, w: Tensors, x: Elements, memo: Memo) -> Elements:
    """The same on inputs that carry the factor 1 / sqrt(I)."""
    return linear_forward(layer.plain, w, x * layer.factor, memo)


def ntk_backward(layer: NTKLinear, w: Tensors, dw: Tensors, dy: Elements, memo: Memo, need_dx: bool) -> Elements:
    """What comes out carries the factor too."""
    dx = linear_backward(layer.plain, w, dw, dy, memo, need_dx)
    return dx.mul_(layer.factor) if need_dx else dx


def scale_backward(_layer: Scale, w: Tensors, dw: Tensors, dy: Elements, memo: Memo, _need_dx: bool) -> Elements:
    """The gradient dg = sum over the rows of dy x, dx = dy g."""
    dw["weight"].add_((dy * memo["x"]).sum(1, keepdim=True))
    return dy.mul_(w["weight"])


def norm_backward(layer: Any, w: Tensors, dw: Tensors, dy: Elements, memo: Memo, need_dx: bool) -> Elements:
    """Weight and bias of a normalization here; what is within a row is the layer's own formula."""
    if not layer.elementwise_affine:
        return layer.backward({}, {}, dy, memo, need_dx)  # type: ignore[no-any-return]  # one of two layers
    dn = _affine_backward(w, dw, dy, memo["normalized"])
    plain = replace(layer, elementwise_affine=False)
    return plain.backward({}, {}, dn, memo, need_dx)  # type: ignore[no-any-return]


def batch_norm_forward(layer: BatchNorm, w: Tensors, x: Elements, memo: Memo) -> Elements:
    """Each feature over the rows of its network: statistics are (K, 1, I)."""
    mean, var = _statistics(layer, w, x) if memo.training else (w["running_mean"], w["running_var"])
    memo["scale"] = scale = (var + layer.eps).rsqrt()
    memo["normalized"] = normalized = (x - mean).mul_(scale)
    return torch.addcmul(w["bias"], normalized, w["weight"]) if layer.affine else normalized


def _statistics(layer: BatchNorm, w: Tensors, x: Elements) -> tuple[Tensor, Tensor]:
    """The mean and the variance of a batch, which the running ones follow."""
    mean, num_rows = x.mean(1, keepdim=True), x.shape[1]
    var = (x - mean).square().mean(1, keepdim=True)
    w["num_batches_tracked"].add_(1)
    momentum = w["num_batches_tracked"].reciprocal() if layer.momentum is None else layer.momentum
    w["running_mean"].lerp_(mean, momentum)
    w["running_var"].lerp_(var * (num_rows / (num_rows - 1)), momentum)
    return mean, var


def batch_norm_backward(layer: BatchNorm, w: Tensors, dw: Tensors, dy: Elements, memo: Memo, _dx: bool) -> Elements:
    """The layer's formula with means over axis 1."""
    normalized = memo["normalized"]
    dn = _affine_backward(w, dw, dy, normalized) if layer.affine else dy
    mean, slope = dn.mean(1, keepdim=True), (dn * normalized).mean(1, keepdim=True)
    return dn.sub_(mean).addcmul_(normalized, slope, value=-1).mul_(memo["scale"])


def _affine_backward(w: Tensors, dw: Tensors, dy: Elements, normalized: Elements) -> Elements:
    """Adds db = sum over the rows of dy and dg = sum over the rows of dy n; returns dn = g dy."""
    dw["weight"].add_((dy * normalized).sum(1, keepdim=True))
    if "bias" in dw:
        dw["bias"].add_(dy.sum(1, keepdim=True))
    return dy.mul_(w["weight"])


FORMS: Mapping[type, Form] = {
    Linear: Form(linear_forward, linear_backward),
    NTKLinear: Form(ntk_forward, ntk_backward),
    Scale: Form(Scale.forward, scale_backward),
    LayerNorm: Form(LayerNorm.forward, norm_backward),
    RMSNorm: Form(RMSNorm.forward, norm_backward),
    BatchNorm: Form(batch_norm_forward, batch_norm_backward),
}
"""Layers with parameters, or that mix rows: their sums depend on the axis of networks."""
