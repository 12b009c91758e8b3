"""A data set by name."""

from pathlib import Path

from ..check import instances, warn
from ..find import find
from ..machine.default_device import check_default_device
from ._base import Dataset, Task


def load_dataset(name: str, *, seed: int = 0, data_dir: str | Path | None = None) -> Dataset:
    """The data of the task of that name: `.train.x`, `.train.y`, and `.valid` and `.test` where there are such parts.

    `seed` draws what the task draws at random (some have fixed rows); `data_dir` is the folder with the task's files,
    for a task that has files; for one that has none it is ignored, with a warning. Raises an `InputError` for an
    unknown name, or where files cannot be found or downloaded.
    """
    instances(name=(name, str))
    check_default_device()
    task: Task = find("datasets", name)()
    if data_dir is not None and not task.has_files:
        warn(f"data_dir must be left out for task {name!r}, which has no files, got {str(data_dir)!r}; it is ignored.")
    return task.load(seed=seed, data_dir=None if data_dir is None else Path(data_dir))
