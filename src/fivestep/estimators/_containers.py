"""Converts the containers of rows and targets before scikit-learn's checks, and adds checks that it lacks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse
import torch
from sklearn.utils import check_random_state
from torch import Tensor

from ..check import InputError, is_gap, refuse, warn
from ..table.frame import as_frame, is_arrow
from ..table.kinds import check_different

MOMENTS = "mM"
"""NumPy's kinds of dates and time spans."""


def plain_rows(X: Any) -> Any:
    """X as an array, a sparse matrix or a DataFrame: an array with named fields becomes one, what is masked a gap.

    Raises an `InputError` for a DataFrame without columns, or with two of one name, and for dictionaries.
    """
    X = plain_tensor(X)
    if scipy.sparse.issparse(X):  # one of SciPy's kinds is a dictionary too
        return X
    if isinstance(X, pl.LazyFrame) or is_arrow(X) or (isinstance(X, np.ndarray) and X.dtype.names):
        return as_frame(X)
    if isinstance(X, np.ma.MaskedArray) and X.dtype.kind in MOMENTS:
        return np.where(np.ma.getmaskarray(X), np.array("NaT", X.dtype), X.data)
    if isinstance(X, np.ma.MaskedArray):
        return np.ma.filled(X.astype(np.float64 if X.dtype.kind in "biuf" else object), np.nan)
    if isinstance(X, Mapping) or (isinstance(X, list | tuple) and len(X) and isinstance(X[0], Mapping)):
        got = "a dictionary" if isinstance(X, Mapping) else "a list of dictionaries"
        raise InputError(f"X must be a DataFrame, or an array (rows, columns), got {got}; write pandas.DataFrame(X).")
    if not (hasattr(X, "columns") and hasattr(X, "dtypes")):
        return X
    names = [str(name) for name in X.columns]
    if not names:
        raise InputError("X must have a column or more, got none; add the columns to learn from.")
    check_different(names, "X")
    return X


def plain_tensor(values: Any) -> Any:
    """A tensor of torch as an array, without its graph, on the CPU, and in float32 where NumPy lacks its type."""
    if not isinstance(values, Tensor):
        return values
    values = values.detach().cpu()
    return (values.float() if values.dtype == torch.bfloat16 else values).numpy()


def check_no_gaps(y: Any, what: str) -> None:
    """Raises an `InputError` for the first target that is missing. `what` is what a target is: a label, a number."""
    if y is None or scipy.sparse.issparse(y):
        return
    try:
        values = np.asarray(y)
    except ValueError:  # rows of several lengths
        return
    if values.ndim not in (1, 2):
        return
    has_mask = isinstance(y, np.ma.MaskedArray) and not values.dtype.names
    masked = np.ma.getmaskarray(y) if has_mask else np.zeros(values.shape, dtype=bool)
    gaps = _are_gaps(values) | masked
    rows = np.flatnonzero(gaps.any(1) if gaps.ndim == 2 else gaps)
    if len(rows) == 0:
        return
    place = (rows[0], *([] if gaps.ndim == 1 else [gaps[rows[0]].argmax()]))
    value = "a masked value" if masked[place] else values[place]
    others = f" and {len(rows) - 1:,} more" if len(rows) > 1 else ""
    advice = "drop those rows" if others else "drop that row"
    raise InputError(f"y must have {what} in each row, got {value} in row {rows[0]}{others}; {advice} of X and y.")


def _are_gaps(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind in "fc" + MOMENTS:
        gaps: np.ndarray = np.isnat(values) if values.dtype.kind in MOMENTS else np.isnan(values)
        return gaps
    if values.dtype.kind != "O":
        return np.zeros(values.shape, dtype=bool)
    found = [is_gap(value) for value in values.ravel().tolist()]
    return np.array(found, dtype=bool).reshape(values.shape)


def check_not_masked(weight: Any) -> None:
    """Raises an `InputError` for weights of which some are masked."""
    if np.ma.is_masked(weight):
        raise InputError(
            "sample_weight must be a number for each row, got masked values; fill them, say by sample_weight.filled(0)."
        )


def plain_labels(y: Any) -> Any:
    """Y, in NumPy's own type where pandas has a nullable one, of whose True scikit-learn makes 1.0; none is missing."""
    dtype = getattr(y, "dtype", None)
    is_nullable = not isinstance(dtype, np.dtype) and getattr(dtype, "kind", "") in ("b", "i", "u")
    return np.asarray(y, dtype=dtype.type) if dtype is not None and is_nullable else y


def warn_of_order(X: Any, y: Any) -> None:
    """Warns of the same rows of pandas in another order, for rows belong together by their places."""
    one, other = getattr(X, "index", None), getattr(y, "index", None)
    if one is None or other is None or not (hasattr(one, "equals") and hasattr(other, "equals")):
        return
    if len(one) != len(other) or one.equals(other):
        return
    if one.isin(other).all():
        warn(
            "X and y have the same index in another order, and their rows are paired by place; write y.loc[X.index], "
            "if they belong together by it."
        )


def check_numbers(y: Any) -> None:
    """Raises an `InputError` for dates or time spans, which scikit-learn would read as nanoseconds."""
    if y is None or scipy.sparse.issparse(y):
        return
    dtype = y.to_numpy().dtype if isinstance(y, pl.Series) else getattr(y, "dtype", np.dtype(float))
    if (kind := getattr(dtype, "kind", "")) in tuple(MOMENTS):
        advice = "count the days since one of them" if kind == "M" else "take their seconds"
        raise refuse("y", str(dtype), "numbers to predict", f"{advice}, say")


def generator_of(random_state: Any) -> np.random.RandomState:
    """scikit-learn's generator of a `random_state`; of NumPy's newer kind, one that is seeded by it."""
    if isinstance(random_state, np.random.Generator):
        return np.random.RandomState(int(random_state.integers(2**32)))
    generator: np.random.RandomState = check_random_state(random_state)
    return generator
