"""The source of each of the five steps, in each engine and in the layers that it calls."""

import inspect
import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..engines._base import FiveStepEngine
from ..engines._engine import Engine
from ..find import find
from ..layers._composite import with_inner
from ._data import Place

PACKAGE = Path(__file__).parent.parent

METHODS = {"predict": "forward", "measure": "loss", "forget": "zero_grad", "find": "backward", "step": "update"}
"""The method of an engine for each step."""


def places_of(engine: Engine, section: str, number: int, engines: Sequence[str]) -> list[Place]:
    """The method of the step in each of these engines, and for steps 1, 2, 4 and 5 the items that it calls."""
    found = [_in_engine(name, section, number) for name in engines]
    method = METHODS[section]
    items: dict[str, tuple[Any, str]] = {}
    if section in ("predict", "find"):
        for layer in with_inner(engine.layers):
            items[type(layer).__name__] = (type(layer), method)
    if section in ("measure", "find"):
        items[type(engine.criterion).__name__] = (type(engine.criterion), "gradient" if section == "find" else "rows")
    if section == "step":
        items[type(engine.optimizer).__name__] = (type(engine.optimizer), "update_")
    return [*found, *(_place(name, getattr(kind, own)) for name, (kind, own) in items.items())]


def _in_engine(name: str, section: str, number: int) -> Place:
    kind: type[Engine] = find("engines", name)
    if issubclass(kind, FiveStepEngine):
        return _place(name, getattr(kind, METHODS[section]))
    return _numbered(name, Path(inspect.getfile(kind)).parent, number)


def _place(name: str, function: Any) -> Place:
    function = inspect.unwrap(function)  # without the decorator that checks its arguments
    lines, start = inspect.getsourcelines(function)
    return Place(name, _short(Path(inspect.getfile(function))), start, textwrap.dedent("".join(lines)).rstrip())


def _numbered(name: str, folder: Path, number: int) -> Place:
    """In an engine with one body: the lines from the comment with the step's number to the next step's."""
    for path in sorted(folder.rglob("*.py")):
        marks = list(_marks(path.read_text(encoding="utf-8").splitlines()))
        if [mark for _, mark in marks] == [1, 2, 3, 4, 5]:
            lines = path.read_text(encoding="utf-8").splitlines()
            start, stop = marks[number - 1][0], marks[number][0] if number < 5 else len(lines)
            code = textwrap.dedent("\n".join(_until_dedent(lines[start:stop])))
            return Place(name, _short(path), start + 1, code.rstrip())
    raise AssertionError(f"the engine {name} must number its five steps in comments")


def _marks(lines: list[str]) -> Iterator[tuple[int, int]]:
    """The positions of the comments "# 1 predict" to "# 5 step downhill"."""
    for place, line in enumerate(lines):
        found = re.fullmatch(r"\s*# ([1-5])  \w.*", line)
        if found:
            yield place, int(found[1])


def _until_dedent(lines: list[str]) -> Iterator[str]:
    """The lines up to the first that is indented less than the first of them."""
    indent = len(lines[0]) - len(lines[0].lstrip())
    for line in lines:
        if line.strip() and len(line) - len(line.lstrip()) < indent:
            return
        yield line


def _short(path: Path) -> str:
    """The path relative to the package."""
    return path.relative_to(PACKAGE).as_posix() if path.is_relative_to(PACKAGE) else path.name
