"""The column to predict, from one pass over the blocks of a table."""

from typing import final

import numpy as np
import polars as pl

from ..check import one_of
from .kinds import refuse_ambiguous
from .level_counts import MOST, LevelCounts
from .survey import NumberSurvey, Place
from .target import (
    MOST_CLASSES_OF_NUMBERS,
    NO_AMOUNTS,
    TASKS,
    ClassTarget,
    NumberTarget,
    Target,
    check_changes,
    class_texts,
    no_classes,
)
from .values import PLAIN, number_format_of, numbers


@final
class TargetSurvey:
    """The target during a pass over blocks: classes from all rows, mean and deviation from the training rows."""

    def __init__(self, sample: pl.Series, task: str | None = None, decimal: str = "") -> None:
        self.name, self._task = sample.name, None if task is None else one_of("task", task, TASKS)
        self._format = PLAIN if sample.dtype.is_numeric() else number_format_of(sample, decimal)
        if task != "classification" and self._format is not None:
            refuse_ambiguous(sample, self._format, "target", decimal)
        is_number = sample.dtype not in NO_AMOUNTS and self._format is not None
        advice = "fix it, or say --task classification"
        self._numbers = NumberSurvey(self.name, self._format or PLAIN, advice) if self._by_numbers(is_number) else None
        self._levels, self._num_rows, self._decimal = LevelCounts(self.name), 0, decimal
        self.trained_on: set[str] = set()
        """The names of the classes that training rows have, while they are few."""
        self._count, self._mean, self._squares = 0, 0.0, 0.0

    def _by_numbers(self, is_number: bool) -> bool:
        return is_number if self._task is None else self._task == "regression"

    def add(self, values: pl.Series, place: Place, is_training: "np.ndarray") -> None:
        """Adds the targets of one block, of which none is missing."""
        self._num_rows += len(values)
        if self._task != "regression":
            self._levels.add(values, place.rows)
        if not self._levels.is_too_many and (self._numbers is None or self._numbers.few is not None):
            self.trained_on |= set(class_texts(values.filter(pl.Series(is_training)).unique()).drop_nulls())
        if self._numbers is not None:
            self._numbers.add(values, place)
            self._add_moments(numbers(values, self._numbers.number_format).to_numpy()[is_training])

    def _add_moments(self, y: "np.ndarray") -> None:
        """Mean and sum of squares around it, of all so far (Chan, Golub and LeVeque 1983)."""
        if len(y) == 0:
            return
        with np.errstate(over="ignore", invalid="ignore"):
            count, mean = self._count + len(y), float(y.mean())
            gap = mean - self._mean
            self._squares += float(((y - mean) ** 2).sum()) + gap * gap * self._count * len(y) / count
            self._mean, self._count = self._mean + gap * len(y) / count, count

    def target(self) -> Target:
        """The target; raises an `InputError` where it is neither classes nor numbers."""
        if self._numbers is None or (self._task is None and self._is_of_classes(self._numbers)):
            return self._classes()
        check_changes(self.name, *self._numbers.ends)
        deviation = (self._squares / max(self._count, 1)) ** 0.5
        return NumberTarget.of_moments(self.name, self._numbers.number_format, self._mean, deviation)

    def _is_of_classes(self, found: NumberSurvey) -> bool:
        """Whether the numbers are a few whole ones, with no unit beside them."""
        is_few = found.few is not None and len(found.few) <= MOST_CLASSES_OF_NUMBERS
        return is_few and found.is_whole and not found.number_format.has_unit and not self._levels.is_too_many

    def _classes(self) -> Target:
        if self._levels.is_too_many:
            raise no_classes(self._levels.counts["value"].alias(self.name), f"more than {MOST:,}", self._num_rows, "")
        counts = self._levels.counts
        if self._task is None and counts.schema["value"] == pl.String:
            self._levels.refuse_mostly_numbers("target", "or say --task classification", self._decimal)
        if self._task is None and len(counts) > max(MOST_CLASSES_OF_NUMBERS, self._num_rows / 4):
            raise no_classes(counts["value"].alias(self.name), f"{len(counts):,}", self._num_rows)
        return ClassTarget.fit(counts["value"].alias(self.name))
