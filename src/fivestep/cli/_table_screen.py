"""What `fivestep train FILE` shows beside the run: what the columns are taken for, notes, and what it had to beat."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..datasets._base import Dataset, Part
from ..ensemble import num_members
from ..epoch import Evaluation
from ..recipes.standard import TOO_FEW_TO_DROP
from ..recipes.tabular import FEW_TO_SET_ASIDE
from ..run import Run
from ..table.words import in_line, readable
from ..train import evaluate

if TYPE_CHECKING:
    from ..datasets._table import LoadedTable, TableSource
    from ..table.target import Target

MOST_SHOWN = 60
"""Columns that are listed; of a wider table the first ones, and the number of the others by kind."""

CLEARLY = 0.01
"""The share of an error, or of the wrong answers, by which there must be less of it for one to be better."""


def show_columns(console: Console, loaded: "LoadedTable", source: Mapping[str, Any]) -> None:
    """The table of the columns, the sizes of the parts, and the notes."""
    from ..datasets._table import TableSource

    target = loaded.data.encoder.target if loaded.data.encoder else None
    assert target is not None, "a table has a target"
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("column", "taken for", "because"):
        table.add_column(title, overflow="fold")
    table.add_row(Text(target.name), "target", Text(_described(target)))
    for name, role in TableSource.from_dict(source).about_rows.items():
        if role != "target":
            table.add_row(Text(name), role, "as asked")
    for kind in loaded.kinds[:MOST_SHOWN]:
        used = kind.kind if kind.is_used else f"{kind.kind}, left out"
        table.add_row(Text(kind.name), used, Text(kind.detail), style="" if kind.is_used else "dim")
    console.print(table)
    others = loaded.kinds[MOST_SHOWN:]
    if others:
        counts = {kind: sum(one.kind == kind for one in others) for kind in dict.fromkeys(one.kind for one in others)}
        listed = ", ".join(f"{number:,} {kind}" for kind, number in counts.items())
        console.print(f"and {len(others):,} more columns: {listed}", markup=False)
    console.print(f"\n{_sizes(loaded)}", markup=False, soft_wrap=True)
    if (kept := _kept(loaded)) is not None:
        console.print(kept, markup=False, soft_wrap=True)
    for note in loaded.notes:
        console.print(f"note: {note}", markup=False, soft_wrap=True, style="yellow")
    console.print()


def _described(target: "Target") -> str:
    described = target.to_dict()
    if target.task == "regression":
        return f"regression, mean {readable(described['mean'])}, deviation {readable(described['deviation'])}"
    names = described["classes"]
    shown = ", ".join(map(in_line, names[:6])) + (", ..." if len(names) > 6 else "")
    return f"classification, {len(names)} classes: {shown}"


def _sizes(loaded: "LoadedTable") -> str:
    data = loaded.data
    sizes = {name: len(part) for name, part in data.whole().items()} | {"train": data.num_rows}
    words = {"train": "to train", "valid": "to validate", "test": "to test"}
    rows = ", ".join(f"{size:,} {words[name]}" for name, size in sizes.items())
    in_each = "1 number" if data.in_features == 1 else f"{data.in_features:,} numbers"
    return f"Rows: {rows}; {in_each} in each."


def _kept(loaded: "LoadedTable") -> str | None:
    """Where a stream's rows are kept as they were encoded."""
    from ..datasets._stream import TableStream

    stream = loaded.data.stream
    room = stream.room if isinstance(stream, TableStream) else None
    if room is None:
        return None
    folder, size = room[0], f"{-(-room[1] // 10**6):,} MB"
    return f"The first epoch keeps encoded rows for those after it in {folder}, {size} (--no-cache: none)."


def remembered(source: "TableSource", loaded: "LoadedTable") -> dict[str, Any]:
    """What a run keeps of its file: where it is, which columns tell rows apart, and which others were left out."""
    left_out = [kind.name for kind in loaded.kinds if not kind.is_used]
    identifiers = [kind.name for kind in loaded.kinds if kind.kind == "identifier"]
    return {"table": source.to_dict(), "identifiers": identifiers, "left_out": left_out}


def measured(run: Run, rows: Part, metrics: Sequence[str] | None = None) -> Evaluation:
    """Loss, accuracy and metrics of some rows; for a table, errors are in the units of its target, with R^2."""
    target = run.encoder.target if run.encoder is not None and "table" in run.info else None
    if target is None or target.task == "classification" or run.engine.criterion.target != "numbers":
        return evaluate(run.engine, rows, metrics)
    found = evaluate(run.engine, rows, metrics or list(dict.fromkeys([*run.plan.metrics, "rmse", "r2"])))
    units = dict.fromkeys(("rmse", "mae"), target.to_dict()["deviation"])
    return found._replace(metrics={name: value * units.get(name, 1.0) for name, value in found.metrics.items()})


def show_verdict(console: Console, run: Run, loaded: "LoadedTable") -> dict[str, float]:
    """Metric, network and baselines on the test part, in one sentence; returns the baselines."""
    from ..datasets._baselines import baselines

    data, engine = loaded.data, run.engine
    assert data.test is not None, "a table has a test part"
    assert data.encoder is not None, "a table has an encoder"
    target, known = data.encoder.target, baselines(data)
    assert target is not None, "a table has a target"
    if target.task == "regression":
        rmse = evaluate(engine, data.test, ("rmse",)).metrics["rmse"] * target.to_dict()["deviation"]
        name, own, sign = f"root mean squared error of {target.name}", rmse, -1
    else:
        name, own, sign = "accuracy", evaluate(engine, data.test, ("accuracy",)).metrics["accuracy"], 1
    console.print(f"\nOn the test part, {name} ({'higher' if sign > 0 else 'lower'} is better):", markup=False)
    table = Table(box=None, pad_edge=False, show_header=False)
    for title, value in {"network": own, **known}.items():
        table.add_row(Text(title), f"{value:.4f}" if target.task == "classification" else readable(value))
    console.print(table)
    why = f" To see why: fivestep diagnose {run.path}" if num_members(run.spec) == 1 else ""
    console.print(_sentence(own, known, sign, why), markup=False, soft_wrap=True)
    if _may_gain_from_folds(run, data):
        console.print("Of so few rows the mean of five networks is usually better: add --bagging 5.", soft_wrap=True)
    return known


def _may_gain_from_folds(run: Run, data: Dataset) -> bool:
    """Whether an estimator would train several networks of these rows, where a run is one that can be resumed."""
    num_rows = len(data.train) + (0 if data.valid is None else len(data.valid))
    is_usual = run.info["recipe"] == "tabular" and run.info["model"] == "mlp" and not run.info["table"].get("group")
    return is_usual and num_members(run.spec) == 1 and TOO_FEW_TO_DROP <= num_rows < FEW_TO_SET_ASIDE


def _sentence(own: float, known: Mapping[str, float], sign: int, why: str) -> str:
    """What the network beats; `why` follows where that is nothing. A rounding, or a row in a thousand, is a tie."""
    wrong = {name: 1 - value if sign > 0 else value for name, value in {"network": own, **known}.items()}
    beaten = [name for name in known if wrong["network"] < (1 - CLEARLY) * wrong[name]]
    unbeaten = [name for name in known if name not in beaten]
    if not unbeaten:
        return f"The network beats {' and '.join(beaten)}."
    if not beaten:
        return (
            f"The network beats neither {' nor '.join(unbeaten)}: the columns may not tell the target, or training "
            f"needs other settings.{why}"
        )
    return f"The network beats {beaten[0]}, but not {unbeaten[0]}."
