"""The column that weighs the rows of a table."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import torch
from torch import Tensor

from ...check import refuse
from ...table.values import PLAIN, number_format_of, numbers
from .source import TableSource


def weights_of(frame: pl.DataFrame, source: TableSource, places: pl.Series | None = None) -> Tensor | None:
    """The weights (N,) of the rows of a frame, or of those at some places of it, where the source has some."""
    return None if source.weight is None else _weights(frame[source.weight], places, source.decimal)


def _weights(values: pl.Series, places: pl.Series | None, decimal: str) -> Tensor:
    if places is None:
        found = checked_weights(values, range(1, len(values) + 1), decimal=decimal)
    else:
        found = checked_weights(values.gather(places), places + 1, decimal=decimal)
    return torch.from_numpy(found.to_numpy(writable=True))


def checked_weights(
    values: pl.Series, rows: "Sequence[int] | np.ndarray | pl.Series", whose: str = "", decimal: str = ""
) -> pl.Series:
    """The weights as numbers; raises an `InputError` with the first one that is none, and its number in `rows`."""
    number_format = number_format_of(values, decimal) if values.dtype == pl.String else None
    found = numbers(values, number_format or PLAIN)
    wrong = found.is_null() | ~found.is_finite() | (found < 0)
    if wrong.any():
        at = wrong.arg_true()[0]
        weight = f"weight {values.name!r}{whose}"
        expected = f"a number of at least 0 in row {rows[at]:,}"
        raise refuse(weight, values[at], expected, "fix it, or leave the row out")
    return found
