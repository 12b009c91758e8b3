"""Texts that are digits alone, as codes are: 00501 in place of 501."""

from typing import final

import polars as pl

from .values import are_codes, digits_alike


@final
class Codes:
    """Whether the texts of a column are digits alone, as many in each, as far as blocks have gone by."""

    def __init__(self) -> None:
        self.first = ""
        self._may_be, self._width, self._begin_with_0 = True, 0, False

    def add(self, present: pl.Series) -> None:
        """Takes the texts of one block in, of which none is missing."""
        if not self._may_be or not len(present):
            return
        self.first = self.first or present[0]
        self._width = self._width or len(present[0].strip())
        self._may_be = digits_alike(present) and len(present[0].strip()) == self._width
        self._begin_with_0 = self._begin_with_0 or (self._may_be and are_codes(present))

    @property
    def are_some(self) -> bool:
        """Whether they are codes, some with a 0 in front."""
        return self._may_be and self._begin_with_0
