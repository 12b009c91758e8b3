"""`fivestep explain TASK`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, final

from cyclopts import Group, Parameter
from rich.console import Console

from ..batches import Batch
from ..check import at_least
from ..engines._make import make_engine
from ..explain import Entry, Section, first_rows, train_to
from ..explain import explain as explain_step
from ..explain._tensors import FEW, extremes
from ._options import NetworkOptions, PlanOptions
from ._page import Page
from ._task import Prepared, prepare
from ._values import whole

NAMES = (
    "W0, b0 and z0 belong to layer 0, a1 to layer 1, and so on. A B is the matrix product: each row of A times each "
    "column of B, added up. W0^T is W0 with rows and columns exchanged. A * B multiplies number by number."
)
FEW_ROWS, SAMPLE_ROWS = 10, 4
"""Batches of up to so many rows are taken whole; of larger ones, so many."""


@final
@Parameter(name="*", group=Group("What is shown", sort_key=0))
@dataclass(frozen=True, kw_only=True)
class ShownOptions:
    """Which step, on which rows, in what form."""

    step: Annotated[int, Parameter(help="The step to explain; those before it are done first.", converter=whole)] = 1
    rows: Annotated[
        int | Literal["all"] | None,
        Parameter(help="Rows of its batch to take; by default 4 of a large one.", converter=whole),
    ] = None
    layer: Annotated[int | None, Parameter(help="Show this layer only, counted from 0.", converter=whole)] = None
    dtype: Annotated[str, Parameter(help="float32 or float64.")] = "float32"
    data_dir: Annotated[Path | None, Parameter(help="Folder with the task's files.")] = None
    json: Annotated[bool, Parameter(help="Print one JSON object.", negative="")] = False


def explain(
    task: str,
    /,
    *,
    shown: ShownOptions = ShownOptions(),
    network: NetworkOptions = NetworkOptions(),  # noqa: B008
    plan: PlanOptions = PlanOptions(),  # noqa: B008
) -> None:
    """Show one step of the loop, number by number: its five parts, each tensor with shape, formula and values.

    Every number can be worked out by hand from those above it; `fivestep explain moons` is the place to begin. Network
    and training are chosen as in `train`, by the same options, and nothing is written.

    Parameters
    ----------
    task
        Name of the task; `fivestep tasks` lists them.
    """
    at_least("step", shown.step, 1)
    prepared = prepare(task, network, plan, data_dir=shown.data_dir)
    engine = make_engine("scratch", prepared.spec, prepared.plan, dtype=shown.dtype, device="cpu")
    upcoming = train_to(engine, prepared.data, prepared.plan, shown.step)
    batch = first_rows(upcoming.batch, _num_rows(shown.rows, len(upcoming.batch.x)))
    sections = explain_step(engine, batch, shown.layer)
    if shown.json:
        print(json.dumps(_report(prepared, task, shown.step, batch, sections)))  # noqa: T201
        return
    page = Page(Console(highlight=False))
    network_text = f"{prepared.spec.title} {prepared.spec.sizes_text()}"
    page.paragraph(f"Step {shown.step} of {network_text} on {task}, {_rows_text(batch, upcoming.batch)}.")
    page.paragraph(NAMES)
    for section in sections:
        page.section(section)


def _num_rows(asked: int | str | None, there: int) -> int:
    if asked is None:
        return there if there <= FEW_ROWS else SAMPLE_ROWS
    return there if asked == "all" else int(asked)


def _rows_text(batch: Batch, whole: Batch) -> str:
    taken, there = len(batch.x), len(whole.x)
    if taken == there:
        return f"with its {there} rows" if there > 1 else "with its one row"
    return f"with the first {taken} of its {there} rows, so that the numbers stay few (--rows all takes all)"


def _report(prepared: Prepared, task: str, step: int, batch: Batch, sections: list[Section]) -> dict[str, Any]:
    """The step in one object, block by block."""
    return {
        "task": task,
        "model": prepared.model,
        "network": prepared.spec.to_dict(),
        "plan": prepared.plan.to_dict(),
        "step": step,
        "rows": len(batch.x),
        "sections": [
            {
                "number": section.number,
                "name": section.name,
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
    """A tensor with its values, or with its range and mean where it is wide."""
    found: dict[str, Any] = {"name": entry.name, "shape": entry.shape, "formula": entry.formula, "note": entry.note}
    if entry.tensor.numel() <= FEW:
        return found | {"values": entry.tensor.tolist()}
    return found | {"values": None} | extremes(entry.tensor)
