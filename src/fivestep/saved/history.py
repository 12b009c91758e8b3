"""The history of a run as columns, as text and as tensors, and back."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..check import InputError
from ..epoch import Epoch
from ..machine.files import read_text
from ..typing import Tensors

LARGEST = 2**28
"""The most bytes that are read of a history: a million epochs take half as many."""

WHOLE = ("index", "step")
"""The columns of integers; all others hold real numbers."""

PLAIN = tuple(field.name for field in fields(Epoch) if not field.name.endswith("_metrics"))
"""The fields of `Epoch` that become a column each."""

OPTIONAL = ("train_accuracy", "valid_loss", "valid_accuracy")
"""The figures that do not apply to every run."""


def columns(history: Sequence[Epoch]) -> dict[str, list[Any]]:
    """One list per column: "epoch", the other fields of `Epoch`, and "train_f1", "valid_f1" for a metric "f1"."""
    table = {_title(name): [getattr(epoch, name) for epoch in history] for name in PLAIN}
    metrics = dict.fromkeys(name for epoch in history for name in epoch.figures() if name not in table)
    return table | {name: [epoch.figures().get(name) for epoch in history] for name in metrics}


def history_text(history: Sequence[Epoch]) -> str:
    """The history as CSV; columns that do not apply are empty, and numbers are written with all digits."""
    table = columns(history)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(
        ["" if value is None else repr(value) for value in row] for row in zip(*table.values(), strict=True)
    )
    return text.getvalue()


def read_history(path: Path, metrics: Sequence[str] = ()) -> list[Epoch]:
    """The history that `history_text` wrote, with the metrics named, or an `InputError` that names the file."""
    text = read_text(path, LARGEST)
    try:
        rows = _rows(csv.DictReader(io.StringIO(text, newline=""), strict=True))
        return [_epoch({name: float(value) for name, value in row.items() if value}, metrics) for row in rows]
    except (csv.Error, KeyError, ValueError, TypeError, OverflowError) as error:
        raise InputError(
            f"{path} must be the history of a run, got {type(error).__name__}: {error}; train again."
        ) from error


def history_tensors(history: Sequence[Epoch]) -> dict[str, Tensor]:
    """A float64 vector for each column; columns that do not apply are left out.

    A figure applies to all epochs of a run or to none.
    """
    table = {name: values for name, values in columns(history).items() if None not in values}
    return {name: torch.tensor(values, dtype=torch.float64) for name, values in table.items()}


def history_from(tensors: Tensors, metrics: Sequence[str] = ()) -> list[Epoch]:
    """The history that `history_tensors` wrote; raises a `KeyError` or a `ValueError` if they hold something else."""
    table = {name: column.tolist() for name, column in tensors.items()}
    rows = zip(*table.values(), strict=True)
    return [_epoch(dict(zip(table, row, strict=True)), metrics) for row in rows]


def _rows(reader: "csv.DictReader[str]") -> "csv.DictReader[str]":
    """The reader, if the file has a header: an empty file would pass for a run without an epoch."""
    if reader.fieldnames is None:
        raise ValueError("an empty file")
    return reader


def _epoch(row: Mapping[str, float], metrics: Sequence[str]) -> Epoch:
    """The epoch of a row, which lacks the figures that do not apply."""
    values: dict[str, Any] = {name: row.get(_title(name)) for name in OPTIONAL}
    values |= {name: row[_title(name)] for name in PLAIN if name not in OPTIONAL}
    train = {name: row[f"train_{name}"] for name in metrics}
    valid = {name: row[f"valid_{name}"] for name in metrics if values["valid_loss"] is not None}
    whole = {name: _whole(values[name]) for name in WHOLE}
    return Epoch(**{**values, **whole, "train_metrics": train, "valid_metrics": valid})


def _whole(value: float) -> int:
    if not value.is_integer():
        raise ValueError(f"{value} is no whole number")
    return int(value)


def _title(field_name: str) -> str:
    return "epoch" if field_name == "index" else field_name
