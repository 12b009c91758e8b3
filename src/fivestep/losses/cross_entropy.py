"""The cross-entropy of a softmax, on logits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, final

import torch
from torch import nn

from ..check import InputError, in_unit_interval
from ..layer import Memo
from ..typing import Outputs, RowWeights, Targets
from ._base import Loss, check_device, class_mistake, shape_mistake


@final
@dataclass(frozen=True)
class CrossEntropy(Loss):
    """l_n = -log p_n[y_n] with p_n = softmax(z_n), in nats: log sum_c exp z_nc - z_n[y_n]; z (N, C), y in 0 .. C-1.

    Gradient: dl_n/dz_nc = p_nc - (1 if c = y_n else 0). It takes logits: a softmax before it would be a second one,
    and ten classes could then never get below 1.4612.

    With `label_smoothing` s, in [0, 1), the target is a distribution t with 1 - s + s/C at y_n and s/C elsewhere:
    l_n = -sum_c t_nc log p_nc, with the gradient p_nc - t_nc. Szegedy et al. 2016, "Rethinking the Inception
    architecture for computer vision", section 7.
    """

    label_smoothing: float = 0.0
    target = "classes"
    inverse_link = "softmax"
    formulas: ClassVar[Mapping[str, str]] = {
        "rows": "-log p[y]",
        "gradient": "(p - 1 at y, p elsewhere)",
    }

    def __post_init__(self) -> None:
        in_unit_interval("label_smoothing", self.label_smoothing, "0 switches it off")

    def match(self, logits: Outputs, y: Targets) -> Targets:
        check_device(logits, y)
        if y.is_floating_point():
            raise _no_classes(logits, y)
        if y.shape == logits.shape[:-1]:
            return y.long()
        if y.shape == (*logits.shape[:-1], 1):
            return y[..., 0].long()
        if _is_one_hot(y):
            raise InputError(
                f"y must hold one class label for each row for cross_entropy, got one-hot rows {tuple(y.shape)}; take "
                f"y.argmax(-1)."
            )
        raise shape_mistake(logits, y, tuple(logits.shape[:-1]))

    def rows(self, logits: Outputs, y: Targets, memo: Memo) -> RowWeights:
        memo["log_p"] = log_p = _log_softmax(logits)  # (N, C)
        try:
            losses = -log_p.gather(-1, y[..., None]).squeeze(-1)  # (N,), or (N, T) where a row is T tokens
        except RuntimeError as error:  # looked for only now: a look at every step would read the device
            raise class_mistake("y", y, logits.shape[-1]) from error
        if self.label_smoothing:
            losses = torch.lerp(losses, -log_p.mean(-1), self.label_smoothing)
        return losses if losses.dim() == 1 else losses.flatten(1).mean(1)

    def gradient(self, logits: Outputs, y: Targets, memo: Memo) -> Outputs:
        p, s, num_classes = memo["log_p"].exp(), self.label_smoothing, logits.shape[-1]
        if s:
            p.sub_(torch.full_like(p, s / num_classes).scatter_(-1, y[..., None], 1 - s * (1 - 1 / num_classes)))
        else:
            p.scatter_(-1, y[..., None], -1.0, reduce="add")
        return p if y.dim() == 1 else p.div_(y[0].numel())  # a row of several tokens is their mean

    def twin(self, reduction: Literal["mean", "none"]) -> nn.Module:
        return nn.CrossEntropyLoss(
            reduction=reduction, label_smoothing=self.label_smoothing, ignore_index=torch.iinfo(torch.int64).min
        )  # torch's own -100 would pass over rows that are refused here


def _no_classes(logits: Outputs, y: Targets) -> InputError:
    """The sentence about targets that are floating-point numbers."""
    if y.shape == logits.shape and y.shape[-1] > 1:
        advice = "take y.argmax(-1) of one-hot rows"
    elif bool((y == y.round()).all()):
        advice = "convert it with y.long(), or use binary_cross_entropy for a yes or no from one output"
    else:
        advice = "use mse for numbers like these"
    return InputError(f"y must hold whole-number class labels for cross_entropy, got {y.dtype}; {advice}.")


def _is_one_hot(y: Targets) -> bool:
    """Whether whole numbers (..., C) are a single 1 in each row, and 0 elsewhere."""
    return y.dim() > 1 and y.shape[-1] > 1 and bool(((y == 0) | (y == 1)).all() and (y.sum(-1) == 1).all())


def _log_softmax(logits: Outputs) -> Outputs:
    """Log p over the last axis. Classes come first in memory where they are too few for the processor's vectors.

    Ten classes then take a third of the time on a CPU, a hundredth of a step (benchmarks/fashion_mnist.py).
    """
    if logits.shape[-1] >= 16:
        return torch.log_softmax(logits, -1)
    return torch.log_softmax(logits.movedim(-1, 0).contiguous(), 0).movedim(0, -1)
