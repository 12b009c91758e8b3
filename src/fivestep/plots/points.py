"""The rows of a data set, seen along two of their numbers."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ._style import Canvas, grouped
from ._surface import class_legend, scatter


def points(
    x: np.ndarray,
    y: np.ndarray,
    class_names: Sequence[str],
    feature_names: Sequence[str],
    title: str = "",
    *,
    target_name: str = "target",
    dark: bool = False,
) -> Figure:
    """Rows x (N, 2), colored by class y (N,); without `class_names`, y are numbers, on a scale of colors."""
    canvas = Canvas(title, dark=dark, height=5.0)
    axes = canvas.axes(x=feature_names[0], y=feature_names[1])
    if class_names:
        class_legend(canvas, axes, scatter(canvas, axes, x, y, class_names), class_names)
    else:
        shown = axes.scatter(x[:, 0], x[:, 1], c=y, cmap="cividis", s=16, edgecolors=canvas.theme.faint, linewidths=0.4)
        canvas.colorbar(shown, axes, target_name, format=grouped())
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(grouped())
    return canvas.figure
