"""`fivestep diagnose RUN`."""

import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from ..diagnosis import Diagnosis, diagnosis_of
from ._options import NetworkOptions, PlanOptions
from ._source import subject
from ._values import json_text

WIDEST = 100
"""Characters of a line of text, at most."""


def diagnose(
    run: str,
    /,
    *,
    data_dir: Annotated[Path | None, Parameter(help="Folder with the files of the task, or of the run.")] = None,
    json: Annotated[bool, Parameter(help="Print one JSON object.", negative="")] = False,
) -> None:
    """Say why a network does not learn: what is wrong with rows, network or training, and what would have helped.

    Nothing is guessed. Losses are held against that of the best answer which never looks at the inputs; rows, units and
    gradients are looked at; and the training is begun once more, for up to 300 steps each time, with one thing changed:
    the rate, the scale of inputs or targets, the initialisation, the depth, the width, less regularisation. What gets
    far below the whole training is named. Nothing is written.

    Parameters
    ----------
    run
        Folder of the run, such as runs/moons-1, also of one that was stopped or diverged.
    """
    found = diagnosis_of(subject(run, NetworkOptions(), PlanOptions(), data_dir))
    if json:
        print(json_text(_as_plain(found)))  # noqa: T201
    else:
        _show(Console(highlight=False), found)


def _as_plain(found: Diagnosis) -> dict[str, Any]:
    lists = {
        "findings": [one._asdict() for one in found.findings],
        "trials": [one._asdict() for one in found.trials],
    }
    return asdict(found) | lists


def _show(console: Console, found: Diagnosis) -> None:
    """The text, wrapped, with what hangs together below each other."""
    for line in str(found).splitlines():
        hanging = "   " if line[:1].isdigit() or line.startswith("   ") else ""
        wrapped = textwrap.wrap(line, min(console.width, WIDEST), subsequent_indent=hanging) or [""]
        console.print("\n".join(wrapped), markup=False, soft_wrap=True)
