"""The one error sentence: what was expected, what was given, what to do.

`ValueError` and `TypeError` are for users; our own mistakes are `assert`. The command line turns an `InputError`
into one line and exit code 2, and a `DivergenceError`, a `StorageError` or a `RanksError` into one line and exit code
1; anything else is a bug of ours and keeps its traceback.
"""

import difflib
import math
import sys
import warnings
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any, final

PLAIN = frozenset({int, float, bool, str, tuple, dict, type(None)})
"""Types that `plain` returns as they are, without asking whether they are numbers, which takes a microsecond."""


MADE_BY = {
    "Dataset": "make one of your rows with Dataset(Rows(x, y))",
    "Engine": "make one with make_engine(name, spec, plan)",
    "Ranks": "join those that started together with join_ranks()",
    "NetSpec": "make one with MLP(...) or another function that builds networks",
    "Rows": "make them with Rows(x, y)",
    "Run": "make one with fit(spec, data, plan), or read its folder with Run.load(path)",
    "SweepPlan": "make one with SweepPlan(...)",
    "TrainPlan": "make one with TrainPlan(...)",
    "str": "write its name as text",
}
"""How to make what the public functions take."""

INSIDE = ("fivestep", "sklearn", "joblib", "torch")
"""Packages whose lines a warning does not point at."""


class InputError(ValueError):
    """Something in the caller's own data or options cannot work; the message is one sentence that says what to do."""


class DivergenceError(ArithmeticError):
    """The loss is no longer a finite number; the message says at which step and in which tensor it began."""


class StorageError(OSError):
    """The run's folder can no longer be written; the message says why, and how to go on from what is in it."""


class RanksError(ConnectionError):
    """One of the processes that train together has ended or hangs; the message says which, where that can be known."""


@final
class AtMost(int):
    """A batch size that nobody has chosen: so many rows, or all of them where there are fewer."""


@final
class InWords(str):
    """What came, in words: `refuse` puts it into its sentence without quotation marks."""

    __slots__ = ()
    __repr__ = str.__str__


def refuse(argument: str, value: object, expected: str, advice: str) -> InputError:
    """The sentence "`argument` must be `expected`, got `value`; `advice`.", as an error to raise.

    The advice may be empty where the range itself says what to do.
    """
    return InputError(f"{argument} must be {expected}, got {value!r}{'; ' if advice else ''}{advice}.")


def warn(sentence: str, category: type[Warning] = UserWarning) -> None:
    """Warns, and points at the caller's line: the first one outside this package, scikit-learn and torch."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in INSIDE:
        frame, level = frame.f_back, level + 1
    warnings.warn(sentence, category, stacklevel=level)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be, or None if none is close.

    Capitals do not count, and "bce" is short for "binary_cross_entropy".
    """
    by_lower = {other.lower(): other for other in known}
    by_initials = {"".join(word[:1] for word in lower.split("_")): other for lower, other in by_lower.items()}
    if len(name) > 1 and name.lower() in by_initials:
        return by_initials[name.lower()]
    if len(name) > 2:
        found = difflib.get_close_matches(name.lower(), by_lower, n=1)
    else:  # in a name of two letters, one may be wrong or missing
        short = [lower for lower in by_lower if len(lower) <= len(name) + 1]
        found = difflib.get_close_matches(name.lower(), short, n=1, cutoff=0.5)
    return by_lower[found[0]] if found else None


def one_of(argument: str, name: str, known: Iterable[str]) -> str:
    """`name` if it is known; else raises an `InputError` that suggests the nearest known one."""
    known = list(known)
    if name in known:
        return name
    guess = nearest(name, known) if isinstance(name, str) else None
    advice = f"did you mean {guess!r}?" if guess else "choose one of them"
    sentence = f"{argument} must be one of {', '.join(known)}, got {name!r}; {advice}"
    raise InputError(sentence if sentence.endswith("?") else sentence + ".")


def instance(argument: str, value: object, kind: type, advice: str) -> None:
    """Raises an `InputError` unless `value` is of that class."""
    if not isinstance(value, kind):
        raise InputError(f"{argument} must be of the type {kind.__name__}, got {type(value).__name__}; {advice}.")


def instances(**given: tuple[object, type]) -> None:
    """Raises an `InputError` unless each argument, given as (value, class), is of its class."""
    for argument, (value, kind) in given.items():
        instance(argument, value, kind, MADE_BY[kind.__name__])


def plain(value: Any) -> Any:
    """A NumPy number as a Python number, so that it can be compared and written; else `value`.

    `len(y.unique())` is a Python number, `y.max() + 1` is not: both may be given as a width.
    """
    if type(value) in PLAIN or isinstance(value, bool | int) or not isinstance(value, Real):
        return value
    return int(value) if isinstance(value, Integral) else float(value)


def is_gap(value: object) -> bool:
    """Whether it is None, NaN, or pandas' NA or NaT, which do not equal themselves."""
    is_nan = isinstance(value, float) and value != value  # noqa: PLR0124  # no other float differs from itself
    return value is None or is_nan or type(value).__name__ in ("NAType", "NaTType")


def finite(argument: str, value: float, advice: str = "") -> None:
    """Raises an `InputError` unless `value` is a finite number."""
    if not _is_number(value) or not math.isfinite(value):
        raise refuse(argument, value, "a finite number", advice)


def positive(argument: str, value: float, advice: str = "") -> None:
    """Raises an `InputError` unless `value` is a finite number greater than zero."""
    if not _is_number(value) or not (value > 0 and math.isfinite(value)):
        raise refuse(argument, value, "a finite number greater than 0", advice)


def not_negative(argument: str, value: float, advice: str = "") -> None:
    """Raises an `InputError` unless `value` is a finite number of at least zero."""
    if not _is_number(value) or not (value >= 0 and math.isfinite(value)):
        raise refuse(argument, value, "a finite number of at least 0", advice)


def at_least(argument: str, value: int, least: int, advice: str = "") -> None:
    """Raises an `InputError` unless `value` is a whole number of at least `least`."""
    if not _is_number(value) or not isinstance(plain(value), int) or value < least:
        raise refuse(argument, value, f"a whole number of at least {least}", advice)


def in_unit_interval(argument: str, value: float, advice: str = "") -> None:
    """Raises an `InputError` unless `value` lies in [0, 1)."""
    if not _is_number(value) or not 0 <= value < 1:
        raise refuse(argument, value, "a number in [0, 1)", advice)


def inside_unit_interval(argument: str, value: float, advice: str = "") -> None:
    """Raises an `InputError` unless `value` lies in (0, 1)."""
    if not _is_number(value) or not 0 < value < 1:
        raise refuse(argument, value, "a number in (0, 1)", advice)


def _is_number(value: object) -> bool:
    """Whether it is a real number of Python or NumPy; booleans do not count."""
    return type(value) in (int, float) or (isinstance(value, Real) and not isinstance(value, bool))
