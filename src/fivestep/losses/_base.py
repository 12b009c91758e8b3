"""What a loss provides: the loss of each row, its gradient, its torch twin."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, Literal, final

import torch
from torch import Tensor, nn

from ..check import InputError, instance
from ..layer import Memo
from ..typing import Outputs, RowWeights, Scalar, Targets

INVERSE_LINKS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda z: z,
    "softmax": lambda z: z.softmax(-1),
    "sigmoid": torch.sigmoid,
    "exp": torch.exp,
    "normal": lambda z: torch.stack([z[..., ::2], (z[..., 1::2] / 2).exp()], -1).flatten(-2),
}

ABOVE_ZERO = torch.finfo(torch.float32).tiny
"""The least target of a loss whose targets are greater than 0."""


class Loss(ABC):
    """A loss L = sum_n w_n l_n over the rows of a batch, with w_n = 1/N where no weights are given.

    Weights arrive divided by their sum over the global batch, so micro-batches and ranks simply add. A loss never
    broadcasts: `match` reshapes the target like the prediction, or refuses it.
    """

    target: ClassVar[Literal["classes", "yes_no", "numbers"]]
    """The kind of target: a class 0 .. C-1, binary (0 or 1), or real numbers."""

    inverse_link: ClassVar[Literal["identity", "softmax", "sigmoid", "exp", "normal"]] = "identity"
    """The function from logits to numbers, probabilities, rates, or the mean and standard deviation of each target,
    whose logits are the mean and the log variance. The loss applies it itself."""

    target_range: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    """The least and the largest number that a target may be."""

    outputs_per_target: int = 1
    """How many numbers the network outputs for each number of the target."""

    output_names: tuple[str, ...] = ()
    """The names of one target's outputs, if there are several."""

    spreads: ClassVar[tuple[bool, ...]] = (False,)
    """For each output of a target, whether it is a standard deviation, which has the target's unit but is not shifted
    by its mean."""

    formulas: ClassVar[Mapping[str, str]] = {}
    """For `fivestep explain`: the loss of one output, "rows", and its "gradient", which a factor may follow, written
    in logits, y, p for what the logits stand for, and {O} outputs. They hold where no option is set; elsewhere, or
    without them, it quotes the docstring."""

    @abstractmethod
    def match(self, logits: Outputs, y: Targets) -> Targets:
        """`y` in the shape and dtype that this loss needs for `logits`; raises an `InputError` if they do not fit."""

    @abstractmethod
    def rows(self, logits: Outputs, y: Targets, memo: Memo) -> RowWeights:
        """l_n, the loss of each row, of shape (N,), differentiable. May keep in `memo` what `gradient` can reuse."""

    @abstractmethod
    def gradient(self, logits: Outputs, y: Targets, memo: Memo) -> Outputs:
        """dl_n/dlogits_n of each row, derived by hand, (N, O): a new tensor, which the caller may overwrite."""

    @abstractmethod
    def twin(self, reduction: Literal["mean", "none"]) -> nn.Module:
        """The same loss in `torch.nn`."""

    @final
    def value(self, logits: Outputs, y: Targets, weight: RowWeights | None, memo: Memo) -> Scalar:
        """L, the weighted sum of the rows' losses, or their mean."""
        return weighted(self.rows(logits, y, memo), weight)

    @final
    def predicted(self, logits: Outputs) -> Outputs:
        """What the logits stand for, by `inverse_link`: probabilities, rates, or the numbers themselves."""
        return INVERSE_LINKS[self.inverse_link](logits)

    @final
    def middle(self, values: Tensor) -> Tensor:
        """One output for each target (or of what `match` gives beside them): the middle one where there are more.

        Of quantiles that is the median, where it is among them, and of a mean and a standard deviation the mean.
        """
        each = self.outputs_per_target
        place = self.spreads.index(False) if any(self.spreads) else each // 2
        return values if each == 1 else values[..., place::each]

    @final
    def to_units(self, mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
        """What to multiply predictions (N, O) of targets (y - mean) / deviation with, and what to add: (O,) each.

        `mean` and `deviation` (T,) are one number for each target.
        """
        each = self.outputs_per_target
        moved = 1 - torch.tensor(self.spreads).to(mean).repeat(len(mean) * each // len(self.spreads))
        return deviation.repeat_interleave(each), mean.repeat_interleave(each) * moved

    @final
    def logits_gradient(self, logits: Outputs, y: Targets, weight: RowWeights | None, memo: Memo) -> Outputs:
        """dL/dlogits, of shape (N, O): each row's gradient times its weight."""
        gradient = self.gradient(logits, y, memo)
        return (
            gradient.div_(len(gradient))
            if weight is None
            else gradient.mul_(weight.view(-1, *(1,) * (gradient.dim() - 1)))
        )


def weighted(rows: RowWeights, weight: RowWeights | None) -> Scalar:
    """The weighted sum of the rows' losses, or their mean; raises an `InputError` where the weights do not fit."""
    if weight is None:
        return rows.mean()
    if not isinstance(weight, Tensor) or weight.shape != rows.shape or weight.dtype != rows.dtype:
        got = f"{weight.dtype} of shape {tuple(weight.shape)}" if isinstance(weight, Tensor) else type(weight).__name__
        raise InputError(
            f"weight must be a {rows.dtype} tensor of shape {tuple(rows.shape)}, got {got}; give each row of the batch "
            f"one number, divided by the sum of all."
        )
    return rows @ weight


def match_numbers(logits: Outputs, y: Targets) -> Targets:
    """`y` in the shape of `logits` for a loss that compares number with number: equal shapes, or (N,) beside (N, 1)."""
    check_device(logits, y)
    if y.shape == logits.shape:
        return y.to(logits.dtype)
    if logits.shape[-1] == 1 and y.shape == logits.shape[:-1]:
        return y[..., None].to(logits.dtype)
    if y.shape == (*logits.shape, 1):
        return y[..., 0].to(logits.dtype)
    if y.shape == logits.shape[:-1] and not y.is_floating_point():
        raise InputError(
            f"y must have a number for each of the {logits.shape[-1]} outputs, as a loss here never broadcasts, got "
            f"one whole number for each row; use cross_entropy if it is a class, or make the network 1 wide."
        )
    raise shape_mistake(logits, y, tuple(logits.shape))


def check_device(logits: Outputs, y: Targets) -> None:
    """Raises an `InputError` if targets are not a tensor on the device of the predictions."""
    instance("y", y, Tensor, "pass torch.as_tensor(y)")
    if y.device != logits.device:
        raise InputError(
            f"y must be on the predictions' device {logits.device}, got {y.device}; move it with "
            f"y.to('{logits.device}')."
        )


def class_mistake(name: str, y: Targets, num_classes: int) -> InputError:
    """The error for labels that are no classes of the network; `name` is what the sentence calls them."""
    least, largest = int(y.min()), int(y.max())
    is_from_elsewhere = least < 0 or largest - least < num_classes
    return InputError(
        f"{name} must hold classes 0 to {num_classes - 1} for a network of {num_classes} outputs, got {least} to "
        f"{largest}; {'count labels from 0' if is_from_elsewhere else 'make them agree'}."
    )


def shape_mistake(logits: Outputs, y: Tensor, expected: tuple[int, ...]) -> InputError:
    """The error for a target whose shape would broadcast against the prediction instead of matching it."""
    return InputError(
        f"y must have the shape {expected} to match predictions of shape {tuple(logits.shape)}, got {tuple(y.shape)}; "
        f"reshape it so that each row of the prediction has its own target (a loss here never broadcasts)."
    )
