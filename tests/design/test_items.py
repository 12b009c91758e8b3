"""One file for each item, one test for each item, and nothing else to do."""

import dataclasses
from pathlib import Path

import pytest

from fivestep.find import SINGULAR, find, names
from tests.design.source import FILES, REPOSITORY, ROOT, functions, short

ITEMS = [(family, name) for family in SINGULAR for name in names(family)]
DATA = {"activations", "inits", "layers", "losses", "optim", "schedules"}
every_item = pytest.mark.parametrize(("family", "name"), ITEMS)


@every_item
def test_an_item_has_a_test_file_of_its_own(family: str, name: str) -> None:
    assert (REPOSITORY / "tests" / family / f"test_{name}.py").exists()


@every_item
def test_an_item_is_the_one_public_name_of_its_file(family: str, name: str) -> None:
    assert find(family, name).__name__.lower() == name.replace("_", "") or family == "engines"


@pytest.mark.parametrize(("family", "name"), [item for item in ITEMS if item[0] in DATA])
def test_an_item_of_the_network_or_the_plan_is_frozen_data(family: str, name: str) -> None:
    item = find(family, name)
    assert dataclasses.is_dataclass(item)
    assert item.__dataclass_params__.frozen  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", [path for path in FILES if path.parent == ROOT and functions(path)], ids=short)
def test_a_file_at_the_top_has_a_test_file_of_its_own(path: Path) -> None:
    """The package's own file has the tests of its public names."""
    name = "public_names" if path.stem.startswith("__") else path.stem
    assert (REPOSITORY / "tests" / f"test_{name}.py").exists()
