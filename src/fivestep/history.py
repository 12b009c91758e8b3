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


def columns(history: Sequence[Epoch]) -> dict[str, list[Any]]:
    """One list per column, "epoch" first, then the names of `Epoch`'s fields."""
    return {_title(field.name): [getattr(epoch, field.name) for epoch in history] for field in fields(Epoch)}


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


def read_history(path: Path) -> list[Epoch]:
    """The history that `history_text` wrote, or an `InputError` that names the file."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [_epoch(row) for row in csv.DictReader(file, strict=True)]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, ValueError) as error:
        raise InputError(
            f"{path} must be the history of a run, got {type(error).__name__}: {error}; train again."
        ) from error


def _epoch(row: dict[str, str]) -> Epoch:
    texts = {field.name: row[_title(field.name)] for field in fields(Epoch)}
    values: dict[str, Any] = {name: float(text) if text else None for name, text in texts.items()}
    return Epoch(**{**values, **{name: int(texts[name]) for name in WHOLE}})


def _title(field_name: str) -> str:
    return "epoch" if field_name == "index" else field_name
