"""Whole numbers that float64 rounds, as long identifiers are: of card numbers it takes neighbors for one."""

from typing import final

import numpy as np
import polars as pl

from ..check import warn
from .advice import OF_FILE, Advice

EXACT = 2**53
"""Up to here float64 has every whole number; the next one becomes it."""

DIGITS = r"^[+-]?\d{16,38}$"
"""Whole numbers that may be beyond it, and that 128 bits hold."""


def rounds_some(numbers: "np.ndarray") -> bool:
    """Whether some of the numbers, read as float64, are so large that whole ones may have been rounded."""
    return bool((np.abs(numbers) >= EXACT).any())


def first_rounded(values: pl.Series) -> str:
    """The first whole number, as it is written, that float64 has no number for; empty where there is none.

    Of columns that are float64 already nothing is known.
    """
    whole = _whole(values)
    rounded = whole.filter(whole.cast(pl.Float64).cast(pl.Int128, strict=False).ne_missing(whole))
    return str(rounded[0]) if len(rounded) else ""


def _whole(values: pl.Series) -> pl.Series:
    """The whole numbers that may be beyond float64, exactly."""
    if values.dtype == pl.String:
        text = values.str.strip_chars()
        return text.filter(text.str.contains(DIGITS)).cast(pl.Int128, strict=False)
    return values.cast(pl.Int128) if values.dtype.is_integer() else pl.Series(dtype=pl.Int128)


@final
class RoundedNumbers:
    """Whether float64 rounds whole numbers of a column, as far as blocks have gone by."""

    def __init__(self) -> None:
        self.first = ""
        self.are_different = False
        """Whether there are two or more of those numbers, though float64 may make one of them."""
        self.is_text_wanted = False
        """Whether the last block was float64 already, and so large that only the texts of the file can tell."""
        self._one: int | None = None

    @property
    def only(self) -> str:
        """The one whole number that there is beyond float64, as it is written; empty where there are more, or none."""
        return "" if self.are_different or self._one is None else str(self._one)

    def add(self, values: pl.Series, numbers: "np.ndarray") -> None:
        """Takes the values of one block in, which are these numbers in float64."""
        is_told = (self.first and self.are_different) or not rounds_some(numbers)
        self.is_text_wanted = not is_told and values.dtype == pl.Float64
        if is_told:
            return
        self.first = self.first or first_rounded(values)
        different = _whole(values).drop_nulls().unique()
        if len(different):
            self._one = different[0] if self._one is None else self._one
            self.are_different = self.are_different or len(different) > 1 or different[0] != self._one


def holds_long(values: pl.Series, numbers: "np.ndarray") -> bool:
    """Whether some of the texts, which are these numbers, are whole and so long that float64 may round them."""
    return rounds_some(numbers) and bool(values.str.strip_chars().str.contains(DIGITS).any())


def warn_of_rounded(name: str, first: str, kind: str = "number", advice: Advice = OF_FILE) -> None:
    """Warns of a column of numbers with such a whole number in it; float64 may make one number, a constant, of all."""
    warn(
        f"column {name!r} holds {first!r}, and is taken for {kind}, but float64 cannot tell that from its neighbors; "
        f"if these are codes, {advice.if_codes(name)}."
    )
