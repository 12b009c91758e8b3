"""`fivestep explain TASK` and `fivestep explain RUN`."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, final

from cyclopts import Group, Parameter
from rich.console import Console

from ..batches import Batch
from ..check import at_least, one_of
from ..explain import Entry, Section, first_rows, train_to
from ..explain import explain as explain_step
from ..explain._html import NAMES, sections_html
from ..explain._tensors import FEW, extremes
from ..find import names
from ..machine.files import unwritable, write_text
from ..markup import element, page
from ..pictures._base import Subject
from ._options import NetworkOptions, PlanOptions
from ._page import Page
from ._source import subject as subject_at

FEW_ROWS, SAMPLE_ROWS = 10, 4
"""Batches of up to so many rows are shown as a whole; of larger ones, so many rows."""

LONG = 2.0
"""Seconds of repeated training from which a message says so."""


@final
@Parameter(name="*", group=Group("What is shown", sort_key=0))
@dataclass(frozen=True, kw_only=True)
class ShownOptions:
    """Which step, on which rows, in what form."""

    step: Annotated[
        int | None, Parameter(help="The step to explain; those before it are done first. Of a run, the last one.")
    ] = None
    rows: Annotated[
        int | Literal["all"] | None, Parameter(help="Rows of its batch to take; by default 4 of a large one.")
    ] = None
    layer: Annotated[int | None, Parameter(help="Show this layer only, counted from 0.")] = None
    engine: Annotated[
        tuple[str, ...],
        Parameter(help="Show the code of these engines too, beside each step.", consume_multiple=True, negative=""),
    ] = ()
    html: Annotated[Path | None, Parameter(help="Write a page, with all the code side by side.")] = None
    dtype: Annotated[str | None, Parameter(help="float32 or float64.")] = None
    data_dir: Annotated[Path | None, Parameter(help="Folder with the files of the task, or of the run.")] = None
    json: Annotated[bool, Parameter(help="Print one JSON object.", negative="")] = False


def explain(
    source: str,
    /,
    *,
    shown: ShownOptions = ShownOptions(),
    network: NetworkOptions = NetworkOptions(),  # noqa: B008
    plan: PlanOptions = PlanOptions(),  # noqa: B008
) -> None:
    """Show one step of the loop, number by number: its five parts, each tensor with shape, formula and values.

    Every number can be worked out by hand from those above it; `fivestep explain moons` is the place to begin. Network
    and training are chosen as in `train`, by the same options. Of a run, its own training is done again up to the step.
    Nothing is written but the page that `--html` asks for.

    Parameters
    ----------
    source
        Name of a task, which `fivestep tasks` lists, or the folder of a run.
    """
    for name in shown.engine:
        one_of("engine", name, names("engines"))
    subject = subject_at(source, network, plan, shown.data_dir, shown.dtype)
    step = _step(shown, subject)
    engine = subject.starting_engine()
    if subject.is_trained and sum(epoch.seconds for epoch in subject.history) > LONG:
        print(f"Doing the {step - 1:,} steps before it again ...", file=sys.stderr)  # noqa: T201
    upcoming = train_to(engine, subject.data, engine.plan, step, subject.history)
    batch = first_rows(upcoming.batch, _num_rows(shown.rows, len(upcoming.batch.x)))
    sections = explain_step(engine, batch, shown.layer)
    spec = engine.spec
    title = f"Step {step:,} of {spec.title} {spec.sizes_text()} on {source}"
    if shown.html is not None:
        _write_page(shown.html, title, _rows_text(batch, upcoming.batch), sections)
    if shown.json:
        print(json.dumps(_report(subject, source, step, batch, sections)))  # noqa: T201
    elif shown.html is not None:
        Console(highlight=False).print(f"The page is in {shown.html}", markup=False, soft_wrap=True)
    else:
        paper = Page(Console(highlight=False), shown.engine)
        paper.paragraph(f"{title}, {_rows_text(batch, upcoming.batch)}.")
        paper.paragraph(NAMES)
        for section in sections:
            paper.section(section)


def _step(shown: ShownOptions, subject: Subject) -> int:
    """The requested step, or the last one of a run, or the first one of a task."""
    if shown.step is not None:
        at_least("step", shown.step, 1)
        return shown.step
    return max(subject.num_updates, 1)


def _num_rows(asked: int | str | None, there: int) -> int:
    if asked is None:
        return there if there <= FEW_ROWS else SAMPLE_ROWS
    return there if asked == "all" else int(asked)


def _rows_text(batch: Batch, whole: Batch) -> str:
    taken, there = len(batch.x), len(whole.x)
    if taken == there:
        return f"with its {there} rows" if there > 1 else "with its one row"
    return f"with the first {taken} of its {there} rows, so that the numbers stay few (--rows all takes all)"


def _write_page(path: Path, title: str, rows: str, sections: list[Section]) -> None:
    body = [element("h1", title), element("p", f"{rows[0].upper()}{rows[1:]}.", css="soft"), element("p", NAMES)]
    try:
        write_text(path, page(title, "\n".join([*body, sections_html(sections)])))
    except OSError as error:
        raise unwritable("--html", path, error, "file") from error


def _report(subject: Subject, source: str, step: int, batch: Batch, sections: list[Section]) -> dict[str, Any]:
    """The step as one JSON object, block by block."""
    return {
        "task": subject.data.name,
        "source": source,
        "network": subject.engine.spec.to_dict(),
        "plan": subject.engine.plan.to_dict(),
        "step": step,
        "rows": len(batch.x),
        "sections": [
            {
                "number": section.number,
                "name": section.name,
                "places": [{"name": place.name, "file": place.file, "line": place.line} for place in section.places],
                "blocks": [
                    {
                        "title": block.title,
                        "layer": block.layer,
                        "text": block.text,
                        "entries": [_entry(entry) for entry in block.entries],
                    }
                    for block in section.blocks
                ],
            }
            for section in sections
        ],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    """A tensor with its values, or with its range and mean if it is wide."""
    found: dict[str, Any] = {"name": entry.name, "shape": entry.shape, "formula": entry.formula, "note": entry.note}
    if entry.tensor.numel() <= FEW:
        return found | {"values": entry.tensor.tolist()}
    return found | {"values": None} | extremes(entry.tensor)
