"""Rows of data in memory, the parts of a data set, and what a named task has to say."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, final

import torch
from torch import Tensor

from ..check import InputError
from ..typing import Indices, Tensors


@final
class Rows:
    """Inputs x (N, ...), targets y (N,) or (N, O), and optional row weights (N,), in memory on one device.

    `x` may be stored as bytes with a `scale`: they become floating-point numbers, times the scale, only in the batch
    that needs them, so images take a quarter of the memory. Anything `torch.as_tensor` reads is accepted.
    """

    def __init__(self, x: Any, y: Any, weight: Any = None, *, scale: float | None = None) -> None:
        self.stored = torch.as_tensor(x)
        self.y = torch.as_tensor(y)
        self.weight = None if weight is None else torch.as_tensor(weight)
        self.scale = scale
        for name, tensor in (("y", self.y), ("weight", self.weight)):
            if tensor is not None and len(tensor) != len(self.stored):
                raise InputError(
                    f"{name} must have one entry for each of the {len(self.stored)} rows of x, got {len(tensor)}."
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
        """All inputs as floating-point numbers of that type."""
        return self.stored.to(dtype) if self.scale is None else self.stored.to(dtype) * self.scale

    def take(self, rows: Indices | slice) -> "Rows":
        """Those rows, in that order."""
        weight = None if self.weight is None else self.weight[rows]
        return Rows(self.stored[rows], self.y[rows], weight, scale=self.scale)

    def to(self, device: torch.device, dtype: torch.dtype) -> "Rows":
        """The rows on a device, with floating-point numbers of that type; bytes stay bytes, and labels stay labels."""
        weight = None if self.weight is None else self.weight.to(device, dtype)
        x = self.stored.to(device) if self.scale is not None else self.stored.to(device, dtype)
        y = self.y.to(device, dtype) if self.y.is_floating_point() else self.y.to(device)
        return Rows(x, y, weight, scale=self.scale)


@final
@dataclass(frozen=True)
class Dataset:
    """The parts of a data set. `num_outputs` is what a network for it needs: its classes, or its real targets.

    `fresh(epoch)`, where there is one, draws new training rows for each epoch (counted from 0) in place of `train`.
    `known_weights`, where there are any, are those of a linear network to hold the learnt ones against, by where they
    come from ("true", "least squares"), under the names and in the shapes of `engine.named_parameters()`.
    """

    train: Rows
    valid: Rows | None = None
    test: Rows | None = None
    num_outputs: int = 1
    name: str = "data"
    class_names: tuple[str, ...] = ()
    fresh: Callable[[int], Rows] | None = None
    known_weights: Mapping[str, Tensors] = field(default_factory=dict, hash=False)

    @property
    def in_features(self) -> int:
        """The numbers in one row of x, all axes after the first taken together."""
        return self.train.stored[0].numel()


class Task(ABC):
    """A named task: what it is in one line, its rows, and the reference settings for each model it is trained with."""

    description: ClassVar[str]
    models: ClassVar[Mapping[str, Mapping[str, Any]]]
    """Settings by model ("linear", "softmax", "mlp"), the default first; the keys are those of a recipe."""

    settings: ClassVar[Mapping[str, Any]]
    """Settings that all models share."""

    has_files: ClassVar[bool] = False
    """Whether the rows are in files, which `data_dir` may hold."""

    is_drawn: ClassVar[bool] = False
    """Whether the rows are drawn from the seed, so that another seed has other rows."""

    @abstractmethod
    def load(self, *, seed: int, data_dir: Path | None) -> Dataset:
        """The data. `seed` draws what the task draws; `data_dir` is the folder of the task's files, if it has any."""
