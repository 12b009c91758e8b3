"""`fivestep predict RUN FILE`."""

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, TextIO

from cyclopts import Parameter
from torch import Tensor

from ..check import InputError, refuse
from ..machine.files import replacing
from ..prediction.answers import Answers
from ..prediction.rows import in_files, parts_of
from ..prediction.trained import Trained
from ..run import Run
from ..table.words import in_words


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

    loaded = Run.load(run, device)
    trained = Trained(loaded.engine, loaded.encoder, loaded.info)
    if trained.encoder is None and keep:
        raise refuse("--keep", keep, "used with a run that was trained on named columns", "leave it out")
    answers, files = Answers.of(trained), files_of(str(file))
    if out is not None:
        _check_out(out, files)
    parts = parts_of(trained, in_files(trained, files), keep)
    first = next(parts)  # errors in the file as a whole are raised before anything is written
    num_rows = 0
    with _opened(out) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*first.kept.columns, *_header(answers, loaded.spec.out_features or 0)])
        for logits, kept in chain([first], parts):
            predicted = _predictions(answers, logits)
            beside = kept.rows() if kept.width else [()] * len(predicted)
            writer.writerows([*own, *row] for own, row in zip(beside, predicted, strict=True))
            num_rows += len(predicted)
    _say_what(answers, num_rows, out, has_columns=trained.encoder is not None)


def _say_what(answers: Answers, num_rows: int, out: Path | None, *, has_columns: bool) -> None:
    """Prints what was predicted for how many rows, also if the predictions go to the screen."""
    of = f" of {in_words(answers.targets)}" if answers.targets else ""
    rows = "1 row" if num_rows == 1 else f"{num_rows:,} rows"
    if out is not None:
        sys.stderr.write(f"The predictions{of} for {rows} are in {out}\n")
    elif sys.stdout.isatty():
        beside = ", --keep COLUMN puts a column of the file beside them" if has_columns else ""
        sys.stderr.write(f"Predictions{of} for {rows}; --out FILE writes them{beside}.\n")


def _check_out(out: Path, files: Sequence[Path]) -> None:
    """Raises an `InputError` for a name with the suffix of another format, or the name of an input file."""
    from ..table.packed import OPENERS
    from ..table.read import FORMATS  # imported here because it needs polars

    if out.resolve() in [file.resolve() for file in files]:
        raise refuse("--out", str(out), "another file than the one to read", "choose another name")
    if out.suffix.lower() in {*OPENERS, *FORMATS} - {".csv", ".txt"}:
        raise refuse("--out", str(out), "a CSV file", f"write {out.name.partition('.')[0]}.csv")


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


def _header(answers: Answers, num_outputs: int) -> list[str]:
    if not answers.classes:
        return _names_of_numbers(answers, num_outputs)
    measure = "margin" if answers.criterion.inverse_link == "identity" else "probability"
    return [
        name
        for of, classes in _suffixes(answers.classes)
        for name in (f"prediction{of}", *(f"{measure}{of}_{known}" for known in classes))
    ]


def _suffixes(classes: Mapping[str, Sequence[str]]) -> list[tuple[str, Sequence[str]]]:
    """For each answer to a row, what its titles end in, and the names of its classes."""
    return [(f"_{name}" if name else "", known) for name, known in classes.items()]


def _names_of_numbers(answers: Answers, num_outputs: int) -> list[str]:
    """The titles of predicted numbers: "prediction", or the names or positions of several targets or outputs."""
    each = answers.criterion.output_names
    num_targets = num_outputs // max(1, len(each))
    targets = [""] if num_targets == 1 else [f"_{name}" for name in answers.targets or range(num_targets)]
    return [f"prediction{of}{output}" for of in targets for output in ([f"_{name}" for name in each] or [""])]


def _predictions(answers: Answers, logits: Tensor) -> list[list[Any]]:
    """One list per row, in the order of the header: numbers, or for each answer its class and the share of each."""
    if not answers.classes:
        numbers: list[list[Any]] = answers.numbers(logits).tolist()
        return numbers
    shares = answers.shares(logits)
    rows = zip(answers.names(shares).tolist(), shares.tolist(), strict=True)
    return [[cell for name, of in zip(*row, strict=True) for cell in (name, *of)] for row in rows]
