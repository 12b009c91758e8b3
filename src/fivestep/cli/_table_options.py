"""The options of `fivestep train FILE`: the roles of its columns, and which rows are held out."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, final

from cyclopts import Group, Parameter

from ..check import InputError, at_least, nearest, refuse
from ..find import shown_names
from ._values import whole

if TYPE_CHECKING:
    from ..datasets._table import TableSource


def _columns(help_text: str) -> Parameter:
    return Parameter(help=help_text, consume_multiple=True, negative="")


@final
@Parameter(name="*", group=Group("File", sort_key=0))
@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """For a file in place of a task: the columns to predict, and what to know about the others."""

    target: Annotated[
        tuple[str, ...],
        Parameter(
            help="Column to predict; several, which are all numbers or all yes or no: `--target price --target area`.",
            negative="",
        ),
    ] = ()
    task: Annotated[
        Literal["classification", "regression"] | None,
        Parameter(name="--task", help="What the target asks for, where it is not as found."),
    ] = None
    categorical: Annotated[tuple[str, ...], _columns("Columns to take for categories, whatever they look like.")] = ()
    ignore: Annotated[tuple[str, ...], _columns("Columns to leave out.")] = ()
    missing: Annotated[
        tuple[str, ...],
        _columns(
            "Texts or numbers that stand for a missing value, beside NA, null, ? and the like: `unknown`, `-999`."
        ),
    ] = ()
    decimal: Annotated[
        Literal[",", "."] | None,
        Parameter(help="What stands before decimals, where the values do not tell: is 1.234 a thousand?"),
    ] = None
    test: Annotated[float | Path | None, Parameter(help="Rows to test on: a share, a number, or another file.")] = None
    group: Annotated[str | None, Parameter(help="Column whose equal values stay in one part.")] = None
    time: Annotated[str | None, Parameter(help="Column to split by: test on the latest rows.")] = None
    weight: Annotated[str | None, Parameter(help="Column with the weight of each row.")] = None
    stream: Annotated[
        bool,
        Parameter(
            help="Read the rows window by window, for files larger than memory; `'data/*.parquet'` for several.",
            negative="",
        ),
    ] = False
    window: Annotated[
        int | None,
        Parameter(help="With --stream, rows that are shuffled together; two windows are in memory.", converter=whole),
    ] = None
    no_cache: Annotated[
        bool,
        Parameter(help="With --stream, decode the files in every epoch; write nothing to TMPDIR.", negative=""),
    ] = False

    @property
    def target_as_kept(self) -> str | tuple[str, ...]:
        """The column to predict, or the names of several, as a run stores it."""
        return self.target if len(self.target) > 1 else self.target[0]

    def check_unused(self, task: str) -> None:
        """Raises an `InputError` if an option for files was given with a named task, or if there is no such task."""
        options = [name.replace("_", "-") for name, value in asdict(self).items() if value]
        if options and Path(task).is_file():
            raise InputError(
                f"the name of a file must end in what it holds, got {task!r}; name it {task}.csv, if that is it."
            )
        if options and Path(task).is_dir():
            raise InputError(
                f"FILE must be a file or a pattern, got the folder {task!r}; write '{task}/*.parquet', for example."
            )
        tasks = shown_names("datasets")
        if task.replace("_", "-") not in tasks:
            raise _unknown(task, () if options else tasks)
        for name in options:
            raise InputError(f"--{name} must be used with a file, got the task {task!r}; leave it out.")

    def source(self, file: Path, valid: float | Path | None) -> "TableSource":
        """The file and all options about it, as plain values; raises an `InputError` if the target is missing."""
        from ..datasets._table import SHARE, TableSource  # imported here because it needs polars
        from ..table.read import is_pattern

        if not self.target:
            raise InputError(
                f"--target must name the column of {file} to predict, got none; write for example --target price."
            )
        if self.window is not None and not self.stream:
            raise InputError(f"--window must be used with --stream, got {self.window}; leave it out, or add --stream.")
        if self.no_cache and not self.stream:
            raise InputError("--no-cache must be used with --stream, got it alone; leave it out, or add --stream.")
        if self.window is not None:
            at_least("--window", self.window, 1, "a million is usual")
        if is_pattern(str(file)) and not file.exists() and not self.stream:
            raise InputError(f"FILE must be one file without --stream, got the pattern '{file}'; add --stream.")
        shares = {"valid": valid, "test": self.test}
        given = {name: _plain(value) for name, value in shares.items() if value is not None}
        for name, how in given.items():
            if isinstance(how, float) and not 0 < how < 1 and not (how >= 1 and how.is_integer()):
                raise refuse(f"--{name}", how, "a share in (0, 1), a number of rows, or a file", "0.2 is usual")
        return TableSource(
            str(file.resolve()),
            self.target_as_kept,
            self.task,
            self.categorical,
            self.ignore,
            self.group,
            self.time,
            self.weight,
            stream=self.stream,
            window=self.window,
            cache=not self.no_cache,
            missing=self.missing,
            decimal=self.decimal or "",
            valid=given.get("valid", SHARE),
            test=given.get("test", SHARE),
        )


def _plain(value: float | Path) -> float | str:
    return str(value.resolve()) if isinstance(value, Path) else float(value)


def _unknown(name: str, tasks: tuple[str, ...]) -> InputError:
    """The error for a name that is neither a task nor a file, with the nearest task or file in the working folder."""
    from ..table.read import FORMATS  # imported here because it needs polars

    files = sorted(path.name for path in Path().iterdir() if path.suffix.lower() in FORMATS and path.is_file())
    known = {Path(file).stem: file for file in files} | {task: task for task in tasks}
    guess = nearest(name, known)
    advice = (
        f"did you mean {known[guess]!r}?"
        if guess
        else f"fivestep tasks lists the tasks, and of a file, write the ending too, such as {name}.csv."
    )
    return InputError(f"TASK must be a task or a file that there is, got {name!r}; {advice}")
