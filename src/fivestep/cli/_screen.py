"""What `fivestep train` shows: a line for each epoch, a live bar below them in a terminal, a table at the end."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, Self, final

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text
from torch import Tensor

from ..datasets._base import Dataset
from ..engines._engine import Engine
from ..epoch import Epoch, Evaluation
from ..find import Choice
from ..net import NetSpec
from ..plan import TrainPlan
from ..stopping import epoch_put_back
from ..typing import Tensors
from ._live import Pace, bar, live

WIDEST = 1000
"""The most characters in a line of a table."""

FORMS = ((1e3, ".4f"), (1e4, ".2f"), (1e5, ",.1f"), (1e8, ",.0f"))
"""Formats for numbers below these sizes: four decimals of an error in thousands of dollars say nothing."""


class Column(NamedTuple):
    """A column of the epochs' lines: its title, its width in characters, and its text for an epoch."""

    title: str
    width: int
    text: Callable[[Epoch], str]


@final
class Screen:
    """Shows a run while it trains. Outside a terminal there is no bar, only lines.

    `num_done` returns the number of steps done, by default that of the engine.
    """

    def __init__(
        self,
        console: Console,
        engine: Engine,
        data: Dataset,
        plan: TrainPlan,
        num_done: Callable[[], int] | None = None,
    ) -> None:
        self._console, self._num_done = console, num_done or (lambda: engine.num_updates)
        self._num_steps = plan.num_steps(data.num_rows)
        self._columns = _columns(engine, data, plan)
        while len(self._columns) > 2 and _width(self._columns) > console.width:
            self._columns.pop()
        self._engine, self._started, self._first = engine, engine.clock, self._num_done()

    @contextmanager
    def begun(self) -> Iterator[Self]:
        """A context that prints the titles of the columns, and shows the bar below the lines."""
        self._print("  ".join(column.title.rjust(column.width) for column in self._columns), style="bold")
        with live(self._console, self):
            yield self

    def show(self, epoch: Epoch) -> None:
        """Prints the line of one epoch."""
        self._print("  ".join(column.text(epoch).rjust(column.width) for column in self._columns))

    def __rich__(self) -> RenderableType:
        """The bar, from the number of steps done; called by the display's own thread."""
        done = self._num_done()
        pace = Pace(done, self._num_steps, self._first, self._engine.clock - self._started)
        return bar(self._console, pace, f"step {done:,} of {self._num_steps:,}")

    def _print(self, line: str, style: str = "") -> None:
        self._console.print(Text(line, style=style), soft_wrap=True)


def summary(parts: dict[str, tuple[int, Evaluation]], known: Mapping[str, float]) -> Table:
    """The table at the end: rows, loss, accuracy and metrics of each part, then losses to compare with."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    figures = {part: scores.figures() for part, (_, scores) in parts.items()}
    names = dict.fromkeys(name for of in figures.values() for name, value in of.items() if value is not None)
    for title in ("rows", *names):
        table.add_column(title, justify="right")
    for part, (num_rows, _) in parts.items():
        table.add_row(part, f"{num_rows:,}", *(number(figures[part].get(name)) for name in names))
    for name, loss in known.items():
        table.add_row(name, "", number(loss))
    return table


def weights_put_back(history: Sequence[Epoch], plan: TrainPlan) -> str | None:
    """Tells to which epoch the weights belong, if not to the last shown one."""
    best = epoch_put_back(history, plan)
    if best is None:
        return None
    part = "training" if best.valid_loss is None else "validation"
    return f"The weights are those of epoch {best.index:,}, whose {plan.monitor} on the {part} part is the best."


def temperature_set(info: Mapping[str, Any], plan: TrainPlan) -> str | None:
    """Tells which temperature a run ended with, and of which labels its losses are."""
    words = []
    if "temperature" in info:
        words.append(
            f"The probabilities are as sure as the validation part says (temperature {info['temperature']:.2f})."
        )
    if plan.temperature_scaling and Choice.parse(plan.loss).options.get("label_smoothing"):
        words.append("The losses above are of labels as they are; in training they are smoothed.")
    return " ".join(words) or None


def print_whole(console: Console, table: Table) -> None:
    """Prints a table without truncating numbers: if the terminal is too narrow, the lines wrap."""
    table.width = console.measure(table, options=console.options.update(max_width=WIDEST)).maximum
    console.print(table, crop=False)


def print_network(console: Console, spec: NetSpec) -> None:
    """Prints the network's summary; if the terminal is too narrow, with each tensor on its own line."""
    text = str(spec)
    if max(map(len, text.splitlines())) <= console.width:
        console.print(Text(text), soft_wrap=True)
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="")
    for title in ("", "layer", "parameters", "number", "output"):
        table.add_column(title, justify="right" if title == "number" else "left")
    for place, layer, shapes, count, output in spec.summary():
        table.add_row(place, layer, shapes.replace("), ", "),\n"), f"{count:,}", output)
    console.print(Text(text.splitlines()[0]), soft_wrap=True)
    print_whole(console, table)


def known_losses(engine: Engine, data: Dataset) -> Mapping[str, float]:
    """The data's known losses, if the network's loss is a cross-entropy too."""
    return data.known_losses if engine.plan.loss == Choice("cross_entropy") else {}


def weights_table(engine: Engine, known: Mapping[str, Tensors]) -> Table:
    """Each learned parameter beside its known values: the true one and that of least squares."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for title in ("learned", *known):
        table.add_column(title, justify="right")
    for name, learned in engine.named_parameters().items():
        columns = [learned.flatten().tolist(), *(weights[name].flatten().tolist() for weights in known.values())]
        for place, numbers in enumerate(zip(*columns, strict=True)):
            label = name.removeprefix("0.") + (f" {place}" if learned.numel() > 1 else "")
            table.add_row(label, *map(number, numbers))
    return table


def _width(columns: list[Column]) -> int:
    return sum(column.width for column in columns) + 2 * (len(columns) - 1)


def _columns(engine: Engine, data: Dataset, plan: TrainPlan) -> list[Column]:
    """The columns: epoch, losses, accuracies if any, metrics, speed; for a line, its parameters as they move."""
    columns = [
        Column("epoch", 5, lambda epoch: str(epoch.index)),
        Column("train loss", 10, lambda epoch: number(epoch.train_loss)),
    ]
    classifies = engine.criterion.target != "numbers"
    if classifies:
        columns.append(Column("accuracy", 8, lambda epoch: number(epoch.train_accuracy)))
    if data.valid is not None:
        columns.append(Column("valid loss", 10, lambda epoch: number(epoch.valid_loss)))
        if classifies:
            columns.append(Column("accuracy", 8, lambda epoch: number(epoch.valid_accuracy)))
    part = "train" if data.valid is None else "valid"
    shown = [name for name in plan.metrics if name != "accuracy"]
    columns += [Column(f"{part} {name}", len(name) + 6, partial(_figure, f"{part}_{name}")) for name in shown]
    columns += [Column(name, 9, partial(_shown, view)) for name, view in line_parameters(engine).items()]
    return [*columns, Column("rows/s", 10, lambda epoch: f"{epoch.rows_per_second:,.0f}")]


def line_parameters(engine: Engine) -> dict[str, Tensor]:
    """The "weight" and "bias" of a straight line, y = weight x + bias, as views; empty for any other network."""
    named = engine.named_parameters()
    if set(named) != {"0.weight", "0.bias"} or named["0.weight"].numel() > 1:
        return {}
    return {"weight": named["0.weight"], "bias": named["0.bias"]}


def _shown(view: Tensor, _epoch: Epoch) -> str:
    return number(view.item())


def _figure(name: str, epoch: Epoch) -> str:
    return number(epoch.figures()[name])


def number(value: float | None) -> str:
    """A figure in at most ten characters: four decimals, fewer for thousands, scientific if too large."""
    if value is None:
        return ""
    for below, form in FORMS:
        if abs(value) < below:
            return format(value, form)
    return f"{value:.3g}"
