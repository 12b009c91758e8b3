"""Numbers and texts of a table, formatted for reading."""

import math
from collections.abc import Sequence

MOST_LETTERS = 30
"""The most characters of a text in a line."""

FEWEST_IN_GROUPS = 10_000
"""The number from which thousands are separated: 1990 is a year, 11,570 is a price."""


def readable(value: float, digits: int = 4) -> str:
    """A number with that many significant digits, and all before its decimal point: 11,570 or 0.0123, not 1.157e+04.

    >>> readable(146834.27), readable(99.96), readable(0.0123), readable(1e-9), readable(20240131.0)
    ('146,834', '99.96', '0.0123', '1e-09', '20,240,131')
    """
    size = abs(value)
    if not math.isfinite(value) or (size != 0 and not 1e-4 <= size < 1e15):
        return f"{value:.{digits}g}"
    decimals = 0 if value == round(value) else max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{value:{',' if size >= FEWEST_IN_GROUPS else ''}.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals else text


def in_line(text: str) -> str:
    r"""A text on one line, cut where it is long.

    >>> in_line("a level of\n  two lines")
    'a level of two lines'
    """
    words = " ".join(text.split())
    return words if len(words) <= MOST_LETTERS else f"{words[: MOST_LETTERS - 3].rstrip()}..."


def in_list(text: str) -> str:
    """The same among others that commas part, in quotes where it has a comma of its own.

    >>> in_list("old"), in_list("old, but nice")
    ('old', "'old, but nice'")
    """
    line = in_line(text)
    return repr(line) if "," in line else line


def listed(names: Sequence[str]) -> str:
    """Names in a sentence.

    >>> listed(["a", "b", "c"]), listed(["a"])
    ("'a', 'b' and 'c'", "'a'")
    """
    return in_words([repr(name) for name in names])


def in_words(names: Sequence[str]) -> str:
    """The same as they are.

    >>> in_words(["a", "b", "c"]), in_words(["a"])
    ('a, b and c', 'a')
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
