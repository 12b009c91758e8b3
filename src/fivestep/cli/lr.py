"""`fivestep lr TASK`, and `fivestep lr FILE --target COLUMN`."""

import json as json_text
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Annotated, final

from cyclopts import Group, Parameter
from rich.console import Console
from rich.table import Table

from ..check import warn
from ..engines._make import check_engine, make_engine
from ..find import Choice, find
from ..machine.files import check_writable, replacing, unwritable
from ..range_test import SAFETY, RangeTest, lr_range_test
from ._options import NetworkOptions, PlanOptions, RunOptions, option, written
from ._table_options import TableOptions
from ._task import Prepared, is_file, prepare, prepare_table, warn_of_folder
from ._values import whole

WITHOUT_MEANING = ("lr", "schedule", "epochs", "patience", "restore_best", "temperature_scaling", "metrics", "monitor")
"""Options of a plan that the test replaces or does not use."""

ONLY_HERE = ("lr", "low", "high", "num_steps", "out", "json")
"""Options of the test that do not apply to the training."""

SHOWN_ROWS = 13


@final
@Parameter(name="*", group=Group("Range test", sort_key=0))
@dataclass(frozen=True, kw_only=True)
class RangeOptions:
    """Which rates are tried, where, and what is left behind."""

    low: Annotated[float, Parameter(help="The smallest rate.")] = 1e-6
    high: Annotated[float, Parameter(help="The largest rate.")] = 1.0
    num_steps: Annotated[int, Parameter(help="Steps from the smallest to the largest.", converter=whole)] = 100
    engine: Annotated[str, Parameter(help="As in train.")] = RunOptions.engine
    device: Annotated[str, Parameter(help="auto, cpu, cuda or mps.")] = RunOptions.device
    dtype: Annotated[str, Parameter(help="float32 or float64.")] = "float32"
    recipe: Annotated[str | None, Parameter(help="As in train.")] = None
    data_dir: Annotated[Path | None, Parameter(help="Folder with the task's files.")] = None
    out: Annotated[Path | None, Parameter(help="Picture to write; by default lr-range-NAME.png.")] = None
    json: Annotated[bool, Parameter(help="Print one JSON object.", negative="")] = False


def lr(
    task: str,
    /,
    *,
    options: RangeOptions = RangeOptions(),
    network: NetworkOptions = NetworkOptions(),  # noqa: B008
    plan: PlanOptions = PlanOptions(),  # noqa: B008
    table: TableOptions = TableOptions(),  # noqa: B008
) -> None:
    """Find a learning rate: train a few steps at growing rates, and see where the loss falls and where it bursts.

    Network and training are chosen as in `train`, by the same options. Prints the losses, suggests a tenth of the rate
    at which the smoothed loss was smallest, and draws a picture.

    Parameters
    ----------
    task
        Name of the task (`fivestep tasks` lists them), or a file, with --target, as in `fivestep train`.
    """
    for name in WITHOUT_MEANING:
        if getattr(plan, name) is not None:
            warn(f"{option(name)} has no meaning for fivestep lr, which sets the rate itself.")
    choice = Choice("auto", alone=True) if options.engine == "auto" else options.engine
    check_engine(choice, options.dtype, options.device)
    prepared = _prepare(task, options, network, plan, table)
    num_rows = prepared.data.num_rows
    epochs = max(1, -(-options.num_steps // prepared.plan.steps_per_epoch(num_rows)))
    short = replace(prepared.plan, epochs=epochs)  # so few steps need no compiled code
    engine = make_engine(choice, prepared.spec, short, dtype=options.dtype, device=options.device, num_rows=num_rows)
    picture = options.out or Path(f"lr-range-{prepared.data.name}.png")
    check_writable("--out", picture)
    found = lr_range_test(engine, prepared.data, short, options.low, options.high, options.num_steps)
    title = f"{prepared.data.name}: {prepared.spec.title} {prepared.spec.sizes_text()}, {prepared.plan.optimizer}"
    _draw(found, picture, title)
    if options.json:
        about = {"task": task, "model": prepared.model, "engine": str(engine.choice), "picture": str(picture)}
        print(json_text.dumps({**about, **asdict(found)}))  # noqa: T201
        return
    console = Console(highlight=False)
    console.print(_table(found))
    advice = _advice(found, quote(task), written(table, network, plan, options, without=ONLY_HERE))
    console.print(f"\n{advice}\nThe picture is in {picture}", markup=False, soft_wrap=True)


def _prepare(
    task: str, options: RangeOptions, network: NetworkOptions, plan: PlanOptions, table: TableOptions
) -> Prepared:
    """The task or the file, with the network and the plan that the options ask for."""
    if not is_file(task):
        table.check_unused(task)
        return prepare(task, network, plan, options.recipe or "plain", options.data_dir)
    warn_of_folder(options.data_dir)
    return prepare_table(table.source(Path(task), valid=None), network, plan, options.recipe or "tabular")


def _draw(found: RangeTest, picture: Path, title: str) -> None:
    figure = find("plots", "lr_range")(**asdict(found), title=title)
    try:
        with replacing(picture) as temporary:
            figure.savefig(temporary, format="png", dpi=150)
    except OSError as error:
        raise unwritable("--out", picture, error, "file") from error


def _table(found: RangeTest) -> Table:
    """Prints a dozen of the steps, including the last one."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("rate", "loss", "smoothed"):
        table.add_column(title, justify="right")
    last = len(found.rates) - 1
    for k in sorted({round(place * last / (SHOWN_ROWS - 1)) for place in range(SHOWN_ROWS)} if last >= 0 else ()):
        table.add_row(f"{found.rates[k]:.1e}", f"{found.losses[k]:.4f}", f"{found.smoothed[k]:.4f}")
    return table


def _advice(found: RangeTest, task: str, options: str) -> str:
    """The suggestion and its reason, in a sentence or two."""
    if found.suggestion is None:
        return "The loss never fell: lower --low if it rose at once, raise --high if it stayed where it was."
    best = found.suggestion * SAFETY
    text = (
        f"Suggested: {found.suggestion:.2g}, a tenth of {best:.2g}, where the smoothed loss was smallest. Try it with "
        f"fivestep train {task} --lr {found.suggestion:.2g}{options}"
    )
    if min(found.smoothed) == found.smoothed[-1]:
        text += "\nThe loss was still falling at the largest rate: a larger --high may find more."
    return text
