"""Hypothesis draws the same examples in every run, whatever was imported before."""

import sys
from pathlib import Path
from types import ModuleType

from hypothesis import given, settings
from hypothesis import strategies as some


def drawn() -> list[str]:
    """All examples of a test."""
    found = []

    @settings(max_examples=300)
    @given(some.tuples(some.integers(), some.floats(), some.text()))
    def noted(example: tuple[int, float, str]) -> None:
        found.append(repr(example))

    noted()
    return found


def test_examples_do_not_depend_on_the_constants_of_modules(tmp_path: Path) -> None:
    before = drawn()
    path = tmp_path / "constants.py"
    path.write_text("\n".join(f"a{k} = {1000 + k}, {k}.5, 'word {k}'" for k in range(100)), encoding="utf-8")
    module = ModuleType("constants")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    try:
        assert drawn() == before
    finally:
        del sys.modules[module.__name__]
