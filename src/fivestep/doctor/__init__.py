"""The doctor for any PyTorch loop: watches its five steps and reports what is wrong with them.

    with fs.watch() as seen:
        ...  # a loop of your own: no model and no optimizer is passed
    print(seen)

What is seen becomes a record of plain numbers in the order of the loop. Each file in `checks/` asks one question of it.
The loop computes the same numbers as without the doctor, to the bit (except attention in evaluation: docs/doctor.md),
and continues whatever happens here.
"""

import argparse
import shutil
import traceback
from types import TracebackType
from typing import Any, Self, final

from ..diagnosis._finding import Finding, wrapped
from ._findings import findings_of, plain_of, title_of
from ._record import Record
from ._report import report
from ._split import records_of
from ._watcher import Watcher

__all__ = ["Watch", "watch"]


@final
class Watch:
    """What a loop did in the `with` block; `str` gives it as text.

    `findings` are what is wrong, in the order of the five steps. They are available at any time, also within the block,
    for what was seen so far.
    """

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def __enter__(self) -> Self:
        self._watcher.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._watcher.close()
        if isinstance(error, SystemExit):
            self.record.is_refused = bool(error.code) or _is_of_parser(error)
        self.record.is_complete = kind is None or (isinstance(error, SystemExit) and not self.record.is_refused)
        if isinstance(error, Exception):
            self._watcher.saw_error(error)

    @property
    def record(self) -> Record:
        """What was seen, as plain numbers."""
        return self._watcher.record

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, in the order of the five steps; empty if nothing was found."""
        return findings_of(records_of(self.record))

    @property
    def title(self) -> str:
        """The models and optimizers that were seen, and the number of updates."""
        return title_of(self.record)

    def as_plain(self) -> dict[str, Any]:
        """The result as plain values, for programs."""
        record = self.record
        return {
            "title": self.title,
            "num_updates": record.num_updates,
            "num_backwards": record.num_backwards,
            "losses": record.losses,
            "findings": plain_of(records_of(record)),
            "unseen": dict(record.unseen),
        }

    def __str__(self) -> str:
        return report(self.record)

    def __repr__(self) -> str:
        """The text as the command prints it, for a notebook cell."""
        return wrapped(str(self), shutil.get_terminal_size().columns)


def _is_of_parser(error: BaseException) -> bool:
    """Whether argparse ended the script, as for --help."""
    frames = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and frames[-1] == argparse.__file__


def watch() -> Watch:
    """Watches any PyTorch loop inside a `with` block; nothing is passed to it, and nothing is changed."""
    return Watch(Watcher())
