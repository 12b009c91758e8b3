"""Problems of the parts: a column that reveals the target, rows in two parts, a class without training rows."""

import shlex
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl
from torch import Tensor

from ...table.columns import FittedColumn
from ...table.encoder import Encoder
from ...table.target import ClassTarget, Target
from ...table.words import in_line, listed
from .split import Taken

MOST_ROWS = 20_000
"""The most rows that are searched for a column that reveals the target."""

FEWEST_ROWS = 20
"""The least rows to look for such a column: with ten rows in two classes, one column in 126 separates them by chance;
with twenty, one in 92,000, and one in 7,800 if a class has five."""

FEWEST_OF_A_CLASS = 5
"""The least rows of a class to judge it by."""

SLICE = 100_000
"""Rows that are hashed at a time."""

TELLS_ALL = 0.99
"""The share of the target that one column must explain to be suspected."""


def leaks(encoder: Encoder, frame: pl.DataFrame) -> list[str]:
    """A sentence that names the columns of some training rows each of which alone predicts the target; or none."""
    numbers = _numbers(encoder, frame)
    return [note for target in encoder.targets.columns for note in _leaks_of(target, frame[target.name], numbers)]


def _numbers(encoder: Encoder, frame: pl.DataFrame) -> "dict[str, np.ndarray]":
    """Each column as numbers to sort rows by."""
    found = {}
    for column in encoder.columns:
        numbers = column.raw(frame[column.name], 1)[0] if column.num_codes or column.features else np.zeros(len(frame))
        if column.num_codes == 0 and column.kind == "category":
            numbers = column.codes(frame[column.name])  # type: ignore[attr-defined]  # of a category
        found[column.name] = numbers
    return found


def _leaks_of(target: Target, values: pl.Series, numbers: "Mapping[str, np.ndarray]") -> list[str]:
    """The sentence about one target, or none."""
    y, is_class = target.encode(values), isinstance(target, ClassTarget)
    shares = {name: told_by(of, y, is_class=is_class) for name, of in numbers.items()}
    found = {name: share for name, share in shares.items() if share > TELLS_ALL}
    return [_suspicion(found, target)] if found else []


def _suspicion(found: Mapping[str, float], target: Target) -> str:
    what = "of each class found" if isinstance(target, ClassTarget) else "of its variance explained"
    names, least = list(found), min(found.values())
    who, it_is, it = (
        ("alone predicts", "it is", "it") if len(names) == 1 else ("each alone predict", "they are", "them")
    )
    share = f"{least:.1%}" if len(names) == 1 else f"at least {least:.1%}"
    return (
        f"{listed(names)} {who} {target.name!r} ({share} {what}): if {it_is} not known before the target is, "
        f"leave {it} out with --ignore {shlex.join(names)}."
    )


def told_by(x: "np.ndarray", y: Tensor, *, is_class: bool) -> float:
    """How well the order of x predicts y: rows are sorted by x, and each is predicted from the one before it.

    For classes the mean share of each class that is guessed right, but for the first row of each; for numbers the share
    of the variance that the two neighbors' mean explains, or a straight line. 1 where y is a function of x and there
    are rows enough; by chance, the shares of the classes, or 0 and below.
    """
    order = np.lexsort((np.random.default_rng(0).random(len(x)), np.nan_to_num(x, nan=-np.inf)))
    sorted_y = y.numpy()[order]
    if len(sorted_y) < FEWEST_ROWS:
        return 0.0
    if is_class:
        right = np.append(False, sorted_y[1:] == sorted_y[:-1])
        classes = [right[sorted_y == c] for c in np.unique(sorted_y)]
        return float(
            np.mean([min(1.0, (of.sum() + 1) / len(of)) for of in classes if len(of) >= FEWEST_OF_A_CLASS] or [0])
        )
    middle, guess = sorted_y[1:-1], (sorted_y[:-2] + sorted_y[2:]) / 2
    variance = float(((middle - middle.mean()) ** 2).mean())
    by_neighbors = 1 - float(((middle - guess) ** 2).mean()) / variance if variance else 0.0
    return max(by_neighbors, _squared_correlation(x, y.numpy()))


def _squared_correlation(x: "np.ndarray", y: "np.ndarray") -> float:
    """The share of the variance of y that a straight line in x explains, where both are known."""
    known = np.isfinite(x)
    x, y = x[known], y[known]
    if len(x) < 2 or len(x) < len(known) / 2:
        return 0.0
    with np.errstate(all="ignore"):
        dx, dy = x - x.mean(), y - y.mean()
        return float(np.nan_to_num((dx @ dy) ** 2 / ((dx @ dx) * (dy @ dy)), posinf=0.0))


def repeated(encoder: Encoder, train: Taken, valid: Taken, test: Taken) -> list[str]:
    """A sentence for each part that repeats rows of the training part, including their targets.

    If a part is another file with other types, canonical values are compared: 1, 1.0 and "1" are the same.
    """
    frames = {id(part.frame): part.frame for part in (train, valid, test)}
    numbers = dict(zip(frames, _numbered(encoder, list(frames.values())), strict=True))
    seen = numbers[id(train.frame)].gather(train.places).implode()
    notes = []
    for name, part in (("validation", valid), ("test", test)):
        num_repeated = int(numbers[id(part.frame)].gather(part.places).is_in(seen).sum())
        if num_repeated:
            rows = "rows is" if num_repeated == 1 else "rows are"
            notes.append(
                f"{num_repeated:,} of {len(part.places):,} {name} {rows} equal to a training row, target included: the "
                f"result may be better than on new rows."
            )
    return notes


def _numbered(encoder: Encoder, frames: Sequence[pl.DataFrame]) -> list[pl.Series]:
    """A number for each row of each frame, the same for rows that are equal in what the encoder reads."""
    columns: list[FittedColumn | Target] = [*encoder.columns, *encoder.targets.columns]
    names = [column.name for column in columns]
    schemas = [frame.select(names).schema for frame in frames]
    if all(schema == schemas[0] for schema in schemas):
        return [_hashes(frame.select(names)) for frame in frames]
    singles = {name for schema in schemas for name in names if schema[name] == pl.Float32}

    def understood(part: pl.DataFrame) -> pl.DataFrame:
        found = [column.understood(part[column.name]) for column in columns]
        return pl.DataFrame([v.cast(pl.Float32) if v.name in singles and v.dtype == pl.Float64 else v for v in found])

    return [_hashes(frame.select(names), understood) for frame in frames]


def _hashes(frame: pl.DataFrame, understood: Callable[[pl.DataFrame], pl.DataFrame] = lambda part: part) -> pl.Series:
    """A number for each row, the same for equal rows; a part at a time, because polars copies what it hashes."""
    return pl.concat([understood(part).hash_rows(seed=0) for part in frame.iter_slices(SLICE)])


def never_seen(target: Target, train: pl.Series) -> list[str]:
    """A sentence about classes without training rows, if there are any."""
    if not isinstance(target, ClassTarget):
        return []
    lost = sorted(set(target.classes) - set(target.understood(train)))
    if not lost:
        return []
    if len(lost) == 1:
        return [f"No training row has the class {in_line(lost[0])!r}, which the network cannot learn; add rows of it."]
    shown = ", ".join(repr(in_line(name)) for name in lost[:3])
    more = f" and {len(lost) - 3:,} more" if len(lost) > 3 else ""
    return [f"No training row has these classes, which the network cannot learn; add rows of them: {shown}{more}."]
