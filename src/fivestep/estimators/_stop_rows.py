"""The rows that a user passes for early stopping, under one of two names."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator

from ..check import InputError, InWords, refuse
from ._containers import plain_rows
from ._inputs import Inputs
from ._reading import Reading, Table, read


class StopRows(NamedTuple):
    """Rows, targets and weights, and what they are called."""

    name: str
    X: Any
    y: Any
    weight: Any

    @classmethod
    def of(cls, eval_set: Any, X: Any, y: Any, weight: Any) -> Self | None:
        """Those that were given, as `eval_set` or as three arguments; None if none were."""
        if eval_set is None and X is None and y is None and weight is None:
            return None
        if eval_set is None:
            if X is None or y is None:
                lacking = "X_val" if X is None else "y_val"
                raise refuse(lacking, None, "given with the others", "pass both X_val and y_val, or eval_set=(X, y)")
            return cls("X_val and y_val", X, y, weight)
        if not (X is None and y is None and weight is None):
            raise refuse("eval_set", InWords("rows"), "left out beside X_val and y_val", "pass one of the two")
        return cls("eval_set", *_parts(eval_set))

    def table(self, of: BaseEstimator, how: Reading, inputs: Inputs) -> Table:
        """The rows, checked as those of a fit."""
        if self.weight is not None and np.ndim(self.weight) and len(self.weight) != len(self.y):
            raise InputError(
                f"the weights of {self.name} must be one for each of its {len(self.y)} rows, got {len(self.weight)}; "
                f"add or drop some."
            )
        with self.named():
            return read(of, plain_rows(self.X), self.y, self.weight, how, inputs)

    @contextmanager
    def named(self) -> Iterator[None]:
        """A context that names these rows in errors about them."""
        try:
            yield
        except ValueError as error:
            raise InputError(f"in {self.name}, {error}") from error


def _parts(given: Any) -> tuple[Any, Any, Any]:
    """X, y and weights of a pair (X, y), a triple with weights, or a list with one of them."""
    parts = given[0] if isinstance(given, list) and len(given) == 1 else given
    if not isinstance(parts, tuple | list) or len(parts) not in (2, 3):
        raise refuse("eval_set", type(given).__name__, "a pair (X, y), or a triple with weights", "pass one of them")
    if all(isinstance(part, tuple) for part in parts):
        raise refuse(
            "eval_set", InWords(f"{len(parts)} of them"), "one pair (X, y), or one triple with weights", "pass one"
        )
    X, y, weight = (*parts, None)[:3]
    return X, y, weight
