"""The graph that autograd builds of the real loss, from the loss down to the parameters."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.textpath import TextPath

from ._style import SMALL, WIDTH, Canvas

ROW = 0.62
"""Inches from one row of boxes to the next."""

HALF_BOX, HALF_LINE = 0.24, 0.12
"""Half the height of a box, and what another line adds to it, in rows."""

MARGIN, WIDEST = 0.35, 100.0
"""Inches around the words of a box, and of the widest drawing: beyond it letters shrink."""


def autograd_graph(
    rows: Sequence[Sequence[tuple[str, str, str]]],
    edges: Sequence[tuple[str, str]],
    title: str = "",
    *,
    dark: bool = False,
) -> Figure:
    """Boxes in rows, the loss on top, and an arrow from each to those that its gradient goes to.

    `rows` holds for each box its key, its words, and its kind: "operation" or "parameter"; `edges` are pairs of keys.
    """
    inches = [[_width(words) for _, words, _ in row] for row in rows]
    needed = max(WIDTH, *map(sum, inches))
    width = min(needed, WIDEST)
    canvas = Canvas(title, dark=dark, width=width, height=0.9 + ROW * len(rows))
    axes = canvas.bare()
    for spine in axes.spines.values():
        spine.set_visible(False)
    place = {}
    for number, (row, widths) in enumerate(zip(rows, inches, strict=True)):
        gap, left = (needed - sum(widths)) / len(row), 0.0
        for (key, *_), own in zip(row, widths, strict=True):
            place[key] = (left + (own + gap) / 2, -number)
            left += own + gap
    half = {key: HALF_BOX + HALF_LINE * words.count("\n") for row in rows for key, words, _ in row}
    for start, end in edges:
        (x, y), (to_x, to_y) = place[start], place[end]
        arrow = {"arrowstyle": "-|>", "color": canvas.color(7), "shrinkA": 0, "shrinkB": 0, "lw": 1.3}
        axes.annotate("", (to_x, to_y + half[end]), (x, y - half[start]), arrowprops=arrow)
    for key, words, kind in (box for row in rows for box in row):
        x, y = place[key]
        color = canvas.color(1 if kind == "parameter" else 0)
        axes.text(
            x, y, words, ha="center", va="center", fontsize=SMALL * width / needed, color=canvas.theme.ink,
            bbox={"boxstyle": "round,pad=0.35", "fc": canvas.theme.ground, "ec": color, "lw": 1.8},
        )  # fmt: skip
    axes.set_xlim(0, needed)
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    return canvas.figure


def _width(words: str) -> float:
    """The inches that a box takes in its row."""
    points: float = max(TextPath((0, 0), line, size=SMALL).get_extents().width for line in words.splitlines())
    return points / 72 + MARGIN
