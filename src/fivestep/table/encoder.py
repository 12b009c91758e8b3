"""The encoder: fitted on the training part of a table, and from then on a part of the model."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, cast, final

import numpy as np
import polars as pl
import torch
from torch import Tensor

from ..check import InputError, warn
from . import in_file
from .columns import COLUMNS, FittedColumn, column_from_dict
from .kinds import ColumnKind, shortened
from .target import Target
from .targets import NO_TARGETS, TargetColumns
from .values import PLAIN, missing

if TYPE_CHECKING:
    from ._plain import Numbers

CLIP = 3.0
"""Where the smooth clip levels off, in units of the interquartile range."""

FARTHEST = 1e100
"""Larger numbers are replaced by it: after the clip that is the same, and their squares stay finite."""

QUARTILES = (0.25, 0.5, 0.75)

MOST_NAMED = 3
"""The most columns that a warning about new values names, those with the most first."""

MANY_ROWS = 20_000
"""Rows from which the compiled form pays."""


@final
@dataclass(frozen=True, eq=False)
class Encoder:
    """Turns the columns of a table into the rows x of a network: (N, D + J), numbers first, then codes to embed.

    Each column becomes raw numbers r (`columns.py`): a number itself, two levels as -1 and +1, up to eight as columns
    of 0 and 1, a date as its parts, and for what may be missing a 0 or 1 that says so. Then, with the median m and the
    scale s of the training part,

        z = s (r - m), or 0 where r is missing;      x = z / sqrt(1 + (z / c)^2)    with c = `clip` = 3

    s is 1 / (interquartile range); where that is 0, 2 / (max - min); where that is 0 too, 0. So the median and every
    missing number are 0, the middle half of the numbers spans one unit, and no outlier lies farther out than c. A
    category of more levels becomes one code, a whole number that rides as a floating-point column.

    A row's x depends on nothing but the row. Columns are found by name, in any order. Holzmueller, Grinsztajn and
    Steinwart 2024, "Better by default", section 3 ("robust scale + smooth clip").
    """

    columns: tuple[FittedColumn, ...]
    center: Tensor
    """m of each feature, (D,), float64."""
    scale: Tensor
    """s of each feature, (D,), float64."""
    clip: float | None = CLIP
    targets: TargetColumns = NO_TARGETS

    @classmethod
    def fit(
        cls,
        frame: pl.DataFrame,
        kinds: Sequence[ColumnKind],
        targets: TargetColumns = NO_TARGETS,
        *,
        rows: pl.Series | None = None,
    ) -> Self:
        """Learns levels, medians and scales from a frame, or from some rows of it: the training part alone.

        `kinds` says what each column is taken for (`kinds_of(frame)`); columns of a kind that cannot be used are left
        out. Raises an `InputError` if none is left.
        """

        def values(name: str) -> pl.Series:
            return frame[name] if rows is None else frame[name][rows]  # one column at a time, to save memory

        columns = tuple(COLUMNS[kind.kind].fit(kind, values(kind.name)) for kind in kinds if kind.is_used)
        numeric = (column for column in columns if not column.num_codes)
        scales = [_center_and_scale(numbers) for column in numeric for numbers in column.raw(values(column.name), 1)]
        return cls.of_scales(columns, scales, kinds, targets)

    @classmethod
    def of_scales(
        cls,
        columns: tuple[FittedColumn, ...],
        scales: Sequence[tuple[float, float]],
        kinds: Sequence[ColumnKind],
        targets: TargetColumns,
    ) -> Self:
        """The encoder of fitted columns, given the center and the scale of each of their D features."""
        if not any(column.features or column.num_codes for column in columns):
            found = ", ".join(f"{kind.name} ({kind.kind})" for kind in kinds[:5]) or "none"
            raise InputError(
                f"a table must have a column that a network can use, got {found}; add one, or make one categorical."
            )
        center, scale = torch.tensor(scales, dtype=torch.float64).reshape(-1, 2).unbind(1)
        return cls(columns, center.clone(), scale.clone(), targets=targets)

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the D numbers at the beginning of x."""
        return tuple(feature for column in self.columns for feature in column.features)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The indices of the numeric features, which are not binary."""
        is_number = [k < column.num_numbers for column in self.columns for k in range(len(column.features))]
        return tuple(place for place, lies in enumerate(is_number) if lies)

    @property
    def embedded(self) -> tuple[FittedColumn, ...]:
        """The J columns whose codes are at the end of x."""
        return tuple(column for column in self.columns if column.num_codes)

    @property
    def read_as_text(self) -> list[str]:
        """The columns, including targets, that must be read from a text file as text: 007, and 1.234 €."""
        return [column.name for column in self._read if getattr(column, "number_format", None) != PLAIN]

    @property
    def plain_numbers(self) -> set[str]:
        """The columns that may be read as numbers."""
        return {column.name for column in self._read} - set(self.read_as_text)

    @property
    def _read(self) -> "list[FittedColumn | Target]":
        return [*self.columns, *self.targets.columns]

    @property
    def decimal(self) -> str:
        """The decimal mark of the file: a comma if some column has one, so that 1.234 elsewhere is a thousand."""
        formats = [getattr(column, "number_format", PLAIN) for column in self._read]
        return "," if any(known.decimal == "," for known in formats) else ""

    @property
    def num_codes(self) -> tuple[int, ...]:
        """The number of codes of each embedded column: `num_embeddings` of the layer `embed_columns`."""
        return tuple(column.num_codes for column in self.embedded)

    @property
    def in_features(self) -> int:
        """D + J."""
        return len(self.center) + len(self.num_codes)

    def encode(
        self,
        frame: pl.DataFrame,
        *,
        rows: "np.ndarray | None" = None,
        first_row: int = 1,
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        """X of a frame that has these columns, in any order, or of some `rows` alone, in ascending order: (N, D + J).

        Raises an `InputError` that names a column that is missing, or the row and column of a value that cannot be
        read; `first_row` is the number of the frame's first row in it.
        """
        self.check_columns(frame.columns)
        x = torch.empty(frame.height if rows is None else len(rows), self.in_features, dtype=dtype)
        try:
            self.encode_into(x, frame, rows=rows, first_row=first_row)
        except InputError:
            for column in self.columns if rows is not None else ():
                column.raw(frame[column.name], first_row)  # names the row of the frame, not of the selection
            raise
        return x

    def encode_into(
        self,
        x: Tensor,
        frame: pl.DataFrame,
        *,
        rows: "np.ndarray | None" = None,
        first_row: int = 1,
        compiled: bool | None = None,
    ) -> None:
        """Writes x into existing memory (N, D + J), for all rows or for some `rows`, in ascending order.

        Rows are counted from 0; so those of one part need not be copied out of the frame. `compiled` says which of two
        forms, equal to the bit, does it: the compiled one is faster with many rows, and takes 200 MB the first time.
        """
        self.check_columns(frame.columns)
        out = x.numpy()
        is_compiled = frame.height >= MANY_ROWS if compiled is None else compiled
        written = self._write_plain(out, frame, rows) if is_compiled else set()
        for column in [column for column in self.columns if column.can_be_missing or column.name not in written]:
            at, is_gap_only = self._places[column.name], column.name in written
            values = frame[column.name] if rows is None else frame[column.name][rows]
            if is_gap_only:
                out[:, at + 1] = self.scaled(missing(values).cast(pl.Float64).to_numpy(), at + 1)
                continue
            for place, numbers in enumerate(column.raw(values, first_row), start=at):
                with np.errstate(over="ignore"):  # of numbers that no clip makes finite, which are refused
                    out[:, place] = numbers if column.num_codes else self.scaled(numbers, place)
        if self.clip is None and not np.isfinite(out).all():
            self._refuse_beyond(x, frame, rows, first_row)

    def _refuse_beyond(self, x: Tensor, frame: pl.DataFrame, rows: "np.ndarray | None", first_row: int) -> None:
        """Raises an `InputError` for the first number that is too large for x on its scale."""
        row, place = (~x.isfinite()).nonzero()[0].tolist()
        name = next(name for name, places in self.places.items() if place in places)
        at = row if rows is None else int(rows[row])
        raise InputError(
            f"column {name!r} must hold numbers on the scale of the training rows, got {shortened(frame[name][at])} in "
            f"row {first_row + at:,}; fix it, or leave the row out."
        )

    @cached_property
    def _places(self) -> Mapping[str, int]:
        """The index in a row of x where the numbers of each column begin, or its code is."""
        places, at, code_at = {}, 0, len(self.center)
        for column in self.columns:
            places[column.name] = code_at if column.num_codes else at
            at, code_at = at + len(column.features), code_at + (column.num_codes > 0)
        return places

    @property
    def places(self) -> Mapping[str, list[int]]:
        """The indices in a row of x of each column, by name."""
        sizes = {column.name: len(column.features) + (column.num_codes > 0) for column in self.columns}
        return {name: list(range(at, at + sizes[name])) for name, at in self._places.items()}

    def _write_plain(self, out: np.ndarray, frame: pl.DataFrame, rows: "np.ndarray | None") -> set[str]:
        """Writes those of the columns that hold numbers as such by compiled code; returns their names."""
        from ._plain import write_plain  # imported here: numba takes a third of a second

        rows = np.arange(frame.height) if rows is None else rows
        limits = (np.inf, np.inf) if self.clip is None else (self.clip, FARTHEST)
        return write_plain(out, frame, rows, self._numbers, limits)

    @cached_property
    def _numbers(self) -> "Numbers":
        """The columns of numbers."""
        from ._plain import Numbers

        names = [column.name for column in self.columns if column.kind == "number"]
        places = np.array([self._places[name] for name in names], dtype=np.int64)
        return Numbers(names, places, torch.stack([self.center, self.scale], 1).numpy()[places])

    def scaled(self, raw: np.ndarray, feature: int) -> np.ndarray:
        """Raw numbers r (N,) of one feature on the scale of x, (N,)."""
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow is far out, and the clip makes it finite
            z = np.nan_to_num((raw - self.center[feature].item()) * self.scale[feature].item(), nan=0.0)
        if self.clip is None:
            return z
        z.clip(-FARTHEST, FARTHEST, out=z)
        return z / np.sqrt(1 + (z / self.clip) ** 2)

    def decode(self, x: Tensor) -> Tensor:
        """The raw numbers r (N, D) of rows x and their codes (N, J), in float64: nan where a number is missing.

        A number so far out that x has no digits left to tell it from the clip is infinite.
        """
        z, codes = x.double().split([len(self.center), len(self.num_codes)], 1)
        if self.clip is not None:
            z = z / (1 - (z / self.clip) ** 2).clamp_min(0).sqrt()
        r = torch.where(self.scale == 0, self.center, self.center + z / self.scale)
        for column in self.columns:
            if column.num_numbers and column.can_be_missing:
                *places, gap = self.places[column.name]
                r[:, places] = r[:, places].masked_fill(r[:, [gap]] > 0.5, math.nan)
        return torch.cat([r, codes], 1)

    def check_columns(self, names: Sequence[str]) -> None:
        """Raises an `InputError` that names the columns that are missing."""
        there = set(names)
        lost = [column.name for column in self.columns if column.name not in there]
        if lost:
            alike = {name.strip().lower(): name for name in names}
            same = alike.get(lost[0].strip().lower())
            advice = f"add {'them' if len(lost) > 1 else 'it'}" if same is None else f"rename {same!r} to {lost[0]!r}"
            raise InputError(
                f"the table must have the column{'s' if len(lost) > 1 else ''} {', '.join(map(repr, lost))}, on which "
                f"the network was trained, got {', '.join(map(repr, names[:10]))}{', ...' if len(names) > 10 else ''}; "
                f"{advice}."
            )

    def warn_of_others(self, names: Sequence[str], known: Sequence[str] = (), where: str = "") -> None:
        """Warns of columns that are neither the encoder's nor among `known`; `where` they are begins the sentence."""
        own = {column.name for column in self.columns} | set(known)
        others = [name for name in names if name not in own]
        if others:
            warn(
                f"{where}the network was not trained on the column{'s' if len(others) > 1 else ''} "
                f"{', '.join(map(repr, others[:10]))}{', ...' if len(others) > 10 else ''}; left out."
            )

    def num_new(self, frame: pl.DataFrame) -> Counter[str]:
        """The number of values of each column that are new to training."""
        return Counter({column.name: int(column.is_new(frame[column.name]).sum()) for column in self.columns})

    def tensors(self) -> dict[str, Tensor]:
        """The encoder's numbers by name, for a model's file."""
        return {f"{in_file.PREFIX}center": self.center, f"{in_file.PREFIX}scale": self.scale}

    def metadata(self) -> dict[str, str]:
        """Everything else as text, for the same file's metadata."""
        described = {
            "columns": [column.to_dict() for column in self.columns],
            "clip": self.clip,
            "targets": self.targets.to_list(),
        }
        return {in_file.KEY: json.dumps(described, ensure_ascii=False)}

    @classmethod
    def from_file(cls, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> Self:
        """The encoder that `tensors` and `metadata` describe; raises an `InputError` if they were tampered with."""
        try:
            described = json.loads(metadata[in_file.KEY])
            columns = tuple(column_from_dict(values) for values in described["columns"])
            targets = TargetColumns.from_list(_targets_in(described))
            center, scale = (tensors[f"{in_file.PREFIX}{name}"].double() for name in ("center", "scale"))
            encoder = cls(columns, center, scale, described["clip"], targets)
            encoder._check()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"the encoder of the model must be as fivestep wrote it, got {type(error).__name__}: {error}; train "
                f"again."
            ) from error
        return encoder

    def _check(self) -> None:
        """Raises a `ValueError` unless every feature has a finite center and a finite scale."""
        num_features = len(self.features)
        if not (num_features == len(self.center) == len(self.scale)):
            raise ValueError(f"{num_features} features with {len(self.center)} centers, {len(self.scale)} scales")
        if not (self.center.isfinite().all() and self.scale.isfinite().all()):
            raise ValueError("a center or a scale that is not finite")


def _targets_in(described: Mapping[str, Any]) -> Sequence[Any]:
    """The targets as plain values; a run from before there could be several has one or none."""
    if "targets" in described:
        found: Sequence[Any] = described["targets"]
        return found
    return [] if described["target"] is None else [described["target"]]


def _center_and_scale(raw: np.ndarray) -> tuple[float, float]:
    """The median, and the factor: one over the interquartile range, or over half the range, or 0."""
    present = pl.Series(raw)  # its quantiles take a sixth of NumPy's time
    present = present.drop_nans() if np.isnan(raw).any() else present
    if len(present) == 0:
        return 0.0, 0.0
    low, median, high = (present.quantile(share, "linear") or 0.0 for share in QUARTILES)
    least, largest = cast("tuple[float, float]", (present.min(), present.max()))
    return center_and_scale_of((low, median, high), least, largest)


def center_and_scale_of(quartiles: Sequence[float], least: float, largest: float) -> tuple[float, float]:
    """The same from the three quartiles and the two ends."""
    low, median, high = quartiles
    spread = high - low or (largest - least) / 2
    scale = 1 / spread if spread else 0.0
    return (median, scale) if math.isfinite(scale) and math.isfinite(median) else (0.0, 0.0)


def warn_of_new(new: Counter[str], num_rows: int) -> None:
    """Warns of the new values that `Encoder.num_new` counted in `num_rows` rows."""
    for name, count in new.most_common(MOST_NAMED):
        if count:
            warn(
                f"{count:,} of {num_rows:,} rows have a {name!r} that training never saw, or hardly (a new level, or a "
                f"gap); their predictions do without it."
            )
