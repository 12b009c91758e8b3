"""What shows that a file is no longer the one that it was."""

from pathlib import Path
from typing import final

from ..check import InputError


@final
class Unchanged:
    """A file that must stay as it is while its rows are read; its size and its time of change are compared."""

    def __init__(self, path: Path) -> None:
        self._path, self._state = path, _state(path)

    def check(self) -> None:
        """Raises an `InputError` if the file is gone or has changed: what is known about it would be wrong."""
        try:
            state = _state(self._path)
        except OSError as error:
            raise InputError(
                f"{self._path} must stay where it is while its rows are read, got {error.strerror}; put it back, or "
                f"begin anew."
            ) from error
        if state != self._state:
            raise InputError(
                f"{self._path} must stay as it is while its rows are read, got another size or time of change; "
                f"begin anew."
            )


def _state(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_size, state.st_mtime_ns
