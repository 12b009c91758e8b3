"""`fivestep plot RUN KIND`."""

import json as json_text
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, final

from cyclopts import Group, Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..check import InputError, refuse
from ..datasets._progress import waiting
from ..find import Choice, build
from ..pictures._base import Numbers, Picture, Subject, kinds, suited_kinds
from ..pictures._plot import draw_and_tell, known_kind, subject_of
from ..report import write_report
from ..run import Run
from ..table.words import in_line
from ._options import NetworkOptions, PlanOptions
from ._screen import number, print_whole
from ._source import subject as subject_at


@final
@Parameter(name="*", group=Group("Picture", sort_key=0))
@dataclass(frozen=True, kw_only=True)
class PictureOptions:
    """How it looks and where it goes."""

    out: Annotated[
        Path | None,
        Parameter(
            name=("--out", "-o"),
            help="File to write: .png, .svg, .pdf; .gif of a boundary in motion; .html of a report.",
        ),
    ] = None
    dark: Annotated[bool, Parameter(help="Draw on a dark ground.", negative="")] = False
    title: Annotated[str, Parameter(help="Words above it, instead of the data and the model.")] = ""
    data_dir: Annotated[Path | None, Parameter(help="Folder with the files of the task, or of the run.")] = None
    json: Annotated[bool, Parameter(help="Print one JSON object.", negative="")] = False


def plot(
    source: str | None = None,
    /,
    *more: str,
    options: PictureOptions = PictureOptions(),
    network: NetworkOptions = NetworkOptions(),  # noqa: B008
    plan: PlanOptions = PlanOptions(),  # noqa: B008
) -> None:
    """Draw a picture of a run, or of a task where no training is needed; without KIND, list the kinds there are.

    `fivestep plot runs/moons-1 boundary`, `fivestep plot moons points`, `fivestep plot runs/a runs/b side-by-side`. A
    kind takes options, as in `boundary:features=(0,2),row=5`. For a task, network and training are chosen as in
    `train`. Pictures over time repeat the training, which a run does not store. `fivestep plot RUN report` writes
    report.html: the run on one page, with the five steps of its last update.

    Parameters
    ----------
    source
        Folder of a run, such as runs/moons-1, or the name of a task.
    more
        KIND of picture; before it, for side-by-side, the folders of other runs.
    """
    if source is None:
        raise _nothing_to_draw()
    *others, kind = more or ("",)
    if not kind:
        _list_kinds(subject_at(source, network, plan, options.data_dir), options.json)
        return
    if kind == "report":
        if others or options.title or options.dark or network != NetworkOptions() or plan != PlanOptions():
            raise InputError(
                f"a report must be of one run as it is, got {source!r} with more runs or options; write fivestep plot "
                f"{source} report, with --out, --data-dir and --json at most."
            )
        _report(source, options)
        return
    if Path(kind, "config.toml").is_file():
        raise refuse("the last word", kind, "the KIND of picture", "write for example side-by-side after the runs")
    choice = known_kind(kind)
    subjects = [subject_at(one, network, plan, options.data_dir) for one in (source, *others)]
    name = choice.name.replace("_", "-")
    path = options.out or (Path(source, f"{name}.png") if subjects[0].is_trained else Path(f"{source}-{name}.png"))
    with waiting(f"Drawing {name} ..."):  # what shows the training over time repeats it, and may take a minute
        _, numbers = draw_and_tell(subjects, choice, title=options.title, dark=options.dark, out=path)
    if options.json:
        told = {"numbers": numbers} if numbers else {}
        print(json_text.dumps({"source": source, "kind": name, "picture": str(path), **told}))  # noqa: T201
    else:
        _show(path, choice, numbers)


def _report(source: str, options: PictureOptions) -> None:
    """A run on one page, and where that is."""
    run, folder = Run.load(source, "cpu"), options.data_dir
    data = None if folder is None else subject_of(run, data_dir=folder).data
    path = write_report(run, data, out=options.out)
    print(json_text.dumps({"source": source, "report": str(path)}) if options.json else f"The page is {path}")  # noqa: T201


def _show(path: Path, choice: Choice, numbers: Numbers) -> None:
    """Prints the path of the picture, below its numbers."""
    console = Console(highlight=False)
    if numbers:
        console.print(f"{_description(choice.name)}:\n", markup=False, soft_wrap=True)
        print_whole(console, _table(numbers))
        console.print()
    console.print(f"The picture is in {path}", markup=False, soft_wrap=True)


def _table(numbers: Numbers) -> Table:
    """The numbers of a picture, a line for each name."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for column in next(iter(numbers.values())):
        table.add_column(column, justify="right")
    for name, figures in numbers.items():
        table.add_row(Text(in_line(name)), *map(number, figures.values()))
    return table


def _nothing_to_draw() -> InputError:
    """The advice if there is nothing to draw, with the latest run if there is one."""
    runs = sorted(Path("runs").glob("*/config.toml"), key=lambda file: file.stat().st_mtime)
    last = str(runs[-1].parent) if runs else "runs/moons-1"
    return InputError(
        f"RUN or TASK must name what to draw, got nothing; write for example fivestep plot {last} for the pictures of "
        f"it, fivestep plot {last} curves for one, or fivestep plot moons points."
    )


def _list_kinds(subject: Subject, json: bool) -> None:
    """Prints every kind with its description, beginning with those that apply to this subject."""
    suited = suited_kinds(subject)
    if json:
        described = {name: {"description": _description(name), "suited": name in suited} for name in kinds()}
        print(json_text.dumps(described))  # noqa: T201
        return
    console = Console(highlight=False)
    for title, names in (
        (f"can be drawn of {subject.name}", suited),
        ("needs a run, other data, or options", [name for name in kinds() if name not in suited]),
    ):
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("kind", no_wrap=True, min_width=22)
        table.add_column(title)
        for name in names:
            table.add_row(name, _description(name))
        console.print(table)
        console.print()


def _description(name: str) -> str:
    picture: Picture = build("pictures", name)
    return picture.description
