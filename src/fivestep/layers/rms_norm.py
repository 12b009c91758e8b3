"""Root mean square normalization."""

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
class RMSNorm(Norm):
    """Each row, or each token, by itself: y = g n with n = x s and s = 1 / sqrt(mean(x^2) + eps).

    Layer normalization without its mean and its bias. x and y are (*N, I), the mean is over the last axis, the weight
    g is (I,), begins as 1, and is left out with `elementwise_affine=False`. eps > 0; None, as in torch, is the
    smallest step of x's type above 1.

    With dy given: dg = sum over the rows of dy n, and dn = g dy. Since dmean(x^2)/dx_j = 2 x_j / I,
    ds/dx_j = -s^2 n_j / I and

        dn_i/dx_j = s (delta_ij - n_i n_j / I)
        dx        = s (dn - n mean(dn n))

    Zhang and Sennrich 2019, "Root mean square layer normalization", equation 4.
    """

    formulas: ClassVar[Mapping[str, str]] = {
        "scale": "1 / sqrt(mean of {x}^2 in its row + eps)",
        "normalized": "{x} * {scale}",
        "dweight": "sum of {dy} * {normalized} over the rows",
        "dx": "{scale} * (dn - {normalized} * mean(dn * {normalized})) with dn = {dy} * {weight}",
    }

    eps: float | None = None
    elementwise_affine: bool = True

    def __post_init__(self) -> None:
        if self.eps is not None:
            positive("eps", self.eps, "1e-6 is usual")

    def parameter_shapes(self) -> dict[str, Shape]:
        return {"weight": (self.features,)} if self.elementwise_affine else {}

    def buffer_shapes(self) -> dict[str, Shape]:
        return {}

    def forward(self, w: Tensors, x: Inputs, memo: Memo) -> Inputs:
        eps = torch.finfo(x.dtype).eps if self.eps is None else self.eps
        scale = (x.square().mean(-1, keepdim=True) + eps).rsqrt()  # (*N, 1)
        normalized = torch.mul(x, scale, out=memo.buffer("normalized", x.shape, x))
        memo["scale"], memo["normalized"] = scale, normalized
        if not self.elementwise_affine:
            return normalized
        return torch.mul(normalized, w["weight"], out=memo.buffer("y", x.shape, x))

    def backward(self, w: Tensors, dw: Tensors, dy: Inputs, memo: Memo, need_dx: bool = True) -> Inputs:
        normalized = memo["normalized"]
        if self.elementwise_affine:
            dw["weight"].add_((dy * normalized).flatten(0, -2).sum(0))
            dy.mul_(w["weight"])
        dn = dy
        slope = (dn * normalized).mean(-1, keepdim=True)
        return dn.addcmul_(normalized, slope, value=-1).mul_(memo["scale"])

    def module(self, memo: Memo) -> nn.Module:
        return nn.RMSNorm(self.features, self.eps, self.elementwise_affine)
