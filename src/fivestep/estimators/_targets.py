"""From y to what a loss takes, and from logits back to answers."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal, Self, final

import numpy as np
import scipy.sparse
import torch
from scipy.special import xlogy
from sklearn.metrics import accuracy_score, r2_score
from sklearn.preprocessing import LabelBinarizer
from torch import Tensor

from ..check import refuse
from ..epoch import Epoch
from ..find import Choice, build, find
from ..losses._base import Loss
from ..prediction.answers import deviations_in, numbers_of, probabilities_in, shares_of, without_deviations

LINKS = {"identity": "identity", "sigmoid": "logistic", "softmax": "softmax", "exp": "exp", "normal": "normal"}
"""scikit-learn's names for what the logits pass through."""


class Targets(ABC):
    """The targets, as learned from y in the first fit."""

    loss: Choice

    @property
    def criterion(self) -> Loss:
        """The loss, made with its options."""
        criterion: Loss = build("losses", self.loss)
        return criterion

    @property
    def kind(self) -> Literal["classes", "yes_no", "numbers"]:
        """What a row's target is to the loss."""
        kind: Literal["classes", "yes_no", "numbers"] = find("losses", self.loss.name).target
        return kind

    @property
    def out_activation(self) -> str:
        """scikit-learn's name for what the logits pass through."""
        return LINKS[self.criterion.inverse_link]

    @property
    @abstractmethod
    def num_outputs(self) -> int:
        """The width of the network, for a loss with one output for each target."""

    @abstractmethod
    def encode(self, y: Any, dtype: torch.dtype) -> Tensor:
        """The targets as the loss takes them."""

    @abstractmethod
    def answers(self, logits: Tensor) -> Any:
        """Predictions in the form of y: an array, of several labels in a sparse matrix such a one."""

    @abstractmethod
    def score(self, y: Any, logits: Tensor, weight: np.ndarray | None) -> float:
        """Accuracy (of several labels: the share of rows in which all are right), or R^2."""

    @abstractmethod
    def measured_score(self, epoch: Epoch, y: Any, weight: np.ndarray | None) -> float | None:
        """The score of the rows set aside with these y, where what the loop has measured tells it, or else None."""

    @abstractmethod
    def offset(self, y: np.ndarray, weight: np.ndarray | None) -> float:
        """The term of scikit-learn's loss that depends only on the targets."""

    @abstractmethod
    def strata(self, y: Any, *, like_sklearn: bool) -> np.ndarray | None:
        """The labels whose shares a split must keep, or None."""


@final
@dataclass(frozen=True, eq=False)
class Labels(Targets):
    """Classes, or several yes or no questions at once."""

    binarizer: LabelBinarizer
    loss: Choice

    @classmethod
    def fit(cls, y: Any, loss: Choice) -> Self:
        """Learns the labels."""
        return cls(LabelBinarizer().fit(y), loss)

    @property
    def classes(self) -> np.ndarray:
        """The classes in order, or the numbers of the questions."""
        found: np.ndarray = self.binarizer.classes_
        return found

    @property
    def is_multilabel(self) -> bool:
        """Whether a row has an answer to each of several questions."""
        return str(self.binarizer.y_type_).startswith("multilabel")

    @property
    def num_outputs(self) -> int:
        if self.is_multilabel or self.kind == "classes":
            return max(2, len(self.classes)) if self.kind == "classes" else len(self.classes)
        return 1

    def encode(self, y: Any, dtype: torch.dtype) -> Tensor:
        answers = self.binarizer.transform(y)
        answers = answers.toarray() if scipy.sparse.issparse(answers) else answers
        if self.kind == "yes_no":
            return torch.from_numpy(np.ascontiguousarray(answers)).to(dtype)
        places = answers.argmax(1) if answers.shape[1] > 1 else answers[:, 0]
        return torch.from_numpy(places.astype(np.int64))

    def probabilities(self, logits: Tensor) -> np.ndarray:
        """(N, C), of each class or of yes to each question."""
        p = probabilities_in(shares_of(self.criterion, logits))
        return np.ones_like(p[:, :1]) if len(self.classes) == self.num_outputs == 1 else p

    def answers(self, logits: Tensor) -> Any:
        z = logits.numpy()
        if self.is_multilabel:
            return self.binarizer.inverse_transform((z > 0).astype(float), 0.5)
        places = z.argmax(1) if self.kind == "classes" else (z[:, 0] > 0).astype(int)
        return np.asarray(self.classes[np.minimum(places, len(self.classes) - 1)])

    def score(self, y: Any, logits: Tensor, weight: np.ndarray | None) -> float:
        return float(accuracy_score(y, self.answers(logits), sample_weight=weight))

    def measured_score(self, epoch: Epoch, y: Any, weight: np.ndarray | None) -> float | None:
        is_share_of_rows = not self.is_multilabel and len(self.classes) > 1  # of one class, any answer is right
        return epoch.valid_accuracy if is_share_of_rows else None

    def offset(self, y: np.ndarray, weight: np.ndarray | None) -> float:
        return 0.0

    def strata(self, y: Any, *, like_sklearn: bool) -> np.ndarray | None:
        if self.is_multilabel or (like_sklearn and self.num_outputs > 1):
            return None
        counts = np.unique(y, return_counts=True)[1]
        return y if like_sklearn or counts.min() > 1 else None


@final
@dataclass(frozen=True, eq=False)
class Numbers(Targets):
    """Numbers, trained on as (y - mean) / deviation."""

    loss: Choice
    mean: np.ndarray
    deviation: np.ndarray
    is_single: bool
    """Whether y is (N,), and predictions too."""

    @classmethod
    def fit(cls, y: np.ndarray, weight: np.ndarray | None, loss: Choice, *, is_scaled: bool) -> Self:
        """Learns mean and deviation of each target from those to train on, if the loss is one of plain numbers."""
        columns = y.reshape(len(y), -1).astype(np.float64)
        mean, deviation = np.zeros(columns.shape[1]), np.ones(columns.shape[1])
        if is_scaled and find("losses", loss.name).target_range[0] == -np.inf:
            with np.errstate(over="ignore", invalid="ignore"):
                mean = np.average(columns, axis=0, weights=weight)
                deviation = np.sqrt(np.average((columns - mean) ** 2, axis=0, weights=weight))
            if not np.isfinite(deviation).all():
                largest = float(np.abs(columns).max())
                raise refuse("y", largest, "numbers whose squares are finite", "divide them all by one number")
            deviation[~(deviation > 1e-12 * np.abs(mean))] = 1.0  # constant, but for rounding
        return cls(loss, mean, deviation, y.ndim == 1)

    @property
    def num_outputs(self) -> int:
        return len(self.mean)

    def encode(self, y: Any, dtype: torch.dtype) -> Tensor:
        columns = y.reshape(len(y), -1).astype(np.float64)
        return torch.from_numpy((columns - self.mean) / self.deviation).to(dtype)

    def answers(self, logits: Tensor) -> np.ndarray:
        return self._like_y(without_deviations(self.criterion, self._numbers(logits)))

    def deviations(self, logits: Tensor) -> np.ndarray:
        """The standard deviations that the network predicts, in the shape of its answers."""
        return self._like_y(deviations_in(self.criterion, self._numbers(logits)))

    def to_units(self) -> tuple[Tensor, Tensor]:
        """What to multiply what the logits stand for with, and what to add: (O,) each, in float64."""
        return self.criterion.to_units(torch.tensor(self.mean), torch.tensor(self.deviation))  # may be read-only

    def _numbers(self, logits: Tensor) -> Tensor:
        """The network's predictions (N, O), in the units of y."""
        is_scaled = np.any(self.mean) or np.any(self.deviation != 1)
        moments = (torch.tensor(self.mean), torch.tensor(self.deviation)) if is_scaled else None
        return numbers_of(self.criterion, logits, moments)

    def _like_y(self, columns: Tensor) -> np.ndarray:
        numbers: np.ndarray = columns.numpy()
        return numbers[:, 0] if self.is_single and numbers.shape[1] == 1 else numbers

    def score(self, y: Any, logits: Tensor, weight: np.ndarray | None) -> float:
        return float(r2_score(y, self.criterion.middle(self._numbers(logits)).numpy(), sample_weight=weight))

    def measured_score(self, epoch: Epoch, y: Any, weight: np.ndarray | None) -> float | None:
        if self.loss.name != "mse" or epoch.valid_loss is None or not self.is_single:
            return None
        variance = float(np.average((y - np.average(y, weights=weight)) ** 2, weights=weight))
        return 1 - epoch.valid_loss * float(self.deviation[0]) ** 2 / variance if variance else None

    def offset(self, y: np.ndarray, weight: np.ndarray | None) -> float:
        if self.loss.name != "poisson":
            return 0.0
        columns = y.reshape(len(y), -1)
        return float(np.average(xlogy(columns, columns) - columns, axis=0, weights=weight).sum())

    def strata(self, y: Any, *, like_sklearn: bool) -> np.ndarray | None:
        return None
