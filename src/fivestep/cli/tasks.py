"""`fivestep tasks`."""

import json as json_text
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from ..datasets._base import Task
from ..find import find, shown_names

WIDE = 60
"""Characters in a line from which a task's models stand side by side."""


def tasks(*, json: Annotated[bool, Parameter(help="Print one JSON object.", negative="")] = False) -> None:
    """List what can be trained by name, with the models of each task, its default first."""
    known: dict[str, Task] = {name: find("datasets", name)() for name in shown_names("datasets")}
    if json:
        described = {
            name: {"description": task.description, "models": list(task.known_models)} for name, task in known.items()
        }
        print(json_text.dumps(described))  # noqa: T201
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    console = Console(highlight=False)
    between = ", " if console.width >= WIDE else ",\n"
    for title in ("task", "models", "what it is"):  # a truncated name could not be typed
        table.add_column(title, no_wrap=title == "task" or (title == "models" and console.width < WIDE))
    for name, task in known.items():
        table.add_row(name, between.join(task.known_models), task.description)
    console.print(table)
    console.print("\nfivestep items TASK says where the rows come from and what the models reach.", soft_wrap=True)
