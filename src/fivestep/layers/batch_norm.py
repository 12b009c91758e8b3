"""Batch normalization."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..check import positive, refuse
from ..layer import Memo
from ..typing import Inputs, Shape, Tensors
from ._norm import Norm, single_row


@final
@dataclass(frozen=True)
class BatchNorm(Norm):
    """Each feature over the batch: y = g n + b with n = (x - mean(x)) s and s = 1 / sqrt(var(x) + eps).

    x and y are (*N, I); N is the product of the leading axes, so tokens count as rows. The weight g and the bias b are
    (I,), begin as 1 and 0, and are left out with `affine=False`. In training the mean and the variance (divided by N)
    are those of the whole batch, of all ranks, or of its part where it comes in micro-batches; row weights do not enter
    them. In evaluation they are the running ones, which follow in training with momentum m,

        running_mean <- (1 - m) running_mean + m mean(x)
        running_var  <- (1 - m) running_var  + m var(x) N / (N - 1)

    m in (0, 1] or, with `momentum=None`, 1 / (number of batches so far), which makes them plain means. Forward raises
    an `InputError` for a training batch of one row, whose variance is 0.

    Backward is that of layer normalization with the rows as the axis: db = sum over the rows of dy, dg = sum over the
    rows of dy n, dn = g dy and, with means over the rows, dx = s (dn - mean(dn) - n mean(dn n)). Because the mean is
    taken away, a bias of a linear layer directly before has no effect and only rounding noise for a gradient.
    Ioffe and Szegedy 2015, "Batch normalization", algorithm 1.
    """

    formulas: ClassVar[Mapping[str, str]] = {
        "scale": "1 / sqrt(variance of {x} over the rows + eps)",
        "normalized": "({x} - its mean over the rows) * {scale}",
        "dweight": "sum of {dy} * {normalized} over the rows",
        "dbias": "sum of {dy} over the rows",
        "dx": "{scale} * (dn - mean(dn) - {normalized} * mean(dn * {normalized})) with dn = {dy} * {weight}",
    }

    eps: float = 1e-5
    momentum: float | None = 0.1
    affine: bool = True
    is_row_by_row: ClassVar[bool] = False
    looks_at_batch: ClassVar[bool] = True
    cancels_bias: ClassVar[bool] = True

    def __post_init__(self) -> None:
        positive("eps", self.eps, "1e-5 is usual")
        if self.momentum is not None and not 0 < self.momentum <= 1:
            raise refuse("momentum", self.momentum, "a number in (0, 1], or None", "0.1 is usual")

    def parameter_shapes(self) -> dict[str, Shape]:
        return {"weight": (self.features,), "bias": (self.features,)} if self.affine else {}

    def buffer_shapes(self) -> dict[str, Shape]:
        return {"running_mean": (self.features,), "running_var": (self.features,), "num_batches_tracked": ()}

    def forward(self, w: Tensors, x: Inputs, memo: Memo) -> Inputs:
        rows = x.flatten(0, -2)  # (N, I)
        mean, var = self._of_batch(w, rows, memo) if memo.training else (w["running_mean"], w["running_var"])  # (I,)
        scale = (var + self.eps).rsqrt()
        centered = torch.sub(rows, mean, out=memo.buffer("normalized", rows.shape, x))
        normalized = torch.mul(centered, scale, out=memo.buffer("normalized", rows.shape, x))
        memo["scale"], memo["normalized"] = scale, normalized
        if not self.affine:
            return normalized.view(x.shape)
        return torch.addcmul(w["bias"], normalized, w["weight"], out=memo.buffer("y", rows.shape, x)).view(x.shape)

    def _of_batch(self, w: Tensors, rows: Inputs, memo: Memo) -> tuple[Tensor, Tensor]:
        """The mean and the variance of a batch, which the running ones follow."""
        if not memo.is_shared:
            _check_more_than_one(rows)
        [mean] = memo.means(rows)  # torch.var_mean does both, many times slower on a CPU
        [var] = memo.means((rows - mean).square())
        num_rows = memo.num_rows(rows)
        w["num_batches_tracked"].add_(1)
        momentum = w["num_batches_tracked"].reciprocal() if self.momentum is None else self.momentum
        w["running_mean"].lerp_(mean.detach(), momentum)
        w["running_var"].lerp_(var.detach() * (num_rows / (num_rows - 1)), momentum)
        return mean, var

    def backward(self, w: Tensors, dw: Tensors, dy: Inputs, memo: Memo, need_dx: bool = True) -> Inputs:
        normalized, dn = memo["normalized"], dy.flatten(0, -2)
        if self.affine:
            dw["weight"].add_((dn * normalized).sum(0))
            dw["bias"].add_(dn.sum(0))
            dn.mul_(w["weight"])
        mean, slope = memo.means(dn, dn * normalized)
        return dn.sub_(mean).addcmul_(normalized, slope, value=-1).mul_(memo["scale"]).view(dy.shape)

    def module(self, memo: Memo) -> nn.Module:
        return _FeaturesLast(self, memo)


@final
class _FeaturesLast(nn.BatchNorm1d):
    """`nn.BatchNorm1d` for features on the last axis, where all other axes are rows; it expects them on the second.

    Where ranks share a batch, the layer's own formula does the work: torch's `SyncBatchNorm` does it on CUDA only.
    """

    def __init__(self, layer: BatchNorm, memo: Memo) -> None:
        super().__init__(layer.features, layer.eps, layer.momentum, layer.affine)
        self.layer, self.memo = layer, memo

    def forward(self, x: Tensor) -> Tensor:
        if self.training and self.memo.is_shared:
            return self.layer.forward({**dict(self.named_parameters()), **dict(self.named_buffers())}, x, self.memo)
        rows = x.flatten(0, -2)
        if self.training:
            _check_more_than_one(rows)
        return super().forward(rows).view(x.shape)


def _check_more_than_one(rows: Tensor) -> None:
    if len(rows) < 2:
        raise single_row()
