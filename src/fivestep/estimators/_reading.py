"""The arguments of `fit` and `predict`, checked as scikit-learn checks them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import scipy.sparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, validate_data

from ..check import InputError, refuse
from ..datasets._folds import group_numbers
from ..table.advice import OF_ARRAY
from ..table.dates import FIRST_DAY
from ..table.frame import as_frame
from ._chosen import chosen
from ._containers import check_no_gaps, check_not_masked, check_numbers, plain_labels, plain_tensor, warn_of_order
from ._inputs import Encoded, Inputs, Scaled, Unchanged, warn_of_whole


class Table(NamedTuple):
    """Rows: x is an array, chosen rows of one, a sparse matrix in rows or a frame; y is as the person has it.

    Weights, and the number of each row's group, if there are any.
    """

    x: Any
    y: Any
    weight: np.ndarray | None
    groups: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> "Table":
        """Those rows; of an array they are not copied."""
        weight, groups = (None if of is None else of[rows] for of in (self.weight, self.groups))
        return Table(chosen(self.x, rows), self.y[rows], weight, groups)

    def of_groups(self, groups: Any) -> "Table":
        """The rows with their groups, if there are any; raises an `InputError` unless each row has one."""
        return self if groups is None else self._replace(groups=group_numbers(groups, self.x.shape[0]))


class Reading(NamedTuple):
    """How rows are read: whether missing values and categories may be there, and how y is to be."""

    scales: bool
    y_is_numeric: bool


def read(of: BaseEstimator, X: Any, y: Any, weight: Any, how: Reading, inputs: Inputs | None) -> Table:
    """The rows of a fit, checked; `inputs` are those of an earlier fit that this one goes on from.

    Raises scikit-learn's own `ValueError` or `TypeError`.
    """
    y, weight = plain_tensor(y), plain_tensor(weight)
    if how.y_is_numeric:
        check_numbers(y)
    check_no_gaps(y, "a number" if how.y_is_numeric else "a label")
    check_not_masked(weight)
    warn_of_order(X, y)
    y = y if how.y_is_numeric else plain_labels(y)
    in_y = {"multi_output": True, "y_numeric": how.y_is_numeric}
    frame = frame_of(X, how, inputs)
    if frame is None:
        with _texts_named(of, X, y if how.y_is_numeric else None, how, inputs):
            x, y = validate_data(of, X, y, reset=inputs is None, **_options(X, how), **in_y)
            if inputs is None:
                _warn_of_whole_numbers(X, x)
            y = y.astype(np.float64) if how.y_is_numeric and y.dtype.kind in "US" else y
    else:
        if y is None:
            raise refuse("y", None, "the targets of the rows", "pass them to fit")
        kind = "numeric" if how.y_is_numeric else None
        with _texts_named(of, None, y if how.y_is_numeric else None, how, inputs):
            x, y = frame, check_array(y, accept_sparse=True, ensure_2d=False, dtype=kind, input_name="y")
        validate_data(of, X, skip_check_array=True, reset=inputs is None)
        x = _under_names_of_fit(of, frame)
        check_consistent_length(x, y)
    if getattr(y, "ndim", 1) == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    if weight is not None:
        weight = _check_sample_weight(weight, x, dtype=np.float64, ensure_non_negative=True)
    return Table(_in_rows(x), y.tocsr() if scipy.sparse.issparse(y) else y, weight)


def read_x(of: BaseEstimator, X: Any, how: Reading, inputs: Inputs) -> Any:
    """The rows to predict, checked against those of `fit`."""
    frame = frame_of(X, how, inputs)
    if frame is None:
        with _texts_named(of, X, None, how, inputs):
            return _in_rows(validate_data(of, X, reset=False, **_options(X, how)))
    validate_data(of, X, skip_check_array=True, reset=False)
    return _under_names_of_fit(of, frame)


def _under_names_of_fit(of: BaseEstimator, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame of rows whose names and number of columns have been checked: those of an array go by their places."""
    names = list(vars(of).get("feature_names_in_", frame.columns))
    return frame if frame.columns == names else frame.rename(dict(zip(frame.columns, names, strict=True)))


def is_plain(of: BaseEstimator, X: Any, inputs: Inputs) -> bool:
    """Whether the rows to predict are an array that scikit-learn's checks, most of a prediction, would hand back."""
    return (
        type(X) is np.ndarray  # no frame, no matrix, no subclass
        and X.ndim == 2
        and X.dtype in (np.float64, np.float32)
        and len(X) > 0
        and X.shape[1] == of.n_features_in_
        and not inputs.reads_frames
        and "feature_names_in_" not in vars(of)
        and bool(np.isfinite(X).all())
    )


def frame_of(X: Any, how: Reading, inputs: Inputs | None) -> pl.DataFrame | None:
    """A frame, where rows are to be read as one: a DataFrame with something else than numbers, or as in `inputs`."""
    if inputs is not None:
        return as_frame(X) if inputs.reads_frames else None
    return as_frame(X) if how.scales and is_mixed(X) else None


def _warn_of_whole_numbers(X: Any, x: Any) -> None:
    """Warns of columns of whole numbers in X, of which scikit-learn's check has made x, all in float64."""
    if isinstance(X, np.ndarray) and _may_be_telling(X):
        for k in range(X.shape[1]):
            warn_of_whole(pl.Series(f"{k}", X[:, k]), OF_ARRAY)
    elif isinstance(X, pl.DataFrame):
        for column in X:
            warn_of_whole(column)
    elif hasattr(X, "columns") and hasattr(X, "dtypes"):
        for k, dtype in enumerate(X.dtypes):
            has_gaps = getattr(dtype, "kind", "O") in "iu" and not isinstance(dtype, np.dtype)  # or may have some
            if has_gaps or (isinstance(dtype, np.dtype) and _may_be_telling(X.iloc[:, k].to_numpy())):
                warn_of_whole(as_frame(X.iloc[:, [k]]).to_series())
    elif isinstance(X, list | tuple) or (isinstance(X, np.ndarray) and X.dtype == object):
        for k in np.flatnonzero((np.abs(x) >= FIRST_DAY).any(0)).tolist():
            warn_of_whole(_whole(f"{k}", [row[k] for row in X]), OF_ARRAY)


def _whole(name: str, values: Sequence[Any]) -> pl.Series:
    """Python's or NumPy's whole numbers as they are; where some of the values are others, none of them."""
    are_whole = all(isinstance(value, int | np.integer) and -(2**127) <= value < 2**127 for value in values)
    return pl.Series(name, [int(value) for value in values] if are_whole else [], dtype=pl.Int128)


def _may_be_telling(x: np.ndarray) -> bool:
    """Whether there are whole numbers as large as days, such as 20231231, or larger."""
    return x.dtype.kind in "iu" and max(-int(x.min()), int(x.max())) >= FIRST_DAY


def is_mixed(X: Any) -> bool:
    """Whether it is a DataFrame with a column that holds something else than numbers."""
    if not (hasattr(X, "columns") and hasattr(X, "dtypes")):
        return False
    dtypes = list(X.dtypes)
    if isinstance(X, pl.DataFrame):
        return not all(dtype.is_numeric() or dtype == pl.Boolean for dtype in dtypes)
    return not all(getattr(dtype, "kind", "O") in "biuf" for dtype in dtypes)


def categorical_of(X: Any) -> tuple[str, ...]:
    """The columns that a DataFrame itself calls categories, whatever they hold."""
    pairs = zip(X.columns, X.dtypes, strict=True)
    return tuple(str(name) for name, dtype in pairs if str(dtype).lower().startswith(("category", "categorical")))


def fit_inputs(table: Table, how: Reading, X: Any) -> Inputs:
    """What the training rows tell about how to read any row."""
    if isinstance(table.x, pl.DataFrame):
        return Encoded.fit(table.x, categorical_of(X))
    return Scaled.fit(table.x, table.weight) if how.scales else Unchanged.fit(table.x)


@contextmanager
def _texts_named(of: BaseEstimator, X: Any, y: Any, how: Reading, inputs: Inputs | None) -> Iterator[None]:
    """A context that names the text in an error about values that are not numbers."""
    try:
        yield
    except ValueError as error:
        text = _text_in(X)
        if text is not None and inputs is not None:
            raise refuse("X", text, "numbers alone, as in fit", "fix it, or fit again") from error
        if text is not None and how.scales:
            raise refuse("X", text, "numbers, or a DataFrame with categories", "make it a DataFrame") from error
        if text is not None:
            advice = "encode its words, or say recipe='tabular'"
            raise refuse("X", text, f"numbers alone with recipe {of.recipe!r}", advice) from error
        text = _text_in(y)
        if text is not None:
            raise InputError(f"y must hold numbers to predict, got {text!r}; use MLPClassifier for classes.") from error
        raise


def _text_in(values: Any) -> str | None:
    """The first text among the values that is no number, or None."""
    if values is None or scipy.sparse.issparse(values):
        return None
    try:
        if np.asarray(values).dtype.kind in "fiubc":  # a million of them would take a hundred times their memory
            return None
        found: np.ndarray = np.asarray(values, dtype=object)
    except ValueError:  # rows of several lengths
        return None
    return next((str(value) for value in found.ravel() if isinstance(value, str) and not _is_number(value)), None)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _options(X: Any, how: Reading) -> dict[str, Any]:
    """Those of scikit-learn's check, which would make float64 of a polars frame of float32, unlike of pandas'."""
    is_single = isinstance(X, pl.DataFrame) and set(X.dtypes) == {pl.Float32}
    dtype = np.float32 if is_single else (np.float64, np.float32)
    finite = "allow-nan" if how.scales else True
    return {"accept_sparse": ("csr", "csc"), "dtype": dtype, "ensure_all_finite": finite}


def _in_rows(x: Any) -> Any:
    return x.tocsr() if scipy.sparse.issparse(x) else x
