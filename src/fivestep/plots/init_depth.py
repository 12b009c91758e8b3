"""What each initialization does to activations and gradients on their way through many layers."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ._style import MARKERS, Canvas

FLOOR, CEILING = 1e-12, 1e12
"""What is smaller or larger has vanished or exploded: the axes end there."""


def init_depth(
    activations: Mapping[str, np.ndarray], gradients: Mapping[str, np.ndarray], title: str = "", *, dark: bool = False
) -> Figure:
    """For each scheme the mean square of the activations behind layers 1, 2, ..., and of the gradients before them.

    What is zero throughout has no line, only its name. A flat line is a scheme that keeps signals alive at any depth.
    """
    canvas = Canvas(title, dark=dark, height=4.4)
    for number, (words, series) in enumerate((("activations", activations), ("gradients", gradients)), start=1):
        axes = canvas.axes(1, 2, number, title=words, x="layer", y="mean square" if number == 1 else "")
        _lines(canvas, axes, series)
    canvas.figure.legend(
        *canvas.figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5,
        frameon=False, labelcolor=canvas.theme.ink, fontsize=10,
    )  # fmt: skip
    return canvas.figure


def _lines(canvas: Canvas, axes: Axes, series: Mapping[str, np.ndarray]) -> None:
    for k, (name, values) in enumerate(series.items()):
        if not values.any():
            axes.plot([], [], linestyle="none", label=f"{name} (all 0)")
            continue
        shown = np.where((values > FLOOR) & (values < CEILING), values, np.nan)
        depth = np.arange(1, len(values) + 1)
        axes.plot(
            depth, shown, color=canvas.color(k), marker=MARKERS[k % len(MARKERS)], markevery=4, ms=5, lw=1.7, label=name
        )
    axes.set_yscale("log")
