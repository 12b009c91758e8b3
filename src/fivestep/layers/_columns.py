"""Selected columns of a row, shared by the layers that only change these."""

from ..check import InputError, at_least, refuse

Places = tuple[int, ...]


def checked_places(columns: object) -> Places | None:
    """Column indices in ascending order as a tuple, None for all; raises an `InputError` for anything else."""
    if columns is None:
        return None
    if not isinstance(columns, list | tuple) or not columns or sorted(set(columns)) != list(columns):
        raise refuse("columns", columns, "places in a row in ascending order", "write for example (0, 1, 4)")
    for column in columns:
        at_least("columns", column, 0)
    return tuple(columns)


def places_in(width: int, columns: Places | None, in_features: int | None, layer: str) -> Places:
    """The column indices for rows of that width, all if none are chosen; raises an `InputError` if they do not fit."""
    chosen = tuple(range(width)) if columns is None else columns
    if in_features not in (None, width) or chosen[-1] >= width:
        raise InputError(
            f"{layer} must have rows of {in_features or chosen[-1] + 1} numbers or more for columns up to "
            f"{chosen[-1]}, got {width}; make the sizes agree."
        )
    return chosen
