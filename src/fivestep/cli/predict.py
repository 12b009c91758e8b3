"""`fivestep predict RUN FILE`."""

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TextIO

import torch
from cyclopts import Parameter
from torch import Tensor

from ..check import InputError
from ..files import replacing
from ..run import Run
from ._rows import read_rows

ROWS_AT_A_TIME = 8192


def predict(
    run: Path,
    file: Path,
    /,
    *,
    out: Annotated[Path | None, Parameter(name=("--out", "-o"), help="CSV file to write, or standard output.")] = None,
    device: Annotated[str, Parameter(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Apply a trained network to the rows of a file, and write its predictions as CSV.

    One line per row: the prediction, and for classes the probability of each, or its margin (hinge).

    Parameters
    ----------
    run
        Folder of the run, such as runs/moons-1.
    file
        Rows to predict: a .npy array (N, inputs), or a .csv of numbers, one column per input.
    """
    trained = Run.load(run, device)
    rows = read_rows(file, trained)
    with _opened(out) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_header(trained))
        for start in range(0, len(rows), ROWS_AT_A_TIME):
            part = rows[start : start + ROWS_AT_A_TIME].to(trained.engine.device)
            writer.writerows(_predictions(trained, trained.engine.predict(part)))


@contextmanager
def _opened(out: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file that appears whole at the end."""
    if out is None:
        yield sys.stdout
        return
    try:
        with replacing(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
            yield stream
    except OSError as error:
        raise InputError(f"--out must be a file that can be written, got {str(out)!r} ({error.strerror}).") from error


def _header(run: Run) -> list[str]:
    if run.engine.criterion.target == "numbers":
        return (
            ["prediction"]
            if run.spec.out_features == 1
            else [f"prediction_{k}" for k in range(run.spec.out_features or 0)]
        )
    measure = "margin" if run.engine.criterion.inverse_link == "identity" else "probability"
    return ["prediction", *(f"{measure}_{name}" for name in _class_names(run))]


def _predictions(run: Run, logits: Tensor) -> list[list[Any]]:
    """One list per row, in the order of the header."""
    p = run.engine.criterion.predicted(logits)
    if run.engine.criterion.target == "numbers":
        numbers: list[list[Any]] = p.tolist()
        return numbers
    if p.shape[1] == 1:  # yes or no: of the two probabilities, or of the two margins, the network gives the second
        p = torch.cat([-p if run.engine.criterion.inverse_link == "identity" else 1 - p, p], dim=1)  # (N, C)
    names = _class_names(run)
    return [[names[max(range(len(row)), key=row.__getitem__)], *row] for row in p.tolist()]


def _class_names(run: Run) -> list[str]:
    num_classes = max(run.spec.out_features or 0, 2)
    return run.info.get("class_names") or [str(k) for k in range(num_classes)]
