"""Rows of numbers from a file, as a network takes them."""

from pathlib import Path

import numpy as np
import polars as pl
import torch
from torch import Tensor

from ..check import InputError
from ..run import Run


def read_rows(path: Path, run: Run) -> Tensor:
    """The rows of a `.npy` or `.csv` file as (N, I), in the dtype and on the scale of the network's training."""
    readers = {".npy": _read_npy, ".csv": _read_csv}
    if path.suffix.lower() not in readers:
        raise InputError(f"FILE must end in .npy or .csv, got {str(path)!r}; convert it to one of them.")
    if not path.is_file():
        raise InputError(f"FILE must be a file that exists, got {str(path)!r}; check the path.")
    array = readers[path.suffix.lower()](path)
    if array.ndim and len(array) == 0:
        raise InputError(f"{path} must hold at least one row, got none; add rows.")
    width = run.spec.in_features
    if array.ndim < 2 or width not in (array.shape[-1], int(np.prod(array.shape[1:]))):
        raise InputError(
            f"{path} must have {width} numbers in each row, got the shape {array.shape}; see the run's task."
        )
    x = torch.from_numpy(array.reshape(len(array), -1))
    scale = run.info.get("input_scale")
    if x.dtype == torch.uint8 and scale is None:
        raise InputError(
            f"{path} must hold numbers on the scale of the training rows, got bytes; convert them to floats."
        )
    x = x.to(run.engine.dtype) * (scale if x.dtype == torch.uint8 and scale else 1)
    if not x.isfinite().all():
        row, column = (~x.isfinite()).nonzero()[0].tolist()
        raise InputError(
            f"{path} must hold finite numbers, got {x[row, column].item()} in row {row}, column {column}; fill it."
        )
    return x


def _read_npy(path: Path) -> np.ndarray:
    try:
        array: np.ndarray = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path} must be a NumPy array of numbers, got an error: {error}; write it anew.") from error
    if array.dtype.kind not in "fiub":
        raise InputError(f"{path} must hold numbers, got the type {array.dtype}; convert them.")
    return array.astype(array.dtype.newbyteorder("="))


def _read_csv(path: Path) -> np.ndarray:
    try:
        texts = pl.read_csv(path, has_header=_has_header(path), infer_schema=False)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} must be a CSV file of numbers, got an error: {str(error).splitlines()[0]}; fix it."
        ) from error
    numbers = texts.select(pl.all().str.strip_chars().cast(pl.Float64, strict=False))
    for name in texts.columns:
        wrong = (texts[name].is_not_null() & numbers[name].is_null()).arg_true()
        if len(wrong):
            raise InputError(
                f"{path} must hold a number in every field, got {texts[name][wrong[0]]!r} in row {wrong[0]}, "
                f"column {name!r}; fix it, or drop the column."
            )
    return np.array(numbers)


def _has_header(path: Path) -> bool:
    """Whether the first line has anything that is not a number."""
    with path.open(encoding="utf-8", errors="replace") as file:
        fields = file.readline().split(",")
    try:
        [float(field) for field in fields]
    except ValueError:
        return True
    return False
