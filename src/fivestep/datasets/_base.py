"""Rows of data in memory, the parts of a data set, and the interface of a named task."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, final

import torch
from torch import Tensor

from ..check import InputError, at_least, instances, plain
from ..typing import Indices, Tensors

if TYPE_CHECKING:
    from ..losses._base import Loss
    from ..table.encoder import Encoder


class Part(ABC):
    """Rows to measure on, in memory or in files."""

    @abstractmethod
    def __len__(self) -> int:
        """The number of rows."""

    @abstractmethod
    def parts(self, size: int) -> "Iterator[Rows]":
        """All rows in their order, at most `size` of them at a time."""


@final
class Rows(Part):
    """Inputs x (N, ...), targets y (N,) or (N, O), and optional row weights (N,), in memory on one device.

    `x` may be stored as bytes with a `scale`: they become floating-point numbers, times the scale, only in the batch
    that needs them, so images take a quarter of the memory. Anything `torch.as_tensor` reads is accepted.
    """

    def __init__(self, x: Any, y: Any, weight: Any = None, *, scale: float | None = None) -> None:
        self.stored = _as_tensor("x", x)
        self.y = _as_tensor("y", y)
        self.weight = None if weight is None else _as_tensor("weight", weight)
        self.scale = scale
        for name, tensor in (("y", self.y), ("weight", self.weight)):
            if tensor is not None and len(tensor) != len(self.stored):
                raise InputError(
                    f"{name} must have one entry for each of the {len(self.stored)} rows of x, got {len(tensor)}; "
                    f"leave out the same rows of both."
                )
        if len(self.stored) == 0:
            raise InputError("x must hold at least one row, got none; check how the rows were chosen.")

    def __len__(self) -> int:
        return len(self.stored)

    def __repr__(self) -> str:
        return f"Rows(x={tuple(self.stored.shape)} {self.stored.dtype}, y={tuple(self.y.shape)} {self.y.dtype})"

    @property
    def x(self) -> Tensor:
        """All inputs as the network sees them. Rows stored as bytes are converted, at four times their memory."""
        return self.stored if self.scale is None else self.inputs(torch.float32)

    def inputs(self, dtype: torch.dtype) -> Tensor:
        """All inputs as floating-point numbers of that dtype."""
        return self.stored.to(dtype) if self.scale is None else self.stored.to(dtype) * self.scale

    def moments(self) -> tuple[float, float]:
        """The mean and the standard deviation of all numbers of x together, exact to rounding in float64."""
        if self.scale is None:
            x = self.stored.double()
            return float(x.mean()), float(x.std(correction=0))
        counts = torch.bincount(self.stored.flatten(), minlength=256).double()  # bytes: once for each value
        values = torch.arange(256, dtype=torch.float64) * self.scale
        mean = float(counts @ values / counts.sum())
        return mean, math.sqrt(float(counts @ (values - mean).square() / counts.sum()))

    def take(self, rows: Indices | slice) -> "Rows":
        """Those rows, in that order."""
        weight = None if self.weight is None else self.weight[rows]
        return Rows(self.stored[rows], self.y[rows], weight, scale=self.scale)

    def parts(self, size: int) -> "Iterator[Rows]":
        if len(self) <= size:
            return iter((self,))
        return (self.take(slice(start, start + size)) for start in range(0, len(self), size))

    def unique(self) -> "Rows":
        """Each distinct row once, in the order of first appearance, weighted by the sum of its copies' weights.

        Rows are the same where x and y are; a row without a weight weighs 1, so a weight is a count. The full batch
        has exactly the same loss and gradient, and costs as much as its distinct rows:

            sum_n w_n l_n / sum_n w_n  =  sum_u W_u l_u / sum_u W_u  with  W_u = sum of w_n over the copies n of u

        Mini-batches differ: they consist of distinct rows, an epoch has fewer of them, and each divides by the sum of
        its own weights, so a batch of frequent rows moves the weights no further than one of rare rows. It is another
        sequence of updates. Layers that draw for each row (dropout) or depend on the batch (batch_norm) would see the
        copies.
        """
        pairs = torch.stack([_numbered(self.stored), _numbered(self.y)], dim=1)  # (N, 2)
        distinct, place = pairs.unique(dim=0, return_inverse=True)
        if len(distinct) == len(self):
            return self
        rows = torch.arange(len(self), device=place.device)
        first = rows.new_full((len(distinct),), len(self)).scatter_reduce_(0, place, rows, "amin")
        weight = torch.ones_like(rows) if self.weight is None else self.weight
        total = torch.zeros_like(first, dtype=torch.float64).index_add_(0, place, weight.double())
        first, order = first.sort()
        return Rows(self.stored[first], self.y[first], total[order], scale=self.scale)

    def to(self, device: torch.device, dtype: torch.dtype) -> "Rows":
        """The rows on a device, with floating-point numbers of that dtype; bytes and labels keep theirs."""
        weight = None if self.weight is None else self.weight.to(device, dtype)
        x = self.stored.to(device) if self.scale is not None else self.stored.to(device, dtype)
        y = self.y.to(device, dtype) if self.y.is_floating_point() else self.y.to(device)
        is_there = x is self.stored and y is self.y and weight is self.weight
        return self if is_there else Rows(x, y, weight, scale=self.scale)


class Window(NamedTuple):
    """Some rows of a stream that are in memory together, and the order in which the steps use them, (N,).

    They are overwritten by the window after the next one. Their inputs have the dtype and the scale of the sample
    (`Dataset.train`).
    """

    rows: Rows
    order: Indices


class Stream(ABC):
    """Training rows that are read from files in every epoch, a window of them at a time."""

    @property
    @abstractmethod
    def num_rows(self) -> int:
        """The number of training rows."""

    @property
    @abstractmethod
    def held_out(self) -> Mapping[str, Part]:
        """The whole "valid" and "test" parts, if there are any."""

    @abstractmethod
    def windows(self, seed: int, epoch: int, first_row: int) -> Iterator[Window]:
        """The windows of an epoch (counted from 0) and of all after it, from the place `first_row` of its order on.

        Rows, windows and their orders are a function of (seed, epoch). The next window is read while one is used, up to
        the last one `for_epochs`. Raises an `InputError` that names what cannot be read.
        """

    @abstractmethod
    def weighed(self, weigh: Callable[[Rows], Rows]) -> "Stream":
        """The same stream, with the row weights that `weigh` returns."""

    @abstractmethod
    def for_epochs(self, num_epochs: int) -> "Stream":
        """The same stream for a total of so many epochs: what is not needed again is not cached."""

    @abstractmethod
    def checksum(self) -> str:
        """A fingerprint of the files."""


@final
@dataclass(frozen=True)
class Dataset:
    """The parts of a data set.

    `num_outputs` is its number of classes, or of real targets. By default the targets say it, once the loss is known:
    a loss of classes has as many as the largest label of all parts and one, any other the numbers in a row of y.

    `fresh(epoch)`, where there is one, draws new training rows for each epoch (counted from 0) in place of `train`.
    `stream`, where there is one, reads them from files; then `train`, `valid` and `test` are samples of the parts.
    `known_weights`, if any, are weights of a linear network to compare the learned ones with, by their origin ("true",
    "least squares"), under the names and in the shapes of `engine.named_parameters()`. `encoder` turns a table into the
    network's rows; it is saved with the network. `known_losses` are cross-entropies in nats to compare the network's
    with, by name.
    """

    train: Rows
    valid: Rows | None = None
    test: Rows | None = None
    num_outputs: int | None = None
    name: str = "data"
    class_names: tuple[str, ...] = ()
    fresh: Callable[[int], Rows] | None = None
    stream: Stream | None = None
    known_weights: Mapping[str, Tensors] = field(default_factory=dict, hash=False)
    known_losses: Mapping[str, float] = field(default_factory=dict, hash=False)
    encoder: "Encoder | None" = None

    def __post_init__(self) -> None:
        instances(train=(self.train, Rows), name=(self.name, str))
        for part, rows in (("valid", self.valid), ("test", self.test)):
            if rows is not None:
                instances(**{part: (rows, Rows)})
        if self.num_outputs is not None:
            at_least("num_outputs", self.num_outputs, 1, "leave it out to take it from the targets")
            object.__setattr__(self, "num_outputs", plain(self.num_outputs))

    @property
    def num_rows(self) -> int:
        """The training rows of an epoch."""
        return len(self.train) if self.stream is None else self.stream.num_rows

    def for_epochs(self, num_epochs: int) -> "Dataset":
        """The same data, with the total number of epochs passed to the stream, if there is one."""
        return self if self.stream is None else replace(self, stream=self.stream.for_epochs(num_epochs))

    def whole(self) -> dict[str, Part]:
        """The parts to measure on: for a stream a sample of the training part, and the others as a whole."""
        parts: dict[str, Part | None] = {"train": self.train, "valid": self.valid, "test": self.test}
        if self.stream is not None:
            parts |= self.stream.held_out
        return {name: part for name, part in parts.items() if part is not None}

    @property
    def in_features(self) -> int:
        """The numbers in one row of x, all axes after the first taken together."""
        return self.train.stored[0].numel()

    def outputs_for(self, loss: "Loss") -> int:
        """The width of a network with that loss: for a binary loss, two classes are one output.

        Raises an `InputError` for a binary loss and more than two classes, and where the targets hold no classes.
        """
        if self.num_outputs is None:
            y = self.train.y
            if loss.target == "classes" and not y.is_floating_point() and not self._has_one_hot_targets:
                return self._num_classes
            return (1 if y.dim() == 1 else y.shape[-1]) * loss.outputs_per_target
        if loss.target != "yes_no" or self.num_outputs == 1 or self.train.y.dim() > 1:
            return self.num_outputs * loss.outputs_per_target
        if self.num_outputs > 2:
            raise InputError(
                f"a loss for yes or no must be used with two classes, got the {self.num_outputs} of {self.name!r}; use "
                f"cross_entropy."
            )
        return 1

    @property
    def _has_one_hot_targets(self) -> bool:
        """Whether y has several numbers in a row that are not labels of the tokens in a row of x."""
        x, y = self.train.stored, self.train.y
        return y.dim() > 1 and y.shape[-1] > 1 and y.shape != x.shape[: y.dim()]

    @cached_property
    def _num_classes(self) -> int:
        """The largest label of all parts and one. Raises an `InputError` unless it is between 2 and the rows."""
        parts = [part for part in (self.train, self.valid, self.test) if part is not None]
        count = 1 + max(int(part.y.max()) for part in parts)
        if (least := min(int(part.y.min()) for part in parts)) < 0:
            raise InputError(
                f"y must hold class labels from 0 on for a loss of classes, got {least} to {count - 1}; count labels "
                f"from 0."
            )
        if count < 2:
            raise InputError(
                f"y must hold at least two classes, 0 and 1, got none above {count - 1}; give num_outputs if others "
                f"exist."
            )
        if count > (num_labels := sum(part.y.numel() for part in parts)):
            raise InputError(
                f"y must hold class labels from 0 on for a loss of classes, got {count - 1} among {num_labels}; use "
                f"mse for numbers, or give num_outputs."
            )
        return count

    def in_features_for(self, known: int | None) -> int:
        """The same for a network of `known` inputs: where that is the last axis alone, tokens (N, T, I) stay tokens."""
        return known if known == self.train.stored.shape[-1] else self.in_features

    def unique(self) -> "Dataset":
        """The same data with `train.unique()` to train on; the other parts, which are only measured, stay as they are.

        Raises an `InputError` for data that draw their training rows anew.
        """
        if self.fresh is not None:
            raise InputError(
                f"rows must be the same in every epoch to be merged, got task {self.name!r}, whose rows are drawn "
                f"fresh; leave them as they are."
            )
        if self.stream is not None:
            raise InputError(
                f"rows must be in memory to be merged, got {self.name!r}, which is streamed; leave them as they are."
            )
        return replace(self, train=self.train.unique())


def _as_tensor(name: str, values: Any) -> Tensor:
    """`torch.as_tensor`, with an `InputError` for what it cannot read."""
    try:
        tensor = torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{name} must hold numbers, all rows of the same length, got {type(values).__name__} that torch cannot "
            f"read ({error}); turn words into numbers first."
        ) from error
    if tensor.layout != torch.strided or tensor.is_complex():
        kind = "complex numbers" if tensor.is_complex() else f"a {tensor.layout} tensor"
        raise InputError(
            f"{name} must hold real numbers in a dense tensor, got {kind}; pass its to_dense(), or real and imaginary "
            f"parts as columns."
        )
    if tensor.dim() == 0:
        raise InputError(
            f"{name} must have a row or number for each sample, got the single number {tensor.item()}; of one "
            f"sample it is [{tensor.item()}]."
        )
    return tensor.detach()  # another network's output is data here


def _numbered(values: Tensor) -> Tensor:
    """A number for each row (N,), the same for the same row."""
    place: Tensor
    _, place = values.reshape(len(values), -1).unique(dim=0, return_inverse=True)
    return place


class Task(ABC):
    """A named task: what it is in one line, its rows, and the reference settings for each model it is trained with."""

    description: ClassVar[str]
    models: ClassVar[Mapping[str, Mapping[str, Any]]]
    """Settings by model ("linear", "softmax", "mlp"), the default first; the keys are those of a recipe.

    Every task can be trained with "feed-forward" too. Unless it says more, its settings are those of "mlp", apart from
    the activation, with as many blocks as there are hidden layers, all of the first one's width.
    """

    settings: ClassVar[Mapping[str, Any]]
    """Settings that all models share."""

    has_files: ClassVar[bool] = False
    """Whether the rows are in files, which `data_dir` may hold."""

    is_drawn: ClassVar[bool] = False
    """Whether the rows depend on the seed."""

    @property
    @final
    def known_models(self) -> tuple[str, ...]:
        """The models that it can be trained with, the default first."""
        return tuple(dict.fromkeys([*self.models, "mlp", "feed-forward"]))

    @final
    def settings_for(self, model: str) -> dict[str, Any]:
        """The reference settings for one of these models."""
        if model in self.models:
            return {**self.settings, **self.models[model]}
        mlp = {key: value for key, value in self.models.get("mlp", {}).items() if key != "activation"}
        if "hidden" in mlp:
            mlp["hidden"] = mlp["hidden"][:1] * len(mlp["hidden"])
        return {**self.settings, **mlp}

    @abstractmethod
    def load(self, *, seed: int, data_dir: Path | None) -> Dataset:
        """The data. `seed` draws what the task draws; `data_dir` is the folder of the task's files, if it has any."""
