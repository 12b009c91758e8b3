"""The output of `fivestep sweep`: the best networks so far, live in a terminal; the ranking at the end."""

import math
import time
from collections.abc import Sequence
from typing import Any, final

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..sweep import Sweep
from ..sweep.attempts import Attempt
from ..sweep.space import label
from ._live import Pace, bar
from ._screen import number

SHOWN_LIVE, SHOWN_AT_END = 5, 10
"""The number of networks in the two tables."""

SECONDS = 1.0
"""The least seconds between two lines outside a terminal."""


@final
class SweepScreen:
    """Shows a sweep while it runs."""

    def __init__(self, console: Console, sweep: Sweep) -> None:
        self._console, self._sweep = console, sweep
        self._started = self._said_at = time.monotonic()
        self._said = ""
        self._first: int | None = None
        self._compiling: dict[int, float] = {}
        """The seconds that each network has compiled, which tell nothing about the others."""

    def show(self) -> None:
        """Outside a terminal, prints the sweep's status if it has changed, from time to time and at the end."""
        now, status = time.monotonic(), self._sweep.status
        if self._console.is_terminal or (now < self._said_at + SECONDS and status.num_over < status.num_models):
            return
        first = [one for one in self._sweep.standing[:1] if math.isfinite(one.value)]
        best = "".join(f", best {number(self._sweep.figure(one))} (network {one.network})" for one in first)
        words = f"{self._counts()}{best}"
        if words != self._said:
            self._said_at, self._said = now, words
            self._console.print(words, markup=False, soft_wrap=True)

    def __rich__(self) -> RenderableType:
        """The bar, which includes partly trained networks, and the best networks."""
        status, members = self._sweep.status, self._sweep.members.copy()
        done = status.num_over + sum(self._part_of(member) for member in members.values())
        self._first = status.num_over if self._first is None else self._first
        self._compiling |= {network: member.engine.seconds_compiling for network, member in members.items()}
        elapsed = time.monotonic() - self._started - sum(self._compiling.values())
        line = bar(self._console, Pace(done, status.num_models, self._first, elapsed), self._counts())
        best = self._sweep.standing[:SHOWN_LIVE]
        return Group(ranked_table(self._sweep, best, self._console.width), line) if best else line

    @staticmethod
    def _part_of(member: Any) -> float:
        """The share of its steps that a network has done; with early stopping it may end before all."""
        steps = member.plan.num_steps(len(member.data.train))
        return min(1.0, float(member.engine.num_updates / steps))

    def _counts(self) -> str:
        status, attempts = self._sweep.status, [*self._sweep.attempts.values()]
        counts = {word: sum(one.state == word for one in attempts) for word in ("pruned", "diverged")}
        words = "".join(f", {number:,} {word}" for word, number in counts.items() if number)
        if status.num_elsewhere:
            none_is_left = not self._sweep.members and status.num_over + status.num_elsewhere == status.num_models
            words += f", {status.num_elsewhere:,} in other processes" + ", none left for this one" * none_is_left
        return f"{status.num_over:,} of {status.num_models:,} networks{words}"


def ranked_table(sweep: Sweep, ranking: Sequence[Attempt], width: int) -> Table:
    """The best networks: the ranked figure, their settings and how far they got, as many columns as fit."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    columns: dict[str, list[str]] = {"rank": [str(rank) for rank in range(1, len(ranking) + 1)]}
    columns["network"] = [str(one.network) for one in ranking]
    columns[f"valid {sweep.ranked_by}"] = [number(sweep.figure(one)) for one in ranking]
    for name in sweep.space.varied:
        columns[name.replace("_", " ")] = [_short(one.drawn[name]) for one in ranking]
    if sweep.ranked_by != "accuracy" and any("valid_accuracy" in one.figures for one in ranking):
        columns["accuracy"] = [number(one.figures.get("valid_accuracy")) for one in ranking]
    columns["epochs"] = [f"{one.figures['epochs']:,}" for one in ranking]
    used = 0
    for title, cells in columns.items():
        used += max(len(title), *map(len, cells)) + 2
        if used <= width + 2 or len(table.columns) < 3:
            table.add_column(title, justify="right", no_wrap=True)
    shown = [cells for (title, cells), _ in zip(columns.items(), table.columns, strict=False)]
    for row in zip(*shown, strict=True):
        table.add_row(*map(Text, row))
    return table


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else label(value)
