"""`fivestep evaluate RUN`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from ..run import Run
from ..train import evaluate as measure
from ._screen import known_losses, summary
from ._values import json_text


def evaluate(
    run: Path,
    /,
    *,
    device: Annotated[str, Parameter(help="auto, cpu, cuda or mps.")] = "auto",
    metrics: Annotated[
        tuple[str, ...] | None,
        Parameter(name="--metric", help="Metrics, by default those of the run.", consume_multiple=True, negative=""),
    ] = None,
    data_dir: Annotated[Path | None, Parameter(help="Folder with the task's files.")] = None,
    json: Annotated[bool, Parameter(help="Print one JSON object.", negative="")] = False,
) -> None:
    """Measure a trained network on each part of its task: loss, accuracy and metrics in evaluation mode.

    Parameters
    ----------
    run
        Folder of the run, such as runs/moons-1.
    """
    trained = Run.load(run, device)
    data = trained.load_data(data_dir)
    parts = {"train": data.train, "valid": data.valid, "test": data.test}
    scores = {
        part: (len(rows), measure(trained.engine, rows, metrics)) for part, rows in parts.items() if rows is not None
    }
    if json:
        flat = {
            f"{part}_{name}": value for part, (_, score) in scores.items() for name, value in score.figures().items()
        }
        print(json_text({"run": str(run), "task": trained.info["task"], **flat}))  # noqa: T201
    else:
        Console(highlight=False).print(summary(scores, known_losses(trained.engine, data)))
