"""The interface of a tracker, which shows the figures of a run beside those of others, outside its folder."""

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, final

from ..check import InputError

Outcome = Literal["finished", "failed", "interrupted"]


@final
class Described(NamedTuple):
    """What a tracker learns about a run before its first step."""

    folder: Path
    """The run's folder; its name is the run's name."""

    config: Mapping[str, Any]
    """The configuration under plain names with dots, such as "plan.lr"."""

    known: Mapping[str, str]
    """What `begin` returned before, for a run that is resumed; else empty."""

    num_epochs: int
    """The number of epochs noted so far."""


class Tracker(ABC):
    """A destination for figures: `begin`, then `note` for each shown epoch, then `end`."""

    package: ClassVar[str]
    """The Python package that it needs, which is also the name of our extra."""

    @abstractmethod
    def begin(self, run: Described) -> dict[str, str]:
        """Opens the destination for a run; returns what finds it again if the run is resumed."""

    @abstractmethod
    def note(self, epoch: int, figures: Mapping[str, float]) -> None:
        """Adds the figures of an epoch, counted from 1, under the names of `history.csv`."""

    @abstractmethod
    def end(self, files: Sequence[Path], outcome: Outcome) -> None:
        """Adds the run's files, if the destination stores files, and closes it."""

    @final
    def check(self) -> None:
        """Raises an `InputError` with the command that installs it, if its package is missing."""
        if importlib.util.find_spec(self.package) is None:
            raise InputError(
                f"tracker {self.package!r} must have its package, got none of that name; "
                f"run pip install 'fivestep[{self.package}]'."
            )
