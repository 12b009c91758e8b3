"""A table from a file, whole or in parts: CSV, TSV, Parquet, Arrow, JSON Lines, NumPy."""

import json
import os
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl

from ..check import InputError
from .frame import from_array
from .kinds import shortened
from .packed import DAMAGES, OPENERS, ending_of, unpacked
from .separated import read_separated, separated_batches
from .unchanged import Unchanged

SEPARATED = (".csv", ".tsv", ".tab", ".txt")
FORMATS = (*SEPARATED, ".parquet", ".pq", ".arrow", ".feather", ".ipc", ".jsonl", ".ndjson", ".npy", ".npz")
"""The suffixes of files that can be read."""

_AS_CSV = "save the sheet that you mean as CSV"
_BY_SQL = "write a table of it as CSV: sqlite3 -header -csv FILE 'select * from TABLE' > TABLE.csv"
OTHERS = {
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"), ("the spreadsheet", _AS_CSV)),
    **dict.fromkeys((".sqlite", ".sqlite3", ".db"), ("the database", _BY_SQL)),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".7z", ".rar"), ("the archive", "unpack it")),
    ".json": ("one JSON text", "write an object in each line of another file: jq -c '.[]' FILE > FILE.jsonl"),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), ("the pickle", "load it in Python, and save it as Parquet or CSV")),
}
"""Suffixes of files that are not tables, what they are, and what to do."""


def read_table(path: Path, *, as_text: Collection[str] = (), decimal: str = "") -> pl.DataFrame:
    """The rows of a file as a frame, in the types that the file has or, for text, numbers where that is sure.

    Columns in `as_text` of a text file stay as they are written, so that 007 is not 7, and all of them where `decimal`,
    what stands before decimals, is a comma. Raises an `InputError`, one sentence, for whatever cannot be read as a
    table of one row or more.
    """
    with one_sentence(path):
        suffix = _checked(path)
    with one_sentence(path), unpacked(path) as file:
        frame = read_separated(file, as_text, decimal) if suffix in SEPARATED else _READERS[suffix](file)
    if frame.height == 0 or frame.width == 0:
        raise nothing_in(path)
    return frame


def table_batches(path: Path, num_rows: int, *, by_name: bool = True) -> Iterator[pl.DataFrame]:
    """The same in parts of about `num_rows` rows, of which only one or two are in memory; text files as text.

    Without a header, a text file causes a warning where its columns are used `by_name`.
    """
    with one_sentence(path):
        suffix, unchanged, total = _checked(path), Unchanged(path), 0
    with one_sentence(path), unpacked(path) as file:
        is_text = suffix in SEPARATED
        parts = separated_batches(file, num_rows, by_name=by_name) if is_text else _batches(file, suffix, num_rows)
        for frame in parts:
            unchanged.check()
            total += frame.height
            yield frame
        unchanged.check()
    if not total:
        raise nothing_in(path)


def nothing_in(path: Path) -> InputError:
    """The error about a file without a value in it."""
    got = "only a header" if ending_of(path) in SEPARATED else "none"
    return InputError(f"{path} must hold rows of values, got {got}; check the file.")


def is_pattern(name: str) -> bool:
    """Whether it is a pattern for several files."""
    return any(letter in name for letter in "*?[")


def _checked(path: Path) -> str:
    """The suffix of a file that exists and can be read."""
    suffix = ending_of(path)
    if path.is_dir():
        raise InputError(f"FILE must be a file, got the folder {str(path)!r}; name a file in it.")
    if not path.exists() and is_pattern(str(path)):
        raise InputError(f"FILE must be one file, got the pattern {str(path)!r}; take them one by one.")
    if not path.exists():
        raise InputError(f"FILE must be a file that exists, got {str(path)!r}; check the path.")
    check_is_table(path)
    if suffix not in FORMATS:
        packed = f"{', '.join(FORMATS)}, which may be packed as {', '.join(OPENERS)}"
        raise InputError(f"FILE must end in one of {packed}, got {str(path)!r}; convert it to one of them.")
    return suffix


def check_is_table(path: Path) -> None:
    """Raises an `InputError` for a pipe, what by its ending is no table, and a name that polars would read otherwise.

    It takes names for UTF-8, whatever Python does.
    """
    if os.fsencode(path) != str(path).encode("utf-8", "backslashreplace"):
        raise InputError(
            f"FILE must have a name that is read as UTF-8, got {str(path)!r}, by Python as "
            f"{sys.getfilesystemencoding()}; set PYTHONUTF8=1, or rename the file."
        )
    if not path.is_file():
        raise InputError(
            f"FILE must be a file on a disk, for it is read more than once, got {str(path)!r}, a pipe or a device; "
            f"write what comes out of it to a file."
        )
    if path.suffix.lower() in OTHERS:
        what, advice = OTHERS[path.suffix.lower()]
        advice = advice.replace("FILE", path.name, 1).replace("FILE", path.stem)
        raise InputError(f"FILE must be a table as text or numbers, got {what} {str(path)!r}; {advice}.")


@contextmanager
def one_sentence(path: Path) -> Iterator[None]:
    """A reader's error about a broken file, as one sentence that names the file."""
    try:
        yield
    except InputError:
        raise
    except PermissionError as error:
        raise InputError(
            f"{path} must be a file that you may read, got {error.strerror}; ask its owner, or chmod u+r."
        ) from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, *DAMAGES) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0].split(". ")[0].rstrip(".")
        if "pickle" in said or "Python objects" in said:  # NumPy's own advice is to allow it
            raise InputError(
                f"{path} must hold arrays of numbers or texts, got Python objects or something else, which is not "
                f"read, for it may run code; save it anew as an array."
            ) from error
        kind = {".npy": "a NumPy array", ".npz": "NumPy arrays"}.get(path.suffix.lower(), f"a {path.suffix} file")
        raise InputError(f"{path} must be {kind} that can be read, got an error: {said}; write it anew.") from error


def _batches(path: Path, suffix: str, num_rows: int) -> Iterator[pl.DataFrame]:
    from .array_blocks import ArrayBlocks  # imported here: both import this module
    from .block_files import ScannedBlocks

    if suffix == ".npy":
        yield from ArrayBlocks.open(path).batches(num_rows)
    elif suffix == ".npz":
        yield from _read_npz(path).iter_slices(num_rows)
    elif suffix in _JSON:
        yield from _scan_lines_of_json(path).collect_batches(chunk_size=num_rows)
    else:  # in parts of its own choice, polars would read ahead as far as it can
        yield from ScannedBlocks.by_rows(path, _SCANNERS[suffix](path)).batches(num_rows)


def _read_npy(path: Path) -> pl.DataFrame:
    return _from_array(np.load(path, allow_pickle=False), str(path))


def _from_array(array: "np.ndarray", where: str) -> pl.DataFrame:
    """The frame of an array, or an `InputError` that says where it is."""
    try:
        return from_array(array)
    except InputError as error:
        raise InputError(f"in {where}, {error}") from error


def _read_npz(path: Path) -> pl.DataFrame:
    """Each array of one axis is a column, each of two axes several, called by the array's name and their place."""
    with np.load(path, allow_pickle=False) as arrays:
        frames = [_named(_from_array(arrays[name], f"{path}, array {name!r}"), name) for name in arrays.files]
    if not frames:
        raise nothing_in(path)
    if len({frame.height for frame in frames}) > 1:
        heights = ", ".join(f"{name} {frame.height}" for name, frame in zip(arrays.files, frames, strict=True))
        raise InputError(f"the arrays of {path} must have as many rows each, got {heights}; leave some out.")
    return pl.concat(frames, how="horizontal")


def _named(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    if frame.width == 1:
        return frame.rename({frame.columns[0]: name})
    return frame.rename({old: f"{name}_{place + 1}" for place, old in enumerate(frame.columns)})


def _read_lines_of_json(path: Path) -> pl.DataFrame:
    _check_lines_of_json(path)
    return pl.read_ndjson(path, infer_schema_length=None)


def _scan_lines_of_json(path: Path) -> pl.LazyFrame:
    _check_lines_of_json(path)
    return pl.scan_ndjson(path, infer_schema_length=None)


def _check_lines_of_json(path: Path) -> None:
    """Raises an `InputError` for the first line that is no object, and where all are empty."""
    is_empty = True
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            is_empty = is_empty and not line.strip()
            if line.strip() and not _is_object(line):
                raise InputError(
                    f'every line of {path} must be a JSON object such as {{"a": 1}}, got {shortened(line.strip())} in '
                    f"line {number}; fix that line."
                )
    if is_empty:
        raise nothing_in(path)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def is_arrow_stream(path: Path) -> bool:
    """Whether Arrow's record batches follow one another, without the footer of a file that says where they are."""
    with path.open("rb") as file:
        return file.read(4) == b"\xff" * 4


def scan_arrow(path: Path) -> pl.LazyFrame:
    """An Arrow file, by its address: of what has a path polars maps a part (Parquet) or all (Arrow), and reads this.

    A process whose file is cut short under it dies of what is mapped, and sees an error of what is read.
    """
    return pl.read_ipc_stream(path).lazy() if is_arrow_stream(path) else pl.scan_ipc(path.resolve().as_uri())


def _scan_parquet(path: Path) -> pl.LazyFrame:
    return pl.scan_parquet(path.resolve().as_uri())


_PARQUET, _ARROW, _JSON = (".parquet", ".pq"), (".arrow", ".feather", ".ipc"), (".jsonl", ".ndjson")
_READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    **dict.fromkeys(_PARQUET, lambda path: _scan_parquet(path).collect()),
    **dict.fromkeys(_ARROW, lambda path: scan_arrow(path).collect()),
    **dict.fromkeys(_JSON, _read_lines_of_json),
    ".npy": _read_npy,
    ".npz": _read_npz,
}
_SCANNERS: dict[str, Callable[[Path], pl.LazyFrame]] = {
    **dict.fromkeys(_PARQUET, _scan_parquet),
    **dict.fromkeys(_ARROW, scan_arrow),
}
