"""The column to predict: classes, or a number on its own scale."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Self, final

import numpy as np
import polars as pl
import torch
from torch import Tensor

from ..check import InputError, one_of, refuse
from .dates import date_format_of
from .kinds import refuse_ambiguous, refuse_mostly_numbers, shortened, units_in, warn_of_cases
from .values import PLAIN, NumberFormat, missing, number_format_of, numbers, texts

TASKS = ("classification", "regression")

MOST_CLASSES_OF_NUMBERS = 10
"""Different whole numbers up to which a target of whole numbers is one of classes."""

TO_OVERRULE = ", or say --task classification"

SPAN_OF_TIME = r"^-?(\d+ days?,? ?[+-]?)?(\d+:)?\d+:\d\d(\.\d+)?$|^-?P[\d.DTHMS]+$"
"""How a duration may be written beside the times of day: 26:31:07, 3 days 04:00:00, PT5M."""

NO_AMOUNTS = (pl.Boolean, pl.Date, pl.Datetime, pl.Time)
"""Types that are stored as numbers and are none, as they are none in a file of texts; a duration is one."""


class Target(ABC):
    """The target of a network, as frozen data."""

    task: ClassVar[str]
    name: str

    @property
    @abstractmethod
    def num_outputs(self) -> int:
        """The `num_outputs` of a data set: C classes, or 1 number."""

    @property
    @abstractmethod
    def may_be_numbers(self) -> bool:
        """Whether a regression is possible."""

    @abstractmethod
    def encode(self, values: pl.Series, *, places: pl.Series | None = None, first_row: int = 1) -> Tensor:
        """The targets (N,) that a loss takes, of all values or of those at some places.

        Raises an `InputError` that names the row of a value it cannot be; the first value's is `first_row`.
        """

    @abstractmethod
    def understood(self, values: pl.Series) -> pl.Series:
        """The values in a canonical form, whatever their type: names of classes, or numbers."""

    @abstractmethod
    def scaled_to(self, values: pl.Series, *, places: pl.Series | None = None) -> Self:
        """The same target with numbers on the scale of these values, or of those at some places."""

    @abstractmethod
    def as_it_is(self) -> Self:
        """The same target with unscaled numbers."""

    @final
    def to_dict(self) -> dict[str, Any]:
        """The target as plain values."""
        return {"task": self.task, **asdict(self)}  # type: ignore[call-overload]  # every subclass is a dataclass


@final
@dataclass(frozen=True)
class ClassTarget(Target):
    """Classes 0 .. C - 1 in the order of their names."""

    task: ClassVar[str] = "classification"
    name: str
    classes: tuple[str, ...]

    @classmethod
    def fit(cls, values: pl.Series) -> Self:
        """Learns the classes; raises an `InputError` if there are fewer than two."""
        found = class_texts(values).drop_nulls().unique()
        if len(found) < 2:
            only = found[0] if len(found) else None
            advice = "add rows of another class, or choose another column"
            raise refuse(f"target {values.name!r}", only, "a column of two classes or more", advice)
        warn_of_cases(f"target {values.name!r}", found)
        in_order = sorted(found, key=_as_number) if _all_numbers(found) else sorted(found)
        return cls(values.name, tuple(in_order))

    @property
    def num_outputs(self) -> int:
        return len(self.classes)

    @property
    def may_be_numbers(self) -> bool:
        return _all_numbers(pl.Series(self.classes))

    def understood(self, values: pl.Series) -> pl.Series:
        return class_texts(values)

    def scaled_to(self, values: pl.Series, *, places: pl.Series | None = None) -> Self:
        return self

    def as_it_is(self) -> Self:
        return self

    def encode(self, values: pl.Series, *, places: pl.Series | None = None, first_row: int = 1) -> Tensor:
        text = class_texts(_at(values, places))
        numbered = pl.Series(range(len(self.classes)), dtype=pl.Int64)
        found = text.replace_strict(pl.Series(self.classes, dtype=pl.String), numbered, default=None)
        if found.null_count():
            row = _first(found.is_null(), places)
            raise InputError(
                f"target {self.name!r} must hold one of the {len(self.classes)} classes of training, got "
                f"{shortened(values[row])} in row {first_row + row:,}; fix it, or leave the row out."
            )
        return torch.from_numpy(found.to_numpy(writable=True))


@final
@dataclass(frozen=True)
class NumberTarget(Target):
    """A number y, trained on as (y - mean) / deviation with those of the training part."""

    task: ClassVar[str] = "regression"
    name: str
    number_format: NumberFormat
    mean: float
    deviation: float

    @classmethod
    def fit(cls, values: pl.Series, *, places: pl.Series | None = None, decimal: str = "") -> Self:
        """Learns mean and deviation, of all values or of those at some places.

        `decimal` is what stands before the decimals if the values, such as 1.234, do not tell. Raises an `InputError`
        that names the row of a value that is no finite number, and for a number that is the same in all rows.
        """
        number_format = number_format_of(_at(values, places), decimal) or PLAIN
        refuse_ambiguous(values, number_format, "target", decimal)
        found = cls(values.name, number_format, 0.0, 1.0)
        y = found.encode(values, places=places)
        check_changes(values.name, y.min().item(), y.max().item())
        return found.scaled_to(values, places=places)

    def scaled_to(self, values: pl.Series, *, places: pl.Series | None = None) -> Self:
        """The same numbers, written in the same way, with the mean and the deviation of these values, or 1 for 0."""
        y = self.as_it_is().encode(values, places=places).numpy()
        with np.errstate(over="ignore", invalid="ignore"):
            mean, deviation = float(y.mean()), float(y.std())
        return self.of_moments(self.name, self.number_format, mean, deviation)

    @classmethod
    def of_moments(cls, name: str, number_format: NumberFormat, mean: float, deviation: float) -> Self:
        """The same from the mean and the deviation; raises an `InputError` where these are beyond all numbers."""
        if not (np.isfinite(mean) and np.isfinite(deviation)):
            raise InputError(
                f"target {name!r} must hold numbers whose squares are finite, got a mean of {mean:.3g} and a "
                f"deviation of {deviation:.3g}; divide them all."
            )
        return cls(name, number_format, mean, deviation or 1.0)

    @property
    def num_outputs(self) -> int:
        return 1

    @property
    def may_be_numbers(self) -> bool:
        return True

    def understood(self, values: pl.Series) -> pl.Series:
        return numbers(values, self.number_format)

    def as_it_is(self) -> Self:
        return replace(self, mean=0.0, deviation=1.0)

    def encode(self, values: pl.Series, *, places: pl.Series | None = None, first_row: int = 1) -> Tensor:
        if values.dtype == pl.Float64:  # the common case of a stream, without polars' overhead for each block
            y = values.to_numpy() if places is None else values.to_numpy()[places.to_numpy()]
        else:
            y = numbers(_at(values, places), self.number_format).to_numpy()
        if not np.isfinite(y).all():
            row = _first(pl.Series(~np.isfinite(y)), places)
            is_infinite = bool(np.isinf(y).any())
            otherwise = "or leave the row out" if is_infinite else "or train a classification"
            raise InputError(
                f"target {self.name!r} must hold finite numbers for a regression, such as {self.number_format}, got "
                f"{shortened(values[row])} in row {first_row + row:,}; fix it, {otherwise}."
            )
        return torch.from_numpy((y - self.mean) / self.deviation)

    def decode(self, y: Tensor) -> Tensor:
        """The network's numbers in the units of the column."""
        return y.double() * self.deviation + self.mean


def fit_target(
    values: pl.Series, task: str | None = None, *, places: pl.Series | None = None, decimal: str = ""
) -> Target:
    """The target that a column is: classes for texts, yes and no and a few whole numbers, otherwise a number.

    Whole numbers with a currency or a unit beside them are amounts, however few there are.

    `task` ("classification" or "regression") overrules that. No values are missing, or none of those at the places.
    """
    present = _at(values, places)
    if one_of("task", task or task_of(present, decimal), TASKS) == "regression":
        return NumberTarget.fit(values, places=places, decimal=decimal)
    if task is None and values.dtype == pl.String:
        refuse_mostly_numbers(values, missing(values), "target", "or say --task classification", decimal)
    found = ClassTarget.fit(present)
    if task is None and len(found.classes) > max(MOST_CLASSES_OF_NUMBERS, len(present) / 4):
        if units := units_in(class_texts(present)):
            raise InputError(
                f"target {values.name!r} must be numbers in one unit, got several, {units}; bring them to one."
            )
        raise no_classes(present, f"{len(found.classes):,}", len(present))
    return found


def no_classes(values: pl.Series, number: str, num_rows: int, otherwise: str = TO_OVERRULE) -> InputError:
    """What to say of a target of so many different values, in words, in so many rows."""
    different = class_texts(values).unique()
    is_time = date_format_of(different) is not None or bool(different.str.contains(SPAN_OF_TIME).all())
    advice = "make numbers of it, such as seconds or days" if is_time else "choose another column"
    return InputError(
        f"target {different.name!r} must be classes with some rows each, or numbers, got {number} different values in "
        f"{num_rows:,} rows; {advice}{otherwise}."
    )


def check_changes(name: str, least: float, largest: float) -> None:
    """Raises an `InputError` for a target that is always the same number."""
    if least == largest:
        raise refuse(f"target {name!r}", float(least), "a column of two numbers or more", "choose another column")


def task_of(values: pl.Series, decimal: str = "") -> str:
    """The task that a column asks for, "classification" or "regression", by what it holds."""
    number_format = PLAIN if values.dtype.is_numeric() else number_format_of(values, decimal)
    if values.dtype in NO_AMOUNTS or number_format is None:
        return "classification"
    if number_format.has_unit:
        return "regression"
    found = numbers(values, number_format)
    whole = bool((found == found.round()).all())
    return "classification" if whole and found.n_unique() <= MOST_CLASSES_OF_NUMBERS else "regression"


def target_from_dict(values: Mapping[str, Any]) -> Target:
    """The target that `to_dict` wrote."""
    if values["task"] == "classification":
        return ClassTarget(values["name"], tuple(values["classes"]))
    return NumberTarget(values["name"], NumberFormat(*values["number_format"]), values["mean"], values["deviation"])


def class_texts(values: pl.Series) -> pl.Series:
    """The names of the classes, null where one is missing; whole numbers are named without a point."""
    return texts(values).set(missing(values), None)


def _at(values: pl.Series, places: pl.Series | None) -> pl.Series:
    """The values at some places, or all."""
    return values if places is None else values.gather(places)


def _first(wrong: pl.Series, places: pl.Series | None) -> int:
    """The place, among all values, of the first one that is wrong."""
    found: int = wrong.arg_true()[0]
    return found if places is None else int(places[found])


def _all_numbers(found: pl.Series) -> bool:
    return found.cast(pl.Float64, strict=False).null_count() == 0


def _as_number(text: str) -> float:
    return float(text)
