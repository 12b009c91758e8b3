"""A file to train on, and the user's options for it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self, final

from ...check import InputError, one_of, refuse
from ...table.kinds import ColumnKind
from ...table.packed import stem_of
from ...table.words import listed
from .._base import Dataset

if TYPE_CHECKING:
    import numpy as np

SHARE = 0.2
"""The default share of the rows to test on, and of the rest to validate on."""

FEWEST = 5
"""The least rows of a table, so that each part has one."""


@final
@dataclass(frozen=True)
class TableSource:
    """A file to train on, and the user's options for it; plain values, so that a run can store it.

    `target` is the column to predict, or the names of several. `valid` and `test` are a share or a number of the rows,
    or another file. `group` keeps rows of the same value in one part, `time` tests on the latest rows and validates on
    those before them, `weight` weighs the rows. With `stream`, `window` rows are shuffled together, and encoded rows
    are kept on disk for later epochs where there is a `cache`. Values written as one of `missing` count as missing,
    beside the usual ones; `decimal` is the decimal mark of numbers in texts, where the values leave it open.
    """

    file: str
    target: str | tuple[str, ...]
    task: str | None = None
    categorical: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    weight: str | None = None
    valid: float | str = SHARE
    test: float | str = SHARE
    stream: bool = False
    window: int | None = None
    cache: bool = True
    missing: tuple[str, ...] = ()
    decimal: str = ""

    @property
    def name(self) -> str:
        """The name of the data set: that of the file, or of the folder of several."""
        path = Path(self.file)
        is_several = any(mark in path.name for mark in "*?[")
        return path.parent.name or "files" if is_several else stem_of(path)

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns to predict."""
        return (self.target,) if isinstance(self.target, str) else self.target

    @property
    def about_rows(self) -> dict[str, str]:
        """The columns about rows, such as their group or weight, which the network does not get."""
        others = {"group": self.group, "time": self.time, "weight": self.weight}
        return dict.fromkeys(self.targets, "target") | {name: role for role, name in others.items() if name}

    def in_folder(self, folder: Path) -> Self:
        """The same files in another folder."""

        def there(file: str) -> str:
            return str(folder / Path(file).name)

        files = [how for how in (self.file, self.valid, self.test) if isinstance(how, str)]
        if len(set(map(there, files))) < len(set(files)):
            raise refuse(
                "--data-dir", str(folder), f"left out for files of the same name, {listed(files)}", "put them back"
            )
        valid, test = (there(how) if isinstance(how, str) else how for how in (self.valid, self.test))
        return replace(self, file=there(self.file), valid=valid, test=test)

    def to_dict(self) -> dict[str, Any]:
        """The source as plain values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The source that `to_dict` wrote."""
        for name, value in values.items():
            one_of("a setting of [run.table]", name, [field.name for field in fields(cls)])
            kind, expected = _KINDS.get(name, (str, "a text"))
            if value is not None and not isinstance(value, kind):
                raise refuse(f"{name} in [run.table]", value, expected, "put it back as it was")
        lists = {name: tuple(values.get(name, ())) for name in ("categorical", "ignore", "missing")}
        target = values["target"] if isinstance(values["target"], str) else tuple(values["target"])
        return cls(**{**values, **lists, "target": target})


_KINDS: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(("categorical", "ignore"), (list | tuple, "a list of columns")),
    "missing": (list | tuple, "a list of texts"),
    "target": (str | list | tuple, "a column, or a list of columns"),
    **dict.fromkeys(("valid", "test"), (int | float | str, "a number or a file")),
    **dict.fromkeys(("stream", "cache"), (bool, "true or false")),
    "window": (int, "a whole number"),
}
"""The types of the settings that are not texts."""


class LoadedTable(NamedTuple):
    """The data set, the kind of each column, and notes for the user, a sentence each."""

    data: Dataset
    kinds: list[ColumnKind]
    notes: list[str]
    groups: "np.ndarray | None" = None
    """The number of the group of each row to train and then to validate on, where all are in one file in memory."""

    times: "np.ndarray | None" = None
    """The same for their times."""


def as_text(source: TableSource) -> tuple[str, ...]:
    """The columns to be read as text: targets that are known to be classes."""
    return source.targets if source.task == "classification" else ()


def check_names(source: TableSource, columns: Sequence[str]) -> None:
    """Raises an `InputError` for a column that is named and not there, or for two things that exclude each other."""
    for name in source.targets:
        refuse_joined("the target column", name, columns, " ".join(f"--target {part}" for part in name.split(",")))
    for name, role in source.about_rows.items():
        one_of(f"the {role} column", name, columns)
    about = [*source.targets, *(name for name in (source.group, source.time, source.weight) if name)]
    for name in source.about_rows:
        if about.count(name) > 1:
            raise InputError(
                f"the columns of target, group, time and weight must be different ones, got {name!r} twice; "
                f"name another."
            )
    for name in (*source.categorical, *source.ignore):
        refuse_joined("a column in --categorical or --ignore", name, columns, name.replace(",", " "))
        one_of("a column in --categorical or --ignore", name, columns)
    for name in set(source.categorical) & set(source.ignore):
        raise refuse("a column", name, "in one of --categorical and --ignore, not in both", "leave it out in one")
    if source.group and source.time:
        raise InputError(
            f"--group and --time must not be used together, got {source.group!r} and {source.time!r}; leave out one of "
            f"them."
        )
    for name in (*source.categorical, *source.ignore):
        if name in source.about_rows:
            advice = "it is no input anyway: leave it out there"
            raise refuse(f"the {source.about_rows[name]} column", name, "none of --categorical and --ignore", advice)


def refuse_joined(what: str, name: str, columns: Sequence[str], apart: str) -> None:
    """Raises an `InputError` for the names of several columns with commas between them."""
    if name not in columns and set(name.split(",")) <= set(columns):
        raise refuse(what, name, "one column", f"write them apart: {apart}")
