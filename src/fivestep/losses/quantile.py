"""The quantile loss, also called pinball loss."""

from dataclasses import dataclass, field
from typing import Literal, final

import torch
from torch import Tensor, nn

from ..check import refuse
from ..layer import Memo
from ..typing import Outputs, RowWeights, Targets, Vector
from ._base import Loss, match_numbers


@final
@dataclass(frozen=True)
class Quantile(Loss):
    """l_n = mean over the outputs of q e where e >= 0 and (q - 1) e where e < 0, with e = y - z and the level q.

    Its best constant is the q-quantile of the targets: a share q of them lies below; q = 0.5 is half of `mae`.
    `levels` is one level in (0, 1), or several, such as (0.1, 0.5, 0.9) for a forecast with its range. The network
    then has an output for each: z is (N, O) with O = T Q for T targets and Q levels, the levels of the first target
    first; y is (N, T), or (N,) for one target. Gradient: ((1 if e < 0 else 0) - q) / O. Koenker and Bassett 1978,
    "Regression quantiles".
    """

    levels: float | tuple[float, ...] = 0.5
    outputs_per_target: int = field(init=False, default=1)
    output_names: tuple[str, ...] = field(init=False, default=())
    target = "numbers"

    def __post_init__(self) -> None:
        for level in self._levels:
            if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level < 1:
                raise refuse("levels", self.levels, "a number in (0, 1) or several", "0.5 is the median")
        if not self._levels:
            raise refuse("levels", self.levels, "a number in (0, 1) or several", "0.5 is the median")
        object.__setattr__(self, "outputs_per_target", len(self._levels))
        object.__setattr__(self, "output_names", tuple(f"{level:g}" for level in self._levels))

    def match(self, logits: Outputs, y: Targets) -> Targets:
        rows, num_levels = logits.shape[:-1], self.outputs_per_target
        targets = y[..., None] if y.shape == rows else y  # (N, T)
        if targets.shape[:-1] == rows and targets.shape[-1] * num_levels == logits.shape[-1]:
            y = targets.repeat_interleave(num_levels, -1)  # each target beside each of its levels
        return match_numbers(logits, y)

    def rows(self, logits: Outputs, y: Targets, memo: Memo) -> RowWeights:
        e = y - logits
        return (e * (self._of_outputs(logits, memo) - (e < 0).to(e.dtype))).flatten(1).mean(1)

    def gradient(self, logits: Outputs, y: Targets, memo: Memo) -> Outputs:
        return (logits > y).to(logits.dtype).sub_(self._of_outputs(logits, memo)).div_(logits[0].numel())

    def twin(self, reduction: Literal["mean", "none"]) -> nn.Module:
        return _TorchQuantile(self._levels, reduction)

    @property
    def _levels(self) -> tuple[float, ...]:
        return tuple(self.levels) if isinstance(self.levels, tuple | list) else (self.levels,)

    def _of_outputs(self, logits: Outputs, memo: Memo) -> Vector:
        """The level of each output: (O,)."""
        return memo.constants("levels", self._levels, logits).repeat(logits.shape[-1] // self.outputs_per_target)


@final
class _TorchQuantile(nn.Module):  # torch has none: the larger of the two lines, level by level
    def __init__(self, levels: tuple[float, ...], reduction: Literal["mean", "none"]) -> None:
        super().__init__()
        self.levels, self.reduction = levels, reduction

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        e = (y - z).unflatten(-1, (-1, len(self.levels)))
        by_level = zip(self.levels, e.unbind(-1), strict=True)
        losses = torch.stack([torch.maximum(q * e_q, (q - 1) * e_q) for q, e_q in by_level], -1).flatten(-2)
        return losses.mean() if self.reduction == "mean" else losses
