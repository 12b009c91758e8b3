"""The output of `fivestep train FILE` beside the run: the columns' kinds, notes, and the baselines."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from statistics import fmean
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..datasets._base import Dataset
from ..diagnosis._constant import constant_answer, constant_loss
from ..ensemble import num_members
from ..find import find
from ..run import Run
from ..scores import Measured, measured
from ..table.words import in_line, in_list, in_words, readable
from ._screen import print_whole, summary
from ._task import facts_of

if TYPE_CHECKING:
    from ..datasets._table import LoadedTable, TableSource
    from ..table.target import Target
    from ..table.targets import TargetColumns

MOST_SHOWN = 60
"""The most columns that are listed; of a wider table the first ones, and the number of the others by kind."""

CLEARLY = 0.01
"""The share by which an error, or the rate of wrong answers, must be lower to count as better."""


TOLD = 0.05
"""The share by which a loss must be below that of the classes' shares.

On test parts of 600 rows, one in 25 of the rare class, it was 0.99 to 1.02 of that with labels of chance (five tables),
and 0.78 where two columns tell of them; the script was not kept.
"""


def show_columns(console: Console, loaded: "LoadedTable", source: Mapping[str, Any]) -> None:
    """The table of the columns, the sizes of the parts, and the notes."""
    from ..datasets._table import TableSource

    assert loaded.data.encoder is not None, "a table has an encoder"
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("column", "taken for", "because"):
        table.add_column(title, overflow="fold")
    for target in loaded.data.encoder.targets.columns:
        table.add_row(_name(target.name), "target", Text(_described(target)))
    for name, role in TableSource.from_dict(source).about_rows.items():
        if role != "target":
            table.add_row(_name(name), role, "as asked")
    for kind in loaded.kinds[:MOST_SHOWN]:
        used = kind.kind if kind.is_used else f"{kind.kind}, left out"
        table.add_row(_name(kind.name), used, Text(kind.detail), style="" if kind.is_used else "dim")
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


def _name(name: str) -> Text:
    """The full name of a column on one line, so that it can be copied."""
    return Text(" ".join(name.split()))


def _described(target: "Target") -> str:
    from ..table.values import PLAIN

    described = target.to_dict()
    if target.task == "regression":
        written = f", as {described['number_format']}" * (described["number_format"] != PLAIN)
        return f"regression, mean {readable(described['mean'])}, deviation {readable(described['deviation'])}{written}"
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
    """The place where a stream's encoded rows are cached."""
    from ..datasets._table.table_stream import TableStream

    stream = loaded.data.stream
    room = stream.room if isinstance(stream, TableStream) else None
    if room is None:
        return None
    folder, size = room[0], f"{-(-room[1] // 10**6):,} MB"
    return f"The first epoch keeps encoded rows for those after it in {folder}, {size} (--no-cache: none)."


def remembered(source: "TableSource", loaded: "LoadedTable") -> dict[str, Any]:
    """What a run stores about its file: its path, its identifier columns, and the other omitted columns."""
    left_out = [kind.name for kind in loaded.kinds if not kind.is_used]
    identifiers = [kind.name for kind in loaded.kinds if kind.kind == "identifier"]
    return {"table": source.to_dict(), "identifiers": identifiers, "left_out": left_out}


def show_scores(
    console: Console, scores: Mapping[str, tuple[int, Measured]], known: Mapping[str, float] = MappingProxyType({})
) -> None:
    """Prints the table of the parts, with known losses; then, for several targets, each on the last part."""
    print_whole(console, summary({part: (num_rows, score.whole) for part, (num_rows, score) in scores.items()}, known))
    part, (_, score) = list(scores.items())[-1]
    if not score.of_targets:
        return
    names, rows = score.by_target()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(f"{part}, by target", overflow="fold")
    for name in names:
        table.add_column(name, justify="right")
    for target, *found in rows:
        table.add_row(Text(in_line(target)), *found)
    console.print(f"{score.of_means()}\n", markup=False, soft_wrap=True)
    console.print(table)


def show_verdict(console: Console, run: Run, loaded: "LoadedTable", *, is_over: bool) -> dict[str, float]:
    """Compares network and baselines on the test part, and if training is over in a sentence too.

    One that was interrupted may yet learn what it has not. Returns the baselines' figures.
    """
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
    if is_over:
        verdict = _verdict(targets, own, known, why, lambda: _yet_told_apart(run, data, targets, found.whole.loss))
        console.print(verdict, markup=False, soft_wrap=True)
    if is_over and (folds := _folds_that_may_gain(run, loaded)):
        words = f"Of so few rows the mean of several networks is usually better: add --bagging {folds}."
        console.print(words, soft_wrap=True)
    each = {f"{title}_{name}": of[name] for title, of in known.items() for name in of if targets.are_several}
    return {title: fmean(of.values()) for title, of in known.items()} | each


def _show_beside(console: Console, targets: "TargetColumns", figures: Mapping[str, Mapping[str, float]]) -> None:
    """Prints the figures of each: a line for each of them, or with several targets for each target."""
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
    targets: "TargetColumns",
    own: Mapping[str, float],
    known: Mapping[str, Mapping[str, float]],
    why: str,
    yet: Callable[[], str] = str,
) -> str:
    """What the network beats; for several targets on average, and which of them it has not learned.

    A target is not learned if a constant answer, the first of the baselines, is as good.
    """
    units, sign = targets.units, 1 if targets.are_classes else -1
    means = {title: fmean(of[name] / units[name] for name in own) for title, of in known.items()}
    sentence = _sentence(fmean(own[name] / units[name] for name in own), means, sign, why, yet)
    if not targets.are_several:
        return sentence
    guess, of_guess = next(iter(known.items()))
    behind = [in_list(name) for name in own if not _is_clearly_better(own[name], of_guess[name], sign)]
    some = f"Of {in_words(behind)} the network knows no more than {guess}. " if 0 < len(behind) < len(own) else ""
    return f"{some}On average over the targets, {sentence[0].lower()}{sentence[1:]}"


def _yet_told_apart(run: Run, data: Dataset, targets: "TargetColumns", loss: float) -> str:
    """What to say of a network whose loss on the test part is clearly below that of the classes' shares; else empty.

    Where a class is rare, the most probable one is nearly always the same, and no accuracy shows what was learned.
    """
    assert data.test is not None, "a table has a test part"
    if num_members(run.spec) > 1 or not targets.are_classes or targets.are_several:
        return ""
    shares = constant_loss(run.engine, data.test, constant_answer(run.engine, data.train))
    if not loss < (1 - TOLD) * shares:
        return ""
    return (
        f" Yet its probabilities tell rows apart: their loss is {loss:.4f}, that of the classes' shares {shares:.4f}. "
        f"Where a class is rare, accuracy does not show that: fivestep evaluate {run.path} --metric auc"
    )


def _folds_that_may_gain(run: Run, loaded: "LoadedTable") -> int | None:
    """How many networks an estimator would train on these rows, where a run trains one that can be resumed.

    None where --bagging would refuse what was asked, and with times, of which no so few rows were measured.
    """
    data, has_valid_file = loaded.data, isinstance(run.info["table"]["valid"], str)
    if num_members(run.spec) > 1 or data.stream is not None or loaded.times is not None or has_valid_file:
        return None
    num_rows = len(data.train) + (0 if data.valid is None else len(data.valid))
    facts, recipe = replace(facts_of(data, run.plan), num_rows=num_rows), find("recipes", run.info["recipe"])()
    settings = {**run.info.get("network", {}), "loss": run.plan.loss, "optimizer": run.plan.optimizer}
    folds: int | None = recipe.preparation(run.info["model"], settings, facts).folds
    return folds if folds is None or loaded.groups is None else min(folds, len(np.unique(loaded.groups)))


def _sentence(own: float, known: Mapping[str, float], sign: int, why: str, yet: Callable[[], str] = str) -> str:
    """What the network beats; if nothing, what `yet` says follows, or else possible reasons and `why`.

    Rounding, or one row in a thousand, is a tie.
    """
    beaten = [name for name, value in known.items() if _is_clearly_better(own, value, sign)]
    unbeaten = [name for name in known if name not in beaten]
    if not unbeaten:
        return f"The network beats {' and '.join(beaten)}."
    if not beaten:
        neither = f"The network beats neither {' nor '.join(unbeaten)}"
        if told := yet():
            return f"{neither}.{told}"
        return f"{neither}: the columns may not tell the target, or training needs other settings.{why}"
    return f"The network beats {beaten[0]}, but not {unbeaten[0]}."


def _is_clearly_better(one: float, other: float, sign: int) -> bool:
    """Whether an accuracy (`sign` 1) or an error (-1) is better than another by more than rounding."""
    wrong, others = (1 - one, 1 - other) if sign > 0 else (one, other)
    return wrong < (1 - CLEARLY) * others
