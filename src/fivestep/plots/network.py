"""A network as a drawing: units and the lines between them, layers with their shapes."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ._column import Column
from ._style import LABEL, SMALL, WIDTH, Canvas

COLUMN = 1.65
"""Inches of a column at least: its longest words, such as "weight (256, 256)", stand below each other."""

MOST_UNITS = 10
"""Units of a layer that are drawn one by one; of more, some, and dots for the rest."""


class _Unit(NamedTuple):
    x: float
    y: float


def network(columns: Sequence[Column], title: str = "", *, dark: bool = False) -> Figure:
    """One column of circles for each set of numbers, from the inputs to the outputs, and between two what leads over.

    Each column has its name and its shape; what stands between two has its name and the shapes of its parameters.
    """
    canvas = Canvas(title, dark=dark, width=max(WIDTH, COLUMN * len(columns)), height=4.8)
    axes = canvas.bare()
    for spine in axes.spines.values():
        spine.set_visible(False)
    units = [_units(column, x) for x, column in enumerate(columns)]
    for x, (left, right) in enumerate(pairwise(units)):
        _connect(canvas, axes, left, right, dense=columns[x + 1].is_dense)
    for x, (column, circles) in enumerate(zip(columns, units, strict=True)):
        _draw_column(canvas, axes, column, circles, x)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(-1.62, 1.3)
    return canvas.figure


def _units(column: Column, x: int) -> list[_Unit]:
    shown = min(column.width, MOST_UNITS)
    gap = min(0.5, 1.8 / max(shown - 1, 1))
    return [_Unit(x, gap * ((shown - 1) / 2 - k)) for k in range(shown)]


def _connect(canvas: Canvas, axes: Axes, left: list[_Unit], right: list[_Unit], *, dense: bool) -> None:
    """A line from each unit to each, or from each to its own where the layer works unit by unit."""
    pairs = [(a, b) for a in left for b in right] if dense else list(zip(left, right, strict=False))
    for a, b in pairs:
        axes.plot([a.x, b.x], [a.y, b.y], "-", color=canvas.color(7), lw=0.6, alpha=0.55, zorder=1)


def _draw_column(canvas: Canvas, axes: Axes, column: Column, units: list[_Unit], x: int) -> None:
    color = canvas.color(0 if column.is_dense else 1)
    size = 190 if len(units) <= 6 else 120
    axes.scatter(
        [unit.x for unit in units],
        [unit.y for unit in units],
        s=size,
        color=color,
        edgecolors=canvas.theme.ink,
        zorder=2,
    )
    if column.width > len(units):
        axes.text(
            x,
            units[-1].y - 0.13,
            f"... {column.width:,} in all",
            ha="center",
            va="top",
            fontsize=SMALL,
            color=canvas.theme.ink,
        )
    axes.text(x, 1.14, column.name, ha="center", va="bottom", fontsize=LABEL, color=canvas.theme.ink)
    words = "\n".join([column.shape, *column.parameters])
    axes.text(x, -1.2, words, ha="center", va="top", fontsize=SMALL, color=canvas.theme.ink)
