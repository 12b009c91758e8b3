"""Some rows of an array, copied only where they are used."""

from typing import Any, Self, final

import numpy as np


@final
class ChosenRows:
    """Rows of an array (N, I) by their places (M,), in any order.

    Copied, they would take as much memory as the rows that the network is trained on, beside these.
    """

    def __init__(self, array: np.ndarray, places: np.ndarray) -> None:
        self.array, self.places = array, places

    @property
    def shape(self) -> tuple[int, ...]:
        """(M, I)."""
        return (len(self.places), *self.array.shape[1:])

    @property
    def dtype(self) -> "np.dtype[Any]":
        """That of the array."""
        return self.array.dtype

    def __getitem__(self, rows: slice) -> np.ndarray:
        chosen: np.ndarray = self.array[self.places[rows]]
        return chosen

    def column(self, k: int) -> np.ndarray:
        """Column k, (M,)."""
        column: np.ndarray = np.ascontiguousarray(self.array[:, k])  # in their order, before they are picked in any
        return column.take(self.places)

    def take(self, rows: np.ndarray) -> Self:
        """Those of the chosen rows."""
        return type(self)(self.array, self.places[rows])


def chosen(x: Any, rows: np.ndarray) -> Any:
    """Those rows of an array, chosen rows, a sparse matrix or a frame."""
    if isinstance(x, ChosenRows):
        return x.take(rows)
    return ChosenRows(x, rows) if isinstance(x, np.ndarray) else x[rows]
