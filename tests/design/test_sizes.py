"""The size gate: good intentions alone do not hold."""

import ast
import inspect
from pathlib import Path
from typing import Protocol

import pytest

from tests.design.source import FILES, classes, functions, short

MOST_LINES_OF_A_FUNCTION = 50
MOST_LINES_OF_A_FILE = 400
MOST_PARAMETERS = 6
VAGUE = ("Manager", "Handler", "Helper", "Util", "Base")

every_file = pytest.mark.parametrize("path", FILES, ids=short)
every_class = pytest.mark.parametrize("cls", [pytest.param(cls, id=name) for name, cls in classes().items()])


@every_file
def test_no_function_is_longer_than_fifty_lines(path: Path) -> None:
    lengths = {function.name: (function.end_lineno or 0) - function.lineno + 1 for function in functions(path)}
    assert {name: n for name, n in lengths.items() if n > MOST_LINES_OF_A_FUNCTION} == {}


@every_file
def test_no_file_is_longer_than_four_hundred_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES_OF_A_FILE


def parameters(function: ast.FunctionDef) -> list[str]:
    """What a caller must put in the right place; an option that is passed by name and has a default is not counted."""
    places = function.args
    required = [arg for arg, default in zip(places.kwonlyargs, places.kw_defaults, strict=True) if default is None]
    return [arg.arg for arg in [*places.posonlyargs, *places.args, *required] if arg.arg not in ("self", "cls")]


@every_file
def test_no_function_has_more_than_six_parameters(path: Path) -> None:
    """More than six are a dataclass."""
    counts = {function.name: len(parameters(function)) for function in functions(path)}
    assert {name: n for name, n in counts.items() if n > MOST_PARAMETERS} == {}


@every_class
def test_every_class_is_abstract_or_final(cls: type) -> None:
    """An error, a protocol and a named tuple are what they are."""
    of_another_kind = issubclass(cls, Exception) or Protocol in cls.__bases__ or issubclass(cls, tuple)
    assert inspect.isabstract(cls) or getattr(cls, "__final__", False) or of_another_kind


@every_class
def test_no_concrete_method_is_overridden(cls: type) -> None:
    """A method that a class of ours has filled in stays what it is in every class below."""
    own = {name for name, value in vars(cls).items() if inspect.isfunction(value) and not name.startswith("__")}
    above = [base for base in cls.__mro__[1:] if base.__module__.startswith("fivestep.")]
    filled_in = {
        name: base.__name__
        for base in above
        for name, value in vars(base).items()
        if inspect.isfunction(value) and not getattr(value, "__isabstractmethod__", False)
    }
    assert {name: filled_in[name] for name in own & filled_in.keys()} == {}


@every_class
def test_the_name_of_a_class_says_what_it_is(cls: type) -> None:
    assert not any(word in cls.__name__ for word in VAGUE)
