"""The columns to predict together: one of any kind, or several that are all numbers, or all classes of two."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, final

import polars as pl
import torch
from torch import Tensor

from ..check import InputError
from .target import ClassTarget, NumberTarget, Target, fit_target, target_from_dict


@final
@dataclass(frozen=True)
class TargetColumns:
    """The targets of a network, as columns; none if rows are only encoded."""

    columns: tuple[Target, ...] = ()

    @classmethod
    def together(cls, columns: Sequence[Target]) -> Self:
        """Several targets for one network; raises an `InputError` if they are not of one kind."""
        if len(columns) > 1 and {_kind(target) for target in columns} not in ({"numbers"}, {"2 classes"}):
            found = [f"{target.name!r} ({_kind(target)})" for target in columns]
            different = dict(zip(map(_kind, columns), found, strict=True))
            raise InputError(
                f"several targets must be all numbers, or all of two classes, got {', '.join(different.values())}; "
                f"train a run for each, or say --task regression if they are numbers, however few."
            )
        return cls(tuple(columns))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(target.name for target in self.columns)

    @property
    def are_several(self) -> bool:
        """Whether there are several target columns."""
        return len(self.columns) > 1

    @property
    def are_classes(self) -> bool:
        """Whether they are classes, and not numbers."""
        return any(target.task == "classification" for target in self.columns)

    @property
    def may_be_numbers(self) -> bool:
        """Whether they are numbers, or classes whose names are all numbers."""
        return all(target.may_be_numbers for target in self.columns)

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """The classes of each column that has some, by its name."""
        return {target.name: target.classes for target in self.columns if isinstance(target, ClassTarget)}

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes of one column; several have their own."""
        return () if self.are_several else next(iter(self.classes.values()), ())

    @property
    def num_outputs(self) -> int:
        """The `num_outputs` of a data set: C classes of one column, or a number for each."""
        return len(self.columns) if self.are_several else self.columns[0].num_outputs

    @property
    def moments(self) -> tuple[Tensor, Tensor] | None:
        """The mean and the deviation of each number, (T,) in float64; None where they are not numbers."""
        found = [(target.mean, target.deviation) for target in self.columns if isinstance(target, NumberTarget)]
        if not found:
            return None
        mean, deviation = torch.tensor(found, dtype=torch.float64).unbind(1)
        return mean, deviation

    @property
    def units(self) -> dict[str, float]:
        """The size of an error of 1 in the units of the file, by target: a deviation, or 1 for a class."""
        return {one.name: one.deviation if isinstance(one, NumberTarget) else 1.0 for one in self.columns}

    def encode(self, frame: pl.DataFrame, *, places: pl.Series | None = None, first_row: int = 1) -> Tensor:
        """The targets that a loss takes, of all rows or of those at some places: (N,) of one column, (N, T) of several.

        Raises an `InputError` that names the row of a value it cannot be; the frame's first row is `first_row`.
        """
        found = [target.encode(frame[target.name], places=places, first_row=first_row) for target in self.columns]
        return torch.stack(found, 1).double() if self.are_several else found[0]

    def scaled_to(self, frame: pl.DataFrame, places: pl.Series) -> Self:
        """The same with numbers on the scale of those in some rows."""
        return replace(self, columns=tuple(one.scaled_to(frame[one.name], places=places) for one in self.columns))

    def as_they_are(self) -> Self:
        """The same with numbers that are not put on a scale of their own."""
        return replace(self, columns=tuple(target.as_it_is() for target in self.columns))

    def to_list(self) -> list[dict[str, Any]]:
        """The columns as plain values."""
        return [target.to_dict() for target in self.columns]

    @classmethod
    def from_list(cls, values: Sequence[Any]) -> Self:
        """The columns that `to_list` wrote."""
        return cls(tuple(map(target_from_dict, values)))


NO_TARGETS = TargetColumns()
"""Of rows that are only encoded."""


def fit_targets(
    frame: pl.DataFrame,
    names: Sequence[str],
    task: str | None = None,
    *,
    places: pl.Series | None = None,
    decimal: str = "",
) -> TargetColumns:
    """What these columns are to predict, each as `fit_target` has it; raises an `InputError` as that and `together`."""
    found = [fit_target(frame[name], task, places=places, decimal=decimal) for name in names]
    return TargetColumns.together(found)


def named_any(names: Sequence[str]) -> str:
    """A phrase for what rows with a missing target lack.

    >>> named_any(["price"]), named_any(["price", "area"])
    ("no 'price'", "no 'price' or no 'area'")
    """
    return " or ".join(f"no {name!r}" for name in names)


def _kind(target: Target) -> str:
    return f"{target.num_outputs} classes" if isinstance(target, ClassTarget) else "numbers"
