"""`fivestep diagnose RUN`, and `fivestep diagnose SCRIPT.py`."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter
from rich.console import Console
from rich.progress import track

from ..check import InputError, at_least, warn
from ..diagnosis import Diagnosis, diagnosis_of
from ..diagnosis._finding import wrapped
from ..doctor._script import watch_script
from ._options import NetworkOptions, PlanOptions
from ._source import subject
from ._values import json_text, whole

T = TypeVar("T")


def diagnose(  # noqa: D417 - the words after a script are in it as cyclopts names them
    source: str,
    /,
    *arguments: str,
    steps: Annotated[int | None, Parameter(help="Of a script: end it after so many updates.", converter=whole)] = None,
    module: Annotated[
        bool, Parameter(name="-m", help="SOURCE is a module, such as package.train.", negative="")
    ] = False,
    data_dir: Annotated[Path | None, Parameter(help="Folder with the files of the task, or of the run.")] = None,
    json: Annotated[bool, Parameter(help="Print one JSON object.", negative="")] = False,
) -> int:
    """Say why a network does not learn: what is wrong with rows, network or training, and what would have helped.

    Nothing is guessed. Losses are held against that of the best answer which never looks at the inputs; rows, units and
    gradients are looked at; and the training is begun once more, for up to 300 steps each time, with one thing changed:
    the rate, the scale of inputs or targets, the initialization, the depth, the width, less regularization. What gets
    far below the whole training is named. Nothing is written.

    A script of your own, with a PyTorch loop in it, is run as it is, and its loop is watched. Options stand before the
    script; what follows it is the script's own. What it prints goes to standard error, its exit code is kept. One that
    is part of a package is run as python -m does: fivestep diagnose -m package.train.

    Parameters
    ----------
    source
        Folder of a run, such as runs/moons-1, also of one that was stopped or diverged; or a script, such as train.py.

    Arguments:
        The script's own.
    """
    if module or source.endswith(".py"):
        if data_dir is not None:
            warn(f"--data-dir is ignored, as a script finds its own files, got {str(data_dir)!r}; leave it out.")
        return _of_script(source, arguments, steps, is_module=module, as_json=json)
    if arguments or steps is not None:
        given = [*arguments, *([] if steps is None else [f"--steps {steps}"])]
        raise InputError(
            f"further words and --steps must belong to a script, got {' '.join(given)!r} for the run {source!r}; "
            "leave them out, or give a file such as train.py."
        )
    found = diagnosis_of(subject(source, NetworkOptions(), PlanOptions(), data_dir), _tracked)
    _show(_as_plain(found), str(found), as_json=json)
    return 0


def _tracked(work: Iterator[T]) -> Iterable[T]:
    """The trainings with one thing changed, with a bar in a terminal; their number is not known before."""
    shown = Console(stderr=True)
    words = "training again, one thing changed"
    return track(work, words, console=shown, transient=True, disable=not shown.is_terminal)


def _of_script(script: str, arguments: Sequence[str], steps: int | None, *, is_module: bool, as_json: bool) -> int:
    """Runs the script and shows the findings; returns its exit code."""
    if steps is not None:
        at_least("--steps", steps, 1)
    seen, code = watch_script(script, arguments, steps, is_module=is_module)
    if os.environ.get("RANK", "0") == "0":  # all ranks run the script, and the first one reports
        _show(seen.as_plain(), str(seen), as_json=as_json)
    return code


def _show(plain: dict[str, Any], text: str, *, as_json: bool) -> None:
    """Prints the text, if any: there is none if an error ended the script before its loop."""
    console = Console(highlight=False)
    if as_json:
        print(json_text(plain))  # noqa: T201
    elif text:
        console.print(wrapped(text, console.width), markup=False, soft_wrap=True)


def _as_plain(found: Diagnosis) -> dict[str, Any]:
    lists = {
        "findings": [one._asdict() for one in found.findings],
        "trials": [one._asdict() for one in found.trials],
    }
    return asdict(found) | lists
