"""`fivestep tasks`: what can be trained."""

import json

import pytest

from fivestep.find import shown_names
from tests.cli.conftest import Command


@pytest.mark.parametrize("task", shown_names("datasets"))
def test_every_task_is_listed_with_its_models(fivestep: Command, task: str) -> None:
    listed = json.loads(fivestep("tasks", "--json").out)
    assert listed[task]["models"]
    assert task in fivestep("tasks").out


@pytest.mark.parametrize("task", shown_names("datasets"))
def test_names_stay_whole_in_a_narrow_terminal(fivestep: Command, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    shown = fivestep("tasks").out
    assert task in shown
    assert "feed-forward" in shown
