"""The one error sentence: what was expected, what came, what to do.

`ValueError` and `TypeError` are for people; our own mistakes are `assert`. The command line turns an `InputError`
into one line and exit code 2, and a `DivergenceError` into one line and exit code 1; anything else is a bug of ours
and keeps its traceback.
"""

import difflib
import math
from collections.abc import Iterable


class InputError(ValueError):
    """Something in the caller's own data or options cannot work; the message is one sentence that says what to do."""


class DivergenceError(ArithmeticError):
    """The loss is no longer a finite number; the message says at which step and in which tensor it began."""


def refuse(argument: str, value: object, expected: str, advice: str = "") -> InputError:
    """The sentence "`argument` must be `expected`, got `value`; `advice`.", as an error to raise."""
    return InputError(f"{argument} must be {expected}, got {value!r}{'; ' if advice else ''}{advice}.")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be, or None if none is close."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return found[0] if found else None


def one_of(argument: str, name: str, known: Iterable[str]) -> str:
    """`name`, if it is one of the known; raises an `InputError` that suggests the nearest one."""
    known = list(known)
    if name in known:
        return name
    guess = nearest(name, known)
    advice = f"did you mean {guess!r}?" if guess else "choose one of them"
    sentence = f"{argument} must be one of {', '.join(known)}, got {name!r}; {advice}"
    raise InputError(sentence if sentence.endswith("?") else sentence + ".")


def positive(argument: str, value: float, advice: str = "") -> None:
    """Raises an `InputError` unless `value` is a finite number greater than zero."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not (value > 0 and math.isfinite(value)):
        raise refuse(argument, value, "a finite number greater than 0", advice)


def not_negative(argument: str, value: float, advice: str = "") -> None:
    """Raises an `InputError` unless `value` is a finite number of at least zero."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not (value >= 0 and math.isfinite(value)):
        raise refuse(argument, value, "a finite number of at least 0", advice)


def at_least(argument: str, value: int, least: int, advice: str = "") -> None:
    """Raises an `InputError` unless `value` is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise refuse(argument, value, f"a whole number of at least {least}", advice)


def in_unit_interval(argument: str, value: float, advice: str = "") -> None:
    """Raises an `InputError` unless `value` lies in [0, 1)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise refuse(argument, value, "a number in [0, 1)", advice)


def inside_unit_interval(argument: str, value: float, advice: str = "") -> None:
    """Raises an `InputError` unless `value` lies in (0, 1), without its ends."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise refuse(argument, value, "a number in (0, 1)", advice)
