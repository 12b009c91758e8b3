"""The history of a run as columns, as text, and back."""

import csv
import io
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from .check import InputError
from .train import Epoch

WHOLE = ("index", "step")
"""The columns of whole numbers; all others hold real ones."""

PLAIN = tuple(field.name for field in fields(Epoch) if not field.name.endswith("_metrics"))
"""The fields of `Epoch` that are a column each."""


def columns(history: Sequence[Epoch]) -> dict[str, list[Any]]:
    """One list per column: "epoch", the other fields of `Epoch`, and "train_f1", "valid_f1" for a metric "f1"."""
    table = {_title(name): [getattr(epoch, name) for epoch in history] for name in PLAIN}
    metrics = dict.fromkeys(name for epoch in history for name in epoch.figures() if name not in table)
    return table | {name: [epoch.figures().get(name) for epoch in history] for name in metrics}


def history_text(history: Sequence[Epoch]) -> str:
    """The history as CSV, a column that does not apply left empty; numbers in full, so that they read back the same."""
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
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [_epoch(row, metrics) for row in _rows(csv.DictReader(file, strict=True))]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, ValueError) as error:
        raise InputError(
            f"{path} must be the history of a run, got {type(error).__name__}: {error}; train again."
        ) from error


def _rows(reader: "csv.DictReader[str]") -> "csv.DictReader[str]":
    """The reader itself, if the file has a head: an empty one would pass for a run without an epoch."""
    if reader.fieldnames is None:
        raise ValueError("an empty file")
    return reader


def _epoch(row: dict[str, str], metrics: Sequence[str]) -> Epoch:
    texts = {name: row[_title(name)] for name in PLAIN}
    values: dict[str, Any] = {name: float(text) if text else None for name, text in texts.items()}
    train = {name: float(row[f"train_{name}"]) for name in metrics}
    valid = {name: float(row[f"valid_{name}"]) for name in metrics if texts["valid_loss"]}
    whole = {name: int(texts[name]) for name in WHOLE}
    return Epoch(**{**values, **whole, "train_metrics": train, "valid_metrics": valid})


def _title(field_name: str) -> str:
    return "epoch" if field_name == "index" else field_name
