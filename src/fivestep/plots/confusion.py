"""Which classes are taken for which."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ._style import SMALL, Canvas, short_name

MOST_WRITTEN = 20
"""Classes up to which every count is written into its field."""

MOST_NAMED = 30
"""Lines of text beside the largest picture; of more classes, every second, third, ... is named."""

FITTING = 36
"""Letters that fit below the fields side by side; more are slanted."""


def confusion(counts: np.ndarray, class_names: Sequence[str], title: str = "", *, dark: bool = False) -> Figure:
    """Counts (C, C) of rows by true class (down) and answer (across); color is the share of the true class's rows."""
    num_classes = len(class_names)
    size = min(8.0, 3.6 + 0.46 * num_classes)
    canvas = Canvas(title, dark=dark, width=size + 1.0 if num_classes < 8 else 8.0, height=size - 0.4)
    axes = canvas.axes(x="answer", y="true class")
    share = counts / counts.sum(axis=1, keepdims=True).clip(1)
    shown = axes.imshow(share, cmap=canvas.ramp(), vmin=0, vmax=1)
    axes.grid(visible=False)
    named = range(0, num_classes, math.ceil(num_classes / MOST_NAMED))
    names = [short_name(class_names[k]) for k in named]
    if max(map(len, names)) * num_classes <= FITTING:
        axes.set_xticks(named, names, parse_math=False)
    else:
        axes.set_xticks(named, names, rotation=45, ha="right", rotation_mode="anchor", parse_math=False)
    axes.set_yticks(named, names, parse_math=False)
    if num_classes <= MOST_WRITTEN:
        _write(canvas, axes, counts, share)
    canvas.colorbar(shown, axes, "share of the true class")
    return canvas.figure


def _write(canvas: Canvas, axes: Axes, counts: np.ndarray, share: np.ndarray) -> None:
    """The counts, in ink, or in the color of the ground where the field is dark."""
    for (row, column), count in np.ndenumerate(counts):
        if count:
            color = canvas.theme.ground if share[row, column] > 0.55 else canvas.theme.ink
            axes.text(column, row, f"{int(count):,}", ha="center", va="center", fontsize=SMALL, color=color)
