"""The size gate: good intentions alone do not hold. Each test lists everything that breaks its rule."""

import ast
import inspect
from typing import Protocol

from tests.design.source import FILES, classes, functions, short

MOST_LINES_OF_A_FUNCTION = 50
MOST_LINES_OF_A_FILE = 400
MOST_PARAMETERS = 6
VAGUE = ("Manager", "Handler", "Helper", "Util", "Base")


def test_no_function_is_longer_than_fifty_lines() -> None:
    lines = {(short(path), f.name): (f.end_lineno or 0) - f.lineno + 1 for path in FILES for f in functions(path)}
    assert {name: number for name, number in lines.items() if number > MOST_LINES_OF_A_FUNCTION} == {}


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    lines = {short(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: number for name, number in lines.items() if number > MOST_LINES_OF_A_FILE} == {}


def num_parameters(function: ast.FunctionDef) -> int:
    """What a caller must put in the right place; an option that is passed by name and has a default is not counted."""
    places = function.args
    required = [arg for arg, default in zip(places.kwonlyargs, places.kw_defaults, strict=True) if default is None]
    return len([arg for arg in [*places.posonlyargs, *places.args, *required] if arg.arg not in ("self", "cls")])


def test_no_function_has_more_than_six_parameters() -> None:
    """More than six are a dataclass. A kernel, which is launched and not called, takes each tensor by itself."""
    callers = [path for path in FILES if path.parent.name != "kernels"]
    numbers = {(short(path), f.name): num_parameters(f) for path in callers for f in functions(path)}
    assert {name: number for name, number in numbers.items() if number > MOST_PARAMETERS} == {}


def is_abstract_or_final(cls: type) -> bool:
    """An error, a protocol and a named tuple are what they are."""
    of_another_kind = issubclass(cls, Exception) or Protocol in cls.__bases__ or issubclass(cls, tuple)
    return inspect.isabstract(cls) or getattr(cls, "__final__", False) or of_another_kind


def test_every_class_is_abstract_or_final() -> None:
    assert [name for name, cls in classes().items() if not is_abstract_or_final(cls)] == []


def overridden(cls: type) -> set[str]:
    """The methods that a class fills in although one of ours above it has; torch puts a wrapped `step` into classes."""
    functions = {name: value for name, value in vars(cls).items() if inspect.isfunction(value)}
    written = {name for name, value in functions.items() if value.__qualname__ == f"{cls.__qualname__}.{name}"}
    return {name for name in written if not name.startswith("__")} & {
        name
        for base in cls.__mro__[1:]
        if base.__module__.startswith("fivestep.")
        for name, value in vars(base).items()
        if inspect.isfunction(value) and not getattr(value, "__isabstractmethod__", False)
    }


def test_no_concrete_method_is_overridden() -> None:
    assert {name: overridden(cls) for name, cls in classes().items() if overridden(cls)} == {}


def test_the_name_of_a_class_says_what_it_is() -> None:
    assert [name for name, cls in classes().items() if any(word in cls.__name__ for word in VAGUE)] == []
