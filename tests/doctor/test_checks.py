"""A check is one file and its test: its name is that of its finding, its docstring is its page."""

import ast
import inspect
from pathlib import Path

import pytest

from fivestep.doctor._findings import CHECKS
from fivestep.doctor._record import Record
from fivestep.find import find, names
from tests.design.source import REPOSITORY

NAMES = names(CHECKS)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_named_after_its_file_and_says_what_it_looks_for(name: str) -> None:
    check = find(CHECKS, name)
    page = ast.get_docstring(ast.parse(Path(inspect.getfile(inspect.unwrap(check))).read_text(encoding="utf-8")))
    assert check.__name__ == name
    assert page is not None
    assert "\n" not in page
    assert len(check.__doc__.split()) > 30, "say in its docstring what it sees, and what it keeps silent about"


@pytest.mark.parametrize("name", NAMES)
def test_it_has_a_test_of_its_own_with_the_fault_and_without(name: str) -> None:
    text = (REPOSITORY / "tests" / "doctor" / "checks" / f"test_{name}.py").read_text(encoding="utf-8")
    assert f'"{name.replace("_", " ")}"' in text
    assert "== []" in text


@pytest.mark.parametrize("name", NAMES)
def test_it_has_nothing_to_say_of_nothing(name: str) -> None:
    assert find(CHECKS, name)(Record()) is None


def test_the_page_has_a_row_for_each() -> None:
    page = (REPOSITORY / "docs" / "doctor.md").read_text(encoding="utf-8")
    said = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    checks = {name.replace("_", " ") for name in NAMES}
    assert said == checks, f"write a row into docs/doctor.md for {checks - said}, or take out that of {said - checks}"
