"""The distinct values of a column, counted block by block, and the kind that follows."""

from typing import final

import numpy as np
import polars as pl

from ..check import InputError
from .dates import date_format_of
from .kinds import FEW, MOSTLY, PROSE, ColumnKind, always, category, correction, shortened, warn_of_words
from .values import closest_number_format, missing, number_format_of, numbers

MOST = 100_000
"""The most distinct values that are counted: more are not levels but identifiers or texts."""


@final
class LevelCounts:
    """Each distinct value with the number of its rows, and the first of them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._counts: pl.DataFrame | None = None
        self.is_too_many = False
        self._rows, self._letters, self._blanks = 0, 0, 0

    @property
    def counts(self) -> pl.DataFrame:
        """The columns "value" and "rows"."""
        assert self._counts is not None, "the values of a table that has rows have been counted"
        return self._counts

    def add(self, values: pl.Series, rows: "np.ndarray") -> None:
        """Counts the values of one block, which come from these rows of a file."""
        self._measure(values)
        if self.is_too_many:
            return
        block = pl.DataFrame({"value": values, "row": rows})
        block = block.group_by("value", maintain_order=True).agg(rows=pl.len(), row=pl.first("row"))
        both = block if self._counts is None else pl.concat([self._counts, block])
        self._counts = both.group_by("value", maintain_order=True).agg(pl.sum("rows"), pl.first("row"))
        self.is_too_many = len(self._counts) > MOST

    def _measure(self, values: pl.Series) -> None:
        """Adds up how long texts are, and how many have a blank in them."""
        if values.dtype == pl.String:
            present = values.filter(~missing(values))
            self._rows += len(present)
            self._letters += int(present.str.len_chars().sum())
            self._blanks += int(present.str.contains(" ").sum())

    def kind(self, *, as_asked: bool = False, decimal: str = "") -> ColumnKind:
        """What the column is taken for; raises an `InputError` for numbers with mistakes in them."""
        if self.is_too_many:
            return self._kind_of_many(as_asked=as_asked)
        different, gaps = self.counts["value"].alias(self.name), missing(self.counts["value"])
        present = different.filter(~gaps)
        if as_asked:
            return category(present, "as asked")
        if len(present) == 0:
            return ColumnKind(self.name, "empty", "no value at all")
        if not gaps.any() and len(present) == 1:
            return ColumnKind(self.name, "constant", always(present[0]))
        if different.dtype == pl.Boolean:
            return category(present)
        kind = self._kind_of_texts(present.cast(pl.String), gaps, decimal)
        warn_of_words(kind, present.cast(pl.String), decimal)
        return kind

    def _kind_of_texts(self, different: pl.Series, gaps: pl.Series, decimal: str) -> ColumnKind:
        if number_format_of(different) or date_format_of(different):
            raise InputError(
                f"column {self.name!r} must have a value in the rows looked at first, got its first one, "
                f"{shortened(different[0])}, only later; say --categorical {self.name}, or --ignore {self.name}."
            )
        advice = "count it as missing, make the column categorical, or ignore it"
        self.refuse_mostly_numbers("column", advice, decimal)
        num_rows = int(self.counts["rows"].filter(~gaps).sum())
        if num_rows >= FEW and len(different) > MOSTLY * num_rows:
            return self._kind_of_many(as_asked=False)
        if self._rows and self._letters > PROSE * self._rows and len(different) > num_rows / 2:
            return ColumnKind(self.name, "text", f"{len(different):,} different texts")
        return category(different)

    def _kind_of_many(self, *, as_asked: bool) -> ColumnKind:
        """Values of which nearly every row has its own."""
        number = f"more than {MOST:,}" if self.is_too_many else f"{len(self.counts):,}"
        if as_asked:
            raise InputError(
                f"column {self.name!r} must have at most {MOST:,} levels to be a category with --stream, got more; "
                f"leave it out with --ignore {self.name}."
            )
        if self._rows and (self._letters > PROSE * self._rows or self._blanks > self._rows / 2):
            return ColumnKind(self.name, "text", f"{number} different texts")
        return ColumnKind(self.name, "identifier", f"{number} different values")

    def refuse_mostly_numbers(self, what: str, else_: str, decimal: str = "") -> None:
        """As the function of that name in `kinds.py` does."""
        present = self.counts.filter(~missing(self.counts["value"]))
        texts = present["value"].cast(pl.String)
        wrong = present.filter(numbers(texts, closest_number_format(texts, decimal)).is_null())
        num_present, num_wrong = int(present["rows"].sum()), int(wrong["rows"].sum())
        if num_present >= 10 and 0 < num_wrong <= (1 - MOSTLY) * num_present:
            first, row = wrong["value"][0], wrong["row"][0]
            raise InputError(
                f"{what} {self.name!r} must hold numbers, as {num_present - num_wrong:,} of its {num_present:,} values "
                f"are, got {shortened(first)} in row {row:,}; {correction(str(first), row, num_wrong)}, {else_}."
            )
