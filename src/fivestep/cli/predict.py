"""`fivestep predict RUN FILE`."""

import csv
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TextIO

import torch
from cyclopts import Parameter
from torch import Tensor

from ..check import InputError, refuse
from ..machine.files import replacing
from ..run import Run
from ..table.words import in_words
from ._rows import rows_of_numbers
from ._table_rows import rows_to_predict

ROWS_AT_A_TIME = 8192


def predict(
    run: Path,
    file: Path,
    /,
    *,
    out: Annotated[Path | None, Parameter(name=("--out", "-o"), help="CSV file to write, or standard output.")] = None,
    keep: Annotated[
        tuple[str, ...],
        Parameter(
            help="Columns of the file to write beside the predictions, by default its identifiers.",
            consume_multiple=True,
            negative="",
        ),
    ] = (),
    device: Annotated[str, Parameter(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Apply a trained network to the rows of a file, and write its predictions as CSV.

    One line per row: what is kept of it, the prediction, and for classes the probability of each, or its margin
    (hinge). Files of any size will do: only a few thousand rows are in memory at a time.

    Parameters
    ----------
    run
        Folder of the run, such as runs/moons-1.
    file
        Rows to predict, with the columns that the network was trained on: CSV, TSV, Parquet, Arrow, JSON Lines, NumPy;
        or a pattern such as `'later/*.parquet'`, of files that are taken in the order of their names.
    """
    from ..table.blocks import files_of  # imported here because it needs polars

    trained = Run.load(run, device)
    if trained.encoder is None and keep:
        raise refuse("--keep", keep, "used with a run that was trained on named columns", "leave it out")
    files = files_of(str(file))
    if out is not None:
        _check_out(out, files)
    parts = _parts(trained, files, keep)
    first = next(parts)  # errors in the file as a whole are raised before anything is written
    num_rows = 0
    with _opened(out) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*first[1], *_header(trained)])
        for x, kept in _and_the_rest(first, parts):
            predicted = _predictions(trained, trained.engine.predict(x.to(trained.engine.device)))
            columns = list(kept.values())
            beside = zip(*columns, strict=True) if columns else [()] * len(predicted)
            writer.writerows([*own, *row] for own, row in zip(beside, predicted, strict=True))
            num_rows += len(predicted)
    _say_what(trained, num_rows, out)


def _say_what(run: Run, num_rows: int, out: Path | None) -> None:
    """Prints what was predicted for how many rows, also if the predictions go to the screen."""
    of = f" of {in_words(_targets(run))}" if _targets(run) else ""
    rows = "1 row" if num_rows == 1 else f"{num_rows:,} rows"
    if out is not None:
        sys.stderr.write(f"The predictions{of} for {rows} are in {out}\n")
    elif sys.stdout.isatty():
        beside = "" if run.encoder is None else ", --keep COLUMN puts a column of the file beside them"
        sys.stderr.write(f"Predictions{of} for {rows}; --out FILE writes them{beside}.\n")


def _check_out(out: Path, files: Sequence[Path]) -> None:
    """Raises an `InputError` for a name with the suffix of another format, or the name of an input file."""
    from ..table.packed import OPENERS
    from ..table.read import FORMATS  # imported here because it needs polars

    if out.resolve() in [file.resolve() for file in files]:
        raise refuse("--out", str(out), "another file than the one to read", "choose another name")
    if out.suffix.lower() in {*OPENERS, *FORMATS} - {".csv", ".txt"}:
        raise refuse("--out", str(out), "a CSV file", f"write {out.name.partition('.')[0]}.csv")


Part = tuple[Tensor, dict[str, list[Any]]]
"""The inputs of some rows, and the columns to write beside the predictions, by name."""


def _parts(run: Run, files: Sequence[Path], keep: tuple[str, ...]) -> Iterator[Part]:
    if run.encoder is not None:
        for rows in rows_to_predict(run, files, keep, ROWS_AT_A_TIME):
            if len(rows.x):
                yield rows.x, rows.kept.to_dict(as_series=False)
        return
    for file in files:
        for x in rows_of_numbers(run, file, ROWS_AT_A_TIME):
            yield x, {}


def _and_the_rest(first: Part, rest: Iterator[Part]) -> Iterator[Part]:
    yield first
    yield from rest


@contextmanager
def _opened(out: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file that is written atomically."""
    if out is None:
        yield sys.stdout
        return
    try:
        with replacing(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
            yield stream
    except OSError as error:
        raise InputError(
            f"--out must be a file that can be written, got {str(out)!r} ({error.strerror}); choose another name."
        ) from error


def _header(run: Run) -> list[str]:
    if run.engine.criterion.target == "numbers":
        return _names_of_numbers(run)
    measure = "margin" if run.engine.criterion.inverse_link == "identity" else "probability"
    return [
        name
        for of, classes in _answers(run)
        for name in (f"prediction{of}", *(f"{measure}{of}_{known}" for known in classes))
    ]


def _names_of_numbers(run: Run) -> list[str]:
    """The titles of predicted numbers: "prediction", or the names or positions of several targets or outputs."""
    each = run.engine.criterion.output_names
    num_targets = (run.spec.out_features or 0) // max(1, len(each))
    targets = [""] if num_targets == 1 else [f"_{name}" for name in _targets(run) or range(num_targets)]
    return [f"prediction{of}{output}" for of in targets for output in ([f"_{name}" for name in each] or [""])]


def _answers(run: Run) -> list[tuple[str, Sequence[str]]]:
    """For each answer to a row, the suffix of its columns' titles, and the names of its classes."""
    if run.encoder is not None and run.encoder.targets.are_several:
        return [(f"_{name}", classes) for name, classes in run.encoder.targets.classes.items()]
    num_questions = run.spec.out_features or 0
    if run.engine.criterion.target == "classes" or num_questions == 1:
        return [("", run.info.get("class_names") or [str(k) for k in range(max(num_questions, 2))])]
    return [(f"_{k}", ("0", "1")) for k in range(num_questions)]


def _predictions(run: Run, logits: Tensor) -> list[list[Any]]:
    """One list per row, in the order of the header; numbers are in the units of the target."""
    p = run.engine.criterion.predicted(logits)
    if run.engine.criterion.target == "numbers":
        numbers: list[list[Any]] = _in_units(run, p).tolist()
        return numbers
    answers = _answers(run)
    if run.engine.criterion.target == "yes_no":  # the network outputs the second of the two probabilities or margins
        p = torch.stack([-p if run.engine.criterion.inverse_link == "identity" else 1 - p, p], dim=2)  # (N, T, C)
    rows = p.reshape(len(p), len(answers), -1).tolist()
    return [[cell for of, (_, names) in zip(row, answers, strict=True) for cell in _answer(of, names)] for row in rows]


def _answer(shares: list[float], names: Sequence[str]) -> list[Any]:
    """The likeliest class, and the share of each."""
    return [names[max(range(len(shares)), key=shares.__getitem__)], *shares]


def _in_units(run: Run, predicted: Tensor) -> Tensor:
    """Standardized predictions in the units of the targets."""
    moments = None if run.encoder is None else run.encoder.targets.moments
    if moments is None:
        return predicted
    factor, shift = run.engine.criterion.to_units(*moments)
    return predicted.cpu().double() * factor + shift


def _targets(run: Run) -> tuple[str, ...]:
    """The names of the predicted columns, if known."""
    return () if run.encoder is None else run.encoder.targets.names
