"""The list of layers in pyproject.toml, which import-linter enforces, names every module, and from the top down."""

import re
import tomllib

import pytest

from tests.design.source import MODULES, REPOSITORY

CONTRACT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
    "contracts"
][0]
LAYERS = [[name.strip() for name in layer.split("|")] for layer in CONTRACT["layers"]]


def test_every_module_has_a_layer() -> None:
    children = {name.split(".")[1] for name in MODULES if "." in name}
    listed = {name for layer in LAYERS for name in layer}
    assert children == listed


def test_the_page_of_the_architecture_names_every_module() -> None:
    page = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = {name.partition("/")[0].removesuffix(".py") for name in re.findall(r"`([\w/]+(?:\.py|/))`", page)}
    assert {name.split(".")[1] for name in MODULES if "." in name} - named == set()


def test_the_linter_refuses_a_module_without_a_layer() -> None:
    assert CONTRACT["exhaustive"] is True


@pytest.mark.parametrize(
    ("upper", "lower"),
    [
        ("cli", "run"),
        ("run", "train"),
        ("train", "engines"),
        ("engines", "plan"),
        ("plan", "layers"),
        ("layers", "check"),
    ],
)
def test_the_layers_of_the_design_are_in_its_order(upper: str, lower: str) -> None:
    place = {name: number for number, layer in enumerate(LAYERS) for name in layer}
    assert place[upper] < place[lower]
