"""The contestants of the benchmarks of training: one file for each family, and the folder is the list."""

import importlib
import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path

from ._base import Job, Rival

__all__ = ["Job", "Rival", "rivals"]


def families() -> list[str]:
    """The names of the files, ours first."""
    names = [path.stem for path in Path(__file__).parent.glob("[a-z]*.py")]
    return sorted(names, key=lambda name: ("fivestep" not in name, name))


def of_family(name: str) -> list[type[Rival]]:
    """The classes of a file, in its order. Raises an `ImportError` where its library is missing."""
    module = importlib.import_module(f"{__name__}.{name}")
    classes = [value for name, value in vars(module).items() if inspect.isclass(value) and name[0] != "_"]
    return [cls for cls in classes if issubclass(cls, Rival) and cls.__module__ == module.__name__]


def rivals(job: Job, only: Sequence[str] | None = None) -> Iterator[type[Rival]]:
    """All that can train the job, or those among `only` (titles); says who is left out, and why."""
    for name in families():
        try:
            classes = of_family(name)
        except ImportError as error:
            print(f"left out: {name}, {error}; pip install '.[bench]'")
            continue
        for cls in classes:
            if only is not None and cls.title not in only:
                continue
            refusal = cls.refusal(job)
            if refusal is None:
                yield cls
            else:
                print(f"left out: {cls.title}, {refusal}")
