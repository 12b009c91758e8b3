"""Several networks of one shape, whose answers are averaged."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Self, final

import torch
from torch import Tensor, nn

from ..check import InputError, at_least, one_of, refuse
from ..find import Choice, build, has_width, layer_family
from ..layer import MAX_CHILDREN, Layer, Memo
from ..typing import Elements, Features, Shape, Tensors
from ._composite import Composite, within

LINKS = ("identity", "softmax", "sigmoid", "exp", "normal")
"""The links from logits to answers, named as by losses."""


@final
@dataclass(frozen=True)
class Ensemble(Composite):
    """y = g^-1(mean over k of g(z_k)), z_k = f_k(x): K `members`, whose answers g(z_k) are averaged, not their logits.

    g is the `link` from logits to answers, and y is a logit again, so whatever takes a network's output takes this:

        identity    y = mean z_k                                        dz_k = dy / K
        exp         y = log mean exp z_k                                dz_k = s_k(z) dy
        softmax     y = log mean p_k, l_k = log p_k = log softmax z_k   dz_k = dl_k - p_k sum dl_k, dl_k = s_k(l) dy
        sigmoid     y = log mean p_k - log mean q_k, p_k = sigmoid z_k, q_k = 1 - p_k
                                                                        dz_k = (s_k(log p) q_k + s_k(log q) p_k) dy
        normal      m = mean m_k, s = log v, v = mean (exp s_k + (m_k - m)^2), of pairs z = (m, s)
                                                                        dm_k = (dm + 2 (m_k - m) ds / v) / K
                                                                        ds_k = exp(s_k) ds / (v K)

    with s_k(a) = exp a_k / sum over the members of exp a, and dx the sum of what the members send back. "normal" gives
    the mean and the variance of the mixture: what the members are not sure of, and where they differ. `layers` names
    the layers of each as texts, as in `residual`, the last linear one without its `out_features`; their parameters are
    "members.0.0.weight", ... Usually the members were trained one by one, each with its own seed or rows, and come
    together to predict (`ensemble.py`). Raises an `InputError` if the layers do not fit together. Lakshminarayanan,
    Pritzel and Blundell 2017, "Simple and scalable predictive uncertainty estimation using deep ensembles".
    """

    formulas: ClassVar[Mapping[str, str]] = {
        "y": "the logits of the mean answer of all members, each of which takes {x}",
        "dx": "the sum of what the members send back",
    }

    layers: tuple[str, ...]
    members: int
    out_features: int
    link: str = "identity"
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        usual = "a list of one or more texts", "write for example ['linear:out_features=8']"
        if not isinstance(self.layers, list | tuple) or not self.layers:
            raise refuse("layers of an ensemble", self.layers, *usual)
        if not all(isinstance(text, str) for text in self.layers):
            raise refuse("layers of an ensemble", self.layers, *usual)
        at_least("members", self.members, 1)
        at_least("out_features", self.out_features, 1)
        one_of("link", self.link, LINKS)
        if self.members * len(self.layers) > MAX_CHILDREN:
            raise refuse(
                "members", self.members, f"at most {MAX_CHILDREN // len(self.layers)} of such networks", "take fewer"
            )
        object.__setattr__(self, "layers", tuple(self.layers))

    @cached_property
    def body(self) -> tuple[Layer, ...]:
        """The layers of one member with their sizes."""
        assert self.input_shape is not None, "sized() comes first"
        shape, body = self.input_shape, []
        choices = [Choice.parse(text) for text in self.layers]
        last = max((j for j, choice in enumerate(choices) if has_width(choice)), default=None)
        for j, choice in enumerate(choices):
            width = {"out_features": self.out_features} if j == last else {}
            layer: Layer = build(layer_family(choice.name), choice, **width).sized(shape)
            shape = layer.output_shape(shape)
            body.append(layer)
        if shape[-1] != self.out_features:
            raise InputError(
                f"the layers of an ensemble must end with out_features={self.out_features} numbers, got {shape[-1]}; "
                f"end them with a linear layer."
            )
        return tuple(body)

    def sized(self, input_shape: Shape) -> Self:
        if self.input_shape not in (None, input_shape):
            raise InputError(
                f"input_shape must be the {input_shape} of a row at this layer, got {self.input_shape}; leave it out."
            )
        sized = replace(self, input_shape=input_shape)
        assert sized.body, "building it checks the shapes"
        return sized

    def inner(self) -> Mapping[str, Layer]:
        return {f"members.{k}.{j}": layer for k in range(self.members) for j, layer in enumerate(self.body)}

    def check_input(self, x: Features) -> None:
        self.body[0].check_input(x)

    def output_shape(self, input_shape: Shape) -> Shape:
        shape = input_shape
        for layer in self.body:
            shape = layer.output_shape(shape)
        return shape

    def forward(self, w: Tensors, x: Elements, memo: Memo) -> Elements:
        each = []
        for k in range(self.members):
            a = x
            for j, layer in enumerate(self.body):
                a = layer.forward(within(w, f"members.{k}.{j}"), a, memo.child(k * len(self.body) + j))
            each.append(a)
        memo["z"] = z = torch.stack(each)  # (K, *N, O)
        return self.logits_of_mean(z)

    def logits_of_mean(self, z: Tensor) -> Tensor:
        """The logits (*N, O) of the mean answer of K members with logits z (K, *N, O)."""
        if self.link == "identity":
            return z.mean(0)
        if self.link == "exp":
            return _log_mean_exp(z)
        if self.link == "softmax":
            return _log_mean_exp(z.log_softmax(-1))
        if self.link == "normal":
            m, s = z[..., ::2], z[..., 1::2]
            mean = m.mean(0)
            return _side_by_side(mean, (s.exp() + (m - mean).square()).mean(0).log())
        return _log_mean_exp(nn.functional.logsigmoid(z)) - _log_mean_exp(nn.functional.logsigmoid(-z))

    def backward(self, w: Tensors, dw: Tensors, dy: Elements, memo: Memo, need_dx: bool = True) -> Elements:
        total: Tensor | None = None
        for k, dz in enumerate(_to_members(dy, memo["z"], self.link)):
            da = dz.contiguous()
            for j, layer in reversed(list(enumerate(self.body))):
                inner, child = f"members.{k}.{j}", memo.child(k * len(self.body) + j)
                da = layer.backward(within(w, inner), within(dw, inner), da, child, need_dx or j > 0)
            if need_dx:
                total = da.clone() if total is None else total.add_(da)
        return dy if total is None else total

    def module(self, memo: Memo) -> nn.Module:
        size = len(self.body)
        modules = [
            nn.Sequential(*(layer.module(memo.child(k * size + j)) for j, layer in enumerate(self.body)))
            for k in range(self.members)
        ]
        return _TorchEnsemble(modules, self.link)


def _log_mean_exp(a: Tensor) -> Tensor:
    return a.logsumexp(0) - math.log(len(a))


def _side_by_side(means: Tensor, others: Tensor) -> Tensor:
    """The mean of each target and beside it the other number."""
    return torch.stack([means, others], -1).flatten(-2)


def _to_members(dy: Tensor, z: Tensor, link: str) -> Tensor:
    """The gradient for each member, (K, *N, O)."""
    if link == "identity":
        return dy.expand_as(z) / len(z)  # each its own: a layer may overwrite what it is sent back
    if link == "exp":
        return z.softmax(0) * dy
    if link == "softmax":
        logarithms = z.log_softmax(-1)
        dl = logarithms.softmax(0) * dy
        return dl - logarithms.exp() * dl.sum(-1, keepdim=True)
    if link == "normal":
        m, variances, dm, ds = z[..., ::2], z[..., 1::2].exp(), dy[..., ::2], dy[..., 1::2]
        apart = m - m.mean(0)
        ds = ds / (variances + apart.square()).mean(0)
        return _side_by_side(dm + 2 * apart * ds, variances * ds) / len(z)
    log = nn.functional.logsigmoid
    return (log(z).softmax(0) * torch.sigmoid(-z) + log(-z).softmax(0) * torch.sigmoid(z)) * dy


@final
class _TorchEnsemble(nn.Module):  # torch has no such layer: answers as they are, averaged, and back to logits
    def __init__(self, modules: list[nn.Sequential], link: str) -> None:
        super().__init__()
        self.members, self.link = nn.ModuleList(modules), link

    def forward(self, x: Tensor) -> Tensor:
        z = torch.stack([member(x) for member in self.members])
        if self.link == "identity":
            return z.mean(0)
        if self.link == "exp":
            return z.exp().mean(0).log()
        if self.link == "softmax":
            return z.softmax(-1).mean(0).log()
        if self.link == "normal":
            m, s = z[..., ::2], z[..., 1::2]
            v = s.exp().mean(0) + m.var(0, correction=0)
            return _side_by_side(m.mean(0), v.log())
        return z.sigmoid().mean(0).logit()
