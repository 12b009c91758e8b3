"""From arrays, sparse matrices and DataFrames to the network's inputs."""

import dataclasses
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
import polars as pl
import scipy.sparse
import torch

from ..check import warn
from ..find import Choice
from ..table.advice import OF_FRAME, Advice
from ..table.dates import may_be_days
from ..table.encoder import CLIP, FARTHEST, QUARTILES, Encoder
from ..table.kinds import FEWEST_DAYS, ColumnKind, kinds_of, warn_of_days
from ..table.rounded import first_rounded, rounds_some, warn_of_rounded
from ..table.values import UNUSABLE, present_array
from ._chosen import ChosenRows

NUMBERS_AT_A_TIME = 2**16
"""Numbers that are scaled at a time: what lies between is in float64, several times over, and stays in the cache."""


class Inputs(ABC):
    """How to read rows, as learned from the training rows."""

    encoder: Encoder | None = None
    """The encoder of a table, where its columns go through one."""

    @property
    def reads_frames(self) -> bool:
        """Whether `transform` takes a polars frame; otherwise an array or a sparse matrix."""
        return self.encoder is not None

    @property
    @abstractmethod
    def width(self) -> int:
        """The numbers in one row of the network's x."""

    @property
    @abstractmethod
    def layers(self) -> tuple[Choice, ...]:
        """The layers in front of the network that these inputs need."""

    @property
    @abstractmethod
    def numbers(self) -> tuple[int, ...]:
        """The indices of the numeric columns in x."""

    moments: tuple[float, float] = (0.0, 1.0)
    """The mean and the deviation of all numbers of the training rows together, of rows that are not scaled."""

    @abstractmethod
    def transform(self, x: Any, dtype: type) -> np.ndarray:
        """The rows as the network takes them, (N, width)."""


@final
@dataclass(frozen=True)
class Unchanged(Inputs):
    """Numbers as they are."""

    num_features: int
    moments: tuple[float, float]

    @classmethod
    def fit(cls, x: Any) -> Self:
        """Of an array or a sparse matrix (N, I)."""
        numbers = x.data if scipy.sparse.issparse(x) else x[:]
        share = numbers.size / max(1, math.prod(x.shape))  # a sparse matrix holds zeros that it does not store
        mean = share * float(np.mean(numbers, dtype=np.float64)) if numbers.size else 0.0
        at_a_time = max(1, NUMBERS_AT_A_TIME * len(numbers) // max(1, numbers.size))
        parts = (numbers[start : start + at_a_time] for start in range(0, len(numbers), at_a_time))
        squares = sum(float(np.sum(np.square(part - mean), dtype=np.float64)) for part in parts)
        square = share * squares / max(1, numbers.size)
        return cls(x.shape[1], (mean, math.sqrt(square + (1 - share) * mean**2)))

    @property
    def width(self) -> int:
        return self.num_features

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(range(self.num_features))

    @property
    def layers(self) -> tuple[Choice, ...]:
        return ()

    def transform(self, x: Any, dtype: type) -> np.ndarray:
        return _dense(x, dtype)


@final
@dataclass(frozen=True, eq=False)
class Scaled(Inputs):
    """Numbers as the encoder of tables scales them (`table/encoder.py`), with weights where the rows have some.

        x = z / sqrt(1 + (z / 3)^2),   z = s (r - m), or 0 where r is missing

    with the weighted median m of each column and s, one over its weighted interquartile range. A column with missing
    numbers in training has a second one beside it, 1 where it is missing and else 0. A row of weight 2 counts as two.
    """

    center: np.ndarray
    scale: np.ndarray
    gaps: np.ndarray
    """The columns of which some were missing in training."""

    @classmethod
    def fit(cls, x: Any, weight: np.ndarray | None) -> Self:
        """Learns medians, scales and where numbers may be missing, column by column."""
        columns = x.tocsc() if scipy.sparse.issparse(x) else x
        found = [_center_and_scale(_column(columns, k), weight) for k in range(x.shape[1])]
        center, scale, missing = (np.array(values) for values in zip(*found, strict=True))
        return cls(center, scale, np.flatnonzero(missing))

    @property
    def width(self) -> int:
        return len(self.center) + len(self.gaps)

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(range(len(self.center)))

    @property
    def layers(self) -> tuple[Choice, ...]:
        return ()

    def transform(self, x: Any, dtype: type) -> np.ndarray:
        out: np.ndarray = np.empty((x.shape[0], self.width), dtype=dtype)
        at_a_time = max(1, NUMBERS_AT_A_TIME // self.width)
        for start in range(0, len(out), at_a_time):
            rows = slice(start, start + at_a_time)
            self._scale_into(out[rows], _dense(x[rows], np.float64))
        return out

    def _scale_into(self, out: np.ndarray, numbers: np.ndarray) -> None:
        """Writes x of some rows, and where they miss numbers."""
        with np.errstate(over="ignore"):  # a number beyond 1e154 has an infinite square, and is 0 after the division
            z = np.nan_to_num((numbers - self.center) * self.scale, nan=0.0).clip(-FARTHEST, FARTHEST)
        np.divide(z, np.sqrt(1 + (z / CLIP) ** 2), out=out[:, : z.shape[1]], casting="same_kind")
        out[:, z.shape[1] :] = np.isnan(numbers[:, self.gaps])


@final
@dataclass(frozen=True, eq=False)
class Encoded(Inputs):
    """A DataFrame with categories or dates, through the encoder of tables."""

    encoder: Encoder

    @classmethod
    def fit(cls, frame: pl.DataFrame, categorical: tuple[str, ...]) -> Self:
        """Fits the encoder; warns of columns that it cannot use."""
        found = kinds_of(frame, categorical=categorical, advice=OF_FRAME)
        kinds = [_as_meant(kind, frame[kind.name]) for kind in found]
        for kind in kinds:
            if kind.kind in ("text", "identifier"):
                is_nested = isinstance(frame[kind.name].dtype, UNUSABLE)
                advice = "make columns of numbers of it" if is_nested else "make it a category to keep it"
                warn(
                    f"column {kind.name!r} is left out, as it is taken for {kind.kind} ({kind.detail}); {advice}, or "
                    f"drop it."
                )
        return cls(Encoder.fit(frame, kinds))

    def __getstate__(self) -> dict[str, Any]:
        """Arrays and text: what stores estimators without pickle, as skops does, knows no tensors."""
        tensors = {name: value.numpy() for name, value in self.encoder.tensors().items()}
        return {"tensors": tensors, "metadata": self.encoder.metadata()}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        tensors = {name: torch.tensor(value) for name, value in kept["tensors"].items()}
        object.__setattr__(self, "encoder", Encoder.from_file(tensors, kept["metadata"]))

    @property
    def width(self) -> int:
        return self.encoder.in_features

    @property
    def numbers(self) -> tuple[int, ...]:
        return self.encoder.numbers

    @property
    def layers(self) -> tuple[Choice, ...]:
        codes = self.encoder.num_codes
        return (Choice("embed_columns", num_embeddings=codes),) if codes else ()

    def transform(self, x: Any, dtype: type) -> np.ndarray:
        return self.encoder.encode(x).numpy().astype(dtype, copy=False)


def _as_meant(kind: ColumnKind, values: pl.Series) -> ColumnKind:
    """The kinds of columns, except that numbers in X always count as numbers, even if they number the rows."""
    if kind.kind != "identifier" or not values.dtype.is_numeric():
        return kind
    warn_of_whole(values)
    return dataclasses.replace(kind, kind="number")


def warn_of_whole(values: pl.Series, advice: Advice = OF_FRAME) -> None:
    """Warns of a column of whole numbers if float64 rounds one of them, or all may be dates."""
    if not values.dtype.is_integer():
        return
    x = present_array(values.cast(pl.Float64))
    first = first_rounded(values) if rounds_some(x) else ""
    if first:
        warn_of_rounded(values.name, first, advice=advice)
    if may_be_days(x) and len(np.unique(x)) >= FEWEST_DAYS:
        warn_of_days(values.name, x[0], advice)


def _dense(x: Any, dtype: type) -> np.ndarray:
    dense: np.ndarray = (x.toarray() if scipy.sparse.issparse(x) else x[:]).astype(dtype, copy=False)
    return dense


def _column(x: Any, k: int) -> np.ndarray:
    if isinstance(x, ChosenRows):
        return x.column(k).astype(np.float64, copy=False)
    column: np.ndarray = x[:, [k]].toarray()[:, 0] if scipy.sparse.issparse(x) else x[:, k]
    return column.astype(np.float64, copy=False)


def _center_and_scale(raw: np.ndarray, weight: np.ndarray | None) -> tuple[float, float, bool]:
    """The median, what to multiply by (one over the interquartile range, or half the range, or 0), any missing."""
    present = ~np.isnan(raw)
    values = raw[present]
    if len(values) == 0:
        return 0.0, 0.0, True
    low, median, high = _quantiles(values, None if weight is None else weight[present])
    with np.errstate(over="ignore"):
        spread = high - low or (values.max() - values.min()) / 2
    usable = spread > 0 and np.isfinite(spread) and np.isfinite(1 / spread)
    return median, 1 / spread if usable else 0.0, not present.all()


def _quantiles(values: np.ndarray, weight: np.ndarray | None) -> tuple[float, float, float]:
    """The quartiles, where a value of weight 2 counts as two values: the mean of both sides of each step.

    Hyndman and Fan 1996, "Sample quantiles in statistical packages", definition 2.
    """
    order = values.argsort(kind="stable")
    ordered = values[order]
    total = (np.ones(len(values)) if weight is None else weight[order]).cumsum()
    found = []
    for share in QUARTILES:
        goal = share * total[-1]
        near = 1e-12 * total[-1]  # sums of weights carry rounding, and a step must not move with it
        first, last = np.searchsorted(total, [goal - near, goal + near], side="left")
        found.append((ordered[min(first, len(ordered) - 1)] + ordered[min(last, len(ordered) - 1)]) / 2)
    return found[0], found[1], found[2]
