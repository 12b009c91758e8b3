"""Layer normalization."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import nn

from ..check import positive
from ..layer import Memo
from ..typing import Inputs, Shape, Tensors
from ._norm import Norm


@final
@dataclass(frozen=True)
class LayerNorm(Norm):
    """Each row, or each token, by itself: y = g n + b with n = (x - mean(x)) s and s = 1 / sqrt(var(x) + eps).

    x and y are (*N, I). The mean and the variance (divided by I) are over the last axis; the weight g and the bias b
    are (I,), begin as 1 and 0, and are left out with `elementwise_affine=False`; with `bias=False` b is. eps > 0.

    With dy given: db = sum over the rows of dy, dg = sum over the rows of dy n, and dn = g dy. Every x_i of a row
    moves n_i directly, by s, and the whole row through the mean and the variance: dmean/dx_j = 1/I and
    dvar/dx_j = 2 (x_j - mean) / I, so ds/dx_j = -s^2 n_j / I and

        dn_i/dx_j = s (delta_ij - 1/I - n_i n_j / I)
        dx        = s (dn - mean(dn) - n mean(dn n))

    Ba, Kiros and Hinton 2016, "Layer normalization", equations 3 and 4.
    """

    formulas: ClassVar[Mapping[str, str]] = {
        "scale": "1 / sqrt(variance of {x} in its row + eps)",
        "normalized": "({x} - its mean in the row) * {scale}",
        "dweight": "sum of {dy} * {normalized} over the rows",
        "dbias": "sum of {dy} over the rows",
        "dx": "{scale} * (dn - mean(dn) - {normalized} * mean(dn * {normalized})) with dn = {dy} * {weight}",
    }

    eps: float = 1e-5
    elementwise_affine: bool = True
    bias: bool = True

    def __post_init__(self) -> None:
        positive("eps", self.eps, "1e-5 is usual")

    def parameter_shapes(self) -> dict[str, Shape]:
        names = (("weight", "bias") if self.bias else ("weight",)) if self.elementwise_affine else ()
        return dict.fromkeys(names, (self.features,))

    def buffer_shapes(self) -> dict[str, Shape]:
        return {}

    def forward(self, w: Tensors, x: Inputs, memo: Memo) -> Inputs:
        mean = x.mean(-1, keepdim=True)  # (*N, 1); torch.var_mean does both, many times slower on a CPU
        centered = torch.sub(x, mean, out=memo.buffer("normalized", x.shape, x))
        scale = (centered.square().mean(-1, keepdim=True) + self.eps).rsqrt()
        normalized = torch.mul(centered, scale, out=memo.buffer("normalized", x.shape, x))
        memo["scale"], memo["normalized"] = scale, normalized
        if not self.elementwise_affine:
            return normalized
        y = memo.buffer("y", x.shape, x)
        if not self.bias:
            return torch.mul(normalized, w["weight"], out=y)
        return torch.addcmul(w["bias"], normalized, w["weight"], out=y)

    def backward(self, w: Tensors, dw: Tensors, dy: Inputs, memo: Memo, need_dx: bool = True) -> Inputs:
        normalized = memo["normalized"]
        if self.elementwise_affine:
            dw["weight"].add_((dy * normalized).flatten(0, -2).sum(0))
            if self.bias:
                dw["bias"].add_(dy.flatten(0, -2).sum(0))
            dy.mul_(w["weight"])
        dn = dy
        mean, slope = dn.mean(-1, keepdim=True), (dn * normalized).mean(-1, keepdim=True)
        return dn.sub_(mean).addcmul_(normalized, slope, value=-1).mul_(memo["scale"])

    def module(self, memo: Memo) -> nn.Module:
        return nn.LayerNorm(self.features, self.eps, self.elementwise_affine, self.bias)
