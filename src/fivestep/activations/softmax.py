"""Softmax as a layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import nn

from ..layer import Memo, ParameterFree
from ..typing import Elements, Shape, Tensors


@final
@dataclass(frozen=True)
class Softmax(ParameterFree):
    """p_c = exp(z_c) / sum_k exp(z_k) over the last axis: positive numbers that sum to 1; z and p are (*N, C).

    Do not end a network with it before `cross_entropy`: that loss takes logits and applies a softmax itself. A second
    one squeezes its inputs into [0, 1], so that the loss cannot get below log(e + C - 1) - 1, which is 1.4612 for ten
    classes, and the gradient vanishes where the network is sure. `make_engine` warns of it.

    Unlike the other activations it mixes the elements of a row. With dp = dloss/dp given,

        dp_k/dz_c = p_k ((1 if k = c else 0) - p_c)    so    dz_c = p_c (dp_c - sum_k dp_k p_k)

    Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs".
    """

    formulas: ClassVar[Mapping[str, str]] = {
        "y": "exp({x}) / sum of exp({x}) in its row",
        "dx": "{y} * ({dy} - sum of {dy} * {y} in its row)",
    }

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, w: Tensors, x: Elements, memo: Memo) -> Elements:
        memo["p"] = p = torch.softmax(x, -1, out=memo.buffer("p", x.shape, x))  # subtracts the largest logit first
        return p

    def backward(self, w: Tensors, dw: Tensors, dy: Elements, memo: Memo, need_dx: bool = True) -> Elements:
        p = memo["p"]
        return dy.sub_((dy * p).sum(-1, keepdim=True)).mul_(p)

    def module(self, memo: Memo) -> nn.Module:
        return nn.Softmax(-1)
