"""A tracker that keeps what it is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fivestep.trackers._base import Described, Outcome, Tracker


@dataclass
class Kept(Tracker):
    """A tracker that keeps what it is told; `fails` names the method that raises."""

    package = "json"
    fails: str = ""
    told: list[Any] = field(default_factory=list)

    def begin(self, run: Described) -> dict[str, str]:
        self._say("begin", run)
        return {"id": "7"}

    def note(self, epoch: int, figures: Mapping[str, float]) -> None:
        self._say("note", (epoch, dict(figures)))

    def end(self, files: Sequence[Path], outcome: Outcome) -> None:
        self._say("end", ([file.name for file in files], outcome))

    def _say(self, what: str, value: Any) -> None:
        self.told.append((what, value))
        if what == self.fails:
            raise ConnectionError("no route to host\nsecond line")

    @property
    def epochs(self) -> list[int]:
        return [value[0] for what, value in self.told if what == "note"]


def keep_everything(monkeypatch: pytest.MonkeyPatch) -> Kept:
    """Makes one tracker that keeps everything the one that every name stands for."""
    tracker = Kept()
    monkeypatch.setattr("fivestep.trackers._track._built", lambda _choice: tracker)
    return tracker
