"""`--class-weight`: what the plan gets, and the sentence where it makes no sense."""

import tomllib
from pathlib import Path

import pytest

from tests.cli.conftest import Command


@pytest.mark.parametrize(("given", "kept"), [(["balanced"], "balanced"), (["1", "5"], [1.0, 5.0])])
def test_it_reaches_the_plan(fivestep: Command, given: list[str], kept: object) -> None:
    assert fivestep("train", "moons", "--epochs", 2, "--class-weight", *given).code == 0
    assert tomllib.loads(Path("runs/moons-1/config.toml").read_text())["plan"]["class_weight"] == kept


def test_numbers_have_no_classes(fivestep: Command) -> None:
    outcome = fivestep("train", "line", "--class-weight", "balanced")
    assert outcome.code == 2
    assert "class_weight must be left out for a loss that compares numbers, got 'balanced'" in outcome.err
    assert not Path("runs").exists()
