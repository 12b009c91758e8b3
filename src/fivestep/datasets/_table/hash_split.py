"""Assigns rows to parts by a hash of their number, so that no list of all rows is needed."""

import hashlib
from dataclasses import dataclass
from typing import final

import numpy as np
import polars as pl

from ...table.values import texts

TRAIN, VALID, TEST = 0, 1, 2

MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
"""The constants of splitmix64 (Steele, Lea and Flood 2014)."""


@final
@dataclass(frozen=True)
class HashSplit:
    """The shares of all rows to test on, and of the rest to validate on; a row's part is a function of (seed, number).

    Parts have about the requested size: for a share p of N rows, p N, give or take sqrt(p N). With `groups`, the group
    replaces the row's number, and rows of one group are in one part.
    """

    seed: int
    valid: float
    test: float

    def parts(self, numbers: "np.ndarray") -> "np.ndarray":
        """`TRAIN`, `VALID` or `TEST` for each of these rows, (N,), by their numbers or those of their groups."""
        is_test = chance(numbers, self.seed, 1) < self.test
        is_valid = chance(numbers, self.seed, 2) < self.valid
        return np.where(is_test, TEST, np.where(is_valid, VALID, TRAIN)).astype(np.uint8)


def chance(numbers: "np.ndarray", seed: int, draw: int) -> "np.ndarray":
    """A pseudorandom number in [0, 1) for each integer (N,): splitmix64 of (seed, draw, n)."""
    with np.errstate(over="ignore"):
        start = np.uint64((seed * 1_000_003 + draw) % 2**64) * MIX[1]
        z = (numbers.astype(np.uint64) + start + np.uint64(1)) * MIX[0]
        z = (z ^ (z >> np.uint64(30))) * MIX[1]
        z = (z ^ (z >> np.uint64(27))) * MIX[2]
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53


def numbers_of_groups(groups: pl.Series) -> "np.ndarray":
    """A number for each row (N,), the same for rows of the same group in any file."""
    names = texts(groups).fill_null("")
    different = names.unique()
    numbers = [int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little") for name in different]
    found = names.replace_strict(different, pl.Series(numbers, dtype=pl.UInt64), return_dtype=pl.UInt64)
    return found.to_numpy()
