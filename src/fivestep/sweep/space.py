"""What a sweep varies: for each setting a range to draw from, or a list to choose from; the rest is fixed."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, final

from ..check import InputError, at_least, one_of, plain, refuse
from ..find import Choice

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


class Scale(NamedTuple):
    """The scale of a setting's numbers: linear or logarithmic, integer or not, from `least` to below `end`."""

    log: bool = False
    whole: bool = False
    least: float = -math.inf
    end: float = math.inf


SCALES: Mapping[str, Scale] = {
    "lr": Scale(log=True),
    "weight_decay": Scale(log=True),
    "l2": Scale(log=True),
    "init_scale": Scale(log=True),
    "dropout": Scale(least=0, end=1),
    "momentum": Scale(least=0, end=1),
    "ema": Scale(least=0, end=1),
    "label_smoothing": Scale(least=0, end=1),
    "hidden": Scale(log=True, whole=True),
    "batch_size": Scale(log=True, whole=True),
    "seed": Scale(whole=True, least=0),
}
"""The settings that can be drawn from a range, "a:b"."""

WORDS: Mapping[str, Mapping[str, Any]] = {
    "batch_size": {"full": None},
    "norm": {"none": None},
    "nesterov": {"true": True, "false": False},
}
"""Words that stand for values."""

MOST_SEEDS = 100
"""A range of up to so many seeds is a list of them; from a longer one, seeds are drawn."""

ONE_VALUE = (
    "epochs",
    "loss",
    "metrics",
    "monitor",
    "patience",
    "restore_best",
    "temperature_scaling",
    "class_weight",
    "micro_batch_size",
)
"""Settings that must be the same for all networks: how long they train, and how they are measured."""


@final
@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, inclusive; `log` draws their logarithms uniformly, `whole` draws integers."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        for end in (self.low, self.high):
            if isinstance(end, bool) or not isinstance(end, int | float) or not math.isfinite(end):
                raise refuse("a range", f"{self.low}:{self.high}", "between two finite numbers", "as in 1e-4:1e-1")
        if not self.low < self.high:
            raise refuse("a range", str(self), "from a smaller to a larger number", "swap them, or give one value")
        if self.log and self.low <= 0:
            raise refuse(
                "a range of logarithms", str(self), "above 0 at both ends", "raise the lower end, or list the values"
            )
        if self.whole and not (float(self.low).is_integer() and float(self.high).is_integer()):
            raise refuse("a range", str(self), "between two whole numbers", "round them")

    def __str__(self) -> str:
        return f"{_number(self.low)}:{_number(self.high)}"

    is_finite: ClassVar[bool] = False

    @property
    def extremes(self) -> list[Any]:
        """The two ends of the range."""
        return [int(end) if self.whole else float(end) for end in (self.low, self.high)]

    def distribution(self) -> "BaseDistribution":
        """The same as Optuna says it."""
        from optuna.distributions import FloatDistribution, IntDistribution  # imported here: it takes 0.15 s

        low, high = self.extremes
        return (IntDistribution if self.whole else FloatDistribution)(low, high, log=self.log)


@final
@dataclass(frozen=True)
class Options:
    """Values to choose from, by label."""

    values: Mapping[str, Any]

    def __str__(self) -> str:
        return " ".join(self.values)

    is_finite: ClassVar[bool] = True

    @property
    def extremes(self) -> list[Any]:
        """All labels."""
        return list(self.values)

    def distribution(self) -> "BaseDistribution":
        """The same as Optuna says it."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(tuple(self.values))


@final
@dataclass(frozen=True)
class Space:
    """The varied settings, each with its range or its options, and the fixed ones."""

    varied: Mapping[str, Range | Options]
    fixed: Mapping[str, Any]

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Space":
        """From settings as users write them: a list, a `Range` or "1e-4:1e-1" is varied, a single value is fixed.

        Raises an `InputError` for an invalid range, a repeated value, or a setting that cannot be varied.
        """
        varied: dict[str, Range | Options] = {}
        fixed: dict[str, Any] = {}
        for name, given in settings.items():
            found = _several(name, given)
            if isinstance(found, Range) or len(found.values) > 1:
                if name in ONE_VALUE:
                    raise refuse(
                        name,
                        str(found),
                        "one value for all networks of a sweep, or they could not be compared",
                        "choose one of them, or do a sweep for each",
                    )
                varied[name] = found
            else:
                fixed[name] = next(iter(found.values.values()))
        return cls(varied, fixed)

    @property
    def size(self) -> int | None:
        """The number of combinations, or None if there is a range."""
        options = [one for one in self.varied.values() if isinstance(one, Options)]
        if len(options) < len(self.varied):
            return None
        return math.prod(len(one.values) for one in options)

    def combination(self, number: int) -> dict[str, Any]:
        """Combination `number` of the options, counted from 0; the last setting changes fastest."""
        chosen = {}
        for name, one in reversed(list(self.varied.items())):
            assert isinstance(one, Options), "a range has no combinations"
            number, place = divmod(number, len(one.values))
            chosen[name] = list(one.values)[place]
        return dict(reversed(list(chosen.items())))

    def settings(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """All settings of a network, given the drawn values or labels."""
        values = {}
        for name, one in self.varied.items():
            value = drawn[name]
            values[name] = one.values[value] if isinstance(one, Options) else (value,) if name == "hidden" else value
        return {**self.fixed, **values}

    def distributions(self) -> "dict[str, BaseDistribution]":
        """The varied settings as Optuna distributions."""
        return {name: one.distribution() for name, one in self.varied.items()}

    def to_dict(self) -> dict[str, str]:
        """The settings as texts, which identify the sweep."""
        return {name: str(one) for name, one in self.varied.items()} | {
            name: label(value) for name, value in self.fixed.items()
        }


def label(value: Any) -> str:
    """The label of a value: "128,64" for two widths."""
    if isinstance(value, Mapping):
        return ",".join(f"{key}={label(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ",".join(label(one) for one in value)
    return _number(value) if isinstance(value, float) else str(value).lower() if value is True else str(value)


def _several(name: str, given: Any) -> Range | Options:
    """The range or the options from what a user wrote for a setting."""
    if isinstance(given, Range):
        if name not in SCALES:
            raise refuse(name, str(given), "a list of values", f"there are ranges for {', '.join(SCALES)}")
        return _each_seed(given) if name == "seed" else given
    values = given if isinstance(given, list) else [given]
    if not values:
        raise refuse(name, given, "at least one value", "leave it out for the usual one")
    if len(values) == 1 and isinstance(values[0], str) and name in SCALES and ":" in values[0]:
        return _several(name, _range(name, values[0]))
    found: dict[str, Any] = {}
    for value in values:
        read = _read(name, value)
        text = next((word for word, meant in WORDS.get(name, {}).items() if meant is read), label(read))
        if text in found:
            raise InputError(f"{name} must list each value once, got {text} twice; leave out one of the two.")
        found[text] = read
    return Options(found)


def _each_seed(found: Range) -> Range | Options:
    """The seeds of a range as a list: seeds have no order, and drawing one twice would train the same network twice."""
    if not found.whole or found.high - found.low >= MOST_SEEDS:
        return found
    return Options({str(seed): seed for seed in range(int(found.low), int(found.high) + 1)})


def _range(name: str, text: str) -> Range:
    low, _, high = text.partition(":")
    scale = SCALES[name]
    try:
        ends = [int(end) if scale.whole else float(end) for end in (low, high)]
        found = Range(ends[0], ends[1], scale.log, scale.whole)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    except ValueError:
        kind = "whole numbers" if scale.whole else "numbers"
        raise refuse(
            name, text, f"a range between two {kind}", "as in 8:256" if scale.whole else "as in 1e-4:1e-1"
        ) from None
    if found.low < scale.least or found.high >= scale.end:
        raise refuse(name, text, f"a range within [{scale.least:g}, {scale.end:g})", "move its ends")
    return found


def _read(name: str, value: Any) -> Any:
    """One value; a text is parsed as the setting's type."""
    if not isinstance(value, str):
        return str(value) if isinstance(value, Choice) else plain(value)
    words = WORDS.get(name, {})
    if value in words:
        return words[value]
    if name == "nesterov":
        one_of(name, value, words)
    if name not in SCALES:
        return value
    parts = value.split(",") if name == "hidden" else [value]
    try:
        numbers = [int(part) if SCALES[name].whole else float(part) for part in parts]
    except ValueError:
        kind = {"hidden": "widths such as 128,64", "batch_size": "a whole number, or full"}.get(name)
        kind = kind or ("a whole number" if SCALES[name].whole else "a number")
        example = "8:256" if SCALES[name].whole else "1e-4:1e-1"
        apart = f"write several apart: {value.replace(',', ' ')}" if "," in value and name != "hidden" else ""
        raise refuse(name, value, kind, apart or f"or write a range such as {example}") from None
    for width in numbers if name == "hidden" else ():
        at_least(name, int(width), 1, "for no hidden layer, take --model linear or softmax")
    return tuple(numbers) if name == "hidden" else numbers[0]


def _number(value: float) -> str:
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def each_value(space: Space) -> Iterator[tuple[str, dict[str, Any]]]:
    """Settings that together contain every option and both ends of every range, with the values new in each.

    The first have the first option of everything, and all fixed settings count as new.
    """
    first = {name: one.extremes[0] for name, one in space.varied.items()}
    yield "", space.settings(first)
    for name, one in space.varied.items():
        for value in one.extremes[1:]:
            yield f"{name} {label(value)}", space.settings({**first, name: value})


def widest(space: Space) -> list[dict[str, Any]]:
    """Settings that include those with the most memory: all widths with all rules, the rest at the last option."""
    drawn: list[dict[str, Any]] = [{}]
    for name, one in space.varied.items():
        values = one.extremes if name in ("hidden", "optimizer") else one.extremes[-1:]
        drawn = [{**others, name: value} for others in drawn for value in values]
    return [space.settings(of_one) for of_one in drawn]
