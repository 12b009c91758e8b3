"""A frame from objects in memory: polars, pandas, Arrow, NumPy, a dictionary of columns."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import polars as pl

from ..check import InputError, InWords, refuse
from .kinds import check_different


@runtime_checkable
class _ArrowTable(Protocol):
    """A table that can hand itself over by the Arrow C stream interface."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The stream."""


def as_frame(table: Any) -> pl.DataFrame:
    """A polars frame of a table: a DataFrame of any library that speaks Arrow, an array (N, I), a mapping of columns.

    Columns of an array are called "column_1", "column_2", ... Raises an `InputError` for an object that is not a table,
    for duplicate names, and for a table without rows.
    """
    frame = _converted(table)
    if frame.width == 0 or frame.height == 0:
        raise InputError(f"a table must have rows and columns, got {frame.height} and {frame.width}; check the data.")
    return frame


def _converted(table: Any) -> pl.DataFrame:
    if isinstance(table, pl.DataFrame):
        return table
    if isinstance(table, pl.LazyFrame):
        return table.collect()
    if isinstance(table, pl.Series):
        raise refuse(
            "a table", InWords("a Series"), "a DataFrame, or an array (rows, columns)", "write series.to_frame()"
        )
    if isinstance(table, Mapping):
        return pl.DataFrame({str(name): _column(name, values) for name, values in table.items()})
    if type(table).__module__.partition(".")[0] == "pandas":  # its own conversion to Arrow would need pyarrow
        if table.ndim != 2:
            advice = "for one row of a DataFrame write df.iloc[[0]], for one column df[['name']]"
            raise refuse(
                "a table", InWords(f"a {type(table).__name__}"), "a DataFrame, or an array (rows, columns)", advice
            )
        names = [str(name) for name in table.columns]
        check_different(names, "the table")
        return pl.DataFrame([_from_pandas(name, table.iloc[:, k]) for k, name in enumerate(names)])
    if isinstance(table, _ArrowTable):
        return pl.from_dataframe(table)
    return from_array(table if isinstance(table, np.ma.MaskedArray) else np.asarray(table))


def is_arrow(table: Any) -> bool:
    """Whether it is a table with Arrow's interface, but not a DataFrame of pandas or polars."""
    library = type(table).__module__.partition(".")[0]
    return isinstance(table, _ArrowTable) and library not in ("pandas", "polars")


def from_array(array: "np.ndarray") -> pl.DataFrame:
    """A frame of an array: its fields, if it has names for them, else one column for each number of a row."""
    if array.dtype.names:
        check_different(array.dtype.names, "the array")
        return pl.DataFrame({name: _column(name, array[name]) for name in array.dtype.names})
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim < 2 or array.dtype.kind not in "fiubUSO":
        got = InWords(f"an array of the shape {array.shape}, of {array.dtype}")
        expected = "a DataFrame, or an array (rows, columns) of numbers or texts"
        raise refuse("a table", got, expected, "give it an axis for the rows" if array.ndim < 2 else "convert it")
    flat = array.reshape(len(array), int(np.prod(array.shape[1:])))
    return pl.DataFrame({f"column_{k + 1}": _column(k, flat[:, k]) for k in range(flat.shape[1])})


def _column(name: object, values: Any) -> pl.Series:
    """One column; whatever polars cannot type becomes text, and what is masked null."""
    if isinstance(values, np.ma.MaskedArray) and values.dtype.kind != "O":
        return _column(name, values.data).set(pl.Series(np.ma.getmaskarray(values)), None)
    if isinstance(values, np.ma.MaskedArray):
        values = np.array([*values.tolist(), None], dtype=object)[:-1]
    if isinstance(values, np.ndarray):
        if values.dtype.kind == "c":
            got, advice = str(values.dtype), "make a column of each part"
            raise refuse(f"column {str(name)!r}", got, "numbers, texts or dates", advice)
        if values.dtype.kind == "S":
            values = np.char.decode(values, "utf-8", "replace")
        elif values.dtype.kind != "O":
            values = values.astype(values.dtype.newbyteorder("="), copy=False)
        values = values.tolist() if values.dtype.kind in "OU" else np.ascontiguousarray(values)
    try:
        series = pl.Series(str(name), values, strict=True)
    except (TypeError, ValueError, pl.exceptions.PolarsError):
        return _mixed(str(name), list(values))
    return _mixed(str(name), list(values)) if series.dtype == pl.Object else series


def _mixed(name: str, values: list[Any]) -> pl.Series:
    """A column of values of several types, as numbers where all are, else as texts."""
    if all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values):
        return pl.Series(name, [None if value is None else float(value) for value in values], dtype=pl.Float64)
    return pl.Series(name, [None if value is None else str(value) for value in values])


def _from_pandas(name: str, values: Any) -> pl.Series:
    """A pandas column: with its nulls where it has any, dates and numbers in their own types."""
    kind = getattr(values.dtype, "kind", "O")
    if kind in "fiubc" and isinstance(values.dtype, np.dtype):
        return _column(name, values.to_numpy())
    if kind == "M" and isinstance(values.dtype, np.dtype):
        return pl.Series(name, values.to_numpy().astype("datetime64[us]"))
    if str(values.dtype).startswith("period"):
        return _from_pandas(name, values.dt.to_timestamp())
    gaps = values.isna().to_numpy()
    listed = [None if gap else value for value, gap in zip(values.tolist(), gaps, strict=True)]
    return _column(name, np.array([*listed, None], dtype=object)[:-1])
