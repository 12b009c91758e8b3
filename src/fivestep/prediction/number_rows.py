"""Rows of numbers, for a network whose task has no named columns."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..check import InputError
from .trained import Source, Trained

if TYPE_CHECKING:
    import polars as pl


def inputs_of_numbers(trained: Trained, sources: Sequence[Source]) -> "Iterator[tuple[Tensor, pl.DataFrame]]":
    """The rows in parts (N, I), in the dtype and on the scale of the training, with no columns beside them.

    Raises an `InputError` for another number of columns than the network's, and for a value that is no finite number.
    """
    import polars as pl  # imported here: training and most commands do without

    for name, frames in sources:
        first_row = 1
        for frame in frames:
            yield _inputs(trained, name, frame, first_row), pl.DataFrame()
            first_row += frame.height


def _inputs(trained: Trained, name: str, frame: "pl.DataFrame", first_row: int) -> Tensor:
    import polars as pl

    width, scale = trained.engine.spec.in_features, trained.info.get("input_scale")
    if frame.width != width:
        raise InputError(f"{name} must have {width} numbers in each row, got {frame.width}; see the run's task.")
    has_bytes = set(frame.dtypes) == {pl.UInt8}
    if has_bytes and scale is None:
        raise InputError(
            f"{name} must hold numbers on the scale of the training rows, got bytes; convert them to floats."
        )
    numbers = torch.from_numpy(pl.DataFrame(list(map(_as_numbers, frame))).to_numpy(writable=True))
    x = numbers.to(trained.engine.dtype)
    if not x.isfinite().all():
        row, column = (~x.isfinite()).nonzero()[0].tolist()
        dtype = trained.engine.dtype_name
        is_finite = bool(numbers[row, column].isfinite())
        fitting = f"numbers that {dtype}, in which the network computes, can hold"
        raise InputError(
            f"{name} must hold {fitting if is_finite else 'a finite number in every field'}, got "
            f"{_shown(frame[row, column])} in row {first_row + row:,}, column {frame.columns[column]!r}; "
            f"{'fix it, or train with --dtype float64' if is_finite else 'fix it'}."
        )
    return x * scale if has_bytes and scale is not None else x


def _as_numbers(values: "pl.Series") -> "pl.Series":
    """The values as Float64; null where one is missing or is no number."""
    import polars as pl

    from ..table.values import PLAIN, numbers

    if values.dtype == pl.String or values.dtype.is_numeric() or values.dtype == pl.Boolean:
        return numbers(values, PLAIN)
    return pl.Series(values.name, [None] * len(values), dtype=pl.Float64)


def _shown(value: object) -> str:
    from ..table.kinds import shortened

    return "no value" if value is None else shortened(value)
