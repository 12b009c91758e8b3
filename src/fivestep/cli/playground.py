"""`fivestep playground`."""

import os
import sys
import webbrowser
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal, final

from cyclopts import Group, Parameter
from rich.console import Console

from ..check import one_of
from ..find import Choice
from ..machine.files import unwritable, write_text
from ..playground import TASKS, offered, playground_html
from ._options import NetworkOptions, PlanOptions
from ._task import check_name, prepare
from ._values import whole

USUAL = Path("playground.html")
"""The default path of the page."""

OFFERED = {"activation": "activations", "init": "inits", "loss": "losses", "optimizer": "optim"}
"""Options that name an item, of which the page has only some, and the page's folders of them."""


@final
@Parameter(name="*", group=Group("The page", sort_key=0))
@dataclass(frozen=True, kw_only=True)
class PageOptions:
    """Where the page goes."""

    out: Annotated[Path | None, Parameter(name=("--out", "-o"), help=f"File to write, by default {USUAL}.")] = None
    open: Annotated[
        bool | None,
        Parameter(help="Open it in a browser, or not; by default where it has no name from you, on a desktop."),
    ] = None


@final
@Parameter(name="*", group=Group("What it begins with", sort_key=1))
@dataclass(frozen=True, kw_only=True)
class StartOptions:
    """The settings that the page begins with. Each left out is the task's own; all can be changed in the page."""

    model: Annotated[str | None, Parameter(help="mlp; without hidden layers linear, or of classes softmax.")] = None
    hidden: Annotated[
        tuple[int, ...] | None,
        Parameter(help="Widths of the hidden layers.", consume_multiple=True, negative="", converter=whole),
    ] = None
    activation: Annotated[str | None, Parameter(help=f"One of: {', '.join(offered('activations'))}.")] = None
    init: Annotated[
        str | None, Parameter(help=f"Initial weights, one of: {', '.join(offered('inits'))}; as in normal:std=0.5.")
    ] = None
    loss: Annotated[str | None, Parameter(help=f"One of: {', '.join(offered('losses'))}.")] = None
    optimizer: Annotated[str | None, Parameter(help=f"One of: {', '.join(offered('optim'))}.")] = None
    lr: Annotated[float | None, Parameter(help="Learning rate, per step.")] = None
    momentum: Annotated[float | None, Parameter(help="Momentum of sgd, in [0, 1).")] = None
    weight_decay: Annotated[float | None, Parameter(help="Weight decay, per step.")] = None
    batch_size: Annotated[int | Literal["full"] | None, Parameter(help="Rows per step, or full.", converter=whole)] = (
        None
    )
    seed: Annotated[int | None, Parameter(help="Of the weights, the batches and the rows.", converter=whole)] = None


def playground(
    task: str = TASKS[0],
    /,
    *,
    options: PageOptions = PageOptions(),
    start: StartOptions = StartOptions(),
) -> None:
    """Write a page on which the five steps can be watched, stopped and broken: one more engine, in a browser.

    The page is one file that needs no network: training in JavaScript, with gradients derived by hand, to the numbers
    of `fivestep train TASK --engine scratch --dtype float64`. It has all tasks that can be drawn, and begins with TASK.

    Parameters
    ----------
    task
        Name of a task with one or two inputs: moons, circles, xor, spirals, three-spirals, line or wave.
    """
    check_name("TASK", task)
    one_of("TASK", task, TASKS)
    if start.model is not None:
        one_of("model", start.model, ("linear", "softmax", "mlp"))
    given = asdict(start)
    for option, family in OFFERED.items():
        if given[option] is not None:
            one_of(option, Choice.parse(given[option]).name, offered(family))
    of_network = {key: given.pop(key) for key in ("model", "hidden", "init")}
    activation = given.pop("activation")
    network = NetworkOptions(**of_network, activation=None if activation is None else (activation,))
    prepared = prepare(task, network, PlanOptions(**given))
    path = options.out or USUAL
    _write(path, playground_html(task, prepared.spec, prepared.plan))
    address = path.resolve().as_uri()
    is_opened = _is_to_be_opened(options) and webbrowser.open(address)
    console = Console(highlight=False)
    console.print(f"The playground is in {path}", markup=False, soft_wrap=True)
    if not is_opened:
        console.print(f"A browser opens it as {address}", markup=False, soft_wrap=True)


def _write(path: Path, page: str) -> None:
    try:
        write_text(path, page)
    except OSError as error:
        raise unwritable("--out", path, error, "file") from error


def _is_to_be_opened(options: PageOptions) -> bool:
    """Whether to open a browser: as requested, else only on a desktop, and not for a named file.

    Over ssh the browser would be on the wrong machine, and without a desktop it would be a text browser in this
    terminal.
    """
    if options.open is not None:
        return options.open
    has_desktop = sys.platform in ("win32", "darwin") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    is_far = any(map(os.environ.get, ("SSH_CONNECTION", "SSH_TTY")))
    return options.out is None and sys.stdout.isatty() and has_desktop and not is_far
