"""A run of the small task, made once, and the command line called as a function."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fivestep.cli._app import run
from fivestep.run import Run


class Outcome(NamedTuple):
    """What a command leaves: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> Any:
        """What it printed with --json; where it failed, the test says what the command said."""
        assert self.code == 0, f"ended with {self.code}: {self.err}"
        return json.loads(self.out)


Command = Callable[..., Outcome]


@pytest.fixture
def curves() -> None:
    """For tests whose runs draw their curves."""


@pytest.fixture(autouse=True)
def _curves_where_asked_for(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture takes longer than all the rest of a small run."""
    if "curves" not in request.fixturenames:
        monkeypatch.setattr(Run, "draw", lambda _run: None)


@pytest.fixture
def fivestep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Calls the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def call(*arguments: object) -> Outcome:
        texts = [str(argument) for argument in arguments]
        code = run(texts)
        return Outcome(code, *capfd.readouterr())

    return call
