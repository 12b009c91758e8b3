"""The pages of the course: their text, their code, and what comes out when they run."""

import ast
import contextlib
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from matplotlib.figure import Figure

FOLDER = Path(__file__).parents[2] / "lessons"
PAGES = sorted(FOLDER.glob("[0-9]*.py"))

QUICK = re.compile(r"^(\s*\w+ = ).+?  # quick: (.+)$", re.MULTILINE)
"""A setting that takes time, with the value that the tests take: `STEPS = 5000  # quick: 200`."""

MATH = re.compile(r":math:`[^`]*`|^\.\. math::.*\n(?:\n|  .*\n)*", re.MULTILINE)
NUMBER = re.compile(r"(?<![\w.,-])\d[\d,_]*(?:\.\d+)?(?!\w)")
YEARS = range(1900, 2100)


class Page(NamedTuple):
    """A row of the course's table."""

    name: str
    title: str
    question: str


class Outcome(NamedTuple):
    """What a page printed, and the pictures that it shows: figures that stand at the end of a block."""

    printed: str
    figures: list[Figure]


def course() -> list[Page]:
    """The pages in their order, as the table in lessons/README.md has them."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    return [Page(*row) for row in re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", text, re.MULTILINE)]


def blocks(source: str) -> Iterator[tuple[str, str]]:
    """The text and the code of each block; the first text is the module's docstring."""
    for part in re.split(r"^# %%\n", source, flags=re.MULTILINE):
        if part.startswith('"""'):
            text, _, code = part[3:].partition('"""')
        else:
            found = re.match(r"(?:#.*\n)*", part)
            lines = "" if found is None else found[0]
            text, code = re.sub(r"^# ?", "", lines, flags=re.MULTILINE), part[len(lines) :]
        yield text, code


def prose(source: str) -> str:
    """All text of a page, without formulas."""
    return MATH.sub("", "\n".join(text for text, _ in blocks(source)))


def code(source: str) -> str:
    """All code of a page."""
    return "\n".join(code for _, code in blocks(source))


def measured_numbers(text: str) -> set[str]:
    """The numbers in a text that look like results: with a point, or of three digits and more; years are not."""
    found = [re.sub("[,_]", "", number).strip(".") for number in NUMBER.findall(text)]
    return {number for number in found if "." in number or (len(number) > 2 and int(number) not in YEARS)}


def quick(source: str) -> str:
    """The page with the settings of the tests."""
    return QUICK.sub(r"\1\2", source)


def run(path: Path) -> Outcome:
    """Runs a page with its quick settings, in a module of its own."""
    source = quick(path.read_text(encoding="utf-8"))
    module = ModuleType(f"lesson_{path.stem}")
    figures: list[Figure] = []
    printed = io.StringIO()
    sys.modules[module.__name__] = module  # where its classes and functions look for their names
    last_of_blocks = _ends_of_blocks(source)
    try:
        with contextlib.redirect_stdout(printed):
            for node in ast.parse(source).body:
                value = _execute(node, path, module)
                if isinstance(value, Figure) and node.end_lineno in last_of_blocks:
                    figures.append(value)
    finally:
        del sys.modules[module.__name__]
    return Outcome(printed.getvalue(), figures)


def _execute(node: ast.stmt, path: Path, module: ModuleType) -> object:
    """The value of a statement that is an expression, as a notebook shows it."""
    if isinstance(node, ast.Expr):
        return eval(compile(ast.Expression(node.value), path, "eval"), vars(module))
    exec(compile(ast.Module([node], []), path, "exec"), vars(module))
    return None


def _ends_of_blocks(source: str) -> set[int]:
    """The numbers of the lines that are the last of a block's code."""
    lines = [*source.splitlines(), "# %%"]
    starts = [number for number, line in enumerate(lines) if line == "# %%"]
    return {max(n for n in range(start) if lines[n].strip()) + 1 for start in starts}
