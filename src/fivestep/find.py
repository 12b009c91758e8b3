"""The folder is the registry: a plug-in is found by the name of its file.

`find("optim", "adam")` imports `fivestep/optim/adam.py` and returns the one public class or function in it. To add an
item, add a file; nothing else lists it. A `Choice` is a name with options, written the same way on the command line,
in a configuration file and in Python: `sgd`, `sgd:momentum=0.9,nesterov=true`, `Choice("sgd", momentum=0.9,
nesterov=True)`.
"""

import ast
import dataclasses
import functools
import importlib
import pkgutil
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from types import FunctionType
from typing import Any, final

from .check import InputError, one_of, plain, refuse

SINGULAR = {
    "activations": "activation",
    "datasets": "task",
    "engines": "engine",
    "inits": "init",
    "layers": "layer",
    "losses": "loss",
    "metrics": "metric",
    "optim": "optimizer",
    "pictures": "picture",
    "plots": "plot",
    "recipes": "recipe",
    "schedules": "schedule",
    "trackers": "tracker",
}
"""Each family's folder, and the word for one of its items in options and messages."""


@final
@dataclasses.dataclass(frozen=True, init=False, repr=False)
class Choice:
    """A name and its options: which item of a family to use, and with what settings.

    `options` is a new dictionary whenever it is read: writing into it changes no choice, as equal ones may be shared.
    """

    name: str
    options: dict[str, Any] = property(lambda self: dict(vars(self)["options"]))  # type: ignore[assignment]  # noqa: RUF009

    def __init__(self, choice_name: str, /, **options: Any) -> None:
        if not isinstance(choice_name, str):
            raise _no_name(choice_name)
        own = {key: plain(value) for key, value in options.items()}
        vars(self).update(name=choice_name.replace("-", "_"), options=own)  # the instance is frozen

    def __hash__(self) -> int:
        try:  # of all options, as networks that differ in widths alone would share a place in every cache
            return hash((self.name, frozenset(vars(self)["options"].items())))
        except TypeError:  # a list, for example
            return hash(self.name)

    @classmethod
    def parse(cls, text: "str | Choice") -> "Choice":
        """Reads `name` or `name:key=value,key=value`; values are Python literals, `true`, `false`, or plain words."""
        if isinstance(text, Choice):
            return text
        if not isinstance(text, str):
            raise _no_name(text)
        return _read(text)

    def __str__(self) -> str:
        options = ",".join(f"{key}={_text(value)}" for key, value in self.options.items())
        return f"{self.name}:{options}" if options else self.name

    def __repr__(self) -> str:
        return f"Choice({str(self)!r})"


def _no_name(given: object) -> InputError:
    return refuse("a choice", given, "a name such as 'sgd' or 'sgd:momentum=0.9'", "write it as text")


@functools.lru_cache(maxsize=1000)
def _read(text: str) -> Choice:
    """What `Choice.parse` reads from a text; cached, as the plans of a fleet repeat the same few words."""
    name, _, options = text.partition(":")
    pairs = [pair.partition("=") for pair in _split_at_commas(options)]
    if any(not key.strip().isidentifier() or not sign for key, sign, _ in pairs):
        raise InputError(f"a choice must read 'name:key=value,key=value', got {text!r}; {_instead_of(pairs)}.")
    return Choice(name.strip(), **{key.strip(): _literal(value.strip()) for key, _, value in pairs})


def _instead_of(pairs: Sequence[tuple[str, str, str]]) -> str:
    """What to write instead of options that cannot be parsed, such as several values without brackets."""
    for (key, sign, value), (other, other_sign, _) in pairwise(pairs):
        if sign and not other_sign:
            return f"several values of one option stand in brackets, as in {key.strip()}=({value},{other})"
    return "for example 'sgd:momentum=0.9'"


@functools.cache
def names(family: str) -> tuple[str, ...]:
    """The items of a family in alphabetical order, read from its folder without importing them."""
    package = importlib.import_module(f"fivestep.{family}")
    return tuple(sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")))


def find(family: str, name: str) -> Any:
    """What `fivestep/<family>/<name>.py` defines; raises an `InputError` with the nearest name if there is none."""
    if name not in names(family):
        one_of(SINGULAR[family], name.replace("_", "-") if family == "datasets" else name, shown_names(family))
    return _public_of(f"fivestep.{family}.{name.replace('-', '_')}")


@functools.cache
def _public_of(module_name: str) -> Any:
    """The one public name of a module; cached, as a fleet asks for it sixty times for each network."""
    module = importlib.import_module(module_name)
    public = [
        item
        for key, item in vars(module).items()
        if isinstance(item, type | FunctionType) and item.__module__ == module.__name__ and not key.startswith("_")
    ]
    assert len(public) == 1, (
        f"{module.__name__} must define one public class or function, got "
        f"{', '.join(item.__name__ for item in public) or 'none'}; begin the names of all others with an underscore."
    )
    return public[0]


def shown_names(family: str) -> tuple[str, ...]:
    """The items of a family as users type them: tasks with hyphens, everything else as in Python."""
    return tuple(name.replace("_", "-") for name in names(family)) if family == "datasets" else names(family)


def build(family: str, choice: "str | Choice", **more: Any) -> Any:
    """The item that `choice` names, made with its options; an option it does not have raises an `InputError`."""
    choice = Choice.parse(choice)
    options = {**choice.options, **more}
    check_options(family, choice.name, options)
    missing = [key for key in required_options(family, choice.name) if key not in options]
    if missing:
        example = ",".join(f"{key}=..." for key in missing)
        raise InputError(
            f"{SINGULAR[family]} {choice.name!r} must be given {', '.join(required_options(family, choice.name))}, got "
            f"{str(choice)!r}; write {choice.name}:{example}."
        )
    try:
        return find(family, choice.name)(**options)
    except TypeError as error:  # a value of the wrong type
        raise InputError(
            f"{SINGULAR[family]} {str(choice)!r} must have usable options, got an error: {error}; see fivestep "
            f"items {choice.name}."
        ) from error


def check_usable(family: str, choice: "str | Choice") -> None:
    """Raises an `InputError` as `build` does; of a choice that was found usable, no more than a look.

    The plans of a fleet share their choices, and building each item for each of a thousand plans takes 10 ms.
    """
    usable: set[str] = vars(choice := Choice.parse(choice)).setdefault("usable", set())
    if family not in usable:
        build(family, choice)
        usable.add(family)


def check_options(family: str, name: str, options: Iterable[str]) -> None:
    """Raises an `InputError` if there is no such item, or it does not have one of the options."""
    item = find(family, name)
    for key in options:
        known = [field.name for field in _options(item)]
        if not known:
            raise InputError(f"{SINGULAR[family]} {name!r} must be used without options, got {key!r}; leave it out.")
        one_of(f"option of {SINGULAR[family]} {name!r}", key, known)


def option_names(family: str, name: str) -> list[str]:
    """The options that an item of a family takes."""
    return [field.name for field in _options(find(family, name))]


def settings_of(family: str, choice: Choice) -> dict[str, Any]:
    """The options of a choice, without those that equal their defaults."""
    defaults = {field.name: field.default for field in _options(find(family, choice.name))}
    return {key: value for key, value in choice.options.items() if value != defaults.get(key, dataclasses.MISSING)}


def required_options(family: str, name: str) -> list[str]:
    """The options of an item that have no default."""
    return [
        field.name
        for field in _options(find(family, name))
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]


@functools.cache
def _options(item: Any) -> "tuple[dataclasses.Field[Any], ...]":
    assert dataclasses.is_dataclass(item), (
        f"{item.__module__}.{item.__name__} must be a dataclass, whose fields are its options, got a plain class; "
        f"write @dataclass(frozen=True) above it."
    )
    return tuple(field for field in dataclasses.fields(item) if field.init)


def layer_family(name: str) -> str:
    """The folder of a layer of that name, "layers" or "activations"; raises an `InputError` if it is in neither."""
    if name in names("activations"):
        return "activations"
    if name not in names("layers"):
        one_of("layer", name, [*names("layers"), *names("activations")])
    return "layers"


def has_width(layer: Choice) -> bool:
    """Whether a layer has a width of its own, as a linear layer does and an activation does not."""
    return "out_features" in option_names(layer_family(layer.name), layer.name)


def _split_at_commas(text: str) -> list[str]:
    """Splits at the commas that stand outside brackets and quotes, so that a value may be a tuple or any text."""
    parts, depth = [""], 0
    for token in re.findall(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|.""", text):  # a quoted text, or one character
        depth += (token in {"(", "[", "{"}) - (token in {")", "]", "}"})
        if token == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += token
    return [part for part in parts if part.strip()]


def _literal(text: str) -> Any:
    """A Python literal where the text is one, else `true` and `false` as booleans, else the text itself."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if text in ("inf", "-inf", "nan"):  # as Python writes them, though they are no literals
        return float(text)
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _text(value: Any) -> str:
    """The value as `_literal` reads it back; text in quotes where it would be read as something else."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | Choice):
        value = str(value)
        return value if re.fullmatch(r"[\w./:+-]+", value) and _literal(value) == value else repr(value)
    return str(value)
