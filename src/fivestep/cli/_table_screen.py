"""What `fivestep train FILE` shows beside the run: what the columns are taken for, notes, and what it had to beat."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..datasets._base import Dataset, Part
from ..ensemble import num_members
from ..epoch import Evaluation
from ..evaluation import evaluate
from ..metrics._base import build_metrics
from ..metrics._of_output import OfOutput
from ..recipes.standard import TOO_FEW_TO_DROP
from ..recipes.tabular import FEW_TO_SET_ASIDE
from ..run import Run
from ..table.words import in_line, in_list, in_words, readable
from ._screen import print_whole, summary

if TYPE_CHECKING:
    from ..datasets._table import LoadedTable, TableSource
    from ..table.target import Target
    from ..table.targets import TargetColumns

MOST_SHOWN = 60
"""Columns that are listed; of a wider table the first ones, and the number of the others by kind."""

USUAL = {"numbers": ("rmse", "r2"), "yes_no": ("accuracy", "subset_accuracy")}
"""What is measured of a table beside the loss."""

IN_UNITS = ("rmse", "mae")
"""The metrics that have the unit of the target."""

CLEARLY = 0.01
"""The share of an error, or of the wrong answers, by which there must be less of it for one to be better."""


def show_columns(console: Console, loaded: "LoadedTable", source: Mapping[str, Any]) -> None:
    """The table of the columns, the sizes of the parts, and the notes."""
    from ..datasets._table import TableSource

    assert loaded.data.encoder is not None, "a table has an encoder"
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("column", "taken for", "because"):
        table.add_column(title, overflow="fold")
    for target in loaded.data.encoder.targets.columns:
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
    shown = ", ".join(map(in_list, names[:6])) + (", ..." if len(names) > 6 else "")
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
    from ..datasets._table.table_stream import TableStream

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


class Measured(NamedTuple):
    """What was measured of some rows, and of several targets of a table the metrics of each, by its name."""

    whole: Evaluation
    of_targets: Mapping[str, Mapping[str, float]] = MappingProxyType({})

    def figures(self) -> dict[str, float | None]:
        """All of it by name."""
        each = {f"{name}_{of}": value for of, found in self.of_targets.items() for name, value in found.items()}
        return {**self.whole.figures(), **each}


def measured(run: Run, rows: Part, metrics: Sequence[str] | None = None) -> Measured:
    """Loss, accuracy and metrics of some rows; for a table, errors are in the units of its targets, with R^2.

    Of several targets, metrics are those of each and their mean.
    """
    targets = run.encoder.targets if run.encoder is not None and "table" in run.info else None
    kind = run.engine.criterion.target
    if targets is None or not (targets.are_several or kind == "numbers"):
        return Measured(evaluate(run.engine, rows, metrics))
    chosen = build_metrics(metrics or dict.fromkeys([*run.plan.metrics, *USUAL[kind]]).keys(), kind)
    units = targets.units
    averaged = {name: metric for name, metric in chosen.items() if metric.averages_outputs}
    places = dict(enumerate(targets.names))
    each = {f"{name} {k}": OfOutput(metric, k) for name, metric in averaged.items() for k in places}
    others = {name: metric for name, metric in chosen.items() if name not in averaged}
    found = evaluate(run.engine, rows, {**others, **each})
    of_targets = {
        target: {name: found.metrics[f"{name} {k}"] * (units[target] if name in IN_UNITS else 1.0) for name in averaged}
        for k, target in places.items()
    }
    means = {name: fmean(of[name] for of in of_targets.values()) for name in averaged}
    together = {name: means[name] if name in means else found.metrics[name] for name in chosen}
    return Measured(found._replace(metrics=together), of_targets if targets.are_several else {})


def show_scores(
    console: Console, scores: Mapping[str, tuple[int, Measured]], known: Mapping[str, float] = MappingProxyType({})
) -> None:
    """The table of the parts, with known losses; then, of several targets, each on the part that is last."""
    print_whole(console, summary({part: (num_rows, score.whole) for part, (num_rows, score) in scores.items()}, known))
    part, (_, score) = list(scores.items())[-1]
    if not score.of_targets:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(f"{part}, by target", overflow="fold")
    for name in next(iter(score.of_targets.values())):
        table.add_column(name, justify="right")
    for target, found in score.of_targets.items():
        table.add_row(
            Text(in_line(target)),
            *(readable(value) if name in IN_UNITS else f"{value:.4f}" for name, value in found.items()),
        )
    console.print()
    console.print(table)


def show_verdict(console: Console, run: Run, loaded: "LoadedTable") -> dict[str, float]:
    """Network and baselines on the test part, in one sentence; returns the baselines, as `measured` the metrics."""
    from ..datasets._baselines import baselines

    data = loaded.data
    assert data.test is not None, "a table has a test part"
    assert data.encoder is not None, "a table has an encoder"
    targets, known = data.encoder.targets, baselines(data)
    figure = "accuracy" if targets.are_classes else "rmse"
    found = measured(run, data.test, [figure])
    own = {name: of[figure] for name, of in found.of_targets.items()} or {targets.names[0]: found.whole.metrics[figure]}
    _show_beside(console, targets, {"network": own, **known})
    why = f" To see why: fivestep diagnose {run.path}" if num_members(run.spec) == 1 else ""
    console.print(_verdict(targets, own, known, why), markup=False, soft_wrap=True)
    if _may_gain_from_folds(run, data):
        console.print("Of so few rows the mean of five networks is usually better: add --bagging 5.", soft_wrap=True)
    each = {f"{title}_{name}": of[name] for title, of in known.items() for name in of if targets.are_several}
    return {title: fmean(of.values()) for title, of in known.items()} | each


def _show_beside(console: Console, targets: "TargetColumns", figures: Mapping[str, Mapping[str, float]]) -> None:
    """What each reaches: a line for each of them, or with several targets for each target."""
    what, better = ("accuracy", "higher") if targets.are_classes else ("root mean squared error", "lower")
    of = f" of {targets.names[0]}" if not (targets.are_several or targets.are_classes) else ""
    console.print(f"\nOn the test part, {what}{of} ({better} is better):", markup=False)
    table = Table(box=None, pad_edge=False, show_header=targets.are_several, header_style="bold")
    table.add_column("", overflow="fold")
    lines = {title: list(of.values()) for title, of in figures.items()}
    if targets.are_several:
        lines = {in_line(name): [of[name] for of in figures.values()] for name in targets.names}
    for title in figures if targets.are_several else targets.names:
        table.add_column(Text(title), justify="right" if targets.are_several else "left")
    for title, values in lines.items():
        table.add_row(Text(title), *(f"{value:.4f}" if targets.are_classes else readable(value) for value in values))
    console.print(table)


def _verdict(
    targets: "TargetColumns", own: Mapping[str, float], known: Mapping[str, Mapping[str, float]], why: str
) -> str:
    """What the network beats; of several targets on average, and which of them it has not learnt.

    A target is not learnt where the guess without looking, the first of the others, is as good.
    """
    units, sign = targets.units, 1 if targets.are_classes else -1
    means = {title: fmean(of[name] / units[name] for name in own) for title, of in known.items()}
    sentence = _sentence(fmean(own[name] / units[name] for name in own), means, sign, why)
    if not targets.are_several:
        return sentence
    guess, of_guess = next(iter(known.items()))
    behind = [in_list(name) for name in own if not _is_clearly_better(own[name], of_guess[name], sign)]
    some = f"Of {in_words(behind)} the network knows no more than {guess}. " if 0 < len(behind) < len(own) else ""
    return f"{some}On average over the targets, {sentence[0].lower()}{sentence[1:]}"


def _may_gain_from_folds(run: Run, data: Dataset) -> bool:
    """Whether an estimator would train several networks of these rows, where a run is one that can be resumed."""
    num_rows = len(data.train) + (0 if data.valid is None else len(data.valid))
    is_usual = run.info["recipe"] == "tabular" and run.info["model"] == "mlp" and not run.info["table"].get("group")
    return is_usual and num_members(run.spec) == 1 and TOO_FEW_TO_DROP <= num_rows < FEW_TO_SET_ASIDE


def _sentence(own: float, known: Mapping[str, float], sign: int, why: str) -> str:
    """What the network beats; `why` follows where that is nothing. A rounding, or a row in a thousand, is a tie."""
    beaten = [name for name, value in known.items() if _is_clearly_better(own, value, sign)]
    unbeaten = [name for name in known if name not in beaten]
    if not unbeaten:
        return f"The network beats {' and '.join(beaten)}."
    if not beaten:
        return (
            f"The network beats neither {' nor '.join(unbeaten)}: the columns may not tell the target, or training "
            f"needs other settings.{why}"
        )
    return f"The network beats {beaten[0]}, but not {unbeaten[0]}."


def _is_clearly_better(one: float, other: float, sign: int) -> bool:
    """Whether an accuracy (`sign` 1) or an error (-1) is better than another by more than a rounding."""
    wrong, others = (1 - one, 1 - other) if sign > 0 else (one, other)
    return wrong < (1 - CLEARLY) * others
