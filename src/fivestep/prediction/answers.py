"""From logits to answers: names of classes, probabilities, numbers in the units of the target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self, final

import numpy as np
import torch
from torch import Tensor

from ..check import InputError
from ..losses._base import Loss
from .trained import Trained

Moments = tuple[Tensor, Tensor]
"""Mean and deviation of each target, (T,) in float64: the network was trained on (y - mean) / deviation."""


def shares_of(criterion: Loss, logits: Tensor) -> Tensor:
    """How much the logits (N, O) speak for each class of each answer, (N, A, C): probabilities, or margins of hinge.

    A network that chooses one class of C gives one answer, A = 1. One that answers O questions with yes or no gives
    A = O answers of C = 2 classes each: p is that of yes, and that of no is 1 - p, or -p if they are margins.
    """
    p = criterion.predicted(logits).cpu()
    if criterion.target == "yes_no":
        return torch.stack([-p if criterion.inverse_link == "identity" else 1 - p, p], dim=2)
    return p.reshape(len(p), 1, -1)


def probabilities_in(shares: Tensor) -> np.ndarray:
    """Those of each class of one answer, (N, C), or of yes to each of several questions, (N, A)."""
    p: np.ndarray = (shares[:, 0] if shares.shape[1] == 1 else shares[..., 1].contiguous()).numpy()
    return p


def numbers_of(criterion: Loss, logits: Tensor, moments: Moments | None) -> Tensor:
    """What the logits (N, O) stand for, in the units of the targets: in float64, or without `moments` as it is."""
    predicted = criterion.predicted(logits).cpu()
    if moments is None:
        return predicted
    factor, shift = criterion.to_units(*moments)
    return predicted.double() * factor + shift


def without_deviations(criterion: Loss, numbers: Tensor) -> Tensor:
    """The columns of numbers (N, O) that are no standard deviations."""
    return numbers[:, ~_is_deviation(criterion, numbers)]


def deviations_in(criterion: Loss, numbers: Tensor) -> Tensor:
    """The columns of numbers (N, O) that are standard deviations."""
    return numbers[:, _is_deviation(criterion, numbers)]


def _is_deviation(criterion: Loss, numbers: Tensor) -> Tensor:
    return torch.tensor(criterion.spreads).repeat(numbers.shape[1] // len(criterion.spreads))


@final
@dataclass(frozen=True)
class Answers:
    """What the logits of one network mean: its loss, the classes of each answer, the scale of each target."""

    criterion: Loss
    classes: Mapping[str, Sequence[str]]
    """The classes of each answer by its target's name, or by its place; "" is the name of the only one."""
    moments: Moments | None
    targets: tuple[str, ...]
    """The names of the predicted columns, if known."""

    @classmethod
    def of(cls, trained: Trained) -> Self:
        """Those of a trained network."""
        targets = None if trained.encoder is None else trained.encoder.targets
        moments, names = (None, ()) if targets is None else (targets.moments, targets.names)
        return cls(trained.engine.criterion, _classes_of(trained), moments, names)

    def shares(self, logits: Tensor) -> Tensor:
        """Probabilities, or margins, of each class of each answer: (N, A, C)."""
        return shares_of(self.criterion, logits)

    def names(self, shares: Tensor) -> np.ndarray:
        """The likeliest class of each answer (N, A), of equally likely ones the first, as text."""
        places = shares.numpy().argmax(2)
        each = [np.array(of)[places[:, k]] for k, of in enumerate(self.classes.values())]
        return np.stack(each, 1)

    def numbers(self, logits: Tensor) -> Tensor:
        """All that the network predicts of numbers, in the units of the targets: (N, O)."""
        return numbers_of(self.criterion, logits, self.moments)

    def predictions(self, logits: Tensor) -> np.ndarray:
        """Classes or numbers without their deviations: (N,) where there is one for each row, else (N, O)."""
        if self.criterion.target == "numbers":
            return _flat(without_deviations(self.criterion, self.numbers(logits)).numpy())
        return _flat(self.names(self.shares(logits)))

    def deviations(self, logits: Tensor) -> np.ndarray:
        """The standard deviations that the network predicts, in the shape of its predictions."""
        return _flat(deviations_in(self.criterion, self.numbers(logits)).numpy())

    def probabilities(self, logits: Tensor) -> np.ndarray:
        """Those of each class (N, C), or of the second class of each of several questions (N, A)."""
        return probabilities_in(self.shares(logits))

    def check_probabilities(self) -> None:
        """Raises an `InputError` where there are none: of numbers, and of hinge."""
        if self.criterion.target == "numbers":
            raise InputError(
                "predict_proba must be called for classes, got a network that predicts numbers; use predict."
            )
        if self.criterion.inverse_link == "identity":
            raise InputError(
                "the loss must be one with probabilities for predict_proba, got margins; train with another, or use "
                "predict."
            )

    def check_deviations(self) -> None:
        """Raises an `InputError` where the network predicts no standard deviations."""
        if not any(self.criterion.spreads):
            raise InputError(
                "the loss must be 'gaussian_nll' for predict with return_std, got another one; train with it, or "
                "leave return_std out."
            )


def _classes_of(trained: Trained) -> Mapping[str, Sequence[str]]:
    engine, encoder = trained.engine, trained.encoder
    num_outputs = engine.spec.out_features or 0
    if engine.criterion.target == "numbers":
        return {}
    if encoder is not None and encoder.targets.are_several:
        return encoder.targets.classes
    if engine.criterion.target == "classes" or num_outputs == 1:
        return {"": tuple(trained.info.get("class_names") or map(str, range(max(num_outputs, 2))))}
    return {f"{k}": ("0", "1") for k in range(num_outputs)}


def _flat(values: np.ndarray) -> np.ndarray:
    return values[:, 0] if values.shape[1] == 1 else values
