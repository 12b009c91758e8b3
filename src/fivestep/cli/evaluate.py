"""`fivestep evaluate RUN [FILE]`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from ..check import InputError
from ..datasets._base import Part
from ..ensemble import num_members
from ..run import Run
from ..scores import measured
from ._screen import known_losses, temperature_set, weights_put_back
from ._table_screen import show_scores
from ._values import json_text


def evaluate(
    run: Path,
    file: Path | None = None,
    /,
    *,
    device: Annotated[str, Parameter(help="auto, cpu, cuda or mps.")] = "auto",
    metrics: Annotated[
        tuple[str, ...] | None,
        Parameter(name="--metric", help="Metrics, by default those of the run.", consume_multiple=True, negative=""),
    ] = None,
    data_dir: Annotated[Path | None, Parameter(help="Folder with the files of the task, or of the run.")] = None,
    json: Annotated[bool, Parameter(help="Print one JSON object.", negative="")] = False,
) -> None:
    """Measure a trained network on each part of its task, or on a file: loss, accuracy and metrics in evaluation mode.

    Parameters
    ----------
    run
        Folder of the run, such as runs/moons-1.
    file
        Other rows with the same columns and the target; without it, the rows of the run's own task or file. For a run
        that was trained with --stream also a pattern such as `'later/*.parquet'`, of files of any size.
    """
    trained = Run.load(run, device)
    if file is not None:
        parts: dict[str, Part] = {"file": _rows_of(trained, file)}
        known = {}
    else:
        data = trained.load_data(data_dir)
        parts = data.whole()
        known = dict(known_losses(trained.engine, data))
    scores = {part: (len(rows), measured(trained, rows, metrics)) for part, rows in parts.items()}
    if json:
        flat = {
            f"{part}_{name}": value for part, (_, score) in scores.items() for name, value in score.figures().items()
        }
        print(json_text({"run": str(run), "task": trained.info["task"], **flat}))  # noqa: T201
    else:
        console = Console(highlight=False)
        show_scores(console, scores, known)
        if num_members(trained.spec) == 1 and (word := weights_put_back(trained.history, trained.plan)) is not None:
            console.print(word, markup=False, soft_wrap=True)
        if (word := temperature_set(trained.info, trained.plan)) is not None:
            console.print(word, markup=False, soft_wrap=True)


def _rows_of(run: Run, file: Path) -> Part:
    """The rows of a file, encoded like the run's own; for a run from a stream, in blocks, from one or more files."""
    from ..datasets._table import TableSource, labeled_rows
    from ..datasets._table.streamed import labeled_blocks  # imported here because it needs polars
    from ..table.block_files import is_streamable

    if run.encoder is None or not run.encoder.targets.columns:
        raise InputError(
            f"FILE must be left out for a run that was not trained on named columns, got {str(file)!r}; leave it out."
        )
    source = TableSource.from_dict(run.info["table"]) if "table" in run.info else None
    if source is not None and source.stream and is_streamable(file):
        return labeled_blocks(run.encoder, file, source)
    return labeled_rows(run.encoder, file, source)
